"""What commands print for other programs: the tables of `gradsim show`, and the document of `gradsim run --json`."""

import json
from itertools import islice

import numpy as np

from ..results.along import along
from ..results.cells import describe, varying
from ..results.exits import KINDS, REPORTED_PRECISIONS
from ..store.layout import request
from ..version import __version__
from .formats import json_number
from .tidy import Tables

TOGETHER = 256  # cells whose rows are made at once


def verdict_blocks(curve_set):
    """Yield dicts {column: array}, a row a network: the table of cells of `gradsim export`, and where float types are left.

    `<type>_<kind>_layer` is the first layer, None where the type is not left, and `<type>_<kind>_way` "overflow" or
    "underflow"; the kinds are those of `gradsim.results.exits`.
    """
    for columns in Tables(curve_set, ()).cells():
        found = [curve_set[int(number)].verdict.exits for number in columns["cell"]]
        for name in REPORTED_PRECISIONS:
            for kind in KINDS:
                left = [exits[name].get(kind) for exits in found]
                columns[f"{name}_{kind}_layer"] = np.array([e.layer if e else None for e in left], object)
                columns[f"{name}_{kind}_way"] = np.array([e.way if e else "" for e in left], object)
        yield columns


def layer_blocks(curve_set, quantities, unit):
    """Yield dicts {column: array}, a row a network, layer and place (see `gradsim.results.along`).

    `cell` counts networks from 0; then come the columns in which they differ, `layer`, `place` where some network has places,
    and of every quantity `<quantity>_<unit>`, the unit "rms" or "decades", and `<quantity>_spread_decades`.
    """
    names, placed = varying(curve_set), any(curves.places for curves in curve_set)
    cells, first = iter(curve_set), 0
    while block := list(islice(cells, TOGETHER)):
        rows = [_layers(number, curves, names, quantities, unit, placed) for number, curves in enumerate(block, first)]
        yield {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
        first += len(block)


def _layers(number, curves, names, quantities, unit, placed):
    found, cell = along(curves, quantities), describe(curves)
    keys = {"cell": number} | {name: cell[name] for name in names}
    columns = {name: np.full(len(found.layers), value, object) for name, value in keys.items()} | {"layer": found.layers}
    if placed:
        columns["place"] = np.array(found.places, object)
    for quantity in quantities:
        columns[f"{quantity}_{unit}"] = getattr(found, unit)[quantity]
        columns[f"{quantity}_spread_decades"] = found.spread[quantity]
    return columns


def document(curves):
    """A text: one JSON object of what was asked for, the verdict, where float types are left, and every variable of Curves.

    Variables have the names and axes of docs/format.md; null where they are missing, "Infinity" and "-Infinity" as texts.
    """
    verdict = curves.verdict
    figures = ("decades", "decades_per_100_layers", "spread_decades")
    found = {
        "gradsim_version": __version__,
        "request": json.loads(request(curves)),
        "verdict": {"word": verdict.word, "sentence": verdict.sentence}
        | {name: json_number(float(getattr(verdict, name))) for name in figures}
        | {"middle": [json_number(float(value)) for value in verdict.middle]},
        "exits": {name: {kind: e and e._asdict() for kind, e in kinds.items()} for name, kinds in verdict.exits.items()},
        "layers": curves.layers.tolist(),
        "places": list(curves.places),
        "quantiles": curves.quantiles.tolist(),
        "quantile_method": curves.quantile_method,
        "precisions": list(curves.precisions),
        "curves": {name: _plain(values) for name, values in curves.variables.items()},
    }
    return json.dumps(found, ensure_ascii=False, allow_nan=False)


def _plain(values):
    """Lists of numbers, nested like the axes; a missing count is null too."""
    values = np.asarray(values)
    counts = values.dtype.kind == "i"

    def one(part):
        if isinstance(part, list):
            return [one(entry) for entry in part]
        return None if counts and part < 0 else json_number(part)

    return one(values.tolist())
