"""From a network to the curves of its ensemble: replicas in fixed chunks, their records folded into statistics."""

from contextlib import contextmanager

import numba
import numpy as np

from .curves import Curves
from .errors import RequestError, unknown
from .kernels.interpreter import run_chunk
from .kernels.record import LOG_QUANTITIES, RECORDED
from .network import Network, mlp, whole_number
from .program import lower
from .quantities import QUANTILES, QUANTITIES
from .statistics.ensemble import EnsembleStatistics, restricted
from .statistics.quantiles import collector
from .streams import stream_key

CHUNK_BYTES = 2**25  # of records; with one chunk in memory at a time this is the peak, whatever the number of replicas
LARGEST_CHUNK = 256
MOST_REPLICAS = 2**32  # the replica is one 32-bit word of the counter
ENGINES = ("auto", "dense")


def chunk_size(layers):
    """Replicas in a chunk: a function of the network only, so that asking for more later gives the same bits."""
    return max(1, min(LARGEST_CHUNK, CHUNK_BYTES // (8 * len(RECORDED) * layers)))


def checked(replicas=1000, seed=0, inputs=1, engine="auto", stream=None, threads=None):
    """The options of `simulate` that concern the run, validated. Raises RequestError."""
    most = numba.config.NUMBA_NUM_THREADS
    if engine not in ENGINES:
        raise unknown("--engine", engine, ENGINES)
    if not (stream is None or isinstance(stream, str)):
        raise RequestError(f"--stream: {stream!r} is not a text")
    return {
        "replicas": whole_number("--replicas", replicas, 1, MOST_REPLICAS),
        "seed": whole_number("--seed", seed, 0),
        "inputs": whole_number("--inputs", inputs, 1),
        "engine": engine,
        "stream": stream,
        "threads": None if threads is None else whole_number("--threads", threads, 1, most),
    }


@contextmanager
def _threads(count):
    before = numba.get_num_threads()
    numba.set_num_threads(before if count is None else count)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def warm_up():
    """Have the kernels ready: compiled, or loaded from the disk."""
    for _ in record_chunks(mlp(width=1, depth=1), replicas=1):
        pass


def record_chunks(network, *, replicas, seed=0, inputs=1, stream=None):
    """Yield float64 records of shape (chunk, quantities, layers) until `replicas` networks are done, in order.

    `stream` defaults to the network's identity; the same stream gives the same random numbers to every network.
    Raises RequestError for numbers out of range.
    """
    options = checked(replicas=replicas, seed=seed, inputs=inputs, stream=stream)
    program = lower(network, options["inputs"])
    key = stream_key(options["seed"], network.to_json() if stream is None else stream)
    size = chunk_size(program.layers)
    for first in range(0, options["replicas"], size):
        yield run_chunk(
            program.steps, program.parameters, key, first, min(size, options["replicas"] - first), options["inputs"],
            program.tape_size, program.widest, program.layers,
        )  # fmt: skip


def simulate(
    network, replicas=1000, seed=0, inputs=1, engine="auto", keep_samples=False, *, threads=None, stream=None,
    quantiles=QUANTILES, progress=None,
):  # fmt: skip
    """Draw `replicas` networks, send `inputs` Gaussian inputs forward and a probe's gradient backward, and give Curves.

    The numbers depend on the network, `seed` and `stream` only (the network's identity unless given; a shared stream
    gives every network the same random numbers), not on `threads` (all cores unless given). `keep_samples` keeps
    every replica's logs as well: `<quantity>_log` of shape (replicas, layers). `quantiles` are probabilities from 0
    to 1. `progress(n)` is called after every n more replicas. Raises RequestError for what cannot be.
    """
    if not isinstance(network, Network):
        raise RequestError(f"network: {network!r} is not a Network; make one with gradsim.mlp(...)")
    options = checked(replicas, seed, inputs, engine, stream, threads)
    quantiles = _probabilities(quantiles)
    layers = len(network.linear_widths) + 1
    kind = collector(len(LOG_QUANTITIES) * layers, options["replicas"])
    total, samples = None, []
    with _threads(options.pop("threads")):
        run = {name: options[name] for name in ("replicas", "seed", "inputs", "stream")}
        for records in record_chunks(network, **run):
            part = EnsembleStatistics.of(records, kind)
            total = part if total is None else total + part
            if keep_samples:
                samples.append(records[:, : len(LOG_QUANTITIES)])
            if progress is not None:
                progress(len(records))
    variables = dict(total.variables(network, options["inputs"], quantiles))
    if keep_samples:
        variables |= _samples(np.concatenate(samples), network)
    run = options | {"engine": "dense", "keep_samples": bool(keep_samples)}
    return Curves(network, run, np.array(quantiles), kind.method, variables)


def _probabilities(quantiles):
    values = tuple(float(q) for q in quantiles)
    if 0.5 not in values or any(not 0 <= q <= 1 for q in values) or list(values) != sorted(set(values)):
        raise RequestError(f"quantiles: {quantiles!r} are not increasing numbers from 0 to 1 with 0.5 among them")
    return values


def _samples(logs, network):
    rows = zip(LOG_QUANTITIES, np.moveaxis(logs, 1, 0), strict=True)
    return {f"{name}_log": restricted(row, QUANTITIES[name], network, axis=1) for name, row in rows}
