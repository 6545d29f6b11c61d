"""Units counted by their values in sweeps: as of a single run, whatever is stopped, asked for later, or computed where."""

from pathlib import Path

import numpy as np
import pytest

import gradsim
from gradsim import RequestError, memory
from gradsim.cli import main
from gradsim.model.request import checked
from gradsim.simulation import chunks
from gradsim.simulation.footprint import Footprint
from gradsim.statistics.quantities import COUNTED
from gradsim.statistics.units import BINS
from gradsim.sweep import estimate, read_plan, runner
from gradsim.sweep.batches import Batch, Order
from gradsim.sweep.cells import curves_from
from gradsim.sweep.parts import decoded
from gradsim.sweep.tasks import Tasks
from tests.oracles.alike import same

GRID = {"activation": ["relu", "tanh"], "weight_gain": [1.0, 1.5], "width": 5, "depth": 4, "replicas": 9}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def expected():
    """Of each cell what `simulate` gives."""
    return [gradsim.simulate(cell.network_and_run()[0], 9, histograms=6) for cell in read_plan(GRID).cells]


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return ended.value.code


def test_cells_are_those_of_single_runs(expected, capsys):
    found = gradsim.sweep.run(GRID, histograms=6)
    assert same(found, expected) and [curves.counted for curves in found] == [6] * 4
    assert same(gradsim.sweep.run(GRID | {"histograms": 6}), expected)
    assert same(gradsim.sweep.run(GRID | {"histograms": 6}, histograms=0), gradsim.sweep.run(GRID))
    Path("grid.toml").write_text("\n".join(f"{name} = {value}" for name, value in GRID.items()))
    assert call("sweep", "grid.toml", "--histograms", 6) == 0
    assert same(gradsim.open("grid.h5"), expected)
    assert call("export", "grid.h5", "--to", "csv", "--histograms", "--quantity", "gradient") == 0
    assert {line.split(",")[3] for line in Path("grid.histograms.csv").read_text().splitlines()} == {"quantity", "gradient"}
    assert call("export", "grid.h5", "--to", "netcdf", "--histograms") == 2
    assert capsys.readouterr().err == "gradsim: --histograms: netcdf has all that were counted; leave it out\n"
    assert call("sweep", "grid.toml", "--set", "histograms=6", "-o", "set.h5") == 0
    assert same(gradsim.open("set.h5"), expected) and gradsim.open("set.h5").request["histograms"] == [6]


def test_no_more_are_counted_than_are_drawn():
    asked = [read_plan(GRID | {"histograms": count}) for count in (9, 10, 10**6)]
    assert len({plan.identities for plan in asked}) == 1 and asked[0].cells[0].counted == 9
    assert asked[0].identities != read_plan(GRID).identities == read_plan(GRID | {"histograms": 0}).identities


def test_some_cells_have_them_and_others_have_none():
    cells = [{"weight_gain": 1.0, "histograms": 4}, {"weight_gain": 2.0}]
    gradsim.sweep.run({"width": 5, "depth": 3, "replicas": 6, "cells": cells}, out="a.h5")
    found = gradsim.open("a.h5")
    assert [curves.counted for curves in found] == [4, 0] and found.coordinates["histograms"].tolist() == [4, 0]
    assert set(found[0].variables) >= COUNTED and not COUNTED & set(found[1].variables)
    assert (found.values("gradient_histogram")[1] == -1).all()


def test_what_is_finished_is_gone_on_with(expected, monkeypatch):
    """Counts that are asked for later are of the networks that were drawn: none is drawn anew for its curves."""
    gradsim.sweep.run(GRID, out="a.h5")
    fill, sizes = chunks.Workplace.fill, set()
    monkeypatch.setattr(chunks.Workplace, "fill", lambda self, *given: sizes.add(given[-1]) or fill(self, *given))
    assert same(gradsim.sweep.run(GRID, out="a.h5", histograms=6), expected) and sizes == {1}
    monkeypatch.setattr(chunks.Workplace, "fill", fill)
    before = Path("a.h5").read_bytes()
    assert same(gradsim.sweep.run(GRID, out="a.h5", histograms=6), expected) and Path("a.h5").read_bytes() == before
    more = gradsim.sweep.run(GRID | {"replicas": 12}, out="a.h5", histograms=6)
    assert [(curves.run["replicas"], curves.counted) for curves in more] == [(12, 6)] * 4
    assert all(np.array_equal(more[k][name], expected[k][name], equal_nan=True) for k in range(4) for name in COUNTED)
    for fewer, words in ((5, "histograms: 6 there, 5 now"), (None, "histograms: 6 there, not given now")):
        with pytest.raises(RequestError, match=f"a.h5' exists; .*{words}"):
            gradsim.sweep.run(GRID | {"replicas": 12}, out="a.h5", histograms=fewer)
    assert same(gradsim.sweep.run(GRID, out="a.h5", overwrite=True), gradsim.sweep.run(GRID))


