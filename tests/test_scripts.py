"""The scripts on machines that lack something, from any folder, in paths with blanks: one line, and no network twice.

pip and Python are stand-ins that write down what they were asked for; the real installation takes minutes and a network.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
TOOLS = ("bash", "dirname", "sed", "cat", "grep", "rm", "mkdir", "ln", "chmod", "env")

# A Python in an environment: answers what environment.sh asks, and installs by making an entry of gradsim and setuptools
INSTALLED = """#!/bin/bash
echo "$@" >> "$LOG"
case "$*" in
    "-m pip --version") [ -z "$NO_PIP" ] ;;
    *"pip"*install*)
        if [ -n "$OFFLINE" ]; then echo "WARNING: retrying"; echo "ERROR: Could not find a version of numpy"; exit 1; fi
        touch "$(dirname "$0")/../have" ;;
    "-I -c"*) [ -f "$(dirname "$0")/../have" ] && echo "state $(cat pyproject.toml | wc -c)" ;;
    *) exit 0 ;;
esac
"""
PYTHON = """#!/bin/bash
case "$*" in
    --version) echo "Python $VERSION" ;;
    "-c import sys"*) [ "$VERSION" != 3.9.18 ] ;;
    "-m venv"*)
        mkdir -p "${@: -1}/bin"
        if [ -n "$NO_VENV" ]; then echo "The virtual environment was not created: install python3-venv"; exit 1; fi
        cp "$FAKE" "${@: -1}/bin/python"
        printf '#!/bin/bash\\necho "gradsim $*"\\n' > "${@: -1}/bin/gradsim"
        printf '#!/bin/bash\\necho "ruff $*" >> "$LOG"; [ "$1" != "$BROKEN" ]\\n' > "${@: -1}/bin/ruff"
        chmod +x "${@: -1}/bin/"* ;;
