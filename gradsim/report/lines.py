"""The lines of a page: what is drawn of each network, thinned and rounded to what a screen shows, and packed for a browser.

A line is a quantity of one network, at one place where it has several, in some of KINDS: numbers over the layers.
"""

import base64
import json
import math
import zlib

import numpy as np

from ..errors import RequestError, several, shown, unknown
from ..results.spread import thinned
from ..results.verdict import BAND, DECADES
from ..statistics.quantities import QUANTITIES, THEORIES

MEASURED = ("low", "middle", "high")
KINDS = (*MEASURED, *THEORIES)
DRAWN = tuple(name for name, quantity in QUANTITIES.items() if quantity.at != "network")
MOST_POINTS = 400  # of a line: more would lie on one another on a screen
LEAST_POINTS = 24  # below which a line would no longer be one
MOST_NUMBERS = 2.5e7  # that are held at once
STEP = 0.001  # decades to which sizes are rounded: 0.2 %
SHARES = 20_000  # steps to the largest of the others
LARGEST = 2**30
UNDEFINED, ZERO, BROKEN = LARGEST + 1, LARGEST + 2, LARGEST + 3  # what is no number: not there, exactly zero, inf or NaN


def drawn(option, wanted=None):
    """The quantities that a page has, in the table's order: all that lie along the layers, or those wanted."""
    if wanted is None:
        return DRAWN
    names = [wanted] if isinstance(wanted, str) else several(wanted)
    if not names:
        raise RequestError(f"{option}: {shown(wanted)} names no quantity; known: {', '.join(DRAWN)}")
    for name in names:
        if isinstance(name, str) and name in QUANTITIES and name not in DRAWN:
            raise RequestError(f"{option}: {name} is one number a network; a page draws what lies along the layers")
        if name not in DRAWN:
            raise unknown(option, name, DRAWN)
    return tuple(name for name in DRAWN if name in names)


def of_curves(curves, quantity, theory):
    """Of shape (places, KINDS, layers), float32 in decades, or float64 as it is of what is no size; NaN where nothing is.

    Infinities are what `decades` has them for. `theory`: whether what the curves have of it is wanted. None where the network
    lacks the quantity.
    """
    if quantity not in curves.blocks.rows:
        return None
    log = QUANTITIES[quantity].log
    if f"{quantity}_{'log_quantile' if log else 'mean'}" not in curves.variables:
        return None
    found = _decades(curves, quantity) if log else _plain(curves, quantity)
    for name in THEORIES:
        predicted = curves.variables.get(f"{name}_{quantity}_{'log_mean' if log else 'mean'}") if theory else None
        found.append(np.full(found[1].shape, np.nan) if predicted is None else predicted * (DECADES if log else 1.0))
    stacked = np.stack(found)  # (kinds, layers) or (kinds, layers, places)
    return (stacked[None] if stacked.ndim == 2 else np.moveaxis(stacked, 2, 0)).astype(np.float32 if log else float)


def _decades(curves, quantity):
    return [curves.decades(quantity, probability) for probability in (BAND[0], 0.5, BAND[1])]


def _plain(curves, quantity):
    """Mean and standard deviation over the networks."""
    mean, deviation = curves[f"{quantity}_mean"], np.sqrt(curves[f"{quantity}_variance"])
    with np.errstate(invalid="ignore"):  # of infinities
        return [mean - deviation, mean, mean + deviation]


