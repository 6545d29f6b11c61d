"""Averages of an activation over the preactivations of an infinitely wide layer, one alone and two that are correlated.

A preactivation is a Gaussian plus a bias that is constant or uniform on [low, high] (a normal bias belongs to the Gaussian).
The line is cut where phi or a derivative of it jumps, where phi bends (closely near 0) and every two standard deviations, and
each panel gets a Gauss-Legendre rule: kinks cost nothing, and a tanh that is a step seen from far away keeps its
digits. Functions that are analytic near the whole line are averaged in pairs by the trapezoid rule, which converges
exponentially (Trefethen & Weideman 2014, doi:10.1137/130932132) as long as a few points fall on each bend.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

REACH = 10.0  # standard deviations: e^-50 is left out
SIDE = 2.0
BENDS = np.array([0.0, 2.0, 4.0, 6.0, 9.0, 14.0, 21.0, 30.0])  # of |h|: what decays like e^-|h| needs less further out
NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)  # tanh in a panel of two units: 3.4^-40
PAIR_NODES, PAIR_WEIGHTS = np.polynomial.legendre.leggauss(12)  # 3.4^-24
TRAPEZOID_SCALE = 4.0  # standard deviation up to which the trapezoid rule needs fewer points than panels
DIGITS = -math.log(1e-16)
FEW_NODES, FEW_WEIGHTS = np.polynomial.legendre.leggauss(5)
NARROW = 0.1  # of a uniform bias, in standard deviations: five nodes then average the normal density to 1e-16
NO_BIAS = (0.0, 0.0)
CLOSER_CUTS = tuple(np.arange(-64.37, 65.0, 0.5))  # of a user's function, none at a number where it is likely to have a kink
OFFSET = 0.77  # standard deviations by which the panels of that rule are moved, so that none ends at 0
UNRESOLVED = 1e-8


class Averages(NamedTuple):
    """Of phi(b + sqrt(v) z) over z and b: arrays of the shape of v."""

    mean: np.ndarray  # E phi
    square: np.ndarray  # E phi^2
    slope_square: np.ndarray  # E phi'^2
    parallel: np.ndarray  # E[z phi phi'] / sqrt(v), the derivative of E phi^2 with respect to v


def averages(phi, variance, bias=NO_BIAS):
    """The Averages of an `activations.exact.Exact`; `variance` v is an array above 0, `bias` (low, high)."""
    scale = np.sqrt(np.asarray(variance, float))
    if phi.sine:
        return _sine_averages(scale * scale, bias)
    return _averages(phi, scale, bias, NODES, WEIGHTS)


def _averages(phi, scale, bias, nodes, weights, offset=0.0):
    h, probability, moment = preactivations(phi, scale, bias, nodes, weights, offset)
    value, slope = phi.phi(h), phi.derivative(h)
    return Averages(
        (probability * value).sum(axis=-1),
        (probability * value * value).sum(axis=-1),
        (probability * slope * slope).sum(axis=-1),
        (moment * value * slope).sum(axis=-1) / scale,
    )


def unresolved(phi, variance, bias=NO_BIAS):
    """Where a user's phi bends too sharply or too often, or overflows: fewer nodes and more panels differ by UNRESOLVED."""
    return ~(doubt(phi, variance, bias) <= UNRESOLVED)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def doubt(phi, variance, bias=NO_BIAS):
    """By how much of phi's own scale fewer nodes and more panels differ: an array of the shape of v, NaN beyond the floats.

    The nodes being others, it also shows what the user's formula loses to rounding, as a sigmoid minus a half does near 0.
    """
    scale = np.sqrt(np.asarray(variance, float))
    coarse = _averages(phi, scale, bias, PAIR_NODES, PAIR_WEIGHTS)
    fine = _averages(phi._replace(cuts=CLOSER_CUTS), scale, bias, NODES, WEIGHTS, OFFSET)
    value, slope = np.sqrt(fine.square), np.sqrt(fine.slope_square)
    scales = Averages(value, fine.square, fine.slope_square, value * slope / scale)
    gaps = [np.where((a == b) & np.isfinite(a), 0.0, np.abs(a - b) / s) for a, b, s in zip(coarse, fine, scales, strict=True)]
    return np.max(gaps, axis=0)


