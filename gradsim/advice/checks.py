"""What simulated networks of one kind do with the gradient: what advice is checked by."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..curves import Curves
from ..model.network import Network
from ..model.spelling import told_gain
from ..results.verdict import DECADES
from ..simulation.simulate import simulate
from ..statistics.precision import PRECISIONS, log_square_limits
from ..theory.float_ranges import Exit, measured_exits

SAFE_DECADES = 1.0  # of the median: within a factor of ten over the whole depth
SAFE_SPREAD = 2.0  # of the middle 90 %: as wide as the band in which the median may be
ENDS = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Checked:
    """What `replicas` simulated networks do: decades of the root-mean-square gradient at layer 1 over the median at layer L.

    `decades` is the median's, `low` and `high` the 5 % and 95 % quantiles' (-inf where a gradient is exactly zero), NaN where
    the median is zero at layer L too. `forward` and `backward` map every float type to the share of networks that stay inside
    it at every layer: no entry of h (of dL/dh) above its largest number, no root mean square below its smallest normal one.
    """

    network: Network
    replicas: int
    decades: float
    low: float
    high: float
    forward: dict[str, float]
    backward: dict[str, float]
    curves: Curves = field(repr=False, compare=False)

    @property
    def spread(self) -> float:
        """Decades between the ends of the middle 90 % of networks at layer 1; NaN where both are zero."""
        return math.nan if self.low == self.high == -math.inf else self.high - self.low

    @property
    def safe(self) -> bool:
        """Whether the median keeps its scale within SAFE_DECADES and the middle 90 % lie within SAFE_SPREAD."""
        return abs(self.decades) <= SAFE_DECADES and self.spread <= SAFE_SPREAD

    @property
    def exits(self) -> tuple[dict[str, Exit], dict[str, Exit]]:
        """(forward, backward) as in `Precision`, of the median network."""
        return measured_exits(self.curves)

    def inside(self, name: str) -> float:
        """The smaller of the two shares of a float type."""
        return min(self.forward[name], self.backward[name])

    def room(self, name: str) -> tuple[float, float]:
        """(above, below): decades that 95 % of the networks have left in a float type, forward and backward: up to its largest
        number from the largest entry of any layer, and down to its smallest normal one from the smallest root mean square.

        Below 0 where they leave it.
        """
        rooms = np.min([*_rooms(self.curves)], axis=0)[..., PRECISIONS.index(name)]  # of each network the nearer way
        rooms = np.where(np.isnan(rooms), -math.inf, rooms)
        above, below = np.quantile(rooms, ENDS[0], axis=1, method="nearest") * DECADES
        return float(above), float(below)

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON: the figures, without the network and its curves."""
        return {
            "weight_gain": told_gain(self.network),
            "replicas": self.replicas,
            "median_decades": self.decades,
            "low_decades": self.low,
            "high_decades": self.high,
            "spread_decades": self.spread,
            "safe": self.safe,
            "inside_forward": self.forward,
            "inside_backward": self.backward,
        }


def check(network, replicas, seed, stream, options):
    """The Checked of a Network. `options` are those of `simulate` on what goes in and out. Raises RequestError."""
    curves = simulate(network, replicas, seed, stream=stream, keep_samples=True, **options)
    low, middle, high = _change(curves)
    return Checked(network, replicas, middle, low, high, *_shares(curves), curves)


def _change(curves):
    """Decades from the median at the last hidden layer to the quantiles ENDS at layer 1, of what verdicts are about."""
    logs = curves.blocks.last(curves.gradient, curves[f"{curves.gradient}_log"], 1)
    last = float(np.quantile(logs[:, curves.blocks.depth], 0.5, method="nearest"))
    ends = (float(q) for q in np.quantile(logs[:, 1], ENDS, method="nearest"))  # no mean of a number and -inf
    return [math.nan if end == last == -math.inf else (end - last) * DECADES for end in ends]


def _shares(curves):
    """Two {float type: share of networks inside at every layer}: of preactivations and of gradients, a stream's too."""
    for rooms in _rooms(curves):
        shares = (rooms >= 0).all(axis=0).mean(axis=0)  # NaN is outside
        yield dict(zip(PRECISIONS, shares.tolist(), strict=True))


def _rooms(curves):
    """Two arrays, forward and backward: (ends, replicas, float types), natural logs of squares that are left at the upper and
    at the lower end of a type."""
    for quantities in (("preactivation", "stream"), ("gradient", "stream_gradient")):
        yield np.min([_room(curves, quantity) for quantity in quantities if quantity in curves.blocks.rows], axis=0)


def _room(curves, quantity):
    """The same of one quantity, wherever there is one; NaN where it is NaN.

    Beside a stream a branch may be exactly zero, as in ReZero: that is a number of every type.
    """
    defined, (least, most) = curves.blocks.defined(quantity), log_square_limits()
    size, largest = (curves[f"{name}_log"][:, defined, None] for name in (quantity, f"{quantity}_max"))
    idle = (size == -math.inf) & (curves.network.has_stream and not quantity.startswith("stream"))
    return np.stack([most - largest.max(axis=1), np.where(idle, math.inf, size).min(axis=1) - least])
