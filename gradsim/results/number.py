"""One number a network, with its band over the ensemble: how fast a quantity changes along the layers, or what it is at one."""

import math
from dataclasses import dataclass

import numpy as np

from ..errors import RequestError, in_place_of, unknown, whole_number
from ..statistics.quantities import QUANTITIES
from .scale import band, scale_of
from .verdict import BAND, DECADES

RATE = "rate"
LAYERS = 100  # that a rate is of
FARTHEST = 2**32  # layer


@dataclass(frozen=True)
class Number:
    """`quantity` is a name, or None: the gradient that is judged, the stream's where there is a stream. `at` is "rate" or a
    layer; negative ones count from the last layer that has the quantity. It is None of what a network has once."""

    quantity: str | None
    at: str | int | None

    @classmethod
    def checked(cls, quantity=None, at=None):
        """The Number that is meant: unless said, a rate where the quantity has a logarithm, else the last layer's.

        Raises RequestError.
        """
        if quantity is not None and (not isinstance(quantity, str) or quantity not in QUANTITIES):
            raise unknown("--quantity", quantity, QUANTITIES)
        found = QUANTITIES["gradient" if quantity is None else quantity]
        if found.at == "network":
            if at is not None:
                raise RequestError(f"--at: {quantity} is one number a network, not one a layer")
            return cls(quantity, None)
        if at is None:
            return cls(quantity, RATE if found.log else -1)
        if not isinstance(at, str) or at != RATE:
            with in_place_of(RATE, f"--at: neither {RATE}, nor a layer"):
                return cls(quantity, whole_number(RATE, at, -FARTHEST, FARTHEST))
        if not found.log:
            raise RequestError(f"--at: {quantity} has no {RATE}, since it is no size; give a layer")
        return cls(quantity, RATE)

    @property
    def log(self):
        """Whether it has quantiles: of a root mean square, in powers of ten."""
        return QUANTITIES[self.quantity or "gradient"].log

    @property
    def scale(self):
        """The Scale of the quantity (see `results.scale`)."""
        return scale_of(self.quantity or "gradient")

    @property
    def rate(self):
        return self.at == RATE

    def name(self, curves):
        """The quantity of these Curves."""
        return self.quantity or curves.gradient

    def held(self, curves):
        """Whether these Curves have it."""
        name = self.name(curves)
        return name in curves.blocks.rows and f"{name}_{'log_quantile' if self.log else 'mean'}" in curves.variables

    def middle(self, curves):
        """The median over networks, or of what has no logarithm the mean: a float; -inf, inf and NaN are themselves."""
        ends = self._ends(curves)
        if not self.log:
            return self._picked(curves, band(curves, self.name(curves))[1], ends)
        return self._number(curves, self._quantile(curves, 0.5), ends)

    def middles(self, curve_set, cells):
        """`middle` of all networks, described by `cells`: float64, NaN where a network lacks the quantity.

        None where they must be read one by one: where they are in no file, have blocks, or the layer is counted from the last.
        """
        plain = all(cell["block"] == "plain" for cell in cells)
        if not plain or not self.log or self.at is None or not (self.rate or self.at >= 0):
            return None
        values = curve_set.stored(f"{self.quantity or 'gradient'}_log_quantile")
        if values is None or values.ndim != 3:
            return None
        medians = values[..., np.flatnonzero(curve_set[0].quantiles == 0.5)[0]]
        if not self.rate:
            return medians[:, self.at] * DECADES if self.at < medians.shape[1] else np.full(len(cells), math.nan)
        depth, numbers = np.array([cell["depth"] for cell in cells]), np.arange(len(cells))
        end, begin = medians[:, 1], medians[numbers, depth]
        if "gradient" not in (self.quantity or "gradient"):
            end, begin = begin, end
        with np.errstate(invalid="ignore", divide="ignore"):
            found = (end - begin) * DECADES * LAYERS / (depth - 1)
        found[(depth < 2) | ~np.isfinite(begin)] = math.nan
        return np.where(np.isinf(end), end, found)

    def band(self, curves):
        """(low, middle, high): the 5 % and 95 % quantile over networks about the median; of what has no logarithm, mean and
        standard deviation. The band of a rate is that of where the way ends, over the median of where it begins."""
        ends, name = self._ends(curves), self.name(curves)
        if not self.log:
            return tuple(self._picked(curves, part, ends) for part in band(curves, name))
        median = self._quantile(curves, 0.5)
        return tuple(self._number(curves, self._quantile(curves, q), ends, median) for q in (BAND[0], 0.5, BAND[1]))

    def predicted(self, curves, theory):
        """What "mean_field" or "exact" says of it, the mean of the log; NaN where it says nothing."""
        found = curves.variables.get(f"{theory}_{self.name(curves)}_{'log_mean' if self.log else 'mean'}")
        if found is None:
            return math.nan
        ends = self._ends(curves)
        return self._number(curves, found, ends) if self.log else self._picked(curves, found, ends) * self.scale.factor

    def _quantile(self, curves, probability):
        return curves.quantile(self.name(curves), probability)

    def _ends(self, curves):
        """(from, to): the layers that a rate is between, in the order in which the numbers are made; twice the one of `at`."""
        name = self.name(curves)
        if self.at is None:
            return 0, 0
        if self.rate:
            way = 1, curves.blocks.depth
            return way[::-1] if "gradient" in name else way
        defined = curves.blocks.defined(name)
        layers = np.flatnonzero(defined.any(axis=1) if defined.ndim == 2 else defined)
        if self.at >= 0:
            found = self.at if self.at in layers else -1
        else:
            found = int(layers[self.at]) if -self.at <= len(layers) else -1
        return found, found

    def _number(self, curves, values, ends, begun=None):
        """Of natural logs of squares over layers, those of `begun` where the way begins."""
        end = self._picked(curves, values, ends)
        if not self.rate:
            return end * DECADES
        begin = self._picked(curves, values if begun is None else begun, ends[::-1])
        steps = curves.blocks.depth - 1
        if math.isinf(end):
            return end
        if steps < 1 or not math.isfinite(begin):
            return math.nan
        return (end - begin) * DECADES * LAYERS / steps

    def _picked(self, curves, values, ends):
        """What `values` over layers (and places) hold at the second of two layers, NaN where there is no such layer."""
        if self.at is None:
            return float(values)
        values = curves.blocks.last(self.name(curves), values)
        return float(values[ends[1]]) if 0 <= ends[1] < len(values) else math.nan
