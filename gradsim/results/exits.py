"""Where networks leave what numbers can hold: the layer, on the way that the numbers go, from which half of them have left."""

from typing import NamedTuple

import numpy as np

from ..statistics.precision import PRECISIONS

REPORTED_PRECISIONS = ("float16", "bfloat16", "float32")
HALF = 0.5
KINDS = {  # what leaves: (quantity, statistics)
    "forward": ("preactivation", ("overflow_fraction", "underflow_fraction")),
    "forward_norm": ("preactivation", ("norm_overflow_fraction", "norm_underflow_fraction")),
    "backward": ("gradient", ("overflow_fraction", "underflow_fraction")),
    "backward_norm": ("weight_gradient", ("norm_overflow_fraction",)),  # what gradient clipping computes
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


def exits(curves):
    """{float type: {kind: Exit, or None if it stays}} of Curves; a kind that the curves do not tell is not there.

    Files of earlier versions have no norms, and did not count what is not finite as overflow.
    """
    found = {name: {} for name in REPORTED_PRECISIONS}
    for kind, (quantity, statistics) in KINDS.items():
        shares = {s.split("_")[-2]: curves.variables.get(f"{quantity}_{s}") for s in statistics}
        if any(share is None for share in shares.values()):
            continue
        for name in REPORTED_PRECISIONS:
            column = {way: share[:, PRECISIONS.index(name)] for way, share in shares.items()}
            column["overflow"] = np.fmax(column["overflow"], share_not_finite(curves, quantity))
            found[name][kind] = _first(curves, quantity, column)
    return found


def _first(curves, quantity, column):
    for layer in _way(curves, quantity):
        for way, share in column.items():
            if share[layer] >= HALF:
                return Exit(int(layer), way)
    return None


def _way(curves, quantity):
    """Layers in the order in which numbers are made; forward from the input on."""
    layers = curves.layers
    return layers[:0:-1] if "gradient" in quantity else layers


def share_not_finite(curves, quantity):
    """Of the networks, over layers; NaN where the quantity is not defined."""
    count = curves.variables.get(f"{quantity}_nonfinite_count")
    if count is None:
        return np.full(len(curves.layers), np.nan)
    return np.where(count >= 0, count / curves.run["replicas"], np.nan)


def lost(curves):
    """(forward, backward): the Lost of each way, or None. An activation comes after its layer's preactivation."""
    shares = {name: share_not_finite(curves, name) for name in ("preactivation", "activation", "gradient")}

    def first(*names):
        for layer in _way(curves, names[0]):
            for name in names:
                if shares[name][layer] >= HALF:
                    return Lost(name, int(layer))
        return None

    return first("preactivation", "activation"), first("gradient")
