"""From a network to the curves of its ensemble: chunks of replicas, folded into statistics."""

from functools import partial

import numba
import numpy as np

from ..curves import Curves
from ..errors import RequestError, finite_number, shown
from ..kernels.record import LOG_QUANTITIES
from ..model.activations import find_activation
from ..model.network import Network, mlp
from ..model.options import RUN
from ..model.request import FILES, checked
from ..program.engine import layers_of
from ..statistics.blocks import blocks_of
from ..statistics.ensemble import EnsembleStatistics
from ..statistics.quantiles import collector, rows_of
from ..statistics.quantities import QUANTILES
from ..telling import checked_progress, counted, told
from ..typed import Number, Numbers, Progress, Rows, Whole
from .chunks import Replicas, folded_chunks
from .footprint import refuse_at_once
from .units import unit_histograms


def warm_up(arithmetic: str = "carried") -> None:
    """Have the kernels ready: compiled, or loaded from the disk."""
    simulate(mlp(width=1, depth=1), replicas=1, arithmetic=arithmetic)


def warm_up_apart() -> None:
    """The same for what is compiled when it is first needed: where a sum cancels, which half of the first networks have one
    of, for orthogonal weights, and for blocks."""
    simulate(mlp(width=2, depth=2, activation="tanh", init="rademacher(20)"), replicas=64)
    simulate(mlp(width=1, depth=1, init="orthogonal"), replicas=1)
    simulate(mlp(width=1, depth=1, block="pre_norm"), replicas=1)


def simulate(
    network: Network,
    replicas: Whole = RUN["replicas"].default,
    seed: Whole = RUN["seed"].default,
    inputs: Whole = RUN["inputs"].default,
    engine: str = RUN["engine"].default,
    keep_samples: bool = RUN["keep_samples"].default,
    *,
    threads: Whole | None = RUN["threads"].default,
    stream: str | None = RUN["stream"].default,
    input_correlation: Number = RUN["input_correlation"].default,
    input_file: Rows | None = RUN["input_file"].default,
    target_file: Rows | None = RUN["target_file"].default,
    loss: str = RUN["loss"].default,
    probe: str = RUN["probe"].default,
    arithmetic: str = RUN["arithmetic"].default,
    quantiles: Numbers = QUANTILES,
    histograms: Whole = RUN["histograms"].default,
    progress: Progress = None,
) -> Curves:
    """Draw `replicas` networks, send `inputs` inputs forward and the loss's gradient backward, and give Curves.

    Inputs are standard normal, pairs of them with `input_correlation`, or different rows of `input_file` (a path or an
    array of shape (samples, input width)), drawn anew for every network. The loss is a Gaussian "probe" ("independent"
    for each input, or "shared"), "mse", or "cross_entropy" on the network's `outputs`; `target_file` gives the targets
    or labels of the rows, which are drawn otherwise. `arithmetic` is "carried" (nothing overflows; the exact curve),
    or plain "float32" or "float64", as in practice.

    The numbers depend on the network, `seed`, `stream` (the network's identity unless given; a shared stream gives every
    network the same random numbers) and what goes in and out, not on `threads` (all cores unless given). `keep_samples`
    keeps every replica's logs as well: `<quantity>_log`, replicas along the first axis. `quantiles` are probabilities from
    0 to 1. `histograms` is of how many networks, the first ones, units are counted by their values, layer by layer:
    `activation_histogram` and others (docs/format.md). A network takes longer to be counted than to be drawn, a small one about
    a hundred times as long.

    What takes longer than a second says so on stderr where that is a terminal or a notebook, and so does a first run, which
    compiles; `progress=True` has it said everywhere, False nowhere, and a function progress(n) is called after every n more
    replicas instead. Raises RequestError for what cannot be.
    """
    if not isinstance(network, Network):
        raise RequestError(f"network: {shown(network)} is not a Network; make one with gradsim.mlp(...)")
    progress = checked_progress(progress, "the number of networks that are done")
    options = checked(
        replicas=replicas,
        seed=seed,
        inputs=inputs,
        engine=engine,
        keep_samples=keep_samples,
        threads=threads,
        stream=stream,
        input_correlation=input_correlation,
        input_file=input_file,
        target_file=target_file,
        loss=loss,
        probe=probe,
        arithmetic=arithmetic,
        histograms=histograms,
    )
    quantiles = _probabilities(quantiles)
    refuse_at_once(network, options)
    threads = options["threads"] or numba.config.NUMBA_NUM_THREADS
    fold = fold_of(network, options)
    with told(progress, options["replicas"], "networks") as update:
        each = progress if callable(progress) else counted(update, options["replicas"])
        return _curves(network, options, folded_chunks(network, fold, **options), quantiles, threads, each)


