"""By what initializations are compared: figures of simulated networks, each with the size of it that counts as one point."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .checks import SAFE_DECADES, SAFE_SPREAD, Checked

ROOM = 1.0  # decades left at an end of the float type: where there are as many, more are worth nothing
LOWER, HIGHER = 1, -1


@dataclass(frozen=True)
class Criterion:
    """A figure: `head` is its column, `words` say it in a sentence, `form` writes it; `better` is LOWER or HIGHER.

    `points(value)` is what it adds to the points of an initialization, of which fewer are better.
    """

    name: str
    head: str
    words: str
    form: str
    points: Callable[[float], float]
    better: int = LOWER

    def told(self, value: float) -> str:
        """The value as tables have it."""
        if math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else "-∞"
        return format(value + 0.0, self.form)

    def worse(self, value: float, other: float) -> bool:
        """Whether a value is worse than another one, as far as it is told; no value is worse than any."""
        if math.isnan(value) or math.isnan(other):
            return math.isnan(value) and not math.isnan(other)
        return self.told(value) != self.told(other) and (value - other) * self.better > 0


def _share_of(limit: float) -> Callable[[float], float]:
    return lambda value: 1.0 if math.isnan(value) else value / limit


def _shortage(value: float) -> float:
    return max(0.0, (ROOM - value) / ROOM)


CRITERIA = {
    c.name: c
    for c in (
        Criterion("gradient", "gradient", "decades that the median gradient strays", ".2f", _share_of(SAFE_DECADES)),
        Criterion("spread", "spread", "decades between networks", ".2g", _share_of(SAFE_SPREAD)),
        Criterion("drift", "drift", "decades that the median signal strays on its way forward", ".2f", _share_of(2.0)),
        Criterion("above", "above", "decades left above in {type}", ".1f", _shortage, HIGHER),
        Criterion("below", "below", "decades left below in {type}", ".1f", _shortage, HIGHER),
        Criterion("idle", "idle", "share of units that are dead or saturated", ".2f", _share_of(1.0)),
        Criterion("moved", "moved", "change of the correlation between two inputs", ".2f", _share_of(1.0)),
    )
}


def figures(checked: Checked, pairs: Checked | None, precision: str) -> dict[str, float]:
    """The value of every criterion, of Checked networks; `pairs` are those that two inputs or more go through, NaN without.

    gradient and drift: decades between the largest and the smallest median of the layers, infinite where one is zero. spread:
    of the middle 90 % of networks at layer 1. above and below: of `precision`, as `Checked.room` has them. idle: units with a
    slope of zero or below 1 % of the largest, in the layer that has most. moved: of the correlation, from the inputs to the
    last layer.
    """
    curves = checked.curves
    above, below = checked.room(precision)
    return {
        "gradient": _strayed(curves, curves.gradient, 1),
        "spread": checked.spread,
        "drift": _strayed(curves, "stream", 0) if curves.network.has_stream else _strayed(curves, "preactivation", 1),
        "above": above,
        "below": below,
        "idle": _idle(curves),
        "moved": math.nan if pairs is None else _moved(pairs.curves),
    }


def points(found: dict[str, float]) -> float:
    """Of all criteria together: of networks whose gradients are zero it is infinite."""
    total = sum(criterion.points(found[name]) for name, criterion in CRITERIA.items())
    return total if math.isfinite(found["gradient"]) else math.inf


def _strayed(curves: Any, quantity: str, first: int) -> float:
    """Decades between the largest and the smallest median, of the layers from `first` to the last hidden one."""
    medians = curves.blocks.last(quantity, curves.decades(quantity))[first : curves.blocks.depth + 1]
    return float(np.ptp(medians)) if np.isfinite(medians).all() else math.inf


def _idle(curves: Any) -> float:
    shares = [curves.variables.get(f"{kind}_fraction_mean") for kind in ("dead", "saturated")]
    known = [share[np.isfinite(share)] for share in shares if share is not None]
    return max((float(share.max()) for share in known if share.size), default=math.nan)


def _moved(curves: Any) -> float:
    quantity = "stream_correlation" if curves.network.has_stream else "correlation"
    last = curves.blocks.last(quantity, curves[f"{quantity}_mean"])[curves.blocks.depth]
    return float(abs(last - curves.run["input_correlation"]))
