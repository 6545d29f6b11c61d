"""What options of a network mean together that are checked one by one: the widths of its blocks, and the law of its biases."""

from ..errors import RequestError
from ..memory import require
from .initializers import bias_law, canonical_bias, find_initializer

LAYER_BYTES = 4000  # that a layer of any simulation takes at least: program, records, sums, and what becomes of these
DEPTH = 100  # where neither a depth nor a list of widths is given


def widths_of(width: int | list[int], depth: int | None, maps: int) -> tuple[int, ...]:
    """The tuple of widths of a checked width, or list of them, and a depth or None; blocks have so many `maps`."""
    layers = len(width) if isinstance(width, list) else DEPTH if depth is None else depth
    require("--depth", f"{layers:,} layers, whatever their width,", LAYER_BYTES * layers * maps)  # before they are made
    if not isinstance(width, list):
        return (width,) * layers
    if depth not in (None, len(width)):
        raise RequestError(f"--width: a list of {len(width)} widths does not go with depth {depth}")
    return tuple(width)


def biases_of(init: str, scheme: str | None, std: float) -> str | None:
    """The scheme of the biases; None for what comes with each initializer."""
    if scheme is not None and std:
        raise RequestError(f"--bias-std: {std:g} does not go with --bias={scheme}; give one of them")
    if scheme is None and not std:
        find_initializer(init)
        return None
    scheme = f"normal({std!r})" if std else scheme
    bias_law(scheme, 1)
    return canonical_bias(scheme)
