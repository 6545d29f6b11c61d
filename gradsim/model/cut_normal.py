"""Moments of a standard normal given that it is between two cuts.

By quadrature: the closed form, 1 + (a phi(a) - b phi(b)) / P - mean^2 and its like, is made of terms that cancel, and of cuts
far out or close to each other it keeps no digit.
"""

import math
from functools import lru_cache

from ..errors import RequestError

FARTHEST = 30.0  # standard deviations: kernels cut there at most, where 1e-197 of a normal is left
CLOSEST, LEAST = 1e-3, 1e-28  # of the nearer cut, and at all: between cuts that are closer, float32 numbers are few
SPAN = 80.0  # by how much x^2 grows until the density is negligible: e^(-SPAN/2) = 4e-18
# Takahasi & Mori 1974, doi:10.2977/prims/1195192451: a trapezoidal rule of x = tanh(pi/2 sinh t)
STEP, STEPS = 1 / 32, 100


def _rule():
    """(x, weight) on [-1, 1]; each x has its negative, so that sums of what is odd are exactly zero."""
    half = [(0.0, 1.0)]
    for k in range(1, STEPS + 1):
        angle = 0.5 * math.pi * math.sinh(k * STEP)
        half.append((math.tanh(angle), math.cosh(k * STEP) / math.cosh(angle) ** 2))
    return [*((-x, weight) for x, weight in half[:0:-1]), *half]


RULE = _rule()


@lru_cache(4096)
def moments(low, high):
    """(mean, variance, excess kurtosis) of a standard normal given that it is from low to high."""
    nearest = min(max(low, 0.0), high)
    reach = math.sqrt(nearest * nearest + SPAN)
    low, high = max(low, -reach), min(high, reach)
    middle, half = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
    points = []
    for x, weight in RULE:
        at = middle + half * x
        points.append((half * x, weight * math.exp(0.5 * (nearest - at) * (nearest + at))))
    mass = math.fsum(weight for _, weight in points)
    shift = math.fsum(x * weight for x, weight in points) / mass
    second, fourth = (math.fsum((x - shift) ** k * weight for x, weight in points) / mass for k in (2, 4))
    return middle + shift, second, fourth / second**2 - 3


def cuts_of(mean, std, a, b):
    """(low, high) of normal(mean, std) cut at a and b: in standard deviations, from the mean.

    Raises RequestError where these are no cuts, nothing of a normal is left between them, or too little for float32.
    """
    if not std > 0 or not a < b:
        raise RequestError(f"--init: trunc_normal(mean, std, a, b) needs std > 0 and a < b, not {std:g} and {a:g}, {b:g}")
    low, high = (a - mean) / std, (b - mean) / std
    nearest = max(low, -high)
    if nearest > FARTHEST:
        raise RequestError(
            f"--init: trunc_normal: nothing of a normal is left between cuts at {low:.4g} and {high:.4g} standard deviations; "
            f"one must be within {FARTHEST:g} of the mean, or each on its own side of it"
        )
    apart = max(CLOSEST * nearest, LEAST)
    if high - low < apart:
        raise RequestError(
            f"--init: trunc_normal: cuts at {low:.7g} and {high:.7g} standard deviations are too close to each other "
            f"for float32; they must be {apart:.2g} apart"
        )
    return low, high
