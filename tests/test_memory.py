"""What would not fit the memory is refused before it is taken, with what it would take; threads give way first, bits never."""

import time
import tracemalloc

import numpy as np
import pytest

import gradsim
from gradsim import memory, sweep
from gradsim.model.request import checked
from gradsim.program.engine import Layers
from gradsim.program.program import lower, tape_numbers
from gradsim.simulation.footprint import Footprint, workers
from gradsim.sweep import read_plan

GIB = 2**30


@pytest.fixture
def free(monkeypatch):
    """Sets the bytes that are free."""
    monkeypatch.setattr(memory, "SMALL", 0)
    return lambda size: monkeypatch.setattr(memory, "available", lambda: int(size))


@pytest.mark.parametrize(
    "network, run, words",
    [
        ({"depth": 10**10}, {}, "^depth: 10000000000 is not a whole number from 1 to 4,294,967,296"),
        ({"depth": 4 * 10**9}, {}, "^depth: 4,000,000,000 layers, whatever their width, would take 14,901 GiB"),
        ({"width": range(10**12)}, {}, "^width: a list of 1,000,000,000,000 widths is longer"),
        (
            {"width": 65_536, "depth": 10**6},
            {},
            "^depth: 1,000 networks of depth 1,000,000 and width 65,536 with 1 input ",
        ),
        ({}, {"inputs": 10**6}, "^inputs: .* with 1,000,000 inputs would take 15,[0-9]+ GiB"),
        ({"width": 10}, {"inputs": 10**6, "engine": "dense"}, "^inputs: "),
        ({}, {"replicas": 4 * 10**9, "keep_samples": True}, "^keep_samples: 4,000,000,000 networks .*, every one kept,"),
    ],
)
def test_sizes_that_cannot_be_are_refused_at_once(free, network, run, words):
    free(14 * GIB)
    start = time.monotonic()
    with pytest.raises(gradsim.RequestError, match=words) as error:
        gradsim.simulate(gradsim.mlp(**network), **run)
    assert "\n" not in str(error.value) and time.monotonic() - start < 20


def test_a_million_layers_of_two_units_are_within_reach(free):
    network, run = gradsim.mlp(width=2, depth=10**6), checked(replicas=10)
    needed = Footprint.of(network, run)
    assert needed.total(1, 1) <= 14 * GIB
    free(needed.total(2, 1) - 1)
    assert workers(network, run, 2)[0] == 1
    free(64 * GIB)
    assert workers(network, run, 2)[0] == 2


def test_grids_are_counted_before_they_are_made(free):
    axes = {"seed": list(range(1000)), "width": [1] * 1000, "depth": [1] * 1000}
    with pytest.raises(
        gradsim.RequestError,
        match="1,000 seed x 1,000 width x 1,000 depth are 1,000,000,000 cells, whose curves would take about ",
    ):
        read_plan(axes)
    free(10**6)
    with pytest.raises(gradsim.RequestError, match=r"^sweep: the curves of 20 cells would take"):
        sweep.run({"seed": list(range(20)), "depth": 60, "width": 2, "replicas": 1})


@pytest.mark.parametrize("inputs", [1, 3])
@pytest.mark.parametrize("engine", ["auto", "dense"])
@pytest.mark.parametrize(
    "options", [{}, {"bias_std": 1.0}, {"init": "normal(0.1,1)"}, {"init": "orthogonal"}, {"init": "zeros"}]
)
def test_the_tape_is_as_long_as_the_program_makes_it(options, engine, inputs):
    network = gradsim.mlp(width=[5, 9, 9, 70, 3], outputs=7, input_width=2, **options)
    expected = lower(network, inputs, engine=engine).tape_size
    assert tape_numbers(network, Layers(network, engine, inputs)) == expected


@pytest.mark.parametrize(
    "network, run",
    [
        ({"width": 2, "depth": 5000}, {"replicas": 40}),
        ({"width": 2, "depth": 3000}, {"replicas": 600}),  # beyond the bytes of exact quantiles, with the limit below
        ({"width": 3000, "depth": 100}, {"replicas": 3}),
        ({"width": 64, "depth": 30}, {"replicas": 4, "inputs": 300}),
        ({"width": 64, "depth": 30}, {"replicas": 4, "inputs": 300, "arithmetic": "float32"}),
        ({"width": 2, "depth": 50}, {"replicas": 8000, "keep_samples": True}),
        ({"width": 2, "depth": 600}, {"replicas": 4, "histograms": 2}),
        ({"width": 1000, "depth": 30}, {"replicas": 4, "histograms": 1, "inputs": 8}),
    ],
)
def test_the_estimate_holds(monkeypatch, network, run):
    """Of what Python and NumPy take: not below, and not more than four times."""
    monkeypatch.setattr("gradsim.statistics.quantiles.SAMPLE_BYTES", 2**25)
    network = gradsim.mlp(**network)
    gradsim.simulate(gradsim.mlp(width=1, depth=1), 1, arithmetic=run.get("arithmetic", "carried"))
    needed = Footprint.of(network, checked(**run))
    tracemalloc.start()
    gradsim.simulate(network, threads=1, **run)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 1.02 * needed.total(1, 3) <= 4 * peak


