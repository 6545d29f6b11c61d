"""Large sweeps: python -m bench.sweep. What a sweep costs beside its bare simulation, and what small cells cost.

Bare simulation of a cell is its kernels, the folding of its records and its quantiles, no more; a sweep could take as long as
that on all cores at best. The sweep itself is what `gradsim sweep` does but for its words: planned, with parts sealed all the
while, packed, opened, drawn. All of it takes turns, each in a process of its own, and ratios are taken within a round.

How long one takes beside the other cannot be told from turns on a shared machine, whose pace changes by half from one minute to
the next: so a sweep and the bare simulation of its cells, a process a core, are at work at once, and their CPU seconds a cell
are compared; that ratio, over the share of all cores that a sweep has at work when it is alone, is what it takes longer. The
seconds of turns are given too: of one process that simulates alone, and of one a core.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from . import timing

RESULT = Path(__file__).with_name("results") / "sweep.json"
MEMORY = 500  # MB
# What is asked: {figure: (what it is, at most or at least, format)}; ms of CPU a cell, seconds, MB, shares of all cores
ASKED = {
    "ratio": ("a sweep over its bare simulation on all cores", "<=", 1.3, ".2f"),
    "sealing": ("ms a cell to seal it", "<=", 0.6, ".2f"),
    "packing": ("s of CPU to pack the file", "<=", 20, ".1f"),
    "memory": ("MB at most", "<=", MEMORY, ".0f"),
    "memory_of_many": ("MB at most, of four times the cells", "<=", MEMORY, ".0f"),
    "opening": ("s to open the file", "<=", 1, ".2f"),
    "drawing": ("s to draw the map, `gradsim plot` in all", "<=", 3, ".2f"),
    "busy": ("of all cores at work at small cells", ">=", 0.85, ".0%"),
    "threads": ("small cells on threads over processes of their own", ">=", 1, ".2f"),
    "own": ("ms a small cell but for its kernels", "<=", 1, ".2f"),
    "two_workers": ("two Dask workers of one core over one", ">=", 1.7, ".2f"),
    "client": ("ms of CPU of Dask's client and scheduler a cell", "<=", 0.5, ".2f"),
}
SAMPLE_SECONDS = 0.2


class Cells(NamedTuple):
    """A phase diagram of tanh networks: `side` gains by as many bias stds, so many `networks` a cell."""

    width: int
    depth: int
    networks: int
    side: int

    @property
    def grid(self):
        gains, stds = np.linspace(0.5, 3.0, self.side).tolist(), np.linspace(0.01, 1.0, self.side).tolist()
        shape = {"activation": "tanh", "width": self.width, "depth": self.depth, "replicas": self.networks}
        return shape | {"weight_gain": gains, "bias_std": stds}

    @property
    def count(self):
        return self.side**2

    def some(self, number):
        """About so many (Network, run) of the grid, from all over it."""
        from gradsim.simulation.fit import network_and_run

        grid, step = self.grid, max(1, self.count // number)
        for k in range(step // 2, self.count, step):
            place = {"weight_gain": grid["weight_gain"][k // self.side], "bias_std": grid["bias_std"][k % self.side]}
            yield network_and_run(grid | place)


def warm_up():
    """The kernels loaded, and every other module."""
    from gradsim.simulation.simulate import simulate, warm_up, warm_up_apart

    warm_up()
    warm_up_apart()
    return simulate


@contextmanager
def processes(count):
    """A pool of new processes, one a job."""
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        yield pool


def alone(job, *arguments):
    """job(*arguments) in a process of its own."""
    with processes(1) as pool:
        return pool.submit(job, *arguments).result()


def simulated(made, run, desk, clock):
    """Seconds of the bare simulation of a cell."""
    from gradsim.simulation.chunks import Replicas
    from gradsim.simulation.simulate import fold_of
    from gradsim.statistics.quantities import QUANTILES

    chunks, fold = Replicas(made, run), fold_of(made, run)
    desk.place(chunks.program, chunks.arithmetic, chunks.size)
    start, total = clock(), None
    for statistics, _ in chunks.folded(fold, desk=desk):
        total = statistics if total is None else total + statistics
    total.quantiles.quantiles(QUANTILES)
    return clock() - start


def bare(cells, number, part=0, parts=1, ended=None):
    """Seconds that a cell takes on one core: the mean over part `part` of `parts` of a sample of so many.

    With a path `ended`, CPU seconds, and over and over until there is such a file.
    """
    warm_up()
    from gradsim.simulation.chunks import Desk

    desk, clock, asked = (
        Desk(),
        time.perf_counter if ended is None else time.process_time,
        list(cells.some(number))[part::parts],
    )
    taken = [simulated(*cell, desk, clock) for cell in asked]
    while ended is not None and not ended.exists():
        taken += [simulated(*cell, desk, clock) for cell in asked]
    return float(np.mean(taken))


def bare_on_all_cores(cells, number):
    """The same where every core computes a part of the sample at once; seconds a cell of all cores together."""
    with processes(timing.CORES) as pool:
        jobs = [pool.submit(bare, cells, number, part, timing.CORES) for part in range(timing.CORES)]
        return float(np.mean([job.result() for job in jobs])) / timing.CORES


def family():
    """This process and those that it began."""
    me, found = os.getpid(), [os.getpid()]
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(") ")[2].split()[1]) == me:
                found.append(int(path.parent.name))
    return found


def proportional(pid):
    """MB of a process; what several share is parted among them."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1000
    return 0.0


