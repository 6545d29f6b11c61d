"""The generated tables are current, and the README's Python runs."""

import importlib.util
import re
from pathlib import Path

import matplotlib
import pytest

ROOT = Path(__file__).parents[1]


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.name)
def test_tables_are_current(path):
    text = path.read_text(encoding="utf-8")
    assert script("document").documented(text) == text, "run scripts/document.py"


def test_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert blocks
    for block in blocks:
        exec(block, {})


def test_the_readme_names_commands_that_exist(tmp_path, monkeypatch, capsys):
    from gradsim.cli import main

    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "gains.toml").write_text(re.search(r"```toml\n(.*?)```", text, re.S).group(1))
    commands = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    commands = [line.split("#")[0].split()[1:] for line in commands if line.startswith("gradsim ")]
    assert len(commands) >= 4
    import shlex

    for command in commands:
        if command[0] in ("run", "sweep", "plot", "list", "theory", "phase") and "classic" not in " ".join(command):
            with pytest.raises(SystemExit) as exit:
                main(shlex.split(" ".join(command)))
            assert exit.value.code == 0, capsys.readouterr().err
