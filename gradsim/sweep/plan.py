"""From a grid of options to the list of cells: every combination, checked before anything is computed."""

import os
import tomllib
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path

from ..errors import RequestError, shown, unknown
from ..memory import gib, require
from ..model.data import Samples, samples
from ..model.data.plain import plain_text
from ..model.options import OPTIONS
from ..model.parts import Part
from ..model.request import FILES
from ..model.tables import table
from ..simulation.fit import network_and_run
from ..simulation.footprint import Footprint

MOST_CELLS = 100_000  # all of them are checked before the first one is computed, about 1 ms each
LARGEST_GRID = 2**24  # bytes of a TOML file
CELLS = "cells"
BUILT_IN = {name: Path(__file__).with_name(f"{name}.toml") for name in ("classic", "blocks")}


@dataclass(frozen=True)
class Plan:
    """`axes` maps options to lists of values, the first varying slowest, and "cells" to such axes one by one where the grid has
    tables of its own; `cells` are pairs (Network, run options)."""

    axes: dict
    cells: tuple


def read_plan(source):
    """The Plan of a TOML file, of a built-in sweep ("classic", "blocks"), or of a dict of options.

    Any option may be a list, or a one-dimensional array of numbers: then it is an axis of the grid. A width that is itself a
    list (one entry a layer) is written as a list in a list; `layers` is one list of tables, or an axis of such lists. What is
    no full grid stands in `cells`, a list of tables of options: each is a grid, with the options outside it that it does not
    give itself. A file is read once, and its rows are shared by all cells. Raises RequestError for what cannot be.
    """
    given = dict(source) if isinstance(source, dict) else _read_toml(source)
    tables = _tables(given.pop(CELLS)) if CELLS in given else None
    shared = _axes(given)
    own = [_axes(entry) for entry in tables or [{}]]
    grids = [shared | axes for axes in own]
    count = sum(prod(map(len, axes.values())) for axes in grids)
    if count > MOST_CELLS:
        sizes = " x ".join(f"{len(values):,} {name}" for name, values in grids[0].items() if len(values) > 1)
        what = sizes if tables is None else f"{len(grids):,} tables of cells"
        first = Footprint.of(*network_and_run({name: values[0] for name, values in grids[0].items()}))
        raise RequestError(
            f"sweep: {what} are {count:,} cells, whose curves would take about {gib(count * first.curves)}; a grid has "
            f"{MOST_CELLS:,} cells at most"
        )
    cells = tuple(network_and_run(options) for axes in grids for options in _combined(axes))
    curves = sum(Footprint.of(*cell).curves for cell in cells)
    require("sweep", f"the curves of {count:,} cells", curves)
    return Plan(_asked(shared) if tables is None else _asked(shared) | {CELLS: [_asked(axes) for axes in own]}, cells)


def _tables(value):
    """The tables of options of `cells`, checked to be such."""
    if not isinstance(value, list | tuple) or not value or not all(isinstance(entry, dict) for entry in value):
        raise RequestError(
            f"sweep: {CELLS}: {shown(value)} is not a list of tables; write [[{CELLS}]] above the options of each"
        )
    return value


def _axes(given):
    """The checked values of every option of `given`, in lists."""
    axes = {}
    for name, value in given.items():
        key = name.replace("-", "_") if isinstance(name, str) else name
        if key not in OPTIONS or not OPTIONS[key].in_grids:
            raise unknown("sweep", name, [name for name, option in OPTIONS.items() if option.in_grids])
        if key in axes:
            raise RequestError(f"sweep: {name!r} is given twice")
        axes[key] = [_checked(OPTIONS[key], entry) for entry in _axis(key, value)]
        if not axes[key]:
            raise RequestError(f"sweep: {name!r} is an empty list")
    return axes


def _combined(axes):
    """Every combination of the values of axes."""
    return (dict(zip(axes, values, strict=True)) for values in product(*axes.values()))


def _asked(axes):
    """What a file keeps of axes."""
    return {name: [_plain(value) for value in values] for name, values in axes.items()}


def _axis(name, value):
    """The values of an option, one or several; an array is an axis, but for a file: there it is the rows."""
    if isinstance(value, range) or (getattr(value, "ndim", 0) == 1 and name not in FILES):
        return list(value)
    if name == "layers" and isinstance(value, list) and OPTIONS[name].kind.holds(value):
        return [value]
    return value if isinstance(value, list) else [value]


def _checked(option, value):
    value = option.check(value)
    return samples(option.flag, value) if option.name in FILES and value is not None else value


def _plain(value):
    """What a file says of a value: rows by where they came from, or by shape and digest; parts as tables."""
    if isinstance(value, list):
        return [table(entry) if isinstance(entry, Part) else entry for entry in value]
    return value.source if isinstance(value, Samples) else value


def _read_toml(source):
    if not isinstance(source, str | os.PathLike):
        raise RequestError(f"sweep: {shown(source)} is neither the name of a file, a built-in sweep nor a dict of options")
    path = BUILT_IN.get(str(source), source)
    try:
        return tomllib.loads(plain_text("sweep", path, LARGEST_GRID))
    except RequestError as error:
        near = "" if Path(path).suffix else f"; built in: {', '.join(BUILT_IN)}"
        raise RequestError(f"{error}{near}") from None
    except (ValueError, RecursionError) as error:  # a whole number of 5,000 digits is a ValueError, 1,000 brackets recurse
        reason = " ".join(str(error).split())[:200]
        raise RequestError(f"sweep: {shown(os.fspath(source))} is not TOML: {reason}") from None
