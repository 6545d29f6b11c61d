"""The generated tables are current, and what the README and the guides in docs/ show runs."""

import importlib.util
import re
import shlex
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


SHOWN = ("advise", "blocks", "pictures", "commands", "report", "presets")
GUIDES = {path.name: path for path in (ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in SHOWN))}
WITH_PYTHON = {name: path for name, path in GUIDES.items() if name != "commands.md"} | {
    name: ROOT / "docs" / name for name in ("sweeps.md", "training.md")
}
LONG = ("sweep classic", "sweep blocks")
RUN = ("advise", "run", "compare", "code", "sweep", "show", "plot", "report", "list", "theory", "phase")


@pytest.mark.parametrize("name", WITH_PYTHON)
def test_the_python_of_guides_runs(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    blocks = re.findall(r"```python\n(.*?)```", WITH_PYTHON[name].read_text(encoding="utf-8"), re.S)
    assert blocks
    for block in blocks:
        exec(block, {})


def test_recipes_give_what_they_say(tmp_path, monkeypatch, capsys):
    """Those of docs/xarray.md, one after another: the cube has the numbers of its cells, and files that were written open."""
    import gradsim

    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "xarray.md").read_text(encoding="utf-8"), re.S)
    found = [{} for _ in blocks]
    for block, names in zip(blocks, found, strict=True):
        exec(block, names)
    _, selected, cubed, beside, counted, merged = found
    curve_set = gradsim.open("sweep.h5")
    assert selected["band"].shape == (16, 3) and len(gradsim.open("chosen.h5")) == 4
    assert cubed["axes"] == list(curve_set.coordinates) and cubed["rate"].shape == (2, 4, 2)
    for curves, gain, bias in zip(curve_set, *(curve_set.column(name) for name in ("weight_gain", "bias_std")), strict=True):
        at = {"activation": curves.network.activation, "weight_gain": gain, "bias_std": bias}
        assert cubed["rate"].sel(at) == curves.verdict.decades_per_100_layers
    assert beside["beside"].dims == ("bias_std", "weight_std") and abs(beside["tanh"] - beside["beside"]).max() < 12
    assert 0.3 < counted["zero"].sel(layer=10)[0] < 0.7 and not counted["zero"][1].any()
    assert (counted["saturated"][1, 1:] < 0.5).all() and (abs(counted["median"][1]) < 0.5).all()
    both = gradsim.open("both.h5")
    assert len(both) == 24 and merged["cube"]["decades_per_100_layers"].notnull().sum() == 24
    for one, other in zip([*curve_set, *gradsim.open("deeper.h5")], both, strict=True):
        assert one.network == other.network and (one["gradient_zero_count"] == other["gradient_zero_count"]).all()
        assert one.verdict == other.verdict


@pytest.mark.parametrize("name", GUIDES)
def test_the_commands_of_guides_run(name, tmp_path, monkeypatch, capsys):
    """In the order in which they stand, with the grids that the guide shows."""
    from gradsim.cli import main

    monkeypatch.chdir(tmp_path)
    text = GUIDES[name].read_text(encoding="utf-8")
    for file, grid in re.findall(r"`(\w+\.toml)`[^`]*```toml\n(.*?)```", text, re.S):
        (tmp_path / file).write_text(grid)
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("gradsim ")]
    assert len(commands) >= 4
    for command in commands:
        if command[0] in RUN and not " ".join(command).startswith(LONG):
            with pytest.raises(SystemExit) as exit:
                main(command)
            assert exit.value.code == (4 if "--fail-on" in command else 0), capsys.readouterr().err
