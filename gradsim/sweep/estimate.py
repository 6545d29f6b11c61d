"""How long a sweep would take, and how large it would be: from a few of its cells, computed for a moment."""

import time
from dataclasses import dataclass
from operator import itemgetter

import numba
import numpy as np

from ..simulation.settled import Settled
from ..simulation.simulate import simulate
from ..store.filters import deflated

SAMPLES = 3  # cells that are computed: the cheapest, the middle one and the dearest
SECONDS = 0.25  # that one of them may take about, by what the cost model says
LOG = 8  # bytes


@dataclass(frozen=True)
class Estimate:
    """`seconds` on `threads`, of which `overhead` is the core time that is spent beside the networks; in bytes: the `file`, the
    parts that are kept while it is computed, and the `draws` that are kept to add more networks later."""

    threads: int
    seconds: float
    overhead: float
    file: int
    parts: int
    draws: int
    measured: int
    measuring: float


@dataclass(frozen=True)
class _Measured:
    """Of a cell: seconds it takes whatever its replicas, seconds over those of the cost model, bytes over those in memory."""

    overhead: float
    pace: float
    packed: float


def estimate(plan, threads=None, clock=time.perf_counter, simulate=simulate):
    """The Estimate of a Plan. `clock` gives seconds, and `simulate` Curves, for tests to say what they want."""
    begun = clock()
    found = [_measured(cell, clock, simulate) for cell in _chosen(plan)]
    overhead, pace, packed = np.median([(one.overhead, one.pace, one.packed) for one in found], axis=0).tolist()
    work = sum(cell.work for cell in plan.cells) * 1e-9
    threads = threads or numba.config.NUMBA_NUM_THREADS
    parts = sum(cell.settled.curves for cell in plan.cells)
    return Estimate(
        threads=threads,
        seconds=(overhead * len(plan) + pace * work) / threads,
        overhead=overhead * len(plan),
        file=int(packed * parts),
        parts=parts,
        draws=sum(LOG * cell.settled.logs * cell.replicas for cell in plan.cells),
        measured=len(found),
        measuring=clock() - begun,
    )


def _chosen(plan):
    """A few cells, from the cheapest to the dearest network."""
    costs = np.array([cell.settled.nanoseconds for cell in plan.cells])
    order = np.argsort(costs, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(SAMPLES, len(order))).astype(int))
    return [plan.cells[int(order[place])] for place in places]


def _measured(cell, clock, simulate):
    """Of one network, and of as many as are asked for or fit a moment: the faster one of two tries each."""
    network, run = cell.network_and_run()
    several = max(2, min(run["replicas"], int(SECONDS * 1e9 * run["replicas"] / cell.work)))

    def tried(replicas):
        """(seconds, those of the cost model, Curves)."""
        part = run | {"replicas": replicas, "histograms": min(run["histograms"], replicas)}
        settled = Settled.of(network, part)
        work = replicas * settled.nanoseconds + settled.counting
        seconds, curves = min((_timed(network, part, clock, simulate) for _ in range(2)), key=itemgetter(0))
        return seconds, work * 1e-9, curves

    (one, least, _), (all_, most, curves) = tried(1), tried(several)
    pace = max(all_ - one, 0.0) / (most - least)
    return _Measured(max(one - pace * least, 0.0), pace, _packed(curves))


def _timed(network, run, clock, simulate):
    start = clock()
    curves = simulate(network, **run | {"threads": 1})
    return clock() - start, curves


def _packed(curves):
    """The share that is left of the bytes of curves in a file."""
    arrays = [values for values in curves.variables.values() if values.size]
    return sum(len(deflated(values)) for values in arrays) / sum(values.nbytes for values in arrays)
