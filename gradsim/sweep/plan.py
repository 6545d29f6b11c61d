"""From a grid of options to the list of cells: every combination, checked before anything is computed."""

import tomllib
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from ..errors import RequestError, unknown
from ..request import NETWORK_OPTIONS, RUN_OPTIONS, network_and_run

BUILT_IN = {"classic": Path(__file__).with_name("classic.toml")}


@dataclass(frozen=True)
class Plan:
    """`axes` maps options to lists of values, the first varying slowest; `cells` are pairs (Network, run options)."""

    axes: dict
    cells: tuple


def read_plan(source):
    """The Plan of a TOML file, of a built-in sweep ("classic"), or of a dict of options.

    Any option may be a list: then it is an axis of the grid. A width that is itself a list (one entry a layer) is
    written as a list in a list. Raises RequestError for what cannot be.
    """
    options = dict(source) if isinstance(source, dict) else _read_toml(source)
    axes = {}
    for name, value in options.items():
        key = name.replace("-", "_")
        if key not in NETWORK_OPTIONS + RUN_OPTIONS:
            raise unknown("sweep", name, NETWORK_OPTIONS + RUN_OPTIONS)
        if key in axes:
            raise RequestError(f"sweep: {name!r} is given twice")
        axes[key] = value if isinstance(value, list) else [value]
        if not axes[key]:
            raise RequestError(f"sweep: {name!r} is an empty list")
    return Plan(axes, tuple(network_and_run(dict(zip(axes, values, strict=True))) for values in product(*axes.values())))


def _read_toml(source):
    path = BUILT_IN.get(str(source)) or Path(source)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        near = "" if path.suffix else f"; built in: {', '.join(BUILT_IN)}"
        raise RequestError(f"sweep: cannot read {str(source)!r}: {error.strerror}{near}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestError(f"sweep: {str(source)!r} is not TOML: {str(error).splitlines()[0]}") from None