def simulate_here(network, run, desk=None, quantiles=QUANTILES, progress=None):
    """The Curves that `simulate` gives, computed by the calling thread alone: for many networks, a thread each.

    `network` and `run`, all options of `checked`, are known to fit each other and the memory, as `fit.network_and_run` gives
    them. `desk`, a Desk of the thread's own, has what networks that are alike need made once.
    """
    chunks = Replicas(network, run).folded(fold_of(network, run), desk=desk)
    return _curves(network, run, chunks, quantiles, 1, progress)


def _curves(network, run, chunks, quantiles, threads, progress):
    total, kept = None, []
    for part, logs in chunks:
        total = part if total is None else total + part
        kept.append(logs)
        if progress is not None:
            progress(part.replicas)
    return curves_of(network, run, total, np.concatenate(kept) if run["keep_samples"] else None, quantiles, threads)


def fold_of(network, run):
    """The function of (records, unresolved) that gives their (EnsembleStatistics, logs), logs only with `keep_samples`."""
    blocks = blocks_of(network, run["inputs"])
    return partial(_fold, collector(rows_of(blocks.columns), run["replicas"]), blocks, run["keep_samples"])


def curves_of(network, run, total, kept=None, quantiles=QUANTILES, threads=1):
    """The Curves of the EnsembleStatistics of all replicas of a checked run; `kept`, float64 (replicas, logs), are every
    replica's logs where they are asked for. Where counts of units are, their networks are run once more."""
    blocks = blocks_of(network, run["inputs"])
    variables = total.variables(blocks, quantiles, threads)
    if kept is not None:
        variables = dict(variables) | _samples(kept, blocks)
    if run["histograms"]:
        variables = dict(variables) | unit_histograms(network, run, threads)
    return Curves(network, _described(network, run), np.array(quantiles), total.quantiles.method, variables)


def _described(network, options):
    """The run as files hold it: plain values, files by their description, and in words the engine that was used.

    Where a user's activation was not finite at a finite h, `activation_fault` says so in words: what follows is the
    formula's doing, not the network's. How many networks had their units counted is what the counts say themselves.
    """
    unsaid = ("threads", "histograms")  # no other number depends on them
    options = {name: value for name, value in options.items() if name not in unsaid}
    files = {name: None if options[name] is None else options[name].description for name in FILES}
    used = layers_of(network, options["engine"], options["inputs"], options["arithmetic"]).used
    faults = (find_activation(part.name)[0].fault for part in network.activations)
    fault = next((found for found in faults if found is not None), None)
    return options | files | {"engine_used": used} | ({} if fault is None else {"activation_fault": fault})


def _fold(kind, blocks, keep_samples, records, unresolved):
    statistics = EnsembleStatistics.of(records, kind, blocks, unresolved)
    return statistics, np.array(records[:, : blocks.columns.logs]) if keep_samples else None


def _probabilities(quantiles):
    try:
        values = tuple(finite_number("quantiles", q) for q in quantiles)
    except TypeError:
        values = ()
    if 0.5 not in values or any(not 0 <= q <= 1 for q in values) or list(values) != sorted(set(values)):
        raise RequestError(f"quantiles: {shown(quantiles)} are not increasing numbers from 0 to 1 with 0.5 among them")
    return values


def _samples(logs, blocks):
    return {f"{name}_log": blocks.of(name, logs) for name in LOG_QUANTITIES if name in blocks.rows}