def preactivations(phi, scale, bias=NO_BIAS, nodes=NODES, weights=WEIGHTS, offset=0.0):
    """(h, probability, probability times the mean of z): a rule that resolves phi, of shape (*scale.shape, nodes).

    `offset`, in standard deviations, is of the panels about the bias.
    """
    middle, half = _centred(bias)
    cuts = _cuts(phi, float(scale.max()), bias) - middle
    cuts = np.broadcast_to(cuts, (*scale.shape, cuts.size))
    t, weights = panels(_edges(cuts, scale[..., None], half, offset), nodes, weights)
    density, moment = _density(t, scale[..., None], half)
    return middle + t, weights * density, weights * moment


def pair_averages(phi, variance, gap, bias=NO_BIAS):
    """(E (phi(u1) - phi(u2))^2 / 2, E phi'(u1) phi'(u2)) of two preactivations whose Gaussians have correlation 1 - gap.

    In u = b + sqrt(v) (y sqrt(1 - gap/2) +- x sqrt(gap/2)) with x, y independent, small gaps lose no digits.
    """
    if phi.sine:
        return _sine_pair(variance, gap, bias)
    scale, (middle, half) = math.sqrt(variance), _centred(bias)
    narrow, wide = scale * math.sqrt(gap / 2), scale * math.sqrt(max(1 - gap / 2, 1e-32))
    if phi.strip and scale <= TRAPEZOID_SCALE and half == 0:
        across, along, weights = _grid(min(0.6, 2 * math.pi * phi.strip / (DIGITS * scale)), narrow, wide)
    else:
        across, along, weights = _pair_panels(phi, narrow, wide, bias)
    first, second = middle + (along + across), middle + (along - across)
    difference = phi.phi(first) - phi.phi(second)
    return (
        0.5 * float(np.sum(weights * difference * difference)),
        float(np.sum(weights * phi.derivative(first) * phi.derivative(second))),
    )


def _bends(phi, scale, bias):
    """Values of h between which phi is easy, for standard deviations up to `scale`; none if it is straight."""
    if phi.straight:
        return np.empty(0)
    near = np.array(phi.cuts) if phi.cuts else BENDS
    farther = max((scale * 2 * REACH + max(map(abs, bias))) / near[-1], 1.0)
    far = near[-1] * 3.0 ** np.arange(1, 1 + math.ceil(math.log(farther, 3)))
    if phi.cuts:
        return np.concatenate([-far, near, far])
    every = np.concatenate([near, far])
    return np.concatenate([-every[every <= phi.bends[0]], every[every <= phi.bends[1]]])


def _centred(bias):
    """(middle, half the length) of the interval. Panels are laid about its middle, so that a large bias costs no digits."""
    return 0.5 * (bias[0] + bias[1]), 0.5 * (bias[1] - bias[0])


def _cuts(phi, scale, bias):
    """Increasing values of h at which panels end; never empty."""
    bends = _bends(phi, scale, bias)
    return np.unique(np.concatenate([phi.kinks, bends])) if bends.size or phi.kinks else np.array([bias[0]])


def _edges(cuts, scale, half=0.0, offset=0.0):
    """Where panels end, sorted: the cuts that are within reach, and a cut every two standard deviations of each bias's end.

    `cuts` of shape (..., n), `scale` of shape (..., 1).
    """
    every = np.clip(np.arange(-REACH, REACH + SIDE + 1, SIDE) - offset, -REACH, REACH) * scale
    ends = [np.broadcast_to(every + end, (*cuts.shape[:-1], every.shape[-1])) for end in sorted({-half, half})]
    reach = half + REACH * scale
    return np.sort(np.concatenate([np.clip(cuts, -reach, reach), *ends], axis=-1), axis=-1)


def panels(edges, nodes, weights):
    """Nodes and weights of panels between `edges`, increasing along the last axis: shapes (..., panels * nodes)."""
    half = 0.5 * np.diff(edges)[..., None]
    h = half * nodes + (edges[..., :-1, None] + half)
    return h.reshape(*edges.shape[:-1], -1), (half * weights).reshape(*edges.shape[:-1], -1)


