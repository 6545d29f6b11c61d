"""Every option of every command arrives where it works; help says every default; what goes to stderr stays there."""

import importlib
from pathlib import Path

import click
import numba
import pytest

import gradsim
from gradsim.cli import COMMANDS, main
from gradsim.model.options import NETWORK, OPTIONS, RUN

SMALL = ["--width", "4", "--depth", "3", "--replicas", "5"]


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


class Recorder(list):
    """Stands for the function that does the work: (arguments, options) of its last call, which ends the command."""

    def __call__(self, *arguments, **options):
        self[:] = arguments, options
        raise gradsim.RequestError("recorded")


@pytest.fixture
def recorded(monkeypatch, tmp_path):
    """A function that puts a Recorder in the place of module.name."""
    monkeypatch.chdir(tmp_path)

    def put(module, name):
        recorder = Recorder()
        monkeypatch.setattr(importlib.import_module(module), name, recorder)
        return recorder

    return put


# What is given to an option, and what it must be there: never the default. Some go only with others.
GIVEN = {
    "activation": ("tanh", "tanh"),
    "init": ("lecun_normal", "lecun_normal"),
    "width": ("7,5,2", [7, 5, 2]),
    "depth": ("9", 9),
    "weight_gain": ("0.5", 0.5),
    "bias": ("uniform(-1,2)", "uniform(-1,2)"),
    "bias_std": ("0.25", 0.25),
    "input_width": ("11", 11),
    "outputs": ("6", 6),
    "block": ("pre_norm", "pre_norm"),
    "norm": ("rms", "rms"),
    "block_depth": ("3", 3),
    "residual_scale": ("1/sqrt(depth)", "1/sqrt(depth)"),
    "dropout": ("0.25", 0.25),
    "final_norm": (None, True),
    "first_init": ("uniform(-2,2)", "uniform(-2,2)"),
    "last_init": ("zeros", "zeros"),
    "last_gain": ("0.1", 0.1),
    "last_activation": ("sigmoid", "sigmoid"),
    "layers": ('[{part = "Linear", width = 5}]', [{"part": "Linear", "width": 5}]),
    "replicas": ("17", 17),
    "seed": ("12345", 12345),
    "inputs": ("3", 3),
    "input_correlation": ("0.25", 0.25),
    "input_file": ("rows.csv", "rows.csv"),
    "target_file": ("targets.csv", "targets.csv"),
    "loss": ("mse", "mse"),
    "probe": ("shared", "shared"),
    "arithmetic": ("float32", "float32"),
    "engine": ("dense", "dense"),
    "stream": ("common", "common"),
    "keep_samples": (None, True),
    "histograms": ("3", 3),
    "threads": ("1", 1),
}
TOGETHER = {
    "target_file": ["--input-file", "rows.csv", "--loss", "mse"],
    "block_depth": ["--block", "residual"],
    "residual_scale": ["--block", "residual"],
}
WITH = {"block_depth": {"block": "residual"}, "residual_scale": {"block": "residual"}}  # the same for `mlp`
ALONE = ("width", "layers")  # they say the widths


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_of_a_run_arrives(name, recorded, monkeypatch):
    for file, text in (("rows.csv", "1,2,3,4\n5,6,7,8\n"), ("targets.csv", "1,2,3,4\n4,3,2,1\n")):
        Path(file).write_text(text)
    text, value = GIVEN[name]
    monkeypatch.setattr(importlib.import_module("gradsim.cli.run"), "compile_first", lambda arithmetic: None)
    simulate = recorded("gradsim.simulation.simulate", "simulate")
    rest = ["--width", "4", "--depth", "3"] if name not in ALONE else []
    assert call("run", *rest, *TOGETHER.get(name, []), OPTIONS[name].flag, *([] if text is None else [text])) == 2
    (network,), run = simulate
    expected = ({"width": 4, "depth": 3} if name not in ALONE else {}) | WITH.get(name, {})
    if name in RUN:
        found = getattr(run[name], "path", run[name])
        assert network == gradsim.mlp(**expected) and found == value and value != OPTIONS[name].default
    else:
        assert network == gradsim.mlp(**expected | {name: value}) != gradsim.mlp(width=4, depth=3)
    others = {other: run[other] for other in RUN if other != name and other in run and other not in ("input_file", "loss")}
    assert others == {other: RUN[other].default for other in others}


