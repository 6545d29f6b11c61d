"""What all commands have in common: where results go, choices, what the shell completes, what the environment gives."""

import importlib
import re
from pathlib import Path

import click
import numpy as np
import pytest

import gradsim
from gradsim.cli import COMMANDS, group, main
from gradsim.cli.command import Command, Named
from gradsim.cli.export import FORMATS
from gradsim.cli.together import open_together
from gradsim.export import formats
from gradsim.model.options import OPTIONS, Choice

SMALL = ["--width", "4", "--depth", "3", "--replicas", "8"]
WRITERS = ("run", "train", "compare", "sweep", "combine", "plot", "report", "export", "advise", "phase", "verify")
ROOT = Path(__file__).parents[2]


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def options(name):
    """{flag: click's option} of a command."""
    command = importlib.import_module(f"gradsim.cli.{name}").command
    return {flag: option for option in command.params if isinstance(option, click.Option) for flag in option.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_terminal(name, capsys):
    assert call(name, "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: gradsim {name}") and max(map(len, text.splitlines())) < 80


def test_out_is_what_is_written():
    for name in COMMANDS:
        found = options(name)
        assert ("--out" in found) == ("-o" in found) == (name in WRITERS)
        if name in WRITERS:
            assert found["-o"] is found["--out"]


def test_choices_are_shown_and_checked_in_one_place(capsys):
    chosen = [option for name, option in OPTIONS.items() if isinstance(option.kind, Choice)]
    assert len(chosen) >= 6 and tuple(formats.FORMATS) == FORMATS
    assert call("run", "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    for option in chosen:
        kind = options("run")[option.flag].type
        assert isinstance(kind, Named) and kind.choices == tuple(option.kind.names)
        assert f"[{'|'.join(kind.choices)}]" in text or ", ".join(kind.choices) in text
        assert all(kind.convert(name, None, None) == option.kind.check(option.flag, name) for name in kind.choices)
    for arguments in (
        ["run", "--block", "resdual"],
        ["run", "--norm", "lyer"],
        ["export", "a.h5", "--to", "cvs"],
        ["list", "blcks"],
    ):
        assert call(*arguments) == 2
        assert "did you mean" in capsys.readouterr().err
    assert call("list") == 2 and "activations" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, found",
    [
        ("run --engine ", ["auto", "matrix_free", "dense", "cuda"]),
        ("run --init kaiming_n", ["kaiming_normal"]),
        ("run --last-activation leaky_", ["leaky_relu"]),
        ("run --residual-scale 1/d", ["1/depth"]),
        ("export a.h5 --to ", ["csv", "parquet", "netcdf", "json"]),
        ("plot a.h5 b.h5 --quantity dead", ["dead_fraction"]),
        ("show a.h5 --fail-on zero,van", ["zero,vanishing"]),
        ("list b", ["blocks"]),
        ("run --preset keras_d", ["keras_default"]),
        ("compare gpt2_", ["gpt2_mlp"]),
        ("sweep --precision-of loss_", ["loss_gradient"]),
        ("st", ["status"]),
        ("plto x", []),
    ],
)
def test_what_the_shell_completes(words, found, monkeypatch, capsys):
    monkeypatch.setenv("_GRADSIM_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"gradsim {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(f"gradsim {words}".split(" ")) - 1))
    assert call() == 0
    printed = capsys.readouterr()
    assert printed.out.split() == [f"plain,{name}" for name in found] and printed.err == ""


def test_files_are_completed_by_the_shell(monkeypatch, capsys):
    monkeypatch.setenv("_GRADSIM_COMPLETE", "bash_complete")
    for words in ("plot a", "run --out a", "sweep a", "combine a.h5 a"):
        monkeypatch.setenv("COMP_WORDS", f"gradsim {words}")
        monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
        assert call() == 0 and capsys.readouterr().out == "file,a\n"


def test_options_from_the_environment(monkeypatch, capsys):
    for name, value in {"WIDTH": "4", "DEPTH": "3", "REPLICAS": "9", "OUT": "a.h5", "KEEP_SAMPLES": "yes", "JSON": "0"}.items():
        monkeypatch.setenv(f"GRADSIM_RUN_{name}", value)
    assert call("run", "--replicas", 7) == 0
    found = gradsim.open("a.h5")[0]
    assert found.network.widths == (4, 4, 4) and found["gradient_log"].shape == (7, 4)
    assert "decades/100 layers" in capsys.readouterr().out
    monkeypatch.setenv("GRADSIM_SHOW_QUANTITY", "gradient 'activation'")
    assert call("show", "a.h5", "--layers", "--csv") == 0
    assert capsys.readouterr().out.split("\n")[0] == (
        "cell,layer,gradient_rms,gradient_spread_decades,activation_rms,activation_spread_decades"
    )


@pytest.mark.parametrize(
    "name, value, arguments, words",
    [
        ("RUN_THREADS", "0", ["run"], "--threads: 0 is not a whole number"),
        ("RUN_WIDTH", "x", ["run"], "--width: 'x' is not a whole number"),
        ("RUN_ENGINE", "dens", ["run"], "did you mean dense?"),
        ("RUN_THEORY", "perhaps", ["run"], "'--theory': 'perhaps' is not a valid boolean"),
        ("RUN_OUT", "no/a.h5", ["run", *SMALL], "--out: cannot write 'no/a.h5'"),
        ("RUN_FAIL_ON", "vanish", ["run"], "did you mean vanishing?"),
        ("PHASE_POINTS", "1", ["phase"], "--points: 1 is not"),
        ("PHASE_POINTS", "x", ["phase"], "'--points': 'x' is not a valid integer"),
        ("EXPORT_TO", "cvs", ["export", "a.h5"], "did you mean csv?"),
        ("SWEEP_SET", "'width=[1, 0]' depth=2", ["sweep", "classic"], "gradsim: width: 0 is not"),
        ("VERIFY_SEED", "-1", ["verify", "--list"], "--seed: -1 is not"),
    ],
)
def test_a_bad_value_names_its_variable(name, value, arguments, words, monkeypatch, capsys):
    assert "GRADSIM_" not in capsys.readouterr().err
    monkeypatch.setenv(f"GRADSIM_{name}", value)
    assert call(*arguments) == 2
    line = capsys.readouterr().err
    assert words in line and line.count("\n") == 1
    assert f"(from GRADSIM_{name})" in line or line.endswith(f"(with GRADSIM_{name} in the environment)\n")
    assert (name == "SWEEP_SET") == ("with" in line)


def test_what_is_given_is_not_blamed_on_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("GRADSIM_RUN_THREADS", "1")
    assert call("run", "--threads", "0") == 2
    assert "GRADSIM" not in capsys.readouterr().err


def test_no_variable_has_two_meanings():
    """Every option of every command has its own variable, and none is one that tests and scripts use."""
    assert set(COMMANDS) == set(group.list_commands(None))
    found = []
    for name in COMMANDS:
        command = importlib.import_module(f"gradsim.cli.{name}").command
        assert isinstance(command, Command)
        found += [option.envvar for option in command.params if isinstance(option, click.Option)]
    assert len(found) == len(set(found)) > 80 and all(re.fullmatch("GRADSIM(_[A-Z]+)+", name) for name in found)
    assert {"GRADSIM_RUN_THREADS", "GRADSIM_RUN_JSON", "GRADSIM_SWEEP_SET", "GRADSIM_PLOT_COLOUR"} <= set(found)
    paths = [
        path for folder in ("tests", "scripts", "bench") for path in (ROOT / folder).rglob("*.*") if path != Path(__file__)
    ]
    used = {n for path in paths if path.suffix in (".py", ".sh") for n in re.findall(r"GRADSIM_[A-Z_]+", path.read_text())}
    assert used and not used & set(found)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two files of the same network and seed, one of another network, one of other quantiles."""
    folder, network = tmp_path_factory.mktemp("files"), gradsim.mlp(width=4, depth=3, activation="tanh")
    (folder / "b").mkdir()
    for name in ("a.h5", "again.h5", "b/a.h5"):
        gradsim.simulate(network, 8, seed=1).save(folder / name)
    gradsim.simulate(gradsim.mlp(width=5, depth=2, activation="tanh"), 8, seed=1).save(folder / "other.h5")
    gradsim.simulate(network, 8, quantiles=(0.1, 0.5)).save(folder / "few.h5")
    return folder


def labels(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_several_files_in_one_picture(files, monkeypatch, capsys):
    both = open_together([files / "a.h5", files / "other.h5"], "plot")
    assert labels(both.plot()) == ["4, 3", "5, 2"]  # told apart by what they are
    same = open_together([files / "a.h5", files / "again.h5"], "plot")
    assert labels(same.plot()) == ["a.h5", "again.h5"]
    np.testing.assert_array_equal(same[1]["gradient_log_mean"], same[0]["gradient_log_mean"])
    with monkeypatch.context() as here:
        here.chdir(files)
        assert labels(open_together(["a.h5", Path("b/a.h5")], "plot").plot()) == ["a.h5", "b/a.h5"]
    assert len(both.select(file="other.h5")) == 1
    assert call("plot", files / "a.h5", files / "again.h5", "--theory", "-o", "a.svg") == 0
    assert Path("a.svg").stat().st_size > 5000 and "written: a.svg" in capsys.readouterr().out


def test_files_that_do_not_fit(files, capsys):
    for others, words in (
        (["few.h5"], "'few.h5' keeps the quantiles 0.1, 0.5, and 'a.h5' 0.01, 0.05,"),
        (["a.h5"], "is given twice"),
        (["b/../a.h5"], "is given twice"),
        (["none.h5"], "no such file"),
    ):
        assert call("plot", files / "a.h5", *(files / name for name in others), "-o", "a.png") == 2
        line = capsys.readouterr().err
        assert words in line and line.count("\n") == 1
    assert call("plot", files / "a.h5", files / "other.h5", "-o", files / "other.h5", "--overwrite") == 2
    assert not Path("a.png").exists()
