"""Reads a file of curves back, one that was cut down in xarray too."""

import json
import os
import stat
from typing import NamedTuple

import h5py
import numpy as np

from ..errors import RequestError
from ..model.network import Network
from ..model.stored import from_json
from ..statistics.blocks import blocks_of
from ..statistics.quantities import PREDICTED, VARIABLES
from .contents import Contents
from .dataset import SCHEMA_VERSION
from .files import HDF5_SIGNATURE, file_name
from .place import Place, spread
from .seal import check_seal

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
REQUIRED = ("request", "layer", "quantile", "precision")
# What a request says in the words of `cells.describe`, which must be what the variable of that name says
DESCRIBED = ("width", "depth", "replicas", "inputs")


class Cell(NamedTuple):
    """What a file says of one network: the fields of Curves."""

    network: Network
    run: dict
    quantiles: np.ndarray
    quantile_method: str
    variables: dict
    cut: str


def read(path):
    """(the Cells of the file at `path`, the grid that was asked for). Raises RequestError if it is no file of gradsim."""
    path = file_name("open", path)
    try:
        with _opened(path) as stream:
            check_seal(stream)
            with _hdf5(stream) as file:
                return _cells(Contents(file))
    except RequestError as error:
        raise RequestError(f"{str(path)!r}: {error}") from None
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RequestError(f"{str(path)!r} cannot be read as HDF5: {reason}") from None


def _opened(path):
    """The plain file at `path`, open; nothing else is opened, since a pipe would wait for its writer for ever."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise RequestError("a folder, not a file" if stat.S_ISDIR(mode) else "not a plain file")
        return open(path, "rb")
    except OSError as error:
        raise RequestError("no such file" if isinstance(error, FileNotFoundError) else error.strerror) from None


def _hdf5(stream):
    """Read through Python's own file: no locks, which some file systems do not have, and no second look at the name."""
    stream.seek(0)
    start = stream.read(len(HDF5_SIGNATURE))
    if start != HDF5_SIGNATURE:
        what = "empty" if not start else "netCDF-3" if start.startswith(NETCDF3) else "something else"
        raise RequestError(f"not an HDF5 file, but {what}")
    return h5py.File(stream, "r")


def _cells(contents):
    version = contents.attribute("schema_version")
    if version is None or contents.attribute("gradsim_version") is None:
        raise RequestError("an HDF5 file, but not one of gradsim (it has no schema_version and gradsim_version)")
    if not isinstance(version, int) or version < 1:
        raise RequestError(f"its schema version is not a whole number of 1 or more, but {version!r}")
    if version > SCHEMA_VERSION:
        raise RequestError(f"it has schema version {version}; this gradsim reads up to {SCHEMA_VERSION}")
    names = [name for name in VARIABLES if name in contents]
    samples = any("replica" in VARIABLES[name].dims for name in names)
    places = "place" in contents
    required = (*REQUIRED, *(("replica",) if samples else ()), *(("place",) if places else ()))
    contents.check(required, ("quantile_method", "layer_width", *DESCRIBED, *names))
    requests = contents.texts("request", ("cell",))
    if not requests.size:
        raise RequestError("it has no cells")
    place = Place(contents, samples, places)
    arrays = {name: contents.numbers(name, ("cell", *_dims(name, place)), VARIABLES[name].integer) for name in names}
    cells = [_cell(text, number) for number, text in enumerate(requests)]
    _check_fit(contents, cells, place)
    methods = ["unknown"] * len(cells)
    if "quantile_method" in contents:
        methods = contents.texts("quantile_method", ("cell",))
    found = [unstacked(arrays, cell, network, run, place, str(methods[cell])) for cell, (network, run) in enumerate(cells)]
    return found, _asked(contents)


def _dims(name, place):
    """Of a variable in the file, but for the cell."""
    return VARIABLES[name].dims if place.places is None else VARIABLES[name].placed_dims


def _asked(contents):
    """The grid as it was asked for, if the file still says."""
    text = contents.attribute("request")
    if text is None:
        return None
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise RequestError("its attribute request is not JSON") from None


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


def _check_fit(contents, cells, place):
    """Raises RequestError where a request is not that of the arrays beside it."""
    for name, size in place.sizes.items():
        if contents.sizes.get(name, 1) != size:
            raise RequestError(f"its variables have {contents.sizes.get(name, 1)} along {name}, where there are {size}")
    said = {name: contents.numbers(name, ("cell",), whole=True) for name in DESCRIBED if name in contents}
    widths = contents.numbers("layer_width", ("cell", "layer"), whole=True) if "layer_width" in contents else None
    for number, (network, run) in enumerate(cells):
        expected = {"width": max(network.widths), "depth": network.depth, "replicas": run["replicas"], "inputs": run["inputs"]}
        for name, values in said.items():
            if values[number] != expected[name]:
                raise RequestError(
                    f"the request of cell {number} says {name} {expected[name]}, the variable {name!r} {values[number]}"
                )
        blocks = blocks_of(network, run["inputs"])
        if blocks.placed and place.places is None:
            raise RequestError(f"cell {number} has several linear maps, activations or norms a block, and there is no 'place'")
        rows, layers, _ = place.rows("layer", blocks, run)
        if not len(rows):
            raise RequestError(f"no layer of cell {number} is in the file")
        if widths is not None and np.any(widths[number, rows] != blocks.widths[layers]):
            raise RequestError(f"the request of cell {number} does not fit its arrays: layer_width says other widths")


def unstacked(arrays, cell, network, run, place, method):
    """The Cell number `cell` of `arrays` with a leading cell axis, whose rows lie at `place`."""
    variables, blocks = {}, blocks_of(network, run["inputs"])
    rows = {dim: place.rows(dim, blocks, run) for dim in place.sizes}
    for name, array in arrays.items():
        dims = _dims(name, place)
        if run["inputs"] == 1 and VARIABLES[name].quantity.pairs:
            continue
        if not run["keep_samples"] and "replica" in dims:
            continue
        part = spread(array[cell], [rows[dim] for dim in dims])
        if "place" in dims and not blocks.placed:
            part = blocks.closed(VARIABLES[name].quantity.name, part, dims.index("layer"))
        if (name in PREDICTED and np.isnan(part).all()) or VARIABLES[name].quantity.name not in blocks.rows:
            continue  # said of another cell of the file
        variables[name] = part
    return Cell(network, run, np.sort(place.quantiles), method, variables, place.cut(blocks))
