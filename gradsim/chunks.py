"""Replicas in chunks of a fixed size: computed by threads, handed over in order.

The size is a function of the problem only, so that results depend neither on the threads nor on how many replicas are
asked for: more of them later begin with the same bits.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from .activations import find_activation
from .kernels.interpreter import run_chunk
from .kernels.plain import PLAIN_LIMITS, new_plain_tape, run_plain_chunk
from .kernels.record import RECORDED
from .kernels.workspace import new_scratch, new_tape
from .program import lower
from .request import checked, fit
from .streams import stream_key

CHUNK_BYTES = 2**24  # of records
CHUNK_NANOSECONDS = 1e7  # of work, so that small ensembles keep all cores busy
SUM_NANOSECONDS = 500  # a layer: what it takes to add the sums of a chunk to those of the others
SUM_SHARE = 0.05  # of the work that may go into that
LARGEST_CHUNK = 256
AHEAD = 2  # chunks a thread that are begun before the first of them is taken


def chunk_size(program):
    """Replicas in a chunk of a Program."""
    by_bytes = CHUNK_BYTES // (8 * len(RECORDED) * program.layers)
    least = max(CHUNK_NANOSECONDS, SUM_NANOSECONDS / SUM_SHARE * program.layers)
    return int(max(1, min(LARGEST_CHUNK, by_bytes, least // program.nanoseconds)))


class Workplace:
    """What a thread works on: its tape, its scratch space and its records, used again for every chunk."""

    def __init__(self, program, arithmetic, replicas):
        """Room for as many `replicas` at a time."""
        self.scratch = new_scratch(program.inputs, program.widest)
        self.records = np.empty((replicas, len(RECORDED), program.layers))
        if arithmetic == "carried":
            self.run, self.rest = run_chunk, ()
            self.tape = new_tape(len(program.steps), program.inputs, program.tape_size, program.widest)
        else:
            self.run, self.rest = run_plain_chunk, (PLAIN_LIMITS[arithmetic],)
            self.tape = new_plain_tape(program.inputs, program.tape_size, program.widest, arithmetic)

    def fill(self, program, key, first, count):
        """Records of replicas first, first + 1, ..., good until the next call."""
        records = self.records[:count]
        self.run(program.steps, program.parameters, key, program.data, self.tape, self.scratch, first, records, *self.rest)
        return records


def folded_chunks(network, fold, **options):
    """Yield fold(records) for float64 records (chunk, quantities, layers) until all replicas are done, in order.

    `fold` is called in any thread and must not keep its argument. `options` are those of `checked`. The stream defaults
    to the network's identity; the same stream gives the same random numbers to every network. Raises RequestError for
    what cannot be.
    """
    options = checked(**options)
    fit(network, options)
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

    def chunk(first):
        try:
            workplace = idle.pop()
        except IndexError:
            workplace = Workplace(program, options["arithmetic"], size)
        try:
            return fold(workplace.fill(program, key, first, min(size, replicas - first)))
        finally:
            idle.append(workplace)

    entry, _ = find_activation(network.activation)
    with entry.watched():
        for result in _in_order(chunk, range(0, replicas, size), options["threads"] or numba.config.NUMBA_NUM_THREADS):
            entry.check_faults()
            yield result


def _in_order(job, items, threads):
    """Yield job(item) for the items in their order, computed by as many threads; what is not begun is dropped at an end."""
    pool, begun = ThreadPoolExecutor(threads), deque()
    try:
        for item in items:
            begun.append(pool.submit(job, item))
            if len(begun) > AHEAD * threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def record_chunks(network, **options):
    """Yield the records of `folded_chunks` themselves."""
    return folded_chunks(network, np.array, **options)
