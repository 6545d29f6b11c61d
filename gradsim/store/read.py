"""Reads a file of curves back, one that was cut down in xarray too."""

import atexit
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import NamedTuple
from weakref import WeakValueDictionary

import h5py
import numpy as np

from ..errors import RequestError
from ..model.network import Network
from ..model.stored import from_json
from ..statistics.blocks import blocks_of
from ..statistics.quantities import COUNTED, PREDICTED, VARIABLES
from .contents import Contents
from .dataset import SCHEMA_VERSION
from .files import HDF5_SIGNATURE, file_name
from .layout import Share
from .place import Place, spread, straight
from .seal import Source

NETCDF3 = b"CDF"
# What h5py raises of a file whose structure is damaged; that of its values has errors of its own, here and in `contents`
DAMAGE = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError, RecursionError)
# of a run: what every version has written, and what it is
RUN = {
    "replicas": (int, 1),
    "inputs": (int, 1),
    "seed": (int, 0),
    "keep_samples": (bool, None),
    "engine": (str, None),
    "stream": (str | None, None),
}
SINCE = {  # and what later ones may have added
    "engine_used": str,
    "input_correlation": float,
    "input_file": dict | None,
    "target_file": dict | None,
    "loss": str,
    "probe": str,
    "arithmetic": str,
}
KEPT = 2**26  # bytes of variables that stay in memory for the next cells
REQUIRED = ("request", "layer", "quantile", "precision")
# What a request says in the words of `cells.describe`, which must be what the variable of that name says
ASKED_FOR = PREDICTED | COUNTED
DESCRIBED = ("width", "depth", "replicas", "inputs")


class Cell(NamedTuple):
    """What a file says of one network: the fields of Curves."""

    network: Network
    run: dict
    quantiles: np.ndarray
    quantile_method: str
    variables: Mapping
    cut: str