def test_samples_are_counted_where_they_are_kept():
    network = gradsim.mlp(width=2, depth=9)
    kept, dropped = (Footprint.of(network, checked(replicas=1000, keep_samples=keep)) for keep in (True, False))
    samples = sum(
        v.nbytes for n, v in gradsim.simulate(network, 1000, keep_samples=True).variables.items() if n.endswith("_log")
    )
    assert kept.samples >= samples > 10**5 and dropped.samples == 0
    assert kept.curves >= dropped.curves + samples and kept.total(1, 1) >= dropped.total(1, 1) + samples


def test_threads_give_way_and_bits_do_not(free):
    network, run = gradsim.mlp(width=64, depth=30, init="he_uniform"), checked(replicas=40, inputs=8)
    needed = Footprint.of(network, run)
    whole = gradsim.simulate(network, 40, inputs=8)
    assert needed.fitting(4, needed.total(4, 9)) == (4, 9)
    assert needed.fitting(4, needed.total(4, 9) - 1) == (4, 4)
    assert needed.fitting(4, needed.total(1, 1)) == (1, 1) and needed.fitting(4, needed.total(1, 1) - 1) is None
    free(needed.total(1, 1))
    short = gradsim.simulate(network, 40, inputs=8)
    for name, values in whole.variables.items():
        assert short[name].tobytes() == values.tobytes()
    free(needed.total(1, 1) - 1)
    with pytest.raises(gradsim.RequestError, match="with one thread, and"):
        gradsim.simulate(network, 40, inputs=8)


def test_histograms_in_blocks_of_rows_are_the_same(monkeypatch):
    from gradsim.statistics import quantiles

    rows = np.random.default_rng(1).normal(size=(300, 50)) * 10.0 ** np.arange(-25, 25)
    rows[rows > 1e20] = np.inf
    found = []
    for block in (7, 8192):
        monkeypatch.setattr(quantiles, "HISTOGRAM_ROWS", block)
        monkeypatch.setattr(quantiles, "WAITING_BYTES", 1)
        monkeypatch.setattr(quantiles, "HISTOGRAM_BYTES", 2**15)
        binning = quantiles.Binning(quantiles.bins_of(50))
        total = binning.of(rows[:60])
        for first in range(60, 300, 60):
            total = total + binning.of(rows[first : first + 60])
        found.append(total.quantiles((0.05, 0.5, 0.95)))
    assert found[0].tobytes() == found[1].tobytes() == quantiles.Histograms.of(rows).quantiles((0.05, 0.5, 0.95)).tobytes()


def test_memory_that_is_gone_after_all_is_one_line(monkeypatch):
    def full(*arguments):
        raise MemoryError("Unable to allocate\n1 TiB")

    monkeypatch.setattr("gradsim.simulation.chunks.new_tape", full)
    with pytest.raises(gradsim.RequestError, match=r"^memory: there is no more: Unable to allocate 1 TiB"):
        gradsim.simulate(gradsim.mlp(width=2, depth=1), 2)


def test_what_the_system_says_is_free(tmp_path, monkeypatch):
    """The least of the machine, the control groups above the process (of both versions), and ulimit -v; else a constant."""
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    (proc / "self").mkdir(parents=True)
    (groups / "job/step").mkdir(parents=True)
    monkeypatch.setattr(memory, "PROC", proc)
    monkeypatch.setattr(memory, "GROUPS", groups)
    monkeypatch.setattr(memory, "_limits", list)
    (proc / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    8000000 kB\n")
    assert memory.available() == 8_000_000 * 1024
    (proc / "self/cgroup").write_text("0::/job/step\n")
    (groups / "job/step/memory.max").write_text("max\n")
    (groups / "job/memory.max").write_text("5000000000\n")
    (groups / "job/memory.current").write_text("3000000000\n")
    (groups / "job/memory.stat").write_text("anon 1\ninactive_file 500000000\n")
    assert memory.available() == 2_500_000_000
    (proc / "self/cgroup").write_text("7:memory:/\n")
    (groups / "memory").mkdir()
    (groups / "memory/memory.limit_in_bytes").write_text("1000000000")
    (groups / "memory/memory.usage_in_bytes").write_text("400000000")
    assert memory.available() == 600_000_000
    monkeypatch.setattr(memory, "_limits", lambda: [1000])
    assert memory.available() == 1000
    for name in ("_machine", "_groups", "_limits"):
        monkeypatch.setattr(memory, name, list)
    assert memory.available() == memory.FALLBACK
    assert memory.gib(1.5 * GIB) == "1.5 GiB" and memory.gib(20 * GIB) == "20 GiB" and memory.gib(1e30) == "9.3e+20 GiB"
