"""Which room may import which: one way, from what a network is to the commands (docs/architecture.md)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gradsim"
ORDER = (
    ("errors", "version", "typed", "steps"),
    ("memory", "kernels"),
    ("telling",),
    ("model",),
    ("frameworks", "program", "cuda"),
    ("statistics",),
    ("reference", "results", "theory"),
    ("store",),
    ("export", "show"),
    ("report",),
    ("curves",),
    ("simulation",),
    ("advice", "sweep", "torch", "training", "verification"),
    ("cli",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
APART = {("theory", "kernels"), ("store", "kernels"), ("store", "theory")}  # theory must not agree by construction
ENTRANCES = ("__init__", "__main__")  # they open every room, and nobody imports them


def imports(path):
    """Yield (room, line) of every import of gradsim in a file of it, those within functions too."""
    place = path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = place[: len(place) - (node.level - 1)]
            target = (*base, *(node.module.split(".") if node.module else ()))
            yield from ((room, node.lineno) for room in (target[:1] or [alias.name for alias in node.names]))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not any(name.startswith("gradsim.") for name in names), f"{path}: imports within are relative"
            assert place == ("cli",) or "gradsim" not in names, f"{path}: the public names are for what is outside"


def backwards(room, imported):
    return (imported != room and not RANK.get(imported, len(ORDER)) < RANK[room]) or (room, imported) in APART


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    room = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if room not in ENTRANCES:
        found = [f"{room} imports {other} (line {line})" for other, line in imports(path) if backwards(room, other)]
        assert not found


def test_an_arrow_back_would_be_found():
    assert backwards("kernels", "model") and backwards("theory", "curves") and backwards("store", "__version__")
    assert (
        backwards("results", "theory")
        and backwards("theory", "kernels")
        and not backwards("curves", "theory")
        and not backwards("kernels", "kernels")
    )


def test_every_room_has_its_place():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms == {*RANK, *ENTRANCES}