def _normal(z):
    return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _density(t, scale, half):
    """The density of b + scale z at t, b uniform on +-half, and that density times the mean of z given t."""
    if half == 0:
        z = t / scale
        density = _normal(z) / scale
        return density, z * density
    if np.all(half < NARROW * scale):  # a difference of distribution functions would cancel
        z = (t[..., None] - half * FEW_NODES) / np.asarray(scale)[..., None]
        density = _normal(z) @ FEW_WEIGHTS / (2 * scale)
        return density, (z * _normal(z)) @ FEW_WEIGHTS / (2 * scale)
    low, high = (t + half) / scale, (t - half) / scale
    side = np.where(t > 0, -1.0, 1.0)  # both tails without cancellation
    between = side * (ndtr(side * low) - ndtr(side * high))
    return between / (2 * half), (_normal(high) - _normal(low)) / (2 * half)


def _grid(step, narrow, wide):
    """Trapezoid rule in the plane: (across, along, weights); x > 0 stands for both signs, which only exchange u1 and u2."""
    y = step * np.arange(-math.ceil(REACH / step), math.ceil(REACH / step) + 1)
    x = y[y.size // 2 :, None]
    half = 2 * step * _normal(x)
    half[0] /= 2
    return narrow * x, wide * y, half * step * _normal(y)


def _pair_panels(phi, narrow, wide, bias):
    """The same by panels in x, and for each x in y: cut along the lines u1 = cut and u2 = cut, and in x where they cross."""
    scale, (middle, half) = math.hypot(narrow, wide), _centred(bias)
    bends, cuts = _bends(phi, scale, bias), _cuts(phi, scale, bias) - middle
    cuts = cuts[np.abs(cuts) < half + REACH * math.sqrt(2) * scale]
    meeting = np.subtract.outer(np.array(phi.kinks), np.concatenate([phi.kinks, bends])).ravel() / 2
    crossings = np.concatenate([meeting, -meeting, np.abs(bends)]) / max(narrow, 1e-300)
    if wide < narrow:  # a line then sweeps over all of y while x moves by wide / narrow
        sweeps = np.add.outer(cuts, wide * np.arange(-REACH, REACH + 1, SIDE)).ravel() / narrow
        crossings = np.concatenate([crossings, sweeps, -sweeps])
    ends = np.unique(np.maximum(_edges(crossings, np.ones(1)), 0.0))
    x, outer = panels(ends, PAIR_NODES, PAIR_WEIGHTS)
    across = narrow * x[:, None]
    lines = np.concatenate([cuts - across, cuts + across], axis=1)
    along, inner = panels(_edges(lines, np.full(1, wide), half), PAIR_NODES, PAIR_WEIGHTS)
    return across, along, (2 * outer * _normal(x))[:, None] * inner * _density(along, wide, half)[0]


def _turned(bias):
    """E e^(2ib) of a bias that is constant or uniform."""
    low, high = bias
    return np.exp(1j * (low + high)) * np.sinc((high - low) / math.pi)


def _sine_averages(variance, bias):
    """Of sin, which has no asymptote, in closed form: E e^(inh) = e^(-n^2 v/2) E e^(inb)."""
    once = np.exp(-variance / 2) * (np.exp(0.5j * (bias[0] + bias[1])) * np.sinc((bias[1] - bias[0]) / (2 * math.pi))).imag
    turned = _turned(bias).real
    twice = np.exp(-2 * variance) * turned
    return Averages(once, (1 - turned - turned * np.expm1(-2 * variance)) / 2, (1 + twice) / 2, twice)


def _sine_pair(variance, gap, bias):
    """From 2 sin u1 sin u2 = cos(u1 - u2) - cos(u1 + u2) and its like: `apart` is 1 - E cos(u1 - u2), of variance 2 v gap."""
    apart, together = -math.expm1(-variance * gap), math.exp(-variance * (2 - gap)) * float(_turned(bias).real)
    return apart * (1 + together) / 2, (1 - apart + together) / 2