class Stored(Sequence):
    """The Cells of the file at `path`, which is read when its numbers are used.

    `request` is the grid that was asked for and `provenance` how the file came to be, or None; `axes` maps the axes of a sweep
    to the variables that hold their values. Little stays in memory of a `lean` one, for who reads many files side by side.
    Raises RequestError where it is no file of gradsim, or its first cell makes no sense; what is wrong with others, or with
    numbers, is raised when they are asked for.
    """

    def __init__(self, path, lean=False):
        self._path, self._source, self._lock = file_name("open", path), None, Lock()
        self._kept, self._size = OrderedDict(), 0  # blocks of variables, the latest last, and their bytes
        with self._told():
            self._source = Source(self._path, held=not lean)
            file = _hdf5(self._source, **({"rdcc_nbytes": 0} if lean else {}))
        try:
            with self._told():
                self._contents = Contents(file)
                self._look()
            self[0]
        except BaseException:
            file.close()  # h5py keeps what it was listing when its stream failed, and with it the file
            raise

    def __len__(self):
        return len(self._requests)

    def __getitem__(self, number):
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        return self._cell(number % len(self), self)

    def together(self, start, stop):
        """Yield the Cells from `start` to `stop` - 1, whose variables are each read once for all of them, and kept as long as
        one of them is."""
        window = _Window(self, start, stop)
        for number in range(start, stop):
            yield self._cell(number, window)

    def _cell(self, number, source):
        """The Cell whose numbers `source` gives: this, or a _Window of it."""
        with self._told():
            network, run = _cell(self._requests[number], number)
            blocks = blocks_of(network, run["inputs"])
            self._check_fit(number, network, run, blocks)
            method = "unknown"
            if "quantile_method" in self._contents:
                method = str(self._block("quantile_method", number))
            variables = Variables(source, number, run, blocks)
        return Cell(network, run, np.sort(self.place.quantiles), method, variables, self.place.cut(blocks))

    def dims(self, name):
        """Of one of VARIABLES in the file, but for the cell."""
        return VARIABLES[name].dims if self.place.places is None else VARIABLES[name].placed_dims

    def values(self, name, number):
        """What the file holds of one of VARIABLES for a cell, over `dims`."""
        with self._told():
            return self._block(name, number)

    @cached_property
    def share(self):
        """The Share that the file says, each number once; None where it says none."""
        with self._told():
            said = self._json("sweep")
            if not isinstance(said, dict) or not _is(said.get("cells"), int) or not isinstance(said.get("digest"), str):
                return None
            if any(name not in self._contents for name in ("sweep_cell", "sweep_values")):
                return None
            self._contents.check((), ("sweep_cell", "sweep_values"))
            numbers = self._contents.numbers("sweep_cell", ("cell",), whole=True).tolist()
            values = self._contents.texts("sweep_values", ("cell",)).tolist()
        known = set(numbers)
        if len(known) < len(numbers) or min(known) < 0 or max(known) >= said["cells"]:
            return None
        return Share(said["cells"], said["digest"], tuple(numbers), tuple(values))

    def column(self, name):
        """Of a variable over cells, or one of VARIABLES: the array of all cells, as it is in the file; None if it is not there.

        None as well for curves of a file whose layers, quantiles or float types were cut or put in another order.
        """
        with self._told():
            if name not in self._contents or (name in VARIABLES and not (name in self.names and self.place.usual)):
                return None
            self._contents.check((), (name,))
            if self._contents.is_text(name):
                return self._contents.texts(name, ("cell",))
            dims = self.dims(name) if name in VARIABLES else ("layer",) if name == "layer_width" else ()
            return self._contents.numbers(name, ("cell", *dims), self._contents.is_whole(name))

    def check(self):
        """Raises RequestError where a byte of the file is not what was written, or a cell cannot be read."""
        with self._told():
            self._source.check()
        for number in range(len(self)):
            dict(self[number].variables)

    @contextmanager
    def _told(self):
        """Errors name the file."""
        path = str(self._path)
        try:
            yield
        except RequestError as error:
            raise RequestError(f"{path!r}: {error}") from None
        except DAMAGE as error:
            if self._source is not None and self._source.damage is not None:
                raise RequestError(f"{path!r}: {self._source.damage}") from None
            reason = " ".join(str(error).split()) or type(error).__name__
            raise RequestError(f"{path!r} cannot be read as HDF5: {reason}") from None

    def _look(self):
        """All but the numbers of curves."""
        contents = self._contents
        version = contents.attribute("schema_version")
        if version is None or contents.attribute("gradsim_version") is None:
            raise RequestError("an HDF5 file, but not one of gradsim (it has no schema_version and gradsim_version)")
        if not isinstance(version, int) or version < 1:
            raise RequestError(f"its schema version is not a whole number of 1 or more, but {version!r}")
        if version > SCHEMA_VERSION:
            raise RequestError(f"it has schema version {version}; this gradsim reads up to {SCHEMA_VERSION}")
        self.names = dict.fromkeys(name for name in VARIABLES if name in contents)
        samples = any("replica" in VARIABLES[name].dims for name in self.names)
        places, bins = "place" in contents, any("bin" in VARIABLES[name].dims for name in self.names)
        several = {"replica": samples, "place": places, "bin": bins}
        required = (*REQUIRED, *(name for name, there in several.items() if there))
        contents.check(required, ("quantile_method", "layer_width", *DESCRIBED, *self.names))
        self._requests = contents.texts("request", ("cell",))
        if not self._requests.size:
            raise RequestError("it has no cells")
        self.place = Place(contents, samples, places, bins)
        for name, size in self.place.sizes.items():
            if contents.sizes.get(name, 1) != size:
                raise RequestError(f"its variables have {contents.sizes.get(name, 1)} along {name}, where there are {size}")
        self._said = {name: contents.numbers(name, ("cell",), whole=True) for name in DESCRIBED if name in contents}
        self.request, self.provenance = (self._json(name) for name in ("request", "provenance"))
        axes = self._json("axes")
        self.axes = axes if isinstance(axes, dict) else {}

    def _json(self, attribute):
        """What the attribute says, if it is still there."""
        text = self._contents.attribute(attribute)
        if text is None:
            return None
        try:
            return json.loads(text)
        except (TypeError, ValueError, RecursionError):
            raise RequestError(f"its attribute {attribute} is not JSON") from None

    def _block(self, name, number):
        """The values of a variable for a cell, out of the cells that are read together with it."""
        with self._lock:
            together = self._contents.together(name)
            key = name, number // together
            if key not in self._kept:
                first = key[1] * together
                block = self._read(name, slice(first, min(first + together, len(self))))
                self._kept[key] = block
                self._size += block.nbytes
                while self._size > KEPT and len(self._kept) > 1:
                    self._size -= self._kept.popitem(last=False)[1].nbytes
            self._kept.move_to_end(key)
            return self._kept[key][number % together]

    def _read(self, name, cells):
        if name == "quantile_method":
            return self._contents.texts(name, ("cell",), cells)
        dims = ("layer",) if name == "layer_width" else self.dims(name)
        whole = name == "layer_width" or VARIABLES[name].integer
        return self._contents.numbers(name, ("cell", *dims), whole, cells)

    def _check_fit(self, number, network, run, blocks):
        """Raises RequestError where a request is not that of the arrays beside it."""
        expected = {"width": max(network.widths), "depth": network.depth, "replicas": run["replicas"], "inputs": run["inputs"]}
        for name, values in self._said.items():
            if values[number] != expected[name]:
                raise RequestError(
                    f"the request of cell {number} says {name} {expected[name]}, the variable {name!r} {values[number]}"
                )
        if blocks.placed and self.place.places is None:
            raise RequestError(f"cell {number} has several linear maps, activations or norms a block, and there is no 'place'")
        rows, layers, _ = self.place.rows("layer", blocks, run)
        if not len(rows):
            raise RequestError(f"no layer of cell {number} is in the file")
        if "layer_width" in self._contents and np.any(self._block("layer_width", number)[rows] != blocks.widths[layers]):
            raise RequestError(f"the request of cell {number} does not fit its arrays: layer_width says other widths")


