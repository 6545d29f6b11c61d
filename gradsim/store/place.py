"""Where the rows of a file lie: by its coordinates, of which some may have been cut away, or put in another order."""

from itertools import pairwise

import numpy as np

from ..errors import RequestError
from ..results.exits import REPORTED_PRECISIONS
from ..statistics.precision import PRECISIONS
from ..statistics.units import BINS, middles

NEAR = 1e-3  # of two bins: they are 0.04 apart


class Place:
    """Where the rows of the file lie: its coordinates, each value once."""

    def __init__(self, contents, samples, places, bins):
        self.layers = _distinct("layer", contents.numbers("layer", ("layer",), whole=True))
        self.quantiles = _distinct("quantile", contents.numbers("quantile", ("quantile",)))
        self.precisions = _distinct("precision", contents.texts("precision", ("precision",))).tolist()
        self.places = _distinct("place", contents.texts("place", ("place",))).tolist() if places else None
        self.replicas = None
        if samples:
            self.replicas = _distinct("replica", contents.numbers("replica", ("replica",), whole=True))
        self.bins = _distinct("bin", contents.numbers("bin", ("bin",))) if bins else None
        if any(not 0 <= q <= 1 for q in self.quantiles):
            raise RequestError("the coordinate 'quantile' is not numbers from 0 to 1")

    @property
    def sizes(self):
        coordinates = {"layer": self.layers, "quantile": self.quantiles, "precision": self.precisions}
        coordinates |= {"replica": self.replicas, "place": self.places, "bin": self.bins}
        return {name: len(values) for name, values in coordinates.items() if values is not None}

    @property
    def usual(self):
        """Whether layers, quantiles and float types are those of a file as it was written."""
        return (
            np.array_equal(self.layers, np.arange(len(self.layers)))
            and self.precisions == list(PRECISIONS)
            and np.array_equal(self.quantiles, np.sort(self.quantiles))
        )

    def rows(self, dim, blocks, run):
        """(rows of the file, where they go, how many there are) along a dimension, for one cell with its `Blocks`."""
        if dim == "layer":
            layers = len(blocks.widths)
            rows = np.flatnonzero((self.layers >= 0) & (self.layers < layers))
            return rows, self.layers[rows], layers
        if dim == "place":
            rows = np.array([k for k, name in enumerate(self.places) if name in blocks.names], int)
            return rows, np.array([blocks.names.index(self.places[k]) for k in rows], int), len(blocks.names)
        if dim == "precision":
            rows = np.array([k for k, name in enumerate(self.precisions) if name in PRECISIONS], int)
            return rows, np.array([PRECISIONS.index(self.precisions[k]) for k in rows], int), len(PRECISIONS)
        if dim == "bin":
            places = np.searchsorted(middles(), self.bins * (1 - np.sign(self.bins) * NEAR))
            rows = np.flatnonzero(np.isclose(middles()[np.minimum(places, BINS - 1)], self.bins, rtol=NEAR, atol=0))
            return rows, places[rows], BINS
        if dim == "replica":
            rows = np.flatnonzero(self.replicas < run["replicas"])
            return rows, np.arange(len(rows)), len(rows)
        rows = np.argsort(self.quantiles)
        return rows, np.arange(len(rows)), len(rows)

    def cut(self, blocks):
        """In words, what of the curves of a network with its `Blocks` is not here; empty where nothing is amiss."""
        missing = sorted(set(range(len(blocks.widths))) - set(self.layers.tolist()))
        parts = []
        if missing:
            ends = [-1, *(k for k, (a, b) in enumerate(pairwise(missing)) if b > a + 1), len(missing) - 1]
            runs = [(missing[a + 1], missing[b]) for a, b in pairwise(ends)]
            parts.append(
                ("layer " if len(missing) == 1 else "layers ")
                + " and ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in runs)
            )
        lost = [] if self.places is None else [name for name in blocks.names if name not in self.places]
        if lost:
            parts.append(f"{'place' if len(lost) == 1 else 'places'} {', '.join(lost)}")
        types = [name for name in REPORTED_PRECISIONS if name not in self.precisions]
        if types:
            parts.append(f"float types {', '.join(types)}")
        return " and ".join(parts)


def _distinct(name, values):
    if len(set(values.tolist())) != len(values):
        raise RequestError(f"the coordinate {name!r} has one value twice")
    return values


def straight(rows):
    """Whether the first rows of a file are those of a cell, all of them in order."""
    source, target, count = rows
    here = np.arange(count)
    return np.array_equal(source, here) and np.array_equal(target, here)


def spread(values, rows):
    """The rows of each axis where they belong; -1 or NaN where there are none."""
    missing = -1 if values.dtype.kind == "i" else np.nan
    result = np.full([count for _, _, count in rows], missing, values.dtype)
    result[np.ix_(*(target for _, target, _ in rows))] = values[np.ix_(*(source for source, _, _ in rows))]
    return result[()]
