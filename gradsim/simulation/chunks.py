"""Replicas in chunks of a fixed size: computed by threads, handed over in order.

The size is a function of the problem only, so that results depend neither on the threads nor on how many replicas are
asked for: more of them later begin with the same bits.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import numba
import numpy as np

from ..errors import RequestError
from ..kernels.cancellation import BLOCKS, DOUBTS
from ..kernels.interpreter import run_chunk
from ..kernels.later import blocks, doubts
from ..kernels.plain import PLAIN_LIMITS, new_plain_tape, run_plain_chunk
from ..kernels.record import Record
from ..kernels.workspace import new_scratch, new_tape
from ..model.activations import find_activation
from ..model.request import checked
from ..model.streams import stream_key
from ..program.program import lower
from .fit import fit
from .footprint import chunk_size, workers


class Workplace:
    """What a thread works on: its tape, its scratch space and its records, used again for every chunk."""

    def __init__(self, program, arithmetic, replicas):
        """Room for as many `replicas` at a time."""
        self.scratch = new_scratch(program.inputs, program.widest)
        self.records = np.empty((replicas, program.columns.size))
        self.unresolved = np.zeros((replicas, program.columns.places), np.int64)
        if arithmetic == "carried":
            self.run, self.rest = run_chunk, ()
            self.tape = new_tape(len(program.steps), program.inputs, program.tape_size, program.widest, program.slots)
        else:
            self.run, self.rest = run_plain_chunk, (PLAIN_LIMITS[arithmetic],)
            self.tape = new_plain_tape(program.inputs, program.tape_size, program.widest, arithmetic)

    def fill(self, program, key, first, count):
        """Records of replicas first, first + 1, ..., good until the next call, and so is `unresolved`."""
        records, unresolved = self.records[:count], self.unresolved[:count]
        unresolved[:] = 0
        code, data, tape, scratch = program.code, program.data, self.tape, self.scratch
        arrays = code, key, tape, scratch, Record(records[0], code.starts)
        if program.has_block_steps:
            scratch.state[BLOCKS] = scratch.state[BLOCKS] or blocks.address(*arrays)
        done = self.run(code, key, data, tape, scratch, first, records, unresolved, *self.rest)
        if done < count:
            scratch.state[DOUBTS] = doubts.address(*arrays)
            self.run(code, key, data, tape, scratch, first + done, records[done:], unresolved[done:], *self.rest)
        return records


def folded_chunks(network, fold, begin=0, **options):
    """Yield fold(records, unresolved) for all replicas from `begin` on in order, a chunk at a time.

    `records` are float64 (chunk, columns), `unresolved` int64 (chunk, places): bit q says that quantity q is not
    told from zero. `fold` is called in any thread and must not keep its arguments. `options` are those of `checked`. The stream
    defaults to the network's identity; the same stream gives the same random numbers to every network. Raises
    RequestError for what cannot be.
    """
    options = checked(**options)
    fit(network, options)
    threads, ahead = workers(network, options, options["threads"] or numba.config.NUMBA_NUM_THREADS)
    program = lower(
        network,
        options["inputs"],
        options["input_correlation"],
        options["loss"],
        options["probe"],
        options["input_file"],
        options["target_file"],
        options["engine"],
        options["arithmetic"],
    )
    key = stream_key(options["seed"], network.to_json() if options["stream"] is None else options["stream"])
    size, replicas, idle = chunk_size(program), options["replicas"], []
    size = min(size, replicas)

    def chunk(first):
        try:
            workplace = idle.pop()
        except IndexError:
            workplace = Workplace(program, options["arithmetic"], size)
        try:
            count = min(size, replicas - first)
            return fold(workplace.fill(program, key, first, count), workplace.unresolved[:count])
        finally:
            idle.append(workplace)

    entries = [find_activation(activation.name)[0] for activation in network.activations]
    with ExitStack() as watch, _memory_errors():
        for entry in entries:
            watch.enter_context(entry.watched())
        for result in _in_order(chunk, range(begin, replicas, size), threads, ahead):
            for entry in entries:
                entry.check_faults()
            yield result


@contextmanager
def _memory_errors():
    """Others may have taken what was free when the run was let through."""
    try:
        yield
    except MemoryError as error:
        raise RequestError(f"memory: there is no more: {' '.join(str(error).split())}") from None


def _in_order(job, items, threads, ahead):
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
