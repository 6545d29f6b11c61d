"""How two inputs' difference goes through a deep network: integrated, or interpolated where it hardly moves at a layer.

A point is (log variance, log of the angle between the inputs): 1 - cos of the angle is the gap, and at both ends the averages
are analytic in it, kinks or not (for ReLU: Cho & Saul 2009).
"""

import math

import numpy as np
from numpy.polynomial import chebyshev

SETTLED = 1e-13  # change of a coordinate below which a layer is taken for the one before
SIDES = np.array([0.5, 0.25])  # of a patch
DEGREE = 8  # of the polynomials on it
AHEAD = 0.45  # of a side: how far before a patch's middle a trajectory enters it
SMALL = -30.0  # log of a gap below which the angle is sqrt(2 gap)
ACCURACY = 1e-11  # of a patch at its CHECKS, which lie far from its nodes
CHECKS = np.array([(0.3, 0.77), (-0.93, 0.2), (0.9, -0.95)])
NODES = chebyshev.chebpts1(DEGREE + 1)
TO_COEFFICIENTS = np.linalg.inv(chebyshev.chebvander(NODES, DEGREE))


def same(log_v, other):
    """Whether two log variances count as one."""
    return log_v == other or abs(log_v - other) < SETTLED


class PairMap:
    """`Layer.pair` along a trajectory.

    While it moves fast, each layer is integrated. Where it needs more layers for a patch of the plane, or of a line at a
    variance that has settled, than the patch has nodes, these are integrated instead.
    """

    def __init__(self, layer):
        self.layer, self.patch = layer, None
        self.last = self.exact_at = np.full(2, math.nan)

    def __call__(self, log_v, log_gap, single, left):
        """(ratio, product); `left` is the number of layers to come."""
        if log_gap == -math.inf or log_v == -math.inf:
            return self.layer.pair(log_v, log_gap, single)
        point = np.array([log_v, angle_of(log_gap)])
        if self.patch is None or not self.patch.holds(point):
            self.patch = self._patch(point, left)
        self.last = point
        if self.patch is not None and self.patch.good:
            return self.patch(point)
        if not (np.abs(point - self.exact_at) < SETTLED).all():
            self.exact_at, self.exact = point, self.layer.pair(log_v, log_gap, single)
        return self.exact

    def _patch(self, point, left):
        """A _Patch around the point, or None where it does not pay."""
        steps = point - self.last
        settled = abs(steps[0]) < SETTLED
        nodes = NODES.size if settled else NODES.size**2
        if not left > nodes or not (np.abs(steps) < SIDES / nodes).all():
            return None
        sides = SIDES * (0.0 if settled else 1.0, 1.0)
        middle = point + AHEAD * sides * np.sign(steps)
        middle[1] = min(middle[1], math.log(math.pi) - sides[1] / 2)
        return _Patch(self.layer, middle, sides)


class _Patch:
    """`Layer.pair` within half of `sides` (the first 0 for a line) from the point `middle`; `good` where that is accurate."""

    def __init__(self, layer, middle, sides):
        self.middle, self.half = middle, sides / 2
        line = sides[0] == 0
        across, turn = (np.zeros(1), np.ones((1, 1))) if line else (NODES, TO_COEFFICIENTS)
        values = np.array([[self._exact(layer, (a, b)) for b in NODES] for a in across])
        self.coefficients = np.einsum("ia,jb,abk->ijk", turn, TO_COEFFICIENTS, values)
        self.good = all(self._accurate(layer, check * (0.0 if line else 1.0, 1.0)) for check in CHECKS)

    def _exact(self, layer, place):
        log_v, log_angle = self.middle + self.half * place
        return layer.pair(log_v, gap_of(log_angle))

    def _accurate(self, layer, place):
        exact = np.array(self._exact(layer, place))
        return bool((np.abs(self(self.middle + self.half * place) - exact) <= ACCURACY * np.abs(exact)).all())

    def holds(self, point):
        return bool((np.abs(point - self.middle) <= np.maximum(self.half, SETTLED)).all())

    def __call__(self, point):
        place = (point - self.middle) / np.where(self.half > 0, self.half, 1.0)
        return tuple(float(value) for value in chebyshev.chebval2d(*place, self.coefficients))


def angle_of(log_gap):
    """Log of the angle whose cosine is 1 - e^log_gap, at most pi."""
    if log_gap < SMALL:
        return 0.5 * (log_gap + math.log(2))
    return math.log(2 * math.asin(min(math.exp(0.5 * (log_gap - math.log(2))), 1.0)))


def gap_of(log_angle):
    """The inverse of `angle_of`."""
    if log_angle < 0.5 * (SMALL + math.log(2)):
        return 2 * log_angle - math.log(2)
    return math.log(2) + 2 * math.log(math.sin(min(math.exp(log_angle), math.pi) / 2))
