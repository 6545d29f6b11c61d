"""Where networks leave what numbers can hold: the layer, on the way that the numbers go, from which half of them have left."""

from typing import Any, NamedTuple

import numpy as np

from ..statistics.precision import PRECISIONS

REPORTED_PRECISIONS = ("float16", "bfloat16", "float32")
HALF = 0.5
KINDS = {  # what leaves: (quantities, those of them that a network has; statistics)
    "forward": (("stream", "preactivation"), ("overflow_fraction", "underflow_fraction")),
    "forward_norm": (("stream", "preactivation"), ("norm_overflow_fraction", "norm_underflow_fraction")),
    "backward": (("stream_gradient", "gradient"), ("overflow_fraction", "underflow_fraction")),
    "backward_norm": (("weight_gradient",), ("norm_overflow_fraction",)),  # what gradient clipping computes
}


class Exit(NamedTuple):
    """`layer` is the first on the way (0: the input itself), `way` is "overflow" or "underflow"."""

    layer: int
    way: str


class Lost(NamedTuple):
    """Where numbers stop being finite: the first `layer` on the way at which at least half of the networks have infinity or
    NaN in `quantity`."""

    quantity: str
    layer: int


def exits(curves: Any) -> dict[str, dict[str, Exit | None]]:
    """{float type: {kind: Exit, or None if it stays}} of Curves; a kind that the curves do not tell is not there.

    Of several linear maps in a block, and of these and the stream, that counts which leaves first. Files of earlier versions
    have no norms, and did not count what is not finite as overflow.
    """
    found: dict[str, dict[str, Exit | None]] = {name: {} for name in REPORTED_PRECISIONS}
    for kind, (quantities, statistics) in KINDS.items():
        present = [quantity for quantity in quantities if quantity in curves.blocks.rows]
        shares = {s.split("_")[-2]: _largest_shares(curves, present, s) for s in statistics}
        if any(share is None for share in shares.values()):
            continue
        broken = _largest([share_not_finite(curves, quantity) for quantity in present])
        for name in REPORTED_PRECISIONS:
            column = {way: share[:, PRECISIONS.index(name)] for way, share in shares.items()}
            column["overflow"] = np.fmax(column["overflow"], broken)
            found[name][kind] = _first(curves, quantities[0], column)
    return found


def _largest_shares(curves, quantities, statistic):
    """Over (layer, precision); None where the curves do not tell of one of the quantities, or there is none."""
    found = [curves.variables.get(f"{quantity}_{statistic}") for quantity in quantities]
    if not found or any(share is None for share in found):
        return None
    return _largest([_layers(share, 2) for share in found])


def _largest(arrays):
    return np.fmax.reduce(arrays)


def _layers(shares, ndim):
    """The largest of the places of each layer, if there are any; NaN where there is none."""
    return shares if shares.ndim == ndim else np.fmax.reduce(shares, axis=1)


def _first(curves, quantity, column):
    layers = _way(curves, quantity)
    left = {way: share[layers] >= HALF for way, share in column.items()}
    first = {way: int(np.argmax(there)) for way, there in left.items() if there.any()}
    if not first:
        return None
    way = min(first, key=first.get)  # of two in one layer, that which is named first
    return Exit(int(layers[first[way]]), way)


def _way(curves, quantity):
    """Layers in the order in which numbers are made; forward from the input on."""
    return curves.layers[::-1] if "gradient" in quantity else curves.layers


def share_not_finite(curves, quantity):
    """Of the networks, over layers, the largest of several places; NaN where the quantity is not defined."""
    count = curves.variables.get(f"{quantity}_nonfinite_count")
    if count is None:
        return np.full(len(curves.layers), np.nan)
    return _layers(np.where(count >= 0, count / curves.run["replicas"], np.nan), 1)


def lost(curves):
    """(forward, backward): the Lost of each way, or None. In a layer the order is that in which numbers are made."""

    def first(*names):
        shares = {name: share_not_finite(curves, name) for name in names}
        for layer in _way(curves, names[0]):
            for name in names:
                if shares[name][layer] >= HALF:
                    return Lost(name, int(layer))
        return None

    return first("preactivation", "activation", "stream"), first("stream_gradient", "gradient")