def test_threads_of_a_sweep(recorded):
    Path("grid.toml").write_text("width = 4\ndepth = 2\nreplicas = 5\n")
    compute = recorded("gradsim.sweep.durable", "compute")
    assert call("sweep", "grid.toml", "--threads", 1) == 2 and compute[0][2] == 1
    assert call("sweep", "grid.toml") == 2 and compute[0][2] == numba.config.NUMBA_NUM_THREADS


def test_every_option_of_a_sweep_arrives(recorded):
    Path("grid.toml").write_text("width = 4\ndepth = 2\nreplicas = 5\n")
    sweep = recorded("gradsim.sweep.durable", "Sweep")
    given = ["--replicas", 9, "--precision", 0.25, "--precision-of", "loss", "--most-replicas", 77, "--no-draws", "--overwrite"]
    assert call("sweep", "grid.toml", *given, "--theory", "--histograms", 6, "--out", "b.h5") == 2
    plan, out, precision, *rest = sweep[0]
    assert [(cell.replicas, cell.counted) for cell in plan.cells] == [(9, 6)] and out == "b.h5"
    assert precision == gradsim.sweep.Precision(0.25, ("loss",), 77) and rest[:3] == [False, True, True]
    assert call("sweep", "grid.toml") == 2
    plan, out, precision, *rest = sweep[0]
    assert [(cell.replicas, cell.counted) for cell in plan.cells] == [(5, 0)] and out == "grid.h5" and precision is None
    assert rest[:3] == [None, False, False]


def test_every_option_of_theory_arrives(recorded):
    summary = recorded("gradsim.advice.summary", "summary")
    given = {"inputs": 2, "input_correlation": 0.25, "probe": "shared", "seconds": 3.5}
    options = [text for name, value in given.items() for text in (f"--{name.replace('_', '-')}", value)]
    assert call("theory", "--width", 4, "--depth", 3, "--weight-gain", 0.5, *options) == 2
    found = summary[1]
    assert found.pop("network") == gradsim.mlp(width=4, depth=3, weight_gain=0.5)
    assert found.pop("prepare") and found == given


def test_every_option_of_a_simulated_phase_diagram_arrives(recorded):
    simulated = recorded("gradsim.sweep.phases", "simulated")
    given = {"width": 7, "depth": 9, "replicas": 3, "seed": 5}
    options = [text for name, value in given.items() for text in (f"--{name}", value)]
    grid = ["--points", 5, "--simulated-points", 3, "--weight-std", "1,2", "--bias-std", "0.25,0.75"]
    assert call("phase", "--activation", "erf", "--simulate", *options, *grid) == 2
    (activation, weight_std, bias_std), found = simulated
    assert activation == "erf" and weight_std.tolist() == [1.0, 1.5, 2.0] and bias_std.tolist() == [0.25, 0.5, 0.75]
    assert found.pop("progress") and found == given


def test_every_option_of_verify_arrives(recorded):
    verify = recorded("gradsim.verification", "verify")
    assert call("verify", "tenths", "--thorough", "--seed", 7) == 2
    (names,), options = verify
    assert names == ("tenths",) and options["thorough"] is True and options["seed"] == 7
    assert call("verify") == 2 and verify[0] == ((),) and verify[1]["thorough"] is False and verify[1]["seed"] == 0


def test_warmup_of_all(recorded):
    compile_first = recorded("gradsim.cli.warmup", "compile_first")
    assert call("warmup", "--all") == 2 and set(compile_first[0]) == {"carried", "float32", "float64"}
    assert call("warmup") == 2 and compile_first[0] == ("carried",)


@pytest.mark.parametrize(
    "arguments, quantity, theory",
    [
        (["run", *SMALL, "--plot", "a.png"], None, False),
        (["run", *SMALL, "--plot", "a.png", "--theory"], None, True),
        (["sweep", "grid.toml", "--plot", "a.png", "--theory"], None, True),
        (["plot", "r.h5"], None, False),
        (["plot", "r.h5", "--quantity", "activation"], "activation", False),
        (["plot", "r.h5", "--theory"], None, True),
    ],
)
def test_what_is_drawn(arguments, quantity, theory, recorded):
    """None: what the verdict is about."""
    gradsim.simulate(gradsim.mlp(width=4, depth=3), 5).save("r.h5")
    Path("grid.toml").write_text("width = 4\ndepth = 2\nreplicas = 5\n")
    figure = recorded("gradsim.show.picture", "figure")
    assert call(*arguments) == 2
    curve_set, *options = figure[0]
    assert options == [quantity, theory] and ("mean_field_gradient_log_mean" in curve_set[0].variables) == theory


