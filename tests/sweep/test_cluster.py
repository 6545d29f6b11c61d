"""Sweeps that Dask workers compute, processes of their own: to the same bits, whoever is killed meanwhile."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import gradsim
from gradsim import RequestError
from gradsim.model import activations
from gradsim.model.activations import find_activation
from gradsim.sweep import batches, cluster, crew
from tests.oracles.alike import same

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

GRID = {
    "activation": ["relu", "tanh"],
    "weight_gain": [0.9, 1.0, 1.1, 1.2, 1.3],
    "width": 5,
    "depth": 4,
    "replicas": 7,
    "histograms": 2,
}


class Deadly(distributed.WorkerPlugin):
    """A worker that has it dies of networks of gain 1.2, as of a kernel that breaks the process."""

    name = "deadly"

    def setup(self, worker):
        compute = batches._curves

        def deadly(task, draws):
            if task.network.weight_gain == 1.2:
                os.kill(os.getpid(), signal.SIGKILL)
            return compute(task, draws)

        batches._curves = deadly


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(crew, "MOST", 2)


@contextmanager
def two_workers():
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    few = dask.config.set({"distributed.scheduler.allowed-failures": 1})
    with few, distributed.LocalCluster(**options) as found, distributed.Client(found, set_as_default=False) as client:
        yield client


@pytest.fixture(scope="module")
def workers():
    with two_workers() as client:
        yield client


@pytest.fixture(scope="module")
def expected():
    return gradsim.sweep.run(GRID)


def pids(client):
    return client.run(os.getpid).values()


def test_the_same_bits(workers, expected):
    address = workers.scheduler.address
    assert same(gradsim.sweep.run(GRID, out="a.h5", dask=address), expected)
    assert gradsim.open("a.h5").provenance["workers"] == 2 and "threads" not in gradsim.open("a.h5").provenance
    before = Path("a.h5").read_bytes()
    gradsim.sweep.run(GRID, out="a.h5", dask=workers)  # there is nothing to do
    assert Path("a.h5").read_bytes() == before


def test_what_is_drawn_comes_back_and_is_gone_on_with(workers, expected):
    gradsim.sweep.run(GRID | {"replicas": 5}, out="a.h5", dask=workers)
    drawn = sum(path.stat().st_size for path in Path("a.h5.draws").iterdir())
    assert drawn > 10 * 5 * 8 and same(gradsim.sweep.run(GRID, out="a.h5", dask=workers), expected)
    assert same(gradsim.sweep.run(GRID | {"replicas": 9}, out="a.h5"), gradsim.sweep.run(GRID | {"replicas": 9}))


def test_large_cells_and_a_precision(workers):
    grid = GRID | {"weight_gain": 1.1, "replicas": 3000, "inputs": 2}
    assert same(gradsim.sweep.run(grid, out="a.h5", dask=workers), gradsim.sweep.run(grid))
    grid = GRID | {"weight_gain": 1.1}
    expected = gradsim.sweep.run(grid, out="b.h5", precision=0.05)
    assert same(gradsim.sweep.run(grid, out="c.h5", precision=0.05, dask=workers), expected)


def test_workers_are_killed(workers, monkeypatch):
    """Two of them, one after the other, while they are at work."""
    grid = GRID | {"replicas": 1000, "depth": 40, "width": 32}
    take, killed = crew._take, []

    def murderous(*arguments):
        if len(killed) < 2:
            killed.append(min(pids(workers)))
            os.kill(killed[-1], signal.SIGKILL)
        take(*arguments)

    monkeypatch.setattr(crew, "_take", murderous)
    assert same(gradsim.sweep.run(grid, out="a.h5", dask=workers), gradsim.sweep.run(grid))
    assert len(set(killed)) == 2 and not set(killed) & set(pids(workers))


def test_a_cell_that_kills_its_worker_is_named_and_the_others_go_on():
    Path("grid.toml").write_text('activation = ["relu", "tanh"]\nweight_gain = [1.1, 1.2, 1.3]\nwidth = 4\ndepth = 2\n')
    with two_workers() as client:
        client.register_plugin(Deadly())
        command = [sys.executable, "-m", "gradsim", "sweep", "grid.toml", "--replicas", "5"]
        done = subprocess.run([*command, "--dask", client.scheduler.address], capture_output=True, text=True)
    assert done.returncode == 3 and done.stdout == "", done.stderr
    named = [line for line in done.stderr.splitlines() if line.startswith("gradsim: cell")]
    assert sorted(named) == [
        f"gradsim: cell {k} (activation {name}, weight_gain 1.2): the process that computed it ended"
        for k, name in ((1, "relu"), (4, "tanh"))
    ]
    assert "4 of 6 cells are kept in grid.h5.work" in done.stderr and len(gradsim.open("grid.h5.work")) == 4


def test_users_functions_are_imported_where_they_were_typed(workers, monkeypatch):
    Path("mine.py").write_text("def f(h):\n    return 0.5 * h\n\n\ndef f_derivative(h):\n    return 0.5\n")
    workers.run(os.chdir, os.getcwd())
    grid = {"activation": ["mine:f", "tanh"], "width": 4, "depth": 3, "replicas": 5}
    assert same(gradsim.sweep.run(grid, out="a.h5", dask=workers), gradsim.sweep.run(grid))
    entry = find_activation("mine:f")[0]
    with monkeypatch.context() as patch:  # a worker has what it once imported
        patch.setitem(activations._GIVEN, "mine:f", replace(entry, digest="f" * 64))
        with pytest.raises(RequestError, match="activation 'mine:f' is another function at a worker than here"):
            gradsim.sweep.run(grid, out="b.h5", dask=workers)
    Path("raising.py").write_text(
        "def f(h):\n    if 29.5 < h < 30.5:\n        raise ValueError\n    return h\n\n\ndef f_derivative(h):\n    return 1.0\n"
    )
    with pytest.raises(RequestError, match=r"cell 1 \(weight_gain 40.0\): .*ValueError"):
        gradsim.sweep.run(
            grid | {"activation": "raising:f", "weight_gain": [1.0, 40.0], "replicas": 200}, out="c.h5", dask=workers
        )
    gradsim.activation("halved", lambda h: 0.5 * h, lambda h: 0.5)
    with pytest.raises(RequestError, match="activation 'halved' was given in Python; other processes can import module:func"):
        gradsim.sweep.run(grid | {"activation": "halved"}, out="b.h5", dask=workers)


def test_what_cannot_be(workers, monkeypatch):
    monkeypatch.setattr(cluster, "WAIT_SECONDS", 0.5)
    with pytest.raises(RequestError, match=r"dask: no worker at tcp://127.0.0.1:1: "):
        gradsim.sweep.run(GRID, out="a.h5", dask="tcp://127.0.0.1:1")
    with pytest.raises(RequestError, match="dask: no worker at nowhere"):
        gradsim.sweep.run(GRID, out="a.h5", dask="nowhere")
    with pytest.raises(RequestError, match="dask: goes with out"):
        gradsim.sweep.run(GRID, dask="local")
    with monkeypatch.context() as patch:
        patch.setattr(batches, "code", lambda: ("0", "f" * 64, "0", "0", "0"))
        with pytest.raises(RequestError, match=r"a worker has gradsim .*, and here is gradsim 0 \(kernels ffffffff\)"):
            gradsim.sweep.run(GRID, out="a.h5", dask=workers)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "distributed", None)
        with pytest.raises(RequestError, match=r"dask: needs Dask: pip install 'gradsim\[dask\]'"):
            gradsim.sweep.run(GRID, out="a.h5", dask="local")
    assert not os.listdir(".")


def test_workers_that_are_all_gone_are_missed_in_a_line(monkeypatch):
    """Once, and again when others came and went."""
    monkeypatch.setattr(cluster, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(cluster, "COUNT_SECONDS", 0.0)
    threads, told = {"tcp://a": 3}, []
    crowd = cluster.Cluster("tcp://s:1", 1, told.append)
    crowd._client = SimpleNamespace(nthreads=lambda: threads)
    for round in (1, 2):
        threads["tcp://a"] = 3
        assert crowd.places == 6 and len(told) == round - 1
        threads.clear()
        assert crowd.places == 1 and len(told) == round - 1
        time.sleep(0.06)
        assert crowd.places == crowd.places == 1 and len(told) == round
    assert told[0].startswith("dask: no worker is left at tcp://s:1; waiting for others") and "\n" not in told[0]


def children(pid):
    """The processes below one, by /proc."""
    found, parents = {pid}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(") ")[2].split()[1])
        except (OSError, IndexError):
            continue
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


@pytest.mark.parametrize(
    "number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)], ids=["INT", "TERM", "KILL"]
)
def test_a_signal_keeps_what_is_finished_and_leaves_no_process(number, code):
    Path("grid.toml").write_text("weight_gain = {from = 0.5, to = 2.0, points = 200}\nwidth = 64\ndepth = 60\nreplicas = 300\n")
    command = [sys.executable, "-m", "gradsim", "sweep", "grid.toml", "--no-draws", "--dask", "local", "--threads", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as child:
        limit = time.monotonic() + 120
        begun, theirs = False, []
        while not (begun and len(theirs) >= 2) and time.monotonic() < limit:  # the other worker may be late
            time.sleep(0.05)
            begun, theirs = any(Path("grid.h5.work/parts").glob("*.part")), children(child.pid)
        if number == signal.SIGINT:
            os.killpg(child.pid, number)  # as a terminal does
        else:
            child.send_signal(number)
        out, err = child.communicate(timeout=60)
    assert child.returncode == code and out == "", err
    told = [line for line in err.splitlines() if "% done" not in line]
    if number != signal.SIGKILL:
        assert len(told) == 1 and "cells are kept in grid.h5.work" in told[0], err
    assert len(gradsim.open("grid.h5.work")) > 0
    limit = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in theirs) and time.monotonic() < limit:
        time.sleep(0.05)
    assert len(theirs) >= 2 and not any(Path(f"/proc/{pid}").exists() for pid in theirs)
