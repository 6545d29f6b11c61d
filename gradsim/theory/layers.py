"""What one infinitely wide layer does to variances and correlations, in logarithms, so that no depth overflows."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..errors import RequestError
from ..model.activations import find_activation
from ..model.activations.exact import Exact, exact
from .averages import NO_BIAS, REACH, averages, pair_averages, preactivations, unresolved

STRAIGHT = 50.0  # log of a variance beyond which what bends is less than v^-0.5 = 1e-11 of the averages
STEPS = 37.0  # log of a variance beyond which a step's width, v^-0.5 = 1e-8 of the whole, is lost among pairs
FAR = 75.0  # log of a variance beyond which phi is its asymptote, and below minus which its tangent at 0: to e^-37 = 1e-16
LARGEST = 400.0  # log of a variance whose square is still a float64
LARGEST_EXPONENT = 700.0  # of e in a float64
NEGLIGIBLE = 1e-17
POINT = 1e-12  # a variance about a constant that leaves twelve digits of the limits at that point
SMALL_GAP, TINY_GAP = 1e-10, 1e-14  # below one of them the pair averages are extrapolated
STEEP = -12.0  # log of a gap that is a small angle to e^-12, and 25 above the log of a gap as wide as the step at STEPS
BESIDE, JUMP = 1e-12, 1e-6  # distance to a kink's sides, and the difference between these that is a jump: no slope below 5e5


class Single(NamedTuple):
    """Logs, but for the mean and parallel, of the averages of `averages.Averages`; parallel is over v's own growth."""

    mean: float
    log_square: float
    log_slope_square: float
    parallel: float


def continuous(activation):
    """The Exact of `activation`, a text. Raises RequestError where it is a user's that jumps at a kink."""
    return _continuous(activation, find_activation(activation)[0].compiled)


@lru_cache(64)
def _continuous(activation, compiled):
    """`compiled` tells a user's function from an earlier one of the same name; None for the table's."""
    phi = exact(activation)
    for kink in phi.kinks if compiled is not None else ():
        beside = BESIDE * max(1.0, abs(kink))
        left, right = phi.phi(np.array([kink - beside, kink + beside]))
        if abs(right - left) > JUMP * max(1.0, abs(left), abs(right)):
            raise RequestError(
                f"--activation: {activation!r} jumps at {kink:g}, and its derivative does not say so; theory needs a "
                "continuous function"
            )
    return phi


def check_resolved(activation, variance, bias=NO_BIAS):
    """Raises RequestError where a user's activation is not integrated well at this variance."""
    _check_resolved(activation, find_activation(activation)[0].compiled, variance, bias)


@lru_cache(4096)
def _check_resolved(activation, compiled, variance, bias):
    if compiled is not None and unresolved(continuous(activation), variance, bias):
        raise RequestError(
            f"--activation: {activation!r} cannot be integrated at a variance of {variance:g}: it bends too sharply or too "
            "often, or overflows; if it has kinks, name them: gradsim.activation(name, f, df, kinks=[...]), or function_kinks "
            "beside the function"
        )