@contextmanager
def most_memory():
    """A list whose entry is the largest sum of MB over this process and those that it began, meanwhile."""
    most, ended = [0.0], threading.Event()

    def look():
        while not ended.wait(SAMPLE_SECONDS):
            most[0] = max(most[0], sum(map(proportional, family())))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        ended.set()
        looking.join()


def cpu():
    """Seconds of this process and of those that it began and that have ended."""
    return sum(os.times()[:4])


def whole(cells, path, opened=True, hands=True):
    """{figure: value} of a sweep of all cells to a file; nothing else is loaded here than `gradsim sweep` loads.

    Without `hands` small cells are computed by threads.
    """
    import gradsim
    from gradsim.sweep import read_plan, runner
    from gradsim.sweep.durable import Sweep

    if not hands:
        runner.HANDS_SECONDS = np.inf
    start = time.perf_counter()
    sweep = Sweep(read_plan(cells.grid), path)
    planned = time.perf_counter()
    sweep.begin()
    with most_memory() as most:
        begun, used = time.perf_counter(), cpu()
        sweep.run(None)
        done, used = time.perf_counter(), cpu() - used
        packed = time.process_time()
        sweep.pack()
        packed = time.process_time() - packed
    sweep.leave()
    found = {
        "planning": planned - start,
        "seconds": done - begun,
        "used": used,
        "busy": used / (done - begun) / timing.CORES,
        "packing": packed,
        "memory": most[0],
        "bytes": os.path.getsize(path),
    }
    if opened:
        start = time.perf_counter()
        gradsim.open(path)
        found["opening"] = time.perf_counter() - start
    return found


def by_dask(cells, workers, path):
    """(seconds, ms of CPU a cell of the process that asks, in which the scheduler is) of so many workers of one core."""
    from distributed import Client, LocalCluster

    from gradsim.sweep import read_plan
    from gradsim.sweep.durable import Sweep

    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        client.run(warm_up_here)
        sweep = Sweep(read_plan(cells.grid), path, keep=False)
        sweep.begin()
        begun, used = time.perf_counter(), time.process_time()
        sweep.run(None, dask=client)
        taken, used = time.perf_counter() - begun, time.process_time() - used
        sweep.leave()
    return taken, 1e3 * used / cells.count


def warm_up_here():
    """On a worker."""
    from gradsim.simulation.simulate import warm_up

    warm_up()


def drawn(path):
    """Seconds of `gradsim plot`, a map."""
    asked = ["--x", "weight_gain", "--y", "bias_std", "--quantity", "gradient", "--overwrite"]
    return timing.seconds(lambda: subprocess.run([sys.executable, "-m", "gradsim", "plot", path, *asked], check=True))


def sealing(cells, number, folder):
    """ms of CPU that a cell takes to be sealed, in parts of the usual size."""
    simulate = warm_up()
    from gradsim.sweep.cells import record
    from gradsim.sweep.shelf import Shelf

    curves, shelf = [simulate(made, **run) for made, run in cells.some(64)], Shelf(folder)
    start = time.process_time()
    for k in range(number):
        shelf.add(record(k, f"{k:064x}", curves[k % len(curves)]))
    shelf.close()
    return 1e3 * (time.process_time() - start) / number


