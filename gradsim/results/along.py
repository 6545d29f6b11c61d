"""Sizes along the layers, as rows: what `gradsim show --layers` says of a network in text, CSV and JSON."""

from dataclasses import dataclass

import numpy as np

from ..errors import RequestError, unknown
from ..statistics.quantities import QUANTITIES
from .verdict import BAND

USUAL = ("preactivation", "activation", "gradient", "weight_gradient")
OF_STREAMS = ("stream", "stream_gradient")  # usual where networks have one
SIZES = tuple(name for name, quantity in QUANTITIES.items() if quantity.log and quantity.at != "network")


@dataclass(frozen=True)
class Along:
    """The rows of one network: a layer each, or a layer and place; a place of "" is the layer as a whole.

    `layers` int64 (rows,); `places` texts (rows,); `decades` and `rms` map quantities to float64 (rows,) of the median network,
    `spread` to powers of ten between the 5 % and the 95 % quantile (inf where one of them is zero or not finite). NaN where a
    quantity is not defined, and in `spread` where its quantiles were not kept.
    """

    layers: np.ndarray
    places: tuple
    decades: dict
    rms: dict
    spread: dict


def sizes(curve_set, wanted=(), option="--quantity"):
    """The quantities to be shown of the networks of a CurveSet: those wanted, or the usual ones. Raises RequestError."""
    for name in wanted:
        if name in QUANTITIES and name not in SIZES:
            raise RequestError(f"{option}: {name} is no size along the layers; gradsim export has it")
        if name not in SIZES:
            raise unknown(option, name, SIZES)
    if wanted:
        return tuple(dict.fromkeys(wanted))
    streams = any(curves.network.has_stream for curves in curve_set)
    return USUAL + (OF_STREAMS if streams else ())


def along(curves, quantities):
    """The Along of Curves: of layers (and places) at which one of the quantities is defined."""
    places = ("", *curves.places)
    defined = {name: _spread_out(curves, name, curves.blocks.defined(name)) for name in quantities}
    rows = np.nonzero(np.any(list(defined.values()), axis=0))

    def of(numbers):
        return {name: _spread_out(curves, name, numbers(name))[rows] for name in quantities}

    return Along(
        rows[0],
        tuple(places[k] for k in rows[1]),
        of(lambda name: _numbers(curves, name, curves.decades)),
        of(lambda name: _numbers(curves, name, curves.rms)),
        of(lambda name: _spread(curves, name)),
    )


def _spread_out(curves, quantity, values):
    """Of shape (layers, 1 + places): numbers of layers first, then of places; NaN, or False, where there are none."""
    result = np.full((len(curves.layers), 1 + len(curves.places)), False if values.dtype == bool else np.nan, values.dtype)
    if values.ndim == 1:
        result[:, 0] = values
    else:
        result[:, 1:] = values
    return result


def _numbers(curves, quantity, read):
    """What `read` gives of the quantity; NaN where the network has none."""
    return read(quantity) if quantity in curves.blocks.rows else np.full(curves.blocks.shape(quantity), np.nan)


def _spread(curves, quantity):
    if not set(BAND) <= set(curves.quantiles.tolist()):
        return np.full(curves.blocks.shape(quantity), np.nan)
    low, high = (_numbers(curves, quantity, lambda name, q=q: curves.decades(name, q)) for q in BAND)
    with np.errstate(invalid="ignore"):  # of two infinities, which say that nothing is known
        return high - low
