"""Types of what users hold: annotations everywhere, and two checkers that find nothing wrong with them and with the guides."""

import ast
import importlib
import importlib.util
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import gradsim
from gradsim.steps import BLOCK_STEPS

ROOT = Path(__file__).parents[1]
NOT_HERE = {"submitit", "torch"}  # which guides use, and the extra `test` does not bring
UNTOLD = (tuple, dict, list, object, Mapping, Sequence)  # bare, they say nothing of what is in them


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


API = script("api")
PUBLIC = {name: found for _, name, found in API.public()}


@pytest.mark.parametrize("room", ["gradsim", "gradsim.sweep", "gradsim.theory", "gradsim.torch", "gradsim.verification"])
def test_all_that_is_exported_is_listed(room):
    exported = {f"{room}.{name}" for name in importlib.import_module(room).__all__ if not name.isupper()}
    assert exported - {"gradsim.sweep", "gradsim.theory", "gradsim.torch"} - set(PUBLIC) == set()


def lacking(function):
    """What of a function has no annotation."""
    found = inspect.signature(function)
    names = [
        p.name for p in found.parameters.values() if p.annotation is inspect.Parameter.empty and p.name not in ("self", "cls")
    ]
    return names + (["return"] if found.return_annotation is inspect.Signature.empty else [])


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_have_annotations(name):
    found = PUBLIC[name]
    if inspect.isfunction(found):
        assert lacking(found) == []
        return
    functions = {at: API.function_of(member) for at, member in API.members(found).items()}
    said = {at: lacking(function) for at, function in functions.items() if function.__module__.startswith("gradsim")}
    assert {at: names for at, names in said.items() if names} == {}
    told = {field.name: field.type for field in fields(found)} if is_dataclass(found) else {}
    assert [at for at, kind in told.items() if kind in UNTOLD] == []


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name):
    """In docs/api.md: what each is, and what functions raise."""
    found = PUBLIC[name]
    assert found.__doc__ and (inspect.isclass(found) or "Raises" in found.__doc__)
    if inspect.isclass(found):
        bare = [at for at, member in API.members(found).items() if not (API.function_of(member).__doc__ or "").strip()]
        assert set(bare) <= {"__init__", "__len__"}


def checked_imports(path):
    """{name: module} of what stands under `if TYPE_CHECKING` for checkers."""
    (block,) = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.If) and n.test.id == "TYPE_CHECKING"]
    found = [node for node in block.body if isinstance(node, ast.ImportFrom) and node.level]
    return {alias.name: node.module for node in found for alias in node.names if alias.asname == alias.name}


@pytest.mark.parametrize("room", [gradsim, gradsim.theory], ids=["gradsim", "theory"])
def test_checkers_are_told_what_is_found_when_it_is_used(room):
    told, untold = checked_imports(Path(room.__file__)), {name for parts in BLOCK_STEPS.values() for name in parts}
    assert told == {name: home for name, home in room._HOMES.items() if name in told or name not in untold}


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """A folder with the Python of the README, of docs/ and of notebooks, a file a block, and of what must be found wrong."""
    folder = tmp_path_factory.mktemp("examples")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.S)):
            (folder / f"{path.stem}_{number}.py").write_text(block, encoding="utf-8")
    for path in sorted((ROOT / "examples").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        (folder / f"{path.stem}_notebook.py").write_text("\n".join(code), encoding="utf-8")
    (folder / "wrong.py").write_text("import gradsim\n\ngradsim.mlp(width='wide')\ngradsim.open('a.h5')[0].verdict.wrd\n")
    return folder


WRONG = {("wrong.py", 3), ("wrong.py", 4)}


def test_mypy_finds_nothing(examples):
    """Strictly, of the public face and of programs that use it, but for what is wrong."""
    pytest.importorskip("mypy")
    files = [str(path) for path in sorted(examples.glob("*.py"))]
    command = [sys.executable, "-m", "mypy", "--output", "json", *files]
    faces = subprocess.run(command[:3], cwd=ROOT, capture_output=True, text=True)
    assert faces.returncode == 0, faces.stdout + faces.stderr
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(Path(fault["file"]).name, fault["line"]) for fault in found} == WRONG, done.stdout + done.stderr


def test_pyright_finds_nothing(examples):
    """As an editor has it, with nothing switched on or off."""
    pytest.importorskip("pyright")
    (examples / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(ROOT)]}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(examples)]
    done = subprocess.run(command, cwd=examples, capture_output=True, text=True)
    errors = [f for f in json.loads(done.stdout)["generalDiagnostics"] if f["severity"] == "error"]
    others = [f for f in errors if not any(f["message"].startswith(f'Import "{name}" could not be') for name in NOT_HERE)]
    assert {(Path(f["file"]).name, f["range"]["start"]["line"] + 1) for f in others} == WRONG, others
