"""Replicas in chunks of a fixed size: computed by threads, or by the one that asks, and handed over in order.

The size is a function of the problem only, so that results depend neither on the threads nor on how many replicas are
asked for: more of them later begin with the same bits.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import numba
import numpy as np

from ..errors import RequestError
from ..kernels.cancellation import DOUBTS
from ..kernels.interpreter import run_chunk
from ..kernels.later import doubts
from ..kernels.plain import PLAIN_LIMITS, new_plain_tape, run_plain_chunk
from ..kernels.record import Record
from ..kernels.workspace import new_scratch, new_tape
from ..model.activations import find_activation
from ..model.request import checked
from ..model.streams import stream_key
from ..program.program import lower
from .device import OnDevice
from .fit import fit
from .footprint import chunk_size, workers


class Workplace:
    """What a thread works on: its tape, its scratch space and its records, used again for every chunk."""

    def __init__(self, program, arithmetic, replicas):
        """Room for as many `replicas` at a time, of any program of the same layout."""
        self.layout, self.arithmetic = program.layout, arithmetic
        self.scratch = new_scratch(program.inputs, program.widest)
        self.records = np.empty((replicas, program.columns.size))
        self.unresolved = np.zeros((replicas, program.columns.places), np.int64)
        if arithmetic == "carried":
            self.run, self.rest = run_chunk, ()
            self.tape = new_tape(len(program.steps), program.inputs, program.tape_size, program.widest, program.slots)
        else:
            self.run, self.rest = run_plain_chunk, (PLAIN_LIMITS[arithmetic],)
            self.tape = new_plain_tape(program.inputs, program.tape_size, program.widest, arithmetic, program.slots)

    def fits(self, program, arithmetic, replicas):
        """Whether there is room for so many replicas of `program`."""
        return self.arithmetic == arithmetic and self.layout == program.layout and len(self.records) >= replicas

    def fill(self, program, key, first, count):
        """Records of replicas first, first + 1, ..., good until the next call, and so is `unresolved`."""
        records, unresolved = self.records[:count], self.unresolved[:count]
        unresolved[:] = 0
        code, data, tape, scratch = program.code, program.data, self.tape, self.scratch
        arrays = code, key, tape, scratch, Record(records[0], code.starts)
        for place, kernel in program.apart:
            scratch.state[place] = scratch.state[place] or kernel.address(*arrays)
        done = self.run(code, key, data, tape, scratch, first, records, unresolved, *self.rest)
        if done < count:
            scratch.state[DOUBTS] = doubts.address(*arrays)
            self.run(code, key, data, tape, scratch, first + done, records[done:], unresolved[done:], *self.rest)
        return records


class Desk:
    """What a thread keeps from one network to the next: its Workplace, as long as networks are alike."""

    def __init__(self):
        self._place = None

    def place(self, program, arithmetic, replicas):
        """A Workplace for so many replicas of `program`."""
        if self._place is None or not self._place.fits(program, arithmetic, replicas):
            self._place = Workplace(program, arithmetic, replicas)
        return self._place


class Replicas:
    """The replicas of a network in chunks, of a checked run that fits it. Raises RequestError for what has no program."""

    def __init__(self, network, run):
        self.program = lower(
            network,
            run["inputs"],
            run["input_correlation"],
            run["loss"],
            run["probe"],
            run["input_file"],
            run["target_file"],
            run["engine"],
            run["arithmetic"],
        )
        self.key = stream_key(run["seed"], network.to_json() if run["stream"] is None else run["stream"])
        self.count, self.arithmetic = run["replicas"], run["arithmetic"]
        self.size = min(chunk_size(self.program.columns, self.program.linear_nanoseconds), self.count)
        self._device = OnDevice(self) if run["engine"] == "cuda" else None
        self._entries = [find_activation(activation.name)[0] for activation in network.activations]

    def folded(self, fold, begin=0, desk=None):
        """Yield fold(records, unresolved) for the replicas from `begin` on, a chunk at a time, as `folded_chunks` does; all of
        it is computed where the next one is asked for."""
        desk = Desk() if desk is None else desk
        return self._watched(self._folded(fold, first, desk) for first in self._starts(begin))

    def folded_by(self, threads, ahead, fold, begin=0):
        """The same, computed by so many threads, which are `ahead` of what is taken. One alone could only make others wait, and
        a GPU has one that gives it work."""
        starts, idle = self._starts(begin), []
        if min(threads, len(starts)) <= 1 or self._device is not None:
            return self.folded(fold, begin)

        def chunk(first):
            try:
                desk = idle.pop()
            except IndexError:
                desk = Desk()
            try:
                return self._folded(fold, first, desk)
            finally:
                idle.append(desk)

        return self._watched(in_order(chunk, starts, threads, ahead))

    def _starts(self, begin):
        return range(begin, self.count, self.size)

    def _folded(self, fold, first, desk):
        count = min(self.size, self.count - first)
        return fold(*self._computed(first, count, desk.place(self.program, self.arithmetic, self.size)))

    def _computed(self, first, count, place):
        """(records, unresolved) of so many replicas from `first` on."""
        if self._device is not None:
            return self._device.chunk(first, count, place)
        return place.fill(self.program, self.key, first, count), place.unresolved[:count]

    def _watched(self, results):
        """`results`, while users' functions are watched. Raises RequestError where one fails, and where memory is short."""
        with ExitStack() as watch, _memory_errors(), closing(results):
            for entry in self._entries:
                watch.enter_context(entry.watched())
            for result in results:
                for entry in self._entries:
                    entry.check_faults()
                yield result


def folded_chunks(network, fold, begin=0, **options):
    """Yield fold(records, unresolved) for all replicas from `begin` on in order, a chunk at a time.

    `records` are float64 (chunk, columns), `unresolved` int64 (chunk, places): bit q says that quantity q is not
    told from zero. `fold` is called in any thread and must not keep its arguments. `options` are those of `checked`. The stream
    defaults to the network's identity; the same stream gives the same random numbers to every network. Raises
    RequestError for what cannot be.
    """
    run = checked(**options)
    fit(network, run)
    threads, ahead = workers(network, run, run["threads"] or numba.config.NUMBA_NUM_THREADS)
    yield from Replicas(network, run).folded_by(threads, ahead, fold, begin)


@contextmanager
def _memory_errors():
    """Others may have taken what was free when the run was let through."""
    try:
        yield
    except MemoryError as error:
        raise RequestError(f"memory: there is no more: {' '.join(str(error).split())}") from None


def in_order(job, items, threads, ahead):
    """Yield job(item) for the items in their order, computed by as many threads, `ahead` more of them begun than taken.

    What is not begun is dropped at an end.
    """
    pool, begun = ThreadPoolExecutor(threads), deque()
    try:
        for item in items:
            begun.append(pool.submit(job, item))
            if len(begun) >= threads + ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def record_chunks(network, **options):
    """Yield the records of `folded_chunks` themselves."""
    return folded_chunks(network, lambda records, unresolved: np.array(records), **options)
