"""Records made by hand, and what becomes of them: for networks whose numbers need not be those of a network."""

import numpy as np

from gradsim.curves import Curves
from gradsim.simulation.simulate import _fold, _samples
from gradsim.statistics.blocks import blocks_of
from gradsim.statistics.quantiles import collector, rows_of
from gradsim.statistics.quantities import QUANTILES

CHUNK = 7  # replicas


def drawn(network, inputs=1, replicas=20, seed=0):
    """Records of shape (replicas, columns): normal numbers."""
    return np.random.default_rng(seed).normal(size=(replicas, blocks_of(network, inputs).columns.size))


def curves_of(network, records, inputs=1, unresolved=None, keep_samples=False):
    """The Curves of an ensemble with these records, folded in chunks."""
    blocks, replicas = blocks_of(network, inputs), len(records)
    kind = collector(rows_of(blocks.columns), replicas)
    flags = np.zeros((replicas, blocks.columns.places), np.int64) if unresolved is None else unresolved
    chunks = [slice(first, first + CHUNK) for first in range(0, replicas, CHUNK)]
    parts = [_fold(kind, blocks, keep_samples, records[chunk], flags[chunk]) for chunk in chunks]
    total = sum((part for part, _ in parts[1:]), parts[0][0])
    variables = dict(total.variables(blocks, QUANTILES))
    if keep_samples:
        variables |= _samples(np.concatenate([logs for _, logs in parts]), blocks)
    run = {"replicas": replicas, "inputs": inputs, "seed": 1, "keep_samples": keep_samples, "engine": "auto", "stream": None}
    return Curves(network, run, np.array(QUANTILES), kind.method, variables)
