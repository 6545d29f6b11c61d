"""The one description of a file's contents: variables with dimensions and attributes, whatever then holds them.

`write` puts it into HDF5, `to_xarray` into memory; opening the file with xarray gives the same as the latter.
"""

import json
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from ..errors import RequestError
from ..results.cells import DESCRIPTIONS, describe, described
from ..results.verdict import WORDS
from ..statistics.precision import PRECISIONS
from ..statistics.quantities import VARIABLES
from ..version import __version__

SCHEMA_VERSION = 2
DIMENSIONS = {
    "cell": "network and run",
    "replica": "number of the network in its ensemble",
    "layer": "layer: 0 is the input (or the stem), 1 to depth are blocks, depth + 1 is the readout if there is one",
    "place": "the linear map, activation or norm in a layer: its kind and its number; there where a block holds several",
    "quantile": "probability of the quantile",
    "precision": "float type",
}
VECTOR_INSTRUCTIONS = ("sse2", "avx", "fma", "avx2", "avx512f", "avx512dq", "avx512vl", "avx512bw", "neon", "sve", "sve2")
LARGEST_ATTRIBUTE = 60_000  # bytes: HDF5 holds no larger ones without a newer file version


@dataclass(frozen=True)
class Entry:
    """One dataset: `values` over `dims`; `fill` marks what is missing, or None where nothing can be."""

    dims: tuple
    values: np.ndarray
    attributes: dict
    fill: object = None


def _attributes(long_name, units=None):
    return {"long_name": long_name} | ({} if units is None else {"units": units})


def _coordinates(curve_set, layers, places, dims):
    values = {
        "place": np.array(places, object),
        "cell": np.arange(len(curve_set), dtype=np.int64),
        "layer": np.arange(layers, dtype=np.int64),
        "quantile": curve_set[0].quantiles,
        "precision": np.array(PRECISIONS, object),
        "replica": np.arange(max(c.run["replicas"] for c in curve_set), dtype=np.int64),
    }
    for name, meaning in DIMENSIONS.items():
        if name in dims:
            units = None if name in ("precision", "place") else "1"
            yield name, Entry((name,), values[name], _attributes(meaning, units))


def _cells(curve_set, layers):
    """What describes a cell: CF's auxiliary coordinates."""
    types = {str: object, int: np.int64, float: float}
    rows = [describe(curves) for curves in curve_set]
    for name in described(rows):
        d = DESCRIPTIONS[name]
        values = np.array([row[name] for row in rows], types[d.kind])
        yield name, Entry(("cell",), values, _attributes(d.long_name, None if d.kind is str else "1"))
    widths = np.zeros((len(curve_set), layers), np.int64)
    for row, curves in zip(widths, curve_set, strict=True):
        row[: len(curves.layers)] = curves.blocks.widths
    yield "layer_width", Entry(("cell", "layer"), widths, _attributes("units behind the layer (0: no such layer)", "1"))
    requests = np.array([request(curves) for curves in curve_set], object)
    yield "request", Entry(("cell",), requests, _attributes("network and run as JSON"))
    methods = np.array([curves.quantile_method for curves in curve_set], object)
    text = "exact, or from histograms where the samples did not fit their bytes"
    yield "quantile_method", Entry(("cell",), methods, _attributes(text))


def _verdicts(curve_set):
    verdicts = [curves.verdict for curves in curve_set]
    words = np.array([v.word for v in verdicts], object)
    meaning = f"what becomes of the gradient (with skip connections, the stream's): {', '.join(WORDS)}"
    yield (
        "verdict",
        Entry(
            ("cell",),
            words,
            _attributes(meaning),
        ),
    )
    for name, text in (
        ("decades_per_100_layers", "decades of the median gradient gained on the way back through 100 layers"),
        ("spread_decades", "95 % over 5 % quantile of the gradient at layer 1, in decades"),
    ):
        values = np.array([getattr(v, name) for v in verdicts], float)
        yield name, Entry(("cell",), values, _attributes(text, "1"), np.nan)