def own(cells, number):
    """ms of CPU that a cell takes but for its kernels, from a Network to its Curves."""
    warm_up()
    from gradsim.simulation.chunks import Desk, Workplace
    from gradsim.simulation.simulate import simulate_here

    inside, fill = 0.0, Workplace.fill

    def timed(self, *arguments):
        nonlocal inside
        start = time.thread_time()
        try:
            return fill(self, *arguments)
        finally:
            inside += time.thread_time() - start

    Workplace.fill, desk, asked = timed, Desk(), list(cells.some(number))
    start = time.thread_time()
    for made, run in asked:
        simulate_here(made, run, desk)
    return 1e3 * (time.thread_time() - start - inside) / len(asked)


def beside(cells, number, folder):
    """CPU seconds of a cell of a sweep over those of its bare simulation, which a process a core is at meanwhile."""
    ended = folder / "ended"
    with processes(timing.CORES + 1) as pool:
        jobs = [pool.submit(bare, cells, number, part, timing.CORES, ended) for part in range(timing.CORES)]
        try:
            swept = pool.submit(whole, cells, str(folder / "beside.h5"), False).result()
        finally:
            ended.touch()
        return swept["used"] / cells.count / float(np.mean([job.result() for job in jobs]))


def a_round(cells, small, sample, folder):
    """{figure: value} of one round."""
    out, of_small = str(folder / "diagram.h5"), str(folder / "small.h5")
    at_once, one = bare_on_all_cores(cells, sample), alone(bare, cells, sample) / timing.CORES
    diagram, dearer = alone(whole, cells, out), beside(cells, sample // 10, folder)
    found = diagram | {
        "bare": one * cells.count,
        "bare_at_once": at_once * cells.count,
        "ratio": dearer / diagram["busy"],
        "ratio_of_cpu": dearer,
        "ratio_of_turns": diagram["seconds"] / (one * cells.count),
        "ratio_of_turns_at_once": diagram["seconds"] / (at_once * cells.count),
        "sealing": alone(sealing, cells, sample, folder / "parts"),
        "drawing": drawn(out),
    }
    smaller, by_threads = alone(whole, small, of_small, False), alone(whole, small, str(folder / "threads.h5"), False, False)
    found |= {"busy": smaller["busy"], "small_seconds": smaller["seconds"], "own": alone(own, small, sample)}
    found["threads"] = by_threads["seconds"] / smaller["seconds"]
    fewer = cells._replace(side=cells.side // 2)
    (one, _), (two, client) = (alone(by_dask, fewer, count, str(folder / f"{count}.h5")) for count in (1, 2))
    return found | {"two_workers": one / two, "client": client}


def measured(cells, small, sample, count):
    """Every figure's summary over rounds."""
    rounds = []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(a_round(cells, small, sample, Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        many = cells._replace(side=2 * cells.side)
        of_many = alone(whole, many, str(Path(folder) / "many.h5"), False)
    figures = {name: timing.summary([found[name] for found in rounds]) for name in rounds[0]}
    return figures | {"memory_of_many": timing.summary([of_many["memory"]])}


def show(result):
    table = Table("", "median", "quartiles", "asked", box=None)
    for name, (words, sign, bound, form) in ASKED.items():
        found = result["figures"][name]
        kept = found["median"] <= bound if sign == "<=" else found["median"] >= bound
        quartiles = f"{found['low']:{form}} to {found['high']:{form}}"
        table.add_row(words, f"{found['median']:{form}}", quartiles, f"{sign} {bound:{form}}{'' if kept else ' !'}")
    Console(width=120, highlight=False).print(table)
    middle = {name: found["median"] for name, found in result["figures"].items()}
    print(
        f"{result['cells']:,} cells in {middle['seconds']:.1f} s ({middle['bare']:.1f} s bare, {middle['bare_at_once']:.1f} s "
        f"where all cores are at work), {middle['small_seconds']:.1f} s for as many small ones; {middle['bytes'] / 1e6:.0f} MB"
    )


@click.command()
@click.option("--rounds", "count", default=5, show_default=True)
@click.option("--quick", is_flag=True, help="Few cells, to see that it works; nothing is kept.")
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULT, help="Where the figures go.")
def main(count, quick, path):
    """Time a large sweep against its bare simulation, and small cells."""
    cells, small, sample = Cells(64, 50, 100, 100), Cells(16, 10, 20, 100), 1000
    if quick:
        cells, small, sample, count = cells._replace(side=6), small._replace(side=10), 20, 2
    result = {"rounds": count, "asked": ASKED, "cells": cells.count, "figures": measured(cells, small, sample, count)}
    if not quick:
        timing.write(path, result)
    show(result)


if __name__ == "__main__":
    main()
