"""What the package says of itself is so: versions, files, licence, citation, the map of the house."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

import gradsim

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE = ROOT / "gradsim"


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def bounds():
    """What pyproject.toml asks for at least, by name; extras of its own, the bench's exact versions and a GPU's toolkit, which
    the suite is run without, are no bounds."""
    apart = ("bench", "cuda", "cuda-test")
    extras = {name: asked for name, asked in PROJECT["project"]["optional-dependencies"].items() if name not in apart}
    lines = [*PROJECT["project"]["dependencies"], *(line for asked in extras.values() for line in asked)]
    found = [re.fullmatch(r"([a-z0-9-]+)>=([0-9.]+)(,<[0-9.]+)?", line) for line in lines if not line.startswith("gradsim[")]
    assert all(found), lines
    return {match[1]: match[2] for match in found}


def as_numbers(version):
    """Zeros at the end say nothing: 2.2 is 2.2.0."""
    return [int(part) for part in re.sub(r"(\.0)+$", "", version).split(".")]


def test_lower_bounds_are_those_that_the_suite_was_run_with():
    pinned = dict(line.split("==") for line in read("scripts/lower_bounds.txt").splitlines() if "==" in line)
    asked = bounds()
    assert set(asked) == set(pinned) - {"pyparsing"}
    assert {name: as_numbers(version) for name, version in asked.items()} == {name: as_numbers(pinned[name]) for name in asked}


def imported():
    """Top-level names that gradsim imports, at the top of a module or within functions."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module.split(".")[0]


def test_everything_that_is_imported_is_asked_for():
    came_with = {"llvmlite": "numba", "sklearn": "scikit_learn"}  # or come under another name
    asked = {name.replace("-", "_") for name in bounds()}
    others = set(imported()) - set(sys.stdlib_module_names) - {"gradsim"}
    assert {came_with.get(name, name) for name in others} <= asked
    needed = {re.match(r"[a-z0-9-]+", line)[0].replace("-", "_") for line in PROJECT["project"]["dependencies"]}
    assert needed <= {came_with.get(name, name) for name in others}


def test_versions_agree():
    version = PROJECT["project"]["version"]
    assert gradsim.__version__ == version and f"\nversion: {version}\n" in read("CITATION.cff")


def test_the_licence_is_named_everywhere():
    assert PROJECT["project"]["license"] == "BSD-3-Clause" and "\nlicense: BSD-3-Clause\n" in read("CITATION.cff")
    assert read("LICENSE").startswith("BSD 3-Clause License") and "the gradsim developers" in read("LICENSE")
    assert PROJECT["project"]["authors"] == [{"name": "the gradsim developers"}]


def test_the_readme_lists_the_extras():
    listed = re.search(r"the extras are (.*?)\.", read("README.md"), re.S)[1]
    assert sorted(re.findall(r"`([\w-]+)`", listed)) == sorted(PROJECT["project"]["optional-dependencies"])


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_and_names_of_files_lead_somewhere(name):
    text = read(name)
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link and not link.startswith("#")]
    names = re.findall(r"`((?:gradsim|tests|bench|scripts|docs)/[^`*<>\s]*)`", text)
    missing = [link for link in links if not ((ROOT / name).parent / link.split("#")[0]).exists()]
    assert missing + [path for path in names if not (ROOT / path).exists()] == []


def test_the_map_names_every_room():
    text = read("docs/architecture.md")
    rooms = [p.name + "/" if p.is_dir() else p.name for p in PACKAGE.iterdir() if p.name != "__pycache__"]
    assert [room for room in rooms if f"`gradsim/{room}`" not in text] == []


def test_modules_are_no_longer_than_a_reader_s_patience():
    lengths = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n") for path in PACKAGE.rglob("*.py")}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


SWITCHED_OFF = re.compile(r"# (noqa|fmt: (off|skip))(?P<rest>.*)")


def test_the_formatter_and_the_linter_are_told_why():
    """Where they are switched off, the rest of the line or the comment above says why."""
    found = []
    for path in [path for folder in ("gradsim", "tests", "bench", "scripts") for path in (ROOT / folder).rglob("*.py")]:
        lines = path.read_text(encoding="utf-8").splitlines()
        for above, line in zip(["", *lines], lines, strict=False):
            if path.name != Path(__file__).name and (match := SWITCHED_OFF.search(line)):
                said = len(re.findall(r"[a-z]{2,}", match["rest"])) >= 2 or above.strip().startswith("# ")
                found.append((path.name, line.strip(), said))
    assert found and [entry for entry in found if not entry[-1]] == []


def test_a_wheel_holds_the_package_and_nothing_else():
    """What setuptools finds, without building: every module, the classic grid, no tests."""
    setuptools = pytest.importorskip("setuptools")
    options = PROJECT["tool"]["setuptools"]
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert set(setuptools.find_packages(str(ROOT), **options["packages"]["find"])) == folders
    kept = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    others = [path for path in kept if path.suffix != ".py"]
    covered = [p for folder, patterns in options["package-data"].items() for q in patterns for p in folder_of(folder).glob(q)]
    assert others and sorted(others) == sorted(covered)


def folder_of(package):
    return ROOT / package.replace(".", "/")