def stacked(curves):
    """Arrays with a leading cell axis for every variable of any of `curves`; layers that a network lacks are missing.

    Returns (arrays, layers, places): the names along the axis of places, none where no network has such an axis; networks
    without one lie at their own names on it. Networks may differ in depth, but must share their quantiles.
    """
    if any(not np.array_equal(c.quantiles, curves[0].quantiles) for c in curves):
        raise RequestError("curves: networks with different quantiles do not fit one file")
    layers = max(len(c.layers) for c in curves)
    placed = any(c.places for c in curves)
    places = tuple(dict.fromkeys(name for c in curves for name in c.blocks.names)) if placed else ()
    sizes = {"layer": layers, "place": len(places), "quantile": len(curves[0].quantiles), "precision": len(PRECISIONS)}
    sizes["replica"] = max(c.run["replicas"] for c in curves)
    arrays = {}
    for name, variable in VARIABLES.items():
        if not any(name in c.variables for c in curves):
            continue
        dims = variable.placed_dims if placed else variable.dims
        shape = [sizes[dim] for dim in dims]
        out = np.full((len(curves), *shape), -1 if variable.integer else np.nan, np.int64 if variable.integer else float)
        for cell, c in enumerate(curves):
            if name in c.variables:
                part = c.variables[name]
                if "place" in dims and not c.places:
                    part = c.blocks.opened(variable.quantity.name, part, dims.index("layer"))
                rows = [slice(n) for n in part.shape]
                if "place" in dims:
                    rows[dims.index("place")] = [places.index(place) for place in c.blocks.names]
                out[cell, ...][tuple(rows)] = part
        arrays[name] = out
    return arrays, layers, places


def request(curves):
    """The canonical JSON of one cell: enough to run it again."""
    network = json.loads(curves.network.to_json())
    return json.dumps({"network": network, "run": curves.run}, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value):
    """For JSON, what only Python knows: arrays and NumPy's numbers as lists and numbers, anything else as its text."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def entries(curve_set):
    """Every dataset of the file by name: dimensions first, then what describes the cells, then the curves."""
    arrays, layers, places = stacked(curve_set)
    dims_of = {name: VARIABLES[name].placed_dims if places else VARIABLES[name].dims for name in arrays}
    dims = {"cell", "layer", "quantile", "precision"} | {dim for dims in dims_of.values() for dim in dims}
    result = dict(_coordinates(curve_set, layers, places, dims))
    cells = dict(_cells(curve_set, layers))
    result |= cells
    curves = dict(_verdicts(curve_set))
    for name, values in arrays.items():
        v = VARIABLES[name]
        fill = np.int64(-1) if v.integer else np.nan
        curves[name] = Entry(("cell", *dims_of[name]), values, _attributes(v.long_name, v.units), fill)
    for name, entry in curves.items():
        # CF: a variable names the coordinates whose dimensions are among its own
        fitting = [c for c in cells if set(cells[c].dims) <= set(entry.dims)]
        auxiliary = {"coordinates": " ".join(fitting)}
        result[name] = Entry(entry.dims, entry.values, entry.attributes | auxiliary, entry.fill)
    return result


def root_attributes(curve_set):
    """Attributes of the whole file; `request` is the grid as asked, unless it is too large to be an attribute."""
    cells = [json.loads(request(curves)) for curves in curve_set]
    asked = json.dumps(cells if curve_set.request is None else curve_set.request, sort_keys=True, default=_plain)
    return {
        "title": "signals and gradients in deep networks at initialization",
        "Conventions": "CF-1.11",
        "schema_version": SCHEMA_VERSION,
        "gradsim_version": __version__,
        "request": asked if len(asked.encode()) <= LARGEST_ATTRIBUTE else '"see the variable request"',
        "provenance": json.dumps(provenance(), sort_keys=True),
    }


def provenance():
    """Where a file was written: versions, time, and the machine with its CPU's instruction set.

    Sums are taken in another order on vectors of another length: one seed on a CPU with AVX-512 and on one with AVX2 alone
    gives numbers that differ in their last digits.
    """
    versions = {name: version(name) for name in ("numpy", "numba", "llvmlite", "h5py")}
    versions |= {"gradsim": __version__, "python": platform.python_version()}
    machine = {"machine": platform.machine(), "system": platform.system()} | _instruction_set()
    return versions | machine | {"created": datetime.now(UTC).isoformat(timespec="seconds")}


def _instruction_set():
    """The CPU and those of its vector instructions that Numba compiles for, by its own account."""
    from numba.core.registry import cpu_target

    _, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    present = {feature[1:] for feature in features.split(",") if feature.startswith("+")}
    return {"cpu": cpu, "vector_instructions": [name for name in VECTOR_INSTRUCTIONS if name in present]}


def to_xarray(curve_set):
    """An xarray.Dataset. Raises RequestError where xarray is not installed."""
    try:
        import xarray
    except ImportError:
        raise RequestError("to_xarray needs xarray: pip install 'gradsim[xarray]'") from None
    variables, coordinates = {}, {}
    for name, entry in entries(curve_set).items():
        attributes = {k: v for k, v in entry.attributes.items() if k != "coordinates"}
        values = entry.values
        if entry.fill is not None and values.dtype.kind == "i":
            values = np.where(values == entry.fill, np.nan, values)
        place = variables if "coordinates" in entry.attributes else coordinates
        place[name] = xarray.Variable(entry.dims, values, attributes)
    return xarray.Dataset(variables, coordinates, root_attributes(curve_set))