class _Window:
    """The numbers of a run of cells of a Stored."""

    def __init__(self, stored, start, stop):
        self._stored, self._start, self._stop, self._found = stored, start, stop, {}
        self.names, self.place, self.dims = stored.names, stored.place, stored.dims

    def values(self, name, number):
        if name not in self._found:
            with self._stored._told():
                self._found[name] = self._stored._read(name, slice(self._start, self._stop))
        return self._found[name][number - self._start]


class Variables(Mapping):
    """{name: array} of one cell of a file, read when they are asked for."""

    def __init__(self, stored, number, run, blocks):
        self._stored, self._number, self._run, self._blocks = stored, number, run, blocks

    def __getitem__(self, name):
        part = self._part(name) if self._may_have(name) else None
        if part is None:
            raise KeyError(name)
        return part

    def __contains__(self, name):
        return self._may_have(name) and (name not in ASKED_FOR or self._part(name) is not None)

    def __iter__(self):
        return (name for name in self._stored.names if name in self)

    def __len__(self):
        return sum(1 for _ in self)

    def __reduce__(self):
        return dict, (dict(self),)

    def _may_have(self, name):
        """Whether the cell may have a variable, which else is said of other cells. Of what must be asked for, theory and
        counts of units, it has what is a number."""
        if name not in self._stored.names:
            return False
        quantity = VARIABLES[name].quantity
        if quantity.name not in self._blocks.rows or (self._run["inputs"] == 1 and quantity.pairs):
            return False
        return self._run["keep_samples"] or "replica" not in VARIABLES[name].dims

    @cached_property
    def _rows(self):
        return {dim: self._stored.place.rows(dim, self._blocks, self._run) for dim in self._stored.place.sizes}

    @cached_property
    def _straight(self):
        return {dim for dim, rows in self._rows.items() if straight(rows)}

    def _part(self, name):
        """The rows of the file where they belong; None for what was not asked for, or theory does not say, of this cell."""
        dims, values = self._stored.dims(name), self._stored.values(name, self._number)
        if self._straight.issuperset(dims):
            part = values[tuple(slice(self._rows[dim][2]) for dim in dims)].copy()
        else:
            part = spread(values, [self._rows[dim] for dim in dims])
        if "place" in dims and not self._blocks.placed:
            part = self._blocks.closed(VARIABLES[name].quantity.name, part, dims.index("layer"))
        missing = part == -1 if part.dtype.kind == "i" else np.isnan(part)
        return None if name in ASKED_FOR and missing.all() else part


def _hdf5(source, **options):
    """Read through Python's own file: no locks, which some file systems do not have, and no second look at the name."""
    source.seek(0)
    start = source.read(len(HDF5_SIGNATURE))
    if start != HDF5_SIGNATURE:
        what = "empty" if not start else "netCDF-3" if start.startswith(NETCDF3) else "something else"
        raise RequestError(f"not an HDF5 file, but {what}")
    file = h5py.File(source, "r", **options)
    _OPEN[id(file)] = file
    return file


_OPEN = WeakValueDictionary()


@atexit.register
def _close():
    """What is open when a process ends HDF5 closes, after Python is gone, which it calls to close a stream: it is killed."""
    for file in list(_OPEN.values()):
        file.close()


def _cell(text, number):
    """(Network, run) of one text of the variable `request`."""
    try:
        described = json.loads(text)
        network, run = from_json(described["network"]), described["run"]
        wrong = next(_misfits(run), None)
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
        wrong = f"{type(error).__name__}: {' '.join(str(error).split())}" if not isinstance(error, RequestError) else error
    if wrong is not None:
        raise RequestError(f"the request of cell {number} is not one of gradsim's: {wrong}")
    return network, run


def _misfits(run):
    """What is wrong with the types of what JSON gave of a run; `from_json` looks at the network's."""
    for name, (kind, least) in RUN.items():
        if name not in run:
            yield f"the run has no {name!r}"
        elif not _is(run[name], kind) or (least is not None and run[name] < least):
            yield f"{name} is {run[name]!r}"
    for name, kind in SINCE.items():
        value = run.get(name)
        nameless = isinstance(value, dict) and not isinstance(value.get("name"), str)
        if (name in run and not _is(value, kind)) or nameless:
            yield f"{name} is {value!r}"


def _is(value, kind):
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float if kind is float else kind)
