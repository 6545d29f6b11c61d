"""BatchNorm over B inputs, exactly for Gaussian units, at any B (Yang et al. 2019, arXiv:1902.08129).

Less its mean over the inputs, a unit is sqrt(B t) R u: u a uniform direction across the mean of the inputs, R^2
chi-square with k = B - 1 degrees of freedom and independent of it, t = v (1 - c) / B with the variance v and correlation c
of what goes in. With e = epsilon / t:

    forward     sqrt(B) f u,  f^2 = R^2 / (R^2 + e)                                any two inputs have correlation -1/k
    backward    (I - 1 1^T/B - f^2 u u^T) g over the root of t (R^2 + e)

The mean square of what goes back is E 1/(R^2 + e) (|P g|^2 - (u.g)^2) + E e^2/(R^2 + e)^3 (u.g)^2 over B t: without
epsilon E 1/R^2 = 1/(B - 3), infinite at B = 3, where B = 2 leaves nothing of g.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from ...errors import RequestError
from ..averages import panels
from ..units import BATCH, NORMAL, Cotangent, Units, log, log_sum, unknown

BLIND = False
NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)
NO_EPSILON = -690.0  # log of epsilon over t below which it counts as none
NEGLIGIBLE = 80.0  # of a log, below the largest of what is integrated


class Radial(NamedTuple):
    """Logs of averages over R^2, chi-square: E f, E f^2, E 1/(R^2 + e), E e^2/(R^2 + e)^3."""

    first: float
    second: float
    inverse: float
    damped: float


class Kept(NamedTuple):
    radial: Radial
    log_apart: float  # of what goes in


def forward(node, sources, walk):
    (x,), inputs = sources, walk.inputs
    if inputs < 2:
        raise RequestError("--inputs: batch norm needs two inputs or more")
    if not walk.pairs:
        return unknown("batch norm needs the correlation of the inputs, and that of rows of a file is not known"), None
    if x.law != NORMAL:
        return unknown(f"batch norm of units that are not Gaussian has no closed form ({walk.where(node)})"), None
    epsilon = log(node.part.epsilon)
    if x.log_apart == -math.inf:
        if epsilon == -math.inf:
            return unknown(f"batch norm without epsilon of equal inputs divides zero by zero ({walk.where(node)})"), None
        return unknown(f"batch norm of equal inputs leaves nothing ({walk.where(node)})"), None
    radial = _radial(inputs - 1, epsilon - (x.log_apart - math.log(inputs)))
    apart = radial.second + math.log(inputs / (inputs - 1))
    ratio = math.exp(radial.first - radial.second / 2 + _log_direction(inputs - 1))
    units = Units(radial.second, apart, BATCH, radial.second, since=x.since, mean_ratio=ratio)
    return units, Kept(radial, x.log_apart)


def backward(node, cotangent, kept, walk):
    others = walk.inputs - 1
    along = 1 - cotangent.alike if cotangent.along is None else cotangent.along
    across = max(others * (1 - cotangent.alike) - along, 0.0) if others > 1 else 0.0  # |P g|^2 - (u.g)^2
    parts = [_product(across, kept.radial.inverse), _product(along, kept.radial.damped)]
    change = log_sum(*parts) - kept.log_apart
    return (Cotangent(cotangent.log_square + change, -1 / others),)


def _product(value, log_factor):
    """Log of value e^log_factor, where 0 times infinity is 0."""
    return log(value) + log_factor if value > 0 else -math.inf


def _log_direction(k):
    """Log of E |sqrt(k) u_1| of a uniform direction u in k dimensions, over E|z|."""
    return float(0.5 * math.log(k / 2) + gammaln(k / 2) - gammaln((k + 1) / 2))


@lru_cache(4096)
def _radial(k, log_e):
    """The Radial of a chi-square with k degrees of freedom, by panels in t = log R^2."""
    if log_e < NO_EPSILON:
        return Radial(0.0, 0.0, -math.log(k - 2) if k > 2 else math.inf, -math.inf)
    peak, width = math.log(k), min(1.0, 2 / math.sqrt(k))
    slowest = k / 2 - 1  # that is how the integrands rise far to the left, as powers of R^2; for k < 3 up to e only
    bell = math.sqrt(4 * NEGLIGIBLE / k)
    low = peak - bell - NEGLIGIBLE / slowest if k > 2 else min(peak, log_e) - 2 * NEGLIGIBLE
    high = math.log(k + 2 * NEGLIGIBLE + 20 * math.sqrt(k))
    t, weights = panels(np.arange(low, high + width, width), NODES, WEIGHTS)
    density = np.log(weights) + k / 2 * t - np.exp(t) / 2 - k / 2 * math.log(2) - gammaln(k / 2)
    whole = np.logaddexp(t, log_e)
    averages = (0.5 * (t - whole), t - whole, -whole, 2 * log_e - 3 * whole)
    return Radial(*(float(np.logaddexp.reduce(density + logs)) for logs in averages))
