"""What a file of many cells holds, found out before the curves of one are at hand: its variables, their axes and sizes."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np

from ..errors import RequestError
from ..results.cells import DERIVED, DESCRIPTIONS, OF_BLOCKS, describe
from ..results.verdict import WORDS
from ..statistics.blocks import blocks_of
from ..statistics.precision import PRECISIONS
from ..statistics.quantities import VARIABLES
from ..statistics.units import BINS, middles

DIMENSIONS = {
    "cell": "network and run",
    "replica": "number of the network in its ensemble",
    "layer": "layer: 0 is the input (or the stem), 1 to depth are blocks, depth + 1 is the readout if there is one",
    "place": "the linear map, activation or norm in a layer: its kind and its number; there where a block holds several",
    "quantile": "probability of the quantile",
    "precision": "float type",
    "bin": "a number in each bin of a histogram, as a multiple of 2^exponent (0: exactly zero)",
}
VERDICTS = {
    "verdict": f"what becomes of the gradient (with skip connections, the stream's): {', '.join(WORDS)}",
    "decades_per_100_layers": "decades of the median gradient gained on the way back through 100 layers",
    "spread_decades": "95 % over 5 % quantile of the gradient at layer 1, in decades",
}
OTHERS = (*DERIVED, "layer_width", "layer_module", "request", "quantile_method", "identity", "sweep_cell", "sweep_values")
LARGEST_ATTRIBUTE = 60_000  # bytes: HDF5 holds no larger ones without a newer file version
BLOCK = 2**25  # bytes of the cells that are in memory at one time, as far as whole cells go
MOST_IN_BLOCK = 1024  # cells
CHUNK = 2**18  # bytes of a variable that are compressed together: what is read of it at the least


class Outline(NamedTuple):
    """One cell without its numbers, which is all that a `Layout` is made of; `variables` are names. Curves do as well."""

    network: object
    run: dict
    quantiles: np.ndarray
    variables: object


class Share(NamedTuple):
    """Which cells of which sweep a set of curves is.

    The sweep has so many `cells`, and `digest` is theirs (see `digest_of`). Of each network that is here `numbers` has its
    place in the sweep, from 0, and `values` the JSON of {axis: its value}, as the sweep has them.
    """

    cells: int
    digest: str
    numbers: tuple
    values: tuple

    def part(self, rows):
        """That of some of the networks."""
        return self._replace(numbers=tuple(self.numbers[k] for k in rows), values=tuple(self.values[k] for k in rows))

    @property
    def said(self):
        """What the attribute `sweep` says of it."""
        return {"cells": self.cells, "digest": self.digest}


def digest_of(identities):
    """What a sweep is told by: the SHA-256 of the identities of all its cells in their order, a line each."""
    found = hashlib.sha256()
    for identity in identities:
        found.update(f"{identity}\n".encode())
    return found.hexdigest()


class Field(NamedTuple):
    """One variable: `kind` is float, int or str; `fill` marks what is missing, or is None where nothing can be."""

    dims: tuple
    kind: type
    attributes: dict
    fill: object = None

    @property
    def dtype(self):
        return np.dtype({float: np.float64, int: np.int64, str: object}[self.kind])


@dataclass(frozen=True)
class Layout:
    """`cells` networks with `quantiles` and the variables `names`; `layers`, `places` and `replicas` of the largest of them.

    `described` are the names of `results.cells.DESCRIPTIONS` that the file has. `coordinates` maps the axes of a sweep to
    arrays of their values, one a cell, and `axes` each axis to the variable that holds these. `identities` are texts, one a
    cell, or None; `request` is JSON: the grid as it was asked for. `share`, a Share or None, says which cells of a sweep they
    are. `modules`: layers of some cells are modules of another library.
    """

    cells: int
    quantiles: np.ndarray
    layers: int
    places: tuple
    replicas: int
    described: tuple
    names: tuple
    request: str
    axes: dict = field(default_factory=dict)
    coordinates: dict = field(default_factory=dict)
    identities: tuple | None = None
    share: Share | None = None
    modules: bool = False

    @classmethod
    def of(cls, cells, request=None, coordinates=None, identities=None, share=None):
        """From an iterable of Outlines or Curves, in the order of the file.

        `request` is the grid as it was asked for, if it was one; `coordinates` maps axes of a sweep to their values, one a
        cell. Raises RequestError where cells do not fit one file.
        """
        coordinates = {name: list(values) for name, values in (coordinates or {}).items()}
        told = {name: [] for name in coordinates if name in DESCRIPTIONS}
        count = layers = replicas = 0
        quantiles, names, described, places, asked = None, set(), set(), {}, _Asked(request)
        placed = modules = False
        for cell in cells:
            count += 1
            quantiles = cell.quantiles if quantiles is None else quantiles
            if not np.array_equal(cell.quantiles, quantiles):
                raise RequestError("curves: networks with different quantiles do not fit one file")
            blocks, row = blocks_of(cell.network, cell.run["inputs"]), describe(cell)
            layers, replicas = max(layers, len(blocks.widths)), max(replicas, cell.run["replicas"])
            placed |= blocks.placed
            modules |= bool(cell.network.modules)
            places |= dict.fromkeys(blocks.names)
            names.update(cell.variables)
            described.update(name for name in OF_BLOCKS if row[name] != OF_BLOCKS[name])
            for name, values in told.items():
                values.append(row[name])
            asked.add(cell)
        if not count:
            raise RequestError("curves: there must be the Curves of one network or more; none at all")
        numbers = None if share is None else share.numbers
        for name, values in {"identities": identities, "numbers": numbers, **coordinates}.items():
            if values is not None and len(values) != count:
                raise RequestError(f"curves: {len(values):,} {name} for {count:,} cells")
        described = tuple(name for name in DESCRIPTIONS if name not in OF_BLOCKS or name in described)
        axes = {name: _holder(name, values, told if name in described else {}) for name, values in coordinates.items()}
        return cls(
            count,
            np.asarray(quantiles),
            layers,
            tuple(places) if placed else (),
            replicas,
            described,
            tuple(name for name in VARIABLES if name in names),
            asked.text,
            axes,
            {name: column_of(values) for name, values in coordinates.items()},
            None if identities is None else tuple(identities),
            share,
            modules,
        )

    @cached_property
    def sizes(self):
        """Of every dimension that the file has."""
        sizes = {"cell": self.cells, "replica": self.replicas, "layer": self.layers, "place": len(self.places)}
        sizes |= {"quantile": len(self.quantiles), "precision": len(PRECISIONS), "bin": BINS}
        used = {"cell", "layer", "quantile", "precision"} | {dim for name in self.names for dim in self.dims(name)}
        return {name: sizes[name] for name in DIMENSIONS if name in used}

    def dims(self, name):
        """Of one of VARIABLES, without the cell."""
        return VARIABLES[name].placed_dims if self.places else VARIABLES[name].dims

    @cached_property
    def extra(self):
        """{variable: values} of the axes that no description tells."""
        return {self.axes[axis]: values for axis, values in self.coordinates.items() if self.axes[axis] not in DESCRIPTIONS}

    @cached_property
    def dimensions(self):
        """{dimension: (Field, its values)}."""
        values = {
            "cell": np.arange(self.cells, dtype=np.int64),
            "replica": np.arange(self.replicas, dtype=np.int64),
            "layer": np.arange(self.layers, dtype=np.int64),
            "place": np.array(self.places, object),
            "quantile": self.quantiles,
            "precision": np.array(PRECISIONS, object),
            "bin": middles(),
        }
        kinds = {"place": str, "precision": str, "quantile": float, "bin": float}
        return {
            name: (_field((name,), kinds.get(name, int), DIMENSIONS[name]), values[name])
            for name in DIMENSIONS
            if name in self.sizes
        }

    @cached_property
    def fields(self):
        """{name: Field} of every variable over cells: first what describes them, CF's auxiliary coordinates."""
        cells = {name: _field(("cell",), DESCRIPTIONS[name].kind, DESCRIPTIONS[name].long_name) for name in self.described}
        for axis, name in self.axes.items():
            if name in self.extra:
                kind = {"O": str, "i": int, "f": float}[self.extra[name].dtype.kind]
                cells[name] = _field(("cell",), kind, f"value on the sweep's axis {axis}")
        cells |= {name: _field(("cell",), float, text, np.nan) for name, text in DERIVED.items()}
        cells["layer_width"] = _field(("cell", "layer"), int, "units behind the layer (0: no such layer)")
        if self.modules:
            cells["layer_module"] = _field(("cell", "layer"), str, "path of the module that the layer is, or begins with")
        cells["request"] = _field(("cell",), str, "network and run as JSON")
        text = "exact, or from histograms where the samples did not fit their bytes"
        cells["quantile_method"] = _field(("cell",), str, text)
        if self.identities is not None:
            cells["identity"] = _field(("cell",), str, "SHA-256 of what decides the cell's numbers")
        if self.share is not None:
            cells["sweep_cell"] = _field(("cell",), int, "number of the cell in its sweep, from 0")
            cells["sweep_values"] = _field(("cell",), str, "its values of the sweep's axes as JSON")
        curves = {
            name: _field(("cell",), str if name == "verdict" else float, text, None if name == "verdict" else np.nan)
            for name, text in VERDICTS.items()
        }
        for name in self.names:
            v = VARIABLES[name]
            kind, fill = (int, np.int64(-1)) if v.integer else (float, np.nan)
            curves[name] = _field(("cell", *self.dims(name)), kind, v.long_name, fill, v.units)
        for name, found in curves.items():
            # CF: a variable names the coordinates whose dimensions are among its own
            fitting = " ".join(c for c in cells if set(cells[c].dims) <= set(found.dims))
            curves[name] = found._replace(attributes=found.attributes | {"coordinates": fitting})
        return cells | curves

    def shape(self, name):
        """Of one of `fields`."""
        return tuple(self.sizes[dim] for dim in self.fields[name].dims)

    @cached_property
    def block(self):
        """Cells that are written at one time: a power of two, so that blocks begin where chunks do."""
        size = sum(8 * prod(self.shape(name)[1:]) for name in self.fields)
        return 2 ** min(max(1, BLOCK // size), MOST_IN_BLOCK).bit_length() // 2

    def chunk(self, name):
        """The shape of the pieces in which a variable of numbers is compressed: cells apart first, then the longest axis."""
        return pieces((min(self.block, self.cells), *self.shape(name)[1:]))


def pieces(shape):
    """A shape of at most CHUNK bytes of float64 within `shape`, its first axis halved before others are."""
    shape = list(shape)
    while 8 * prod(shape) > CHUNK:
        axis = 0 if shape[0] > 1 else int(np.argmax(shape))
        shape[axis] = -(-shape[axis] // 2)
    return tuple(shape)


def request(cell):
    """The canonical JSON of one cell: enough to run it again."""
    return f'{{"network":{cell.network.to_json()},"run":{_RUN.encode(cell.run)}}}'


def plain(value):
    """For JSON, what only Python knows: arrays and NumPy's numbers as lists and numbers, anything else as its text."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


_RUN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=plain)


class _Asked:
    """The attribute `request`: the grid as asked, else all networks and runs, unless that is too large to be an attribute."""

    def __init__(self, given):
        self._given, self._cells, self._size = given, [], 0

    def add(self, cell):
        if self._given is None and self._size <= LARGEST_ATTRIBUTE:
            self._cells.append(request(cell))
            self._size += len(self._cells[-1])

    @property
    def text(self):
        given = [json.loads(text) for text in self._cells] if self._given is None else self._given
        text = json.dumps(given, sort_keys=True, default=plain)
        known = given
        if isinstance(given, dict):  # that a shard is one takes the request from nobody
            known = {name: value for name, value in given.items() if name != "shard"}
        return text if len(json.dumps(known, default=plain).encode()) <= LARGEST_ATTRIBUTE else '"see the variable request"'


def _field(dims, kind, long_name, fill=None, units="1"):
    return Field(dims, kind, {"long_name": long_name} | ({} if kind is str else {"units": units}), fill)


def _holder(axis, values, told):
    """The variable for an axis: the description of this name where it tells the values apart, else one of its own."""
    if axis in told:
        keys = [repr(value) for value in values]
        if len(set(keys)) == len(set(told[axis])) == len(set(zip(keys, told[axis], strict=True))):
            return axis
    taken = {*DESCRIPTIONS, *VARIABLES, *DIMENSIONS, *VERDICTS, *OTHERS}
    return f"{axis}_axis" if axis in taken else axis


def column_of(values):
    """Values of an axis as an array: of whole numbers or numbers where all are, else of texts (JSON of what is none)."""
    for kinds, dtype in (((int, np.integer), np.int64), ((int, float, np.integer, np.floating), float)):
        if all(isinstance(value, kinds) and not isinstance(value, bool) for value in values):
            with_room = dtype is float or all(-(2**63) <= value < 2**63 for value in values)
            if with_room:
                return np.array(values, dtype)
    return np.array([text_of(value) for value in values], object)


def text_of(value):
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=plain)
