"""gradsim sweep --dry-run, and how it is reckoned."""

import re

import numpy as np
import pytest

import gradsim
from gradsim import sweep
from gradsim.cli import main
from gradsim.cli.dry_run import duration, size
from gradsim.sweep.estimate import estimate

SECOND = 1e9  # ns


class Machine:
    """A clock, and a simulation that moves it: `overhead` seconds a cell, and `pace` times what the cost model says."""

    def __init__(self, overhead, pace):
        self.now, self.overhead, self.pace, self.runs = 0.0, overhead, pace, []

    def clock(self):
        return self.now

    def simulate(self, network, **run):
        (cell,) = sweep.read_plan({"width": network.widths[0], "depth": network.depth}).cells
        self.now += self.overhead + self.pace * cell.settled.nanoseconds / SECOND * run["replicas"]
        self.runs.append(run)
        return gradsim.simulate(network, **run | {"replicas": 2})


def test_time_is_that_of_cells_and_of_their_networks():
    plan = sweep.read_plan({"width": [4, 8, 16], "depth": 2, "replicas": [50, 2000]})
    machine = Machine(overhead=0.01, pace=3.0)
    found = estimate(plan, 2, machine.clock, machine.simulate)
    work = sum(cell.replicas * cell.settled.nanoseconds for cell in plan.cells) / SECOND
    assert found.seconds == pytest.approx((6 * 0.01 + 3 * work) / 2) and found.overhead == pytest.approx(0.06)
    assert found.measured == 3 and found.measuring == pytest.approx(machine.now) and found.threads == 2
    assert {(run["threads"], run["replicas"]) for run in machine.runs} <= {(1, 1), (1, 50), (1, 2000)}


def test_dear_networks_are_not_drawn_by_the_hundred():
    """One of these takes 40 ms: six are a quarter of a second."""
    plan = sweep.read_plan({"width": 512, "depth": 100, "engine": "dense", "init": "uniform(-1,1)"})
    machine = Machine(0.0, 1.0)
    machine.simulate = lambda network, **run: machine.runs.append(run) or gradsim.simulate(gradsim.mlp(width=2, depth=2), 2)
    estimate(plan, 1, machine.clock, machine.simulate)
    assert max(run["replicas"] for run in machine.runs) == int(SECOND / 4 / plan.cells[0].settled.nanoseconds) == 6


def test_the_size_is_about_that_of_the_file(tmp_path):
    grid = {"width": 8, "depth": 40, "replicas": 30, "seed": list(range(40))}
    plan = sweep.read_plan(grid)
    found = estimate(plan, 1)
    sweep.run(plan).save(tmp_path / "grid.h5")
    assert found.file / (tmp_path / "grid.h5").stat().st_size == pytest.approx(1, abs=0.4)
    curves = sweep.run({**grid, "seed": 0})[0]
    assert found.parts / 40 / sum(np.asarray(values).nbytes for values in curves.variables.values()) == pytest.approx(
        1, abs=0.2
    )
    assert found.draws == 40 * 30 * 8 * plan.cells[0].settled.logs


def call(*arguments):
    with pytest.raises(SystemExit) as done:
        main(list(map(str, arguments)))
    return done.value.code


def test_it_says_what_there_is_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text(
        'width = 4\ndepth = 2\nreplicas = 5\nactivation = ["relu", "tanh"]\nweight_gain = {from = 1, to = 2, points = 11}\n'
        "[[exclude]]\nactivation = 'tanh'\nweight_gain = {from = 1.95}\n[[cells]]\n[[cells]]\nseed = [0, 1]\n"
    )
    assert call("sweep", "grid.toml", "--dry-run", "--threads", 1) == 0
    out = capsys.readouterr().out
    plan = sweep.read_plan("grid.toml")
    lines = out.splitlines()
    assert lines[0] == "grid.toml: 42 cells, 210 networks"
    assert lines[1:4] == ["  activation: 2 values, relu, tanh", "  weight_gain: 11 values, 1 to 2", "  seed: 2 values, 0, 1"]
    assert lines[4] == "  left out where activation tanh, weight_gain from 1.95: 3"
    assert lines[5] == "  the same network and run as another cell, computed once: 21"
    assert lines[6] == f"  0  {plan.identities[0][:12]}  activation relu, weight_gain 1, seed 0"
    assert lines[11] == "  ..." and lines[16].split() == [
        "41",
        plan.identities[-1][:12],
        *["activation", "tanh,", "weight_gain", "1.9,", "seed", "1"],
    ]
    assert re.fullmatch(r"time: about \S+ (s|minutes) on 1 thread \(by 3 of its cells\)", lines[17])
    assert re.fullmatch(r"file: about \S+ [kM]B; while it is computed, parts of about \S+ [kM]B", lines[18])
    assert re.fullmatch(r"draws, for more networks later: about \S+ kB", lines[19]) and len(lines) == 20
    assert [path.name for path in tmp_path.iterdir()] == ["grid.toml"]


def test_texts_of_a_dry_run_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a\nb.toml").write_text('width = 4\ndepth = 2\nreplicas = 5\nstream = ["one\\ntwo\\u001b[31m", "three"]\n')
    assert call("sweep", "a\nb.toml", "--dry-run", "--threads", 1) == 0
    out = capsys.readouterr().out
    assert out.startswith("a b.toml: 2 cells") and out.count("\n") == 7 and "\x1b" not in out and "stream one two" in out


def test_a_dry_run_of_what_cannot_be_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text("width = {from = 1}\n")
    assert call("sweep", "grid.toml", "--dry-run") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_words_for_times_and_sizes():
    assert [duration(s) for s in (0.001234, 99, 150, 7199, 7200, 200_000)] == [
        "0.0012 s",
        "99 s",
        "2 minutes",
        "120 minutes",
        "2 hours",
        "2.3 days",
    ]
    assert [size(n) for n in (12, 2048, 3.5 * 2**20, 2**30, 5 * 2**40)] == ["12 bytes", "2 kB", "3.5 MB", "1 GB", "5 TB"]