esac
"""


@pytest.fixture
def machine(tmp_path):
    """A checkout in a folder with a blank, and a PATH with nothing on it but what scripts may count on."""
    checkout, tools = tmp_path / "a b" / "gradsim", tmp_path / "tools"
    (checkout / "scripts").mkdir(parents=True)
    tools.mkdir()
    for path in [*(ROOT / "scripts").glob("*.sh"), ROOT / "pyproject.toml"]:
        shutil.copy(path, checkout / path.relative_to(ROOT))
    for name in (*TOOLS, "cp", "touch", "wc"):
        (tools / name).symlink_to(shutil.which(name))
    (tmp_path / "fake").write_text(INSTALLED)
    (tmp_path / "fake").chmod(0o755)
    return tmp_path


def add_python(machine, name="python3"):
    path = machine / "tools" / name
    path.write_text(PYTHON)
    path.chmod(0o755)


def run(machine, script="run.sh", *arguments, cwd=None, **environment):
    """(exit code, lines on stdout, lines on stderr) from a folder that is not the checkout."""
    checkout = machine / "a b" / "gradsim"
    known = {"PATH": str(machine / "tools"), "LOG": str(machine / "log"), "FAKE": str(machine / "fake"), "VERSION": "3.11.7"}
    done = subprocess.run(
        ["bash", str(checkout / "scripts" / script), *arguments],
        cwd=cwd or machine,
        env=known | environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def installs(machine):
    log = machine / "log"
    return [line for line in log.read_text().splitlines() if " install " in line] if log.exists() else []


@pytest.mark.parametrize("script", ["run.sh", "test.sh"])
def test_the_second_time_needs_no_network(script, machine):
    add_python(machine)
    code, first, err = run(machine, script, "--seed", "1")
    assert code == 0 and len(err) == 1 and "setting up" in err[0] and len(installs(machine)) == 2
    code, again, err = run(machine, script, "--seed", "1", OFFLINE="1")
    assert code == 0 and again == first and err == [] and len(installs(machine)) == 2


def test_format_and_style_come_before_the_tests(machine):
    add_python(machine)
    assert run(machine, "test.sh", "tests/store", "-k", "golden")[0] == 0
    *_, format_check, check, one, other, tests = (machine / "log").read_text().splitlines()
    assert format_check == "ruff format --quiet --check ." and check == "ruff check --quiet ."
    assert all("warm_up" in compiled for compiled in (one, other))
    assert tests == "-m pytest -q -n auto --dist loadfile --no-loadscope-reorder tests/store -k golden"
    for broken in ("format", "check"):
        code, _, err = run(machine, "test.sh", BROKEN=broken)
        assert code == 1 and (machine / "log").read_text().splitlines()[-1].startswith(f"ruff {broken}")
        assert broken == "check" or ".venv-test/bin/ruff format" in err[-1]


def test_run_ends_by_saying_how_to_go_on(machine):
    add_python(machine)
    _, out, _ = run(machine, "run.sh", "--replicas", "3")
    assert out[0] == "gradsim sweep classic --out classic.h5 --plot classic.png --overwrite --replicas 3"
    assert "source .venv/bin/activate" in out[-1] and ".venv/bin/gradsim" in out[-1]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "source .venv/bin/activate" in readme[: readme.index("gradsim run")]


def test_what_changed_is_installed_again(machine):
    add_python(machine)
    run(machine)
    project = machine / "a b/gradsim/pyproject.toml"
    project.write_text(project.read_text(encoding="utf-8") + "# another bound\n", encoding="utf-8")
    assert run(machine)[0] == 0 and len(installs(machine)) == 4
    (machine / "a b/gradsim/.venv/have").unlink()  # as after pip uninstall
    assert run(machine)[0] == 0 and len(installs(machine)) == 6


@pytest.mark.parametrize(
    "circumstance, python, words",
    [
        ({}, None, "Python 3.11 or later is needed; python3 is not there"),
        ({"VERSION": "3.9.18"}, "python3", "Python 3.11 or later is needed; python3 is Python 3.9.18"),
        ({"PYTHON": "python9"}, "python3", "python9 is not there"),
        ({"NO_VENV": "1"}, "python3", "python3-venv"),
        (
            {"OFFLINE": "1"},
            "python3",
            "takes a network or a package index the first time: ERROR: Could not find a version of numpy",
        ),
    ],
)
@pytest.mark.parametrize("script", ["run.sh", "test.sh"])
def test_what_is_missing_is_one_line(script, circumstance, python, words, machine):
    if python:
        add_python(machine, python)
    code, out, err = run(machine, script, **circumstance)
    said = [line for line in err if not line.startswith("setting up")]
    assert code == 1 and out == [] and len(said) == 1 and words in said[0] and said[0].startswith("gradsim: ")
    if not circumstance.get("OFFLINE"):
        assert not (machine / "a b/gradsim/.venv").exists()  # or the next try would take it for one
    add_python(machine)
    assert run(machine, script)[0] == 0  # once it is there


def test_a_newer_python_beside_one_that_is_too_old(machine):
    add_python(machine, "python3.12")
    code, _, err = run(machine)
    assert code == 0 and len(err) == 1


def test_from_any_folder_and_with_any_cdpath(machine):
    add_python(machine)
    (machine / "scripts").mkdir()
    checkout = machine / "a b/gradsim"
    done = subprocess.run(
        ["bash", "scripts/run.sh"],
        cwd=checkout,
        env={"PATH": str(machine / "tools"), "LOG": str(machine / "log"), "FAKE": str(machine / "fake"), "VERSION": "3.12.0"}
        | {"CDPATH": str(machine)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stdout.startswith("gradsim sweep")


def test_the_environment_knows_its_state(tmp_path):
    """With the real Python: the state is that of pyproject.toml and of what is installed, and names where gradsim is."""
    script = (ROOT / "scripts" / "environment.sh").read_text(encoding="utf-8")
    program = script.split("-I -c '\n")[1].split("' 2>/dev/null")[0]
    (tmp_path / "pyproject.toml").write_text("one")
    site = tmp_path / "site"
    (site / "gradsim").mkdir(parents=True)
    (site / "gradsim" / "__init__.py").write_text("")

    def state():
        code = f"import sys; sys.path.insert(0, {str(site)!r})\nimport sysconfig\n"
        code += f"sysconfig.get_path = lambda name: {str(site)!r}\n"
        done = subprocess.run(
            [sys.executable, "-I", "-c", code + program], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout

    states = [state()]
    assert str(site / "gradsim") in states[0] and state() == states[0]
    (site / "numpy-2.2.0.dist-info").mkdir()
    states.append(state())
    (tmp_path / "pyproject.toml").write_text("two")
    states.append(state())
    assert len(set(states)) == 3


def test_scripts_are_plain(tmp_path):
    """They parse, and can be run as they are."""
    for path in (ROOT / "scripts").glob("*.sh"):
        subprocess.run(["bash", "-n", path], check=True)
    assert os.access(ROOT / "scripts/run.sh", os.X_OK) and os.access(ROOT / "scripts/test.sh", os.X_OK)
