"""The one description of a file's contents: variables with dimensions and attributes, whatever then holds them.

`write` puts it into HDF5, block by block, `to_xarray` into memory; opening the file with xarray gives the same as the latter.
"""

import json
from itertools import islice

import numpy as np

from ..errors import RequestError
from ..results.cells import DERIVED, describe
from ..results.verdict import figures
from ..statistics.quantities import VARIABLES
from ..statistics.stacked import Together
from ..version import __version__
from .layout import VERDICTS, request
from .provenance import provenance

SCHEMA_VERSION = 2


def root_attributes(layout, more=None):
    """Attributes of the whole file; `more` is what the caller adds to its provenance."""
    sweep = {} if layout.share is None else {"sweep": json.dumps(layout.share.said)}
    return {
        "title": "signals and gradients in deep networks at initialization",
        "Conventions": "CF-1.11",
        "schema_version": SCHEMA_VERSION,
        "gradsim_version": __version__,
        "request": layout.request,
        "axes": json.dumps(layout.axes),
        "provenance": json.dumps(provenance(**(more or {})), sort_keys=True),
    } | sweep


def blocks(layout, curves):
    """Yield (first, {name: values}) of the layout's fields for so many cells at a time, from an iterable of Curves in the
    order of the file. Raises RequestError where these are not what the layout was made for."""
    curves, first = iter(curves), 0
    while block := list(islice(curves, layout.block)):
        if first + len(block) > layout.cells:
            raise RequestError(f"curves: there are more of them than the {layout.cells:,} cells that were planned")
        _check(layout, first, block)
        together = Together.of([c.variables for c in block])
        numbers = {name: stacked(layout, name, block, together) for name in layout.names}
        yield first, _described(layout, first, block) | _verdicts(block) | numbers
        first += len(block)
    if first < layout.cells:
        raise RequestError(f"curves: {first:,} of them for {layout.cells:,} cells")


def _described(layout, first, block):
    """What describes cells, by name."""
    rows, cells = [describe(curves) for curves in block], slice(first, first + len(block))
    result = {name: [row[name] for row in rows] for name in layout.described}
    result |= {name: values[cells] for name, values in layout.extra.items()}
    result |= {name: [getattr(curves.network, name) for curves in block] for name in DERIVED}
    widths = np.zeros((len(block), layout.layers), np.int64)
    for row, curves in zip(widths, block, strict=True):
        row[: len(curves.layers)] = curves.blocks.widths
    result["layer_width"] = widths
    if layout.modules:
        result["layer_module"] = [(*curves.network.modules, *[""] * layout.layers)[: layout.layers] for curves in block]
    result["request"] = [request(curves) for curves in block]
    result["quantile_method"] = [curves.quantile_method for curves in block]
    if layout.identities is not None:
        result["identity"] = layout.identities[cells]
    if layout.share is not None:
        result["sweep_cell"], result["sweep_values"] = layout.share.numbers[cells], layout.share.values[cells]
    return {name: np.array(values, layout.fields[name].dtype) for name, values in result.items()}


def _verdicts(block):
    verdicts = [figures(curves.whole("verdict")) for curves in block]
    words = np.array([v.word for v in verdicts], object)
    numbers = {name: np.array([getattr(v, name) for v in verdicts], float) for name in VERDICTS if name != "verdict"}
    return {"verdict": words} | numbers


def _check(layout, first, block):
    for cell, c in enumerate(block, first):
        strange = sorted(set(c.variables) - set(layout.names))
        if strange or not np.array_equal(c.quantiles, layout.quantiles) or len(c.layers) > layout.layers:
            what = f"{strange[0]!r} is there" if strange else "its quantiles or layers are others"
            raise RequestError(f"curves: cell {cell:,} is not what was planned: {what}")


def stacked(layout, name, block, together=None):
    """The array of a variable with a leading cell axis; layers that a network lacks are missing.

    Networks without places lie at their own names on that axis, where the file has it. `together` are all variables of the
    block, where its cells are alike.
    """
    dims, variable, shape = layout.dims(name), VARIABLES[name], (len(block), *layout.shape(name)[1:])
    parts = [c.variables.get(name) for c in block] if together is None else together.get(name, ())
    if "place" not in dims and {getattr(part, "shape", None) for part in parts} == {shape[1:]}:
        out = np.array(parts, layout.fields[name].dtype)
    else:
        out = _placed(layout, name, block, shape)
    if not variable.integer:
        out[np.isnan(out)] = np.nan  # of which there are many, by sign: a file has one, however its cells came together
    return out


def _placed(layout, name, block, shape):
    """The same of networks of different layers, or places."""
    dims, variable = layout.dims(name), VARIABLES[name]
    out = np.full(shape, -1 if variable.integer else np.nan, layout.fields[name].dtype)
    for cell, c in enumerate(block):
        if name in c.variables:
            part = c.variables[name]
            if "place" in dims and not c.places:
                part = c.blocks.opened(variable.quantity.name, part, dims.index("layer"))
            rows = [slice(n) for n in part.shape]
            if "place" in dims:
                rows[dims.index("place")] = [layout.places.index(place) for place in c.blocks.names]
            out[cell, ...][tuple(rows)] = part
    return out


def to_xarray(curve_set, layout):
    """An xarray.Dataset of a set's Curves. Raises RequestError where xarray is not installed."""
    try:
        import xarray
    except ImportError:
        raise RequestError("to_xarray needs xarray: pip install 'gradsim[xarray]'") from None
    found = {name: np.empty(layout.shape(name), field.dtype) for name, field in layout.fields.items()}
    for first, values in blocks(layout, curve_set):
        for name, part in values.items():
            found[name][first : first + len(part)] = part
    variables, coordinates = {}, {}
    for name, (field, values) in layout.dimensions.items():
        coordinates[name] = xarray.Variable(field.dims, values, field.attributes)
    for name, field in layout.fields.items():
        attributes = {k: v for k, v in field.attributes.items() if k != "coordinates"}
        values = found[name]
        if field.fill is not None and values.dtype.kind == "i":
            values = np.where(values == field.fill, np.nan, values)
        place = variables if "coordinates" in field.attributes else coordinates
        place[name] = xarray.Variable(field.dims, values, attributes)
    return xarray.Dataset(variables, coordinates, root_attributes(layout))
