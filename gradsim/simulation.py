"""From a network to the curves of its ensemble: replicas in fixed chunks, their records folded into statistics."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numba
import numpy as np

from .curves import Curves
from .errors import RequestError
from .kernels.interpreter import run_chunk
from .kernels.plain import run_plain_chunk
from .kernels.record import LOG_QUANTITIES, RECORDED
from .network import Network, mlp
from .program import lower
from .quantities import QUANTILES, QUANTITIES
from .request import checked, fit
from .statistics.ensemble import EnsembleStatistics, restricted
from .statistics.quantiles import collector
from .streams import stream_key

CHUNK_BYTES = 2**25  # of records; with one chunk in memory at a time this is the peak, whatever the number of replicas
LARGEST_CHUNK = 256
SHARES = 4  # of a chunk for each thread, so that none waits long for another


def chunk_size(layers):
    """Replicas in a chunk: a function of the network only, so that asking for more later gives the same bits."""
    return max(1, min(LARGEST_CHUNK, CHUNK_BYTES // (8 * len(RECORDED) * layers)))


def warm_up(arithmetic="carried"):
    """Have the kernels ready: compiled, or loaded from the disk."""
    for _ in record_chunks(mlp(width=1, depth=1), replicas=1, arithmetic=arithmetic):
        pass


def record_chunks(network, **options):
    """Yield float64 records of shape (chunk, quantities, layers) until all replicas are done, in order.

    `options` are those of `checked`. The stream defaults to the network's identity; the same stream gives the same
    random numbers to every network. Raises RequestError for what cannot be.
    """
    options = checked(**options)
    fit(network, options)
    program = lower(
        network, options["inputs"], options["input_correlation"], options["loss"], options["probe"],
        options["input_file"], options["target_file"], options["engine"] if options["arithmetic"] == "carried" else "dense",
    )  # fmt: skip
    stream = network.to_json() if options["stream"] is None else options["stream"]
    key = stream_key(options["seed"], stream)
    size, threads = chunk_size(program.layers), options["threads"] or numba.config.NUMBA_NUM_THREADS
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, options["replicas"], size):
            records = np.empty((min(size, options["replicas"] - first), len(RECORDED), program.layers))
            share = -(-len(records) // (SHARES * threads))
            parts = range(0, len(records), share)
            work = partial(_fill, program, options["arithmetic"], key)
            list(pool.map(work, [first + part for part in parts], [records[part : part + share] for part in parts]))
            yield records


def _fill(program, arithmetic, key, first, records):
    """Records of replicas first, first + 1, ...; any thread may do any of them."""
    arguments = (
        program.steps, program.parameters, key, program.data, first, records, program.inputs, program.tape_size, program.widest
    )  # fmt: skip
    if arithmetic == "carried":
        return run_chunk(*arguments)
    limits = np.finfo(arithmetic)
    squares = 2 * np.log(np.array([0.5, 1.0])) + 2 * np.log(np.array([limits.smallest_subnormal, limits.max], float))
    return run_plain_chunk(*arguments, squares, np.zeros(0, arithmetic))


def simulate(
    network, replicas=1000, seed=0, inputs=1, engine="auto", keep_samples=False, *, threads=None, stream=None,
    input_correlation=0.0, input_file=None, target_file=None, loss="probe", probe="independent", arithmetic="carried",
    quantiles=QUANTILES, progress=None,
):  # fmt: skip
    """Draw `replicas` networks, send `inputs` inputs forward and the loss's gradient backward, and give Curves.

    Inputs are standard normal, pairs of them with `input_correlation`, or different rows of `input_file` (a path or an
    array of shape (samples, input width)), drawn anew for every network. The loss is a Gaussian "probe" ("independent"
    for each input, or "shared"), "mse", or "cross_entropy" on the network's `outputs`; `target_file` gives the targets
    or labels of the rows, which are drawn otherwise. `arithmetic` is "carried" (nothing overflows; the exact curve),
    or plain "float32" or "float64", as in practice.

    The numbers depend on the network, `seed`, `stream` (the network's identity unless given; a shared stream gives every
    network the same random numbers) and what goes in and out, not on `threads` (all cores unless given). `keep_samples`
    keeps every replica's logs as well: `<quantity>_log` of shape (replicas, layers). `quantiles` are probabilities from
    0 to 1. `progress(n)` is called after every n more replicas. Raises RequestError for what cannot be.
    """
    if not isinstance(network, Network):
        raise RequestError(f"network: {network!r} is not a Network; make one with gradsim.mlp(...)")
    options = checked(
        replicas, seed, inputs, engine, stream, input_correlation, input_file, target_file, loss, probe, arithmetic, threads
    )
    quantiles = _probabilities(quantiles)
    layers = len(network.linear_widths) + 1
    kind = collector(len(LOG_QUANTITIES) * layers, options["replicas"])
    total, kept = None, []
    for records in record_chunks(network, **options):
        part = EnsembleStatistics.of(records, kind)
        total = part if total is None else total + part
        if keep_samples:
            kept.append(records[:, : len(LOG_QUANTITIES)])
        if progress is not None:
            progress(len(records))
    options.pop("threads")
    variables = dict(total.variables(network, options["inputs"], quantiles))
    if keep_samples:
        variables |= _samples(np.concatenate(kept), network)
    files = {name: None if options[name] is None else options[name].description for name in ("input_file", "target_file")}
    run = options | files | {"engine": "dense", "keep_samples": bool(keep_samples)}
    return Curves(network, run, np.array(quantiles), kind.method, variables)


def _probabilities(quantiles):
    values = tuple(float(q) for q in quantiles)
    if 0.5 not in values or any(not 0 <= q <= 1 for q in values) or list(values) != sorted(set(values)):
        raise RequestError(f"quantiles: {quantiles!r} are not increasing numbers from 0 to 1 with 0.5 among them")
    return values


def _samples(logs, network):
    rows = zip(LOG_QUANTITIES, np.moveaxis(logs, 1, 0), strict=True)
    return {f"{name}_log": restricted(row, QUANTITIES[name], network, axis=1) for name, row in rows}