def test_a_sweep_that_was_stopped_goes_on(expected, monkeypatch):
    """Whose work of before says nothing of histograms, too."""
    compute = runner.curves_of

    def failing(task, *rest):
        if task.network.weight_gain == 1.5:
            raise RequestError("no good")
        return compute(task, *rest)

    monkeypatch.setattr(runner, "curves_of", failing)
    for histograms, kept in ((None, 2), (6, 2)):
        with pytest.raises(RequestError, match=f"no good; .*{kept} of 4 cells are kept"):
            gradsim.sweep.run(GRID, out="a.h5", histograms=histograms)
        text = Path("a.h5.work/plan.json").read_text()
        Path("a.h5.work/plan.json").write_text(text.replace(', "histograms": [[0, 4]]', ""))
    monkeypatch.setattr(runner, "curves_of", compute)
    assert same(gradsim.sweep.run(GRID, out="a.h5", histograms=6), expected)


def test_with_a_precision(expected):
    found = gradsim.sweep.run(GRID, out="a.h5", histograms=6, precision=0.2)
    assert all(curves.run["replicas"] > 9 and curves.counted == 6 for curves in found)
    assert all(np.array_equal(found[k][name], expected[k][name], equal_nan=True) for k in range(4) for name in COUNTED)


def test_they_travel_between_processes(expected):
    tasks = Tasks(read_plan(GRID | {"histograms": 6}))
    answer = Order.of(tasks, False).answer(Batch((0, 1, 2, 3), {}))
    assert same([curves_from(*decoded(record)[1:]) for record in answer.records], expected)


def test_shards_are_put_together(expected):
    for shard in (1, 2):
        gradsim.sweep.run(read_plan(GRID).shard(f"{shard}/2"), out=f"{shard}.h5", histograms=6)
    assert same(gradsim.sweep.combine(["2.h5", "1.h5"], "all.h5"), expected)
    gradsim.sweep.run(GRID, out="one.h5", histograms=6)
    assert same(gradsim.open("all.h5"), gradsim.open("one.h5"))


def test_files_open_in_xarray(expected):
    xarray = pytest.importorskip("xarray")
    gradsim.sweep.run(GRID, out="a.h5", histograms=6)
    with xarray.open_dataset("a.h5") as dataset:
        counts = dataset["activation_histogram"]
        assert counts.dims == ("cell", "layer", "bin") and counts.sizes["bin"] == BINS
        np.testing.assert_array_equal(counts[1], expected[1]["activation_histogram"])
        assert counts.sel(layer=0).sum("bin").values.tolist() == [6 * 5] * 4
        zero = counts.sel(bin=0.0) / counts.sum("bin")
        assert (zero[:2, 1:] > 0.2).all() and (zero[2:] == 0).all()  # relu, tanh


def test_what_it_takes_is_said_before(monkeypatch):
    network = gradsim.mlp(width=5, depth=40)
    without, plain = (Footprint.of(network, checked(replicas=9, histograms=count)) for count in (6, 0))
    found = gradsim.simulate(network, 9, histograms=6)
    size = sum(found[name].nbytes for name in COUNTED)
    assert without.curves - plain.curves == size > 900_000 and without.total(1, 1) > plain.total(1, 1) + size
    plan = read_plan({"width": 5, "depth": 40, "replicas": 9, "seed": list(range(20))})
    counted = plan.with_histograms(6)
    assert counted.cells[0].work > 10 * plan.cells[0].work
    said, before = (estimate.estimate(one, 1) for one in (counted, plan))
    assert said.parts == before.parts + 20 * size and said.seconds > 2 * before.seconds
    monkeypatch.setattr(memory, "SMALL", 0)
    monkeypatch.setattr(memory, "available", lambda: 10 * size)
    with pytest.raises(RequestError, match=r"^sweep: the curves of 20 cells would take .* are free"):
        gradsim.sweep.run(counted)
    monkeypatch.setattr(memory, "available", lambda: plain.total(1, 1))
    for request in (lambda: gradsim.simulate(network, 9, histograms=6), lambda: read_plan(counted.request)):
        with pytest.raises(RequestError, match=r"^histograms: 9 networks .*, units of 6 counted, would take .* are free"):
            request()


@pytest.mark.parametrize(
    "asked, words",
    [
        (lambda: gradsim.sweep.run(GRID, histograms="all"), "histograms: 'all' is not a whole number"),
        (lambda: gradsim.sweep.run(GRID | {"histograms": -1}), "histograms: -1 is not a whole number from 0"),
        (lambda: gradsim.sweep.run(GRID | {"histograms": [0, 5]}, histograms=3), "histograms: the sweep has several itself"),
    ],
)
def test_refusals(asked, words):
    with pytest.raises(RequestError, match=f"^{words}"):
        asked()
