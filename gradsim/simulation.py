"""From a network to the curves of its ensemble: chunks of replicas, folded into statistics."""

from functools import partial

import numba
import numpy as np

from .chunks import folded_chunks
from .curves import Curves
from .engine import Layers
from .errors import RequestError
from .kernels.record import LOG_QUANTITIES
from .network import Network, mlp
from .quantities import QUANTILES, QUANTITIES
from .request import checked
from .statistics.ensemble import EnsembleStatistics, restricted
from .statistics.leaving import ways
from .statistics.quantiles import collector


def warm_up(arithmetic="carried"):
    """Have the kernels ready: compiled, or loaded from the disk."""
    simulate(mlp(width=1, depth=1), replicas=1, arithmetic=arithmetic)


def simulate(
    network,
    replicas=1000,
    seed=0,
    inputs=1,
    engine="auto",
    keep_samples=False,
    *,
    threads=None,
    stream=None,
    input_correlation=0.0,
    input_file=None,
    target_file=None,
    loss="probe",
    probe="independent",
    arithmetic="carried",
    quantiles=QUANTILES,
    progress=None,
):
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
    fold = partial(_fold, kind, ways(network, options["inputs"]), keep_samples)
    total, kept = None, []
    for part, logs in folded_chunks(network, fold, **options):
        total = part if total is None else total + part
        kept.append(logs)
        if progress is not None:
            progress(part.replicas)
    threads = options.pop("threads") or numba.config.NUMBA_NUM_THREADS
    variables = dict(total.variables(network, options["inputs"], quantiles, threads))
    if keep_samples:
        variables |= _samples(np.concatenate(kept), network)
    files = {name: None if options[name] is None else options[name].description for name in ("input_file", "target_file")}
    used = Layers(network, options["engine"], options["inputs"], options["arithmetic"]).used
    run = options | files | {"engine_used": used, "keep_samples": bool(keep_samples)}
    return Curves(network, run, np.array(quantiles), kind.method, variables)


def _fold(kind, ways, keep_samples, records):
    return EnsembleStatistics.of(records, kind, ways), np.array(records[:, : len(LOG_QUANTITIES)]) if keep_samples else None


def _probabilities(quantiles):
    values = tuple(float(q) for q in quantiles)
    if 0.5 not in values or any(not 0 <= q <= 1 for q in values) or list(values) != sorted(set(values)):
        raise RequestError(f"quantiles: {quantiles!r} are not increasing numbers from 0 to 1 with 0.5 among them")
    return values


def _samples(logs, network):
    rows = zip(LOG_QUANTITIES, np.moveaxis(logs, 1, 0), strict=True)
    return {f"{name}_log": restricted(row, QUANTITIES[name], network, axis=1) for name, row in rows}
