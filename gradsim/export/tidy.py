"""Tidy tables of a set of curves, in blocks of cells: columns by the names of docs/format.md.

A column is an array over the rows. Where a number is missing it holds NaN, in a count None, in a text "".
"""

from itertools import islice

import numpy as np

from ..errors import RequestError, plain, unknown
from ..results.cells import DERIVED, DESCRIPTIONS, describe
from ..statistics.precision import PRECISIONS
from ..statistics.quantities import COUNTED, QUANTITIES, VARIABLES
from ..statistics.units import HISTOGRAMMED, edges
from ..store.dataset import stacked

ROWS = 2**14  # of a block, as far as whole cells go
LAYER, PLACE = "layer", "place"


class Tables:
    """Tables of a CurveSet: `layers`, a row a cell, layer and (where networks have places) place; `cells`; and `histograms`, a
    row a bin that has units.

    `quantities` are those that are wanted, or None for all. Samples of single networks are in none. Raises RequestError where
    a quantity is not there, or curves are not whole.
    """

    def __init__(self, curve_set, quantities=None):
        self._curves, self._layout = curve_set, curve_set.layout()
        asked = HISTOGRAMMED if quantities is None else _several(quantities)
        self._counted = [name for name in HISTOGRAMMED if name in asked and f"{name}_histogram" in self._layout.names]
        names = [name for name in self._layout.names if "replica" not in VARIABLES[name].dims and name not in COUNTED]
        if quantities is not None:
            quantities = _several(quantities)
            for quantity in quantities:
                if quantity not in {VARIABLES[name].quantity.name for name in names}:
                    raise unknown("quantities", quantity, [q for q in QUANTITIES if any(n.startswith(q) for n in names)])
            names = [name for name in names if VARIABLES[name].quantity.name in quantities]
        self._by_layer = [name for name in names if LAYER in VARIABLES[name].dims]
        self._by_cell = [name for name in names if LAYER not in VARIABLES[name].dims]
        self._labels = _labels(curve_set, self._layout.described)

    def layers(self):
        """Yield dicts {column: array}, the same columns each time, of some cells at a time."""
        together = max(1, ROWS // (self._layout.layers * max(1, len(self._layout.places))))
        for first, block in self._blocks(together):
            yield self._layers(first, block)

    def cells(self):
        """The same of the table of cells: what each is, its verdict, and what it has once."""
        for first, block in self._blocks(ROWS):
            yield self._cells(first, block)

    @property
    def has_histograms(self):
        """Whether units of the wanted quantities were counted."""
        return bool(self._counted)

    def histograms(self):
        """The same of histograms: the ends of bins are over 2^exponent."""
        for first, block in self._blocks(1):
            parts = [self._bins(first, block, name) for name in self._counted]
            yield {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}

    def _bins(self, first, block, quantity):
        """Those of one cell, `block`, that have units."""
        names = f"{quantity}_histogram", f"{quantity}_histogram_exponent"
        counts, exponents = (self._at_places(name, stacked(self._layout, name, block)) for name in names)
        cell, layer, place, number = found = np.nonzero(counts > 0)
        columns = {"cell": first + cell} | {name: values[first + cell] for name, values in self._labels.items()}
        columns |= {"quantity": np.full(len(cell), quantity, object), LAYER: layer}
        if self._layout.places:
            columns[PLACE] = np.array(["", *self._layout.places], object)[place]
        low, high = edges()
        ends = {"exponent": exponents[cell, layer, place], "low": low[number], "high": high[number]}
        return columns | ends | {"units": counts[found]}

    def _blocks(self, together):
        curves, first = iter(self._curves), 0
        while block := list(islice(curves, together)):
            yield first, block
            first += len(block)

    def _layers(self, first, block):
        placed = bool(self._layout.places)
        shape = (len(block), self._layout.layers, len(self._layout.places) + 1 if placed else 1)
        columns = {}
        for name in self._by_layer:
            values = stacked(self._layout, name, block)
            columns |= _apart(name, self._at_places(name, values), self._layout)
        there = np.zeros(shape, bool)
        for cell, curves in enumerate(block):
            there[cell, : len(curves.layers)] = True
        if placed:
            there &= np.any([~_missing(values) for values in columns.values()], axis=0)
        cell, layer, place = np.nonzero(there)
        labels = {name: values[first : first + len(block)][cell] for name, values in self._labels.items()}
        keys = {"cell": first + cell} | labels | {LAYER: layer}
        if placed:
            keys[PLACE] = np.array(["", *self._layout.places], object)[place]
        return keys | {name: _plain(values[there]) for name, values in columns.items()}

    def _at_places(self, name, values):
        """`values` of axes (cell, layer, ...) with one of places behind: first the layer as a whole, then all others."""
        if not self._layout.places:
            return values[:, :, None]
        own = PLACE in self._layout.dims(name)
        values = values if own else values[:, :, None]
        shape = (*values.shape[:2], 1 if own else len(self._layout.places), *values.shape[3:])
        others = np.full(shape, -1 if values.dtype.kind == "i" else np.nan, values.dtype)
        return np.concatenate([others, values] if own else [values, others], axis=2)

    def _cells(self, first, block):
        rows, verdicts = [describe(curves) for curves in block], [curves.verdict for curves in block]
        columns = {"cell": np.arange(first, first + len(block))}
        if self._layout.identities is not None:
            columns["identity"] = np.array(self._layout.identities[first : first + len(block)], object)
        columns |= {name: values[first : first + len(block)] for name, values in self._layout.extra.items()}
        for name in self._layout.described:
            kind = object if DESCRIPTIONS[name].kind is str else DESCRIPTIONS[name].kind
            columns[name] = np.array([row[name] for row in rows], kind)
        columns |= {name: np.array([getattr(curves.network, name) for curves in block], float) for name in DERIVED}
        columns["verdict"] = np.array([v.word for v in verdicts], object)
        for name in ("decades", "decades_per_100_layers", "spread_decades"):
            columns[name] = np.array([getattr(v, name) for v in verdicts], float)
        columns["sentence"] = np.array([v.sentence for v in verdicts], object)
        for name in self._by_cell:
            found = _apart(name, stacked(self._layout, name, block), self._layout)
            columns |= {name: _plain(values) for name, values in found.items()}
        return columns


def _several(quantities):
    return [quantities] if isinstance(quantities, str) else list(map(plain, quantities))


def _labels(curve_set, described):
    """{name: values of all cells} of what tells cells apart: axes of the sweep, then what else differs."""
    found = {name: curve_set.column(name) for name in dict.fromkeys([*curve_set.coordinates, *described])}
    return {name: values for name, values in found.items() if name in curve_set.coordinates or len(set(values.tolist())) > 1}


def _apart(name, values, layout):
    """{column: values} of one variable: a column a quantile, or a float type, where it has these."""
    last = VARIABLES[name].dims[-1] if VARIABLES[name].dims else ""
    if last == "quantile":
        return {f"{name}_{q:g}": values[..., k] for k, q in enumerate(layout.quantiles)}
    if last == "precision":
        return {f"{name}_{precision}": values[..., k] for k, precision in enumerate(PRECISIONS)}
    return {name: values}


def _missing(values):
    return values < 0 if values.dtype.kind == "i" else np.isnan(values)


def _plain(values):
    """Counts as objects, with None where they are missing; numbers as they are."""
    if values.dtype.kind != "i":
        return values
    result = values.astype(object)
    result[values < 0] = None
    return result


def is_count(name):
    """Whether a column holds counts."""
    return name in VARIABLES and VARIABLES[name].integer


def to_dataframe(curve_set, quantities=None):
    """A pandas.DataFrame of the table of layers; counts are of its Int64, which can be missing.

    Raises RequestError where pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise RequestError("to_dataframe needs pandas: pip install 'gradsim[tables]'") from None
    frames = []
    for columns in Tables(curve_set, quantities).layers():
        counts = [name for name in columns if is_count(name)]
        frames.append(pandas.DataFrame(columns).astype(dict.fromkeys(counts, "Int64")))
    return pandas.concat(frames, ignore_index=True)