def test_every_option_of_a_view_arrives(recorded):
    networks = [gradsim.mlp(width=4, depth=2, weight_gain=gain) for gain in (0.5, 1.0, 2.0)]
    gradsim.CurveSet([gradsim.simulate(network, 5) for network in networks]).save("r.h5")
    figure = recorded("gradsim.show.picture", "figure")
    given = {
        "x": "weight_gain",
        "y": "width",
        "panels": "init,depth",
        "colour": "bias",
        "at": -2,
        "samples": 3,
        "share": False,
        "histograms": True,
    }
    options = [text for name, value in given.items() if value not in (True, False) for text in (f"--{name}", value)]
    assert call("plot", "r.h5", *options, "--own-scales", "--histograms", "--select", "weight-gain=1..2") == 2
    assert figure[1] == given and [curves.network for curves in figure[0][0]] == networks[1:]
    assert call("plot", "r.h5", "--color", "bias", "--at", "rate") == 2
    unset = dict.fromkeys(("x", "y", "panels", "samples"))
    assert figure[1] == unset | {"colour": "bias", "at": "rate", "share": True, "histograms": False} and len(figure[0][0]) == 3


def test_what_is_not_in_the_file_is_not_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    gradsim.simulate(gradsim.mlp(width=4, depth=3), 5).save("r.h5")
    absent, alike = ["--select", "width=5"], ["--x", "width"]
    for options, words in ((absent, "--select: no network has width=5; there are 4"), (alike, "--x: width is 4 in all")):
        assert call("plot", "r.h5", *options) == 2
        assert capsys.readouterr().err.startswith(f"gradsim: {words}") and not Path("r.png").exists()


WORK = (
    ("gradsim.simulation.simulate", "simulate"),
    ("gradsim.sweep.durable", "compute"),
    ("gradsim.show.picture", "figure"),
    ("gradsim.theory", "phase_diagram"),
    ("gradsim.verification", "verify"),
)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", *SMALL, "--out", "r.h5"],
        ["run", *SMALL, "--plot", "a.png"],
        ["sweep", "r.toml"],
        ["sweep", "r.toml", "--out", "new.h5", "--plot", "a.png"],
        ["plot", "r.h5"],
        ["plot", "r.h5", "-o", "a.png"],
        ["phase", "-o", "a.png"],
        ["verify", "tenths", "-o", "."],
    ],
    ids=" ".join,
)
def test_nothing_that_exists_is_replaced_unless_asked(arguments, recorded, capsys):
    gradsim.simulate(gradsim.mlp(width=4, depth=3), 5).save("r.h5")
    Path("r.toml").write_text("width = 4\ndepth = 2\nreplicas = 5\n")
    for name in ("a.png", "r.png", "laws.png", "z_scores.png"):
        Path(name).write_bytes(b"\x89PNG\r\n\x1a\n")
    for place in WORK:
        recorded(*place)
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert call(*arguments) == 2
    words = capsys.readouterr().err
    assert "exists; allow its replacement with --overwrite" in words and words.count("\n") == 1
    assert call(*arguments, "--overwrite") == 2 and capsys.readouterr().err == "gradsim: recorded\n"
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_every_default(name):
    """Of a number or a text; and in words what is taken where nothing is given."""
    command = importlib.import_module(f"gradsim.cli.{name}").command
    for option in command.params:
        if not isinstance(option, click.Option) or option.is_flag:
            continue
        _, said = option.get_help_record(click.Context(command))
        if isinstance(option.default, int | float | str):
            assert f"[default: {option.default}]" in said, option.name
        elif (unset := OPTIONS[option.name].unset if option.name in OPTIONS else None) not in (None, "none"):
            assert f"[default: {unset}]" in said, option.name


def test_help_is_there_under_both_names(capsys):
    for arguments in ((), *((name,) for name in COMMANDS)):
        assert call(*arguments, "--help") == 0
        long = capsys.readouterr().out
        assert call(*arguments, "-h") == 0 and capsys.readouterr().out == long and "Usage: gradsim" in long


def test_every_option_is_given_here():
    assert GIVEN.keys() == OPTIONS.keys() == NETWORK.keys() | RUN.keys()


def test_the_files_that_tables_of_cells_read(tmp_path, monkeypatch):
    from gradsim.cli.output import sources
    from gradsim.sweep import read_plan

    monkeypatch.chdir(tmp_path)
    for name in ("one.csv", "two.csv"):
        Path(name).write_text("1,2\n")
    plan = read_plan({"width": 2, "depth": 2, "input_file": "one.csv", "cells": [{"input_file": "two.csv"}, {"seed": 1}]})
    assert [*sources(plan.request)] == ["one.csv", "two.csv"]