class Lines:
    """Those of all networks of a page, of so many `cells` and `quantities`; `add` takes them one network after the other."""

    def __init__(self, cells, quantities, theory):
        self._quantities, self._theory = quantities, theory
        share = MOST_NUMBERS / max(1, cells * len(quantities) * len(KINDS))
        self._most = int(min(MOST_POINTS, max(LEAST_POINTS, share)))
        self._cells = []  # of each network (layers, {quantity: (places, what `of_curves` has at some layers)})

    def add(self, curves):
        kept = thinned(len(curves.layers), self._most)
        found = {}
        for quantity in self._quantities:
            values = of_curves(curves, quantity, self._theory)
            if values is not None:
                places = curves.places if len(curves.blocks.shape(quantity)) == 2 else ("",)
                here = ~np.isnan(values).all(axis=(1, 2))
                names = tuple(name for name, there in zip(places, here, strict=True) if there)
                found[quantity] = names, values[here][:, :, kept]
        self._cells.append((len(curves.layers), found))

    def packed(self, option, room, enough=()):
        """A dict as JSON holds it: `quantities`, the `layers` of a line's points by the number of layers of its network, and
        `numbers`, all that is drawn (see `text_of`); at most `room` characters in all.

        `enough` are the quantities that will do where there is no room for all. Raises RequestError about `option` where there
        is none for these either.
        """
        most = self._most
        while True:
            found = self._packed(most)
            size = len(json.dumps(found))
            if size <= room:
                return found
            if most <= LEAST_POINTS:
                if not enough:
                    what = f"{len(self._cells):,} networks with {len(found['quantities'])} quantities"
                    raise RequestError(f"{option}: a page cannot hold {what}; choose networks with --select, or a --quantity")
                self._quantities, enough, most = [name for name in self._quantities if name in enough], (), self._most
                continue
            longest = min(most, max(layers for layers, _ in self._cells))
            most = max(LEAST_POINTS, min(longest - 1, int(longest * room / size * 0.97)))

    def _packed(self, most):
        counts = sorted({layers for layers, _ in self._cells})
        layers = {count: thinned(count, self._most) for count in counts}
        chosen = {count: thinned(len(layers[count]), most) for count in counts}
        points = max(len(part) for part in chosen.values())
        quantities, parts = [], []
        for name in self._quantities:
            if values := self._quantity(name, chosen, points):
                described, numbers = values
                quantities.append(described)
                parts.append(numbers)
        return {
            "points": points,
            "layers": {str(count): layers[count][chosen[count]].tolist() for count in counts},
            "special": {"undefined": UNDEFINED, "zero": ZERO, "broken": BROKEN},
            "quantities": quantities,
            "numbers": text_of(np.concatenate(parts)) if parts else "",
        }

    def _quantity(self, name, chosen, points):
        """(what a page says of the quantity, int32 of its numbers); None where no network has it."""
        places = list(dict.fromkeys(place for _, found in self._cells if name in found for place in found[name][0]))
        if not places:
            return None
        log, shape = QUANTITIES[name].log, (len(self._cells), len(places), len(KINDS), points)
        values = np.full(shape, np.nan, np.float32 if log else float)
        for cell, (layers, found) in enumerate(self._cells):
            for place, line in zip(*found.get(name, ((), ())), strict=True):
                part = line[:, chosen[layers]]
                values[cell, places.index(place), :, : part.shape[1]] = part
        kinds = [k for k, kind in enumerate(KINDS) if kind in MEASURED or not np.isnan(values[:, :, k]).all()]
        values = values[:, :, kinds]
        steps = np.full(len(self._cells), STEP) if log else _steps(values)
        described = {
            "name": name,
            "log": log,
            "places": places,
            "kinds": [KINDS[k] for k in kinds],
            "steps": [STEP] if log else [float(f"{step:.6g}") for step in steps],
        }
        return described, _rounded(values, np.array(described["steps"])[:, None, None, None], log).ravel()


def _steps(values):
    """Float64 (cells,), of numbers that are no sizes: what they are multiples of, whatever theory says of them."""
    measured = values[:, :, : len(MEASURED)]
    finite = np.where(np.isfinite(measured), np.abs(measured), 0.0)
    largest = finite.reshape(len(finite), -1).max(axis=1)
    return np.where(largest > 0, largest / SHARES, 1.0)


def _rounded(values, steps, log):
    """Int32 multiples of `steps`, with what is no number as itself."""
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.clip(np.round(values / steps), -LARGEST, LARGEST)
    result = np.where(np.isfinite(values), whole, UNDEFINED).astype(np.int32)
    result[values == math.inf] = BROKEN
    result[values == -math.inf] = ZERO if log else BROKEN
    return result


def text_of(numbers):
    """Int32 numbers as base64 of what zlib makes of their differences: sign behind, the first bytes of all, the second, ..."""
    gaps = np.diff(numbers, prepend=np.int32(0))  # modulo 2^32
    signed = (gaps << 1) ^ (gaps >> 31)
    planes = signed.astype("<i4").view(np.uint8).reshape(-1, 4).T
    return base64.b64encode(zlib.compress(np.ascontiguousarray(planes), 6)).decode()