@dataclass(frozen=True)
class Layer:
    """An activation and the fixed part of the biases before it: (low, high), what is uniform or constant."""

    activation: str
    bias: tuple = NO_BIAS

    def straight(self, log_variance):
        """The one-sided slopes of phi where they are all there is of it at this variance, so that only scale matters; or None.

        Raises RequestError far out where phi has no asymptote, but for sin, whose averages have a limit in closed form.
        """
        entry, phi = find_activation(self.activation)[0], continuous(self.activation)
        if log_variance == -math.inf:
            return None
        if entry.homogeneous and self.bias == NO_BIAS:
            return entry.slope
        far = log_variance > FAR and any(entry.slope) and not phi.sine
        near = log_variance < -FAR and entry.value_zero == 0 and self.bias == NO_BIAS and any(entry.slope_zero)
        if not (far or near):
            return None
        slopes = entry.slope if far else entry.slope_zero
        if not any(map(math.isnan, slopes)):
            return slopes
        if abs(log_variance) > LARGEST:
            raise RequestError(
                f"--activation: {self.activation!r} has no {'asymptote' if far else 'tangent at 0'}, and a preactivation of "
                f"variance e^{log_variance:.3g} needs one"
            )
        return None

    def _flat_outside(self):
        """Whether phi is a step seen from far away."""
        return find_activation(self.activation)[0].slope == (0.0, 0.0)

    def _least_gap(self, variance):
        """At which rounding of u1 - u2 is 1e-11 of it where phi bends; or the best between that and extrapolation."""
        if variance <= 1:
            return SMALL_GAP
        return SMALL_GAP / variance if self._flat_outside() else max(SMALL_GAP / math.sqrt(variance), TINY_GAP)

    def _pair_of_steps(self, log_variance, log_gap):
        """`pair` from one at STEPS: what differs is near the step, |u| << 1 beside sqrt(v), where |u1 - u2| ~ sqrt(v gap)."""
        farther, apart = log_variance - STEPS, log_variance + log_gap - STEPS
        if log_gap > STEEP:  # far apart beside the step's width: in proportion to 1/v
            at, factor = log_gap, -farther
        elif apart > STEEP:  # and to the angle
            at, factor = STEEP, -farther + (STEEP - log_gap) / 2
        else:  # as close as at STEPS where v gap is the same, in proportion to the density
            at, factor = apart, -farther / 2
        return tuple(value * math.exp(factor) for value in self.pair(STEPS, at))

    def _scaled(self, log_variance):
        """(Exact, variance, log of the factor on phi^2): phi itself, or its straight limit at variance 1."""
        entry, phi = find_activation(self.activation)[0], continuous(self.activation)
        slopes = self.straight(log_variance)
        if slopes is not None:
            return _lines(slopes, (0.0, 0.0)), 1.0, log_variance
        variance = math.exp(min(max(log_variance, -LARGEST), LARGEST))
        if log_variance > STRAIGHT and any(entry.slope) and math.isfinite(sum(entry.slope)):
            phi = _lines(entry.slope, entry.intercept)
        else:
            check_resolved(self.activation, variance, self.bias)
        return phi, variance, 0.0

    def single(self, log_variance):
        """The Single of a Gaussian part with this log variance, -inf where there is none."""
        if log_variance == -math.inf and self.bias[0] == self.bias[1]:
            phi, at = continuous(self.activation), np.array([self.bias[0]])
            value, slope = float(phi.phi(at)[0]), float(phi.derivative(at)[0])
            return Single(value, _log(value**2), _log(slope**2), slope**2 if value == 0 else math.nan)
        phi, variance, factor = self._scaled(log_variance)
        bias = self.bias if factor == 0 else NO_BIAS
        found = averages(phi, variance, bias)
        parallel = found.parallel if not self._lost_beside_a_constant(variance, bias) else averages(phi, POINT, bias).parallel
        return Single(
            times(float(found.mean), factor / 2),
            _log(float(found.square)) + factor,
            _log(float(found.slope_square)),
            float(parallel),
        )

    def _lost_beside_a_constant(self, variance, bias):
        """Whether preactivations are so close to a bias b, phi smooth there and not 0, that phi - phi(b) loses its digits.

        The limits at b are then right up to O(variance).
        """
        phi = continuous(self.activation)
        if variance >= POINT or bias[0] != bias[1] or float(phi.phi(np.array(bias[:1]))[0]) == 0:
            return False
        return all(abs(kink - bias[0]) > REACH * math.sqrt(variance) for kink in phi.kinks)

    def slopes(self, log_variance):
        """(|phi'(h)|, probability): nodes and weights of the law of the slope."""
        if log_variance == -math.inf and self.bias[0] == self.bias[1]:
            return np.abs(continuous(self.activation).derivative(np.array([self.bias[0]]))), np.ones(1)
        phi, variance, factor = self._scaled(log_variance)
        h, probability, _ = preactivations(phi, np.sqrt(np.array(variance)), self.bias if factor == 0 else NO_BIAS)
        return np.abs(phi.derivative(h)), probability / probability.sum()

    def pair(self, log_variance, log_gap, single=None):
        """(ratio, product): E (phi(u1) - phi(u2))^2 / (2 v gap), and E phi'(u1) phi'(u2), at 1 - correlation = gap.

        Below the least gap that can be integrated they go to their limit as the root of the gap, as they do at a kink.
        `single` is that of log_variance, if it is known.
        """
        single = single or self.single(log_variance)
        limit = math.exp(single.log_slope_square)
        if log_gap == -math.inf or log_variance == -math.inf:
            return limit, limit
        if log_variance > STEPS and self._flat_outside() and self.bias == NO_BIAS:
            return self._pair_of_steps(log_variance, log_gap)
        phi, variance, factor = self._scaled(log_variance)
        bias = self.bias if factor == 0 else NO_BIAS
        gap = min(math.exp(log_gap), 2.0)
        held = max(gap, 1e-300 if phi.sine else self._least_gap(variance))
        near = math.sqrt(gap / held)
        point = factor == 0 and self._lost_beside_a_constant(variance, bias)  # where phi(u1) - phi(u2) is lost beside phi(b)
        if near < NEGLIGIBLE or point or (phi.strip and variance * held < POINT):
            return limit, limit
        difference, product = pair_averages(phi, variance, held, bias)
        return tuple(near * value + (1 - near) * limit for value in (difference / (variance * held), product))


def times(value, log_factor):
    """value e^log_factor, infinite beyond the floats; 0 stays 0."""
    if not value:
        return 0.0
    return value * math.exp(log_factor) if log_factor < LARGEST_EXPONENT else math.copysign(math.inf, value)


def _lines(slopes, intercepts):
    """The Exact of two half-lines that meet at 0."""
    (left, right), (a, b) = slopes, intercepts
    return Exact(lambda h: np.where(h > 0, right * h + b, left * h + a), lambda h: np.where(h > 0, right, left), (0.0,), True)


def _log(value):
    return math.log(value) if value > 0 else -math.inf
