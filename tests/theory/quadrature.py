"""Averages over Gaussian preactivations by brute force, sharing nothing with gradsim: what theory is held against.

Activations are written out again from their definitions. The line is cut every half of a unit of h and of a standard
deviation and at every kink, with 20 Gauss-Legendre points a panel, out to 12 standard deviations (what is left out is
below e^-70): at least four times the nodes of gradsim.theory.averages. Pairs are averaged over u1 and, given u1, over u2,
while gradsim turns the plane by 45 degrees.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import erf, expit, ndtr

REACH, NEAR = 12.0, 10.0  # standard deviations, of one and of pairs
SCALE, ALPHA = 1.0507009873554804934, 1.6732632423543772848  # selu: Klambauer et al. 2017, arXiv:1706.02515


def _normal(z):
    return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _sech_square(h):
    with np.errstate(over="ignore"):
        return np.cosh(h) ** -2.0


def _gelu_tanh(h):
    t = np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3))
    return 0.5 * h * (1 + t)


def _gelu_tanh_slope(h):
    inner = math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)
    steep = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * h * h)
    return 0.5 * (1 + np.tanh(inner)) + np.where(abs(h) < 30, 0.5 * h * _sech_square(np.clip(inner, -300, 300)) * steep, 0.0)


def _mish_slope(h):
    s = np.logaddexp(0, h)
    return np.tanh(s) + h * _sech_square(s) * expit(h)


def _ramp(low, high, slope=1.0):
    """h * slope + something, cut to a constant outside (low, high): its derivative."""
    return lambda h: slope * ((h > low) & (h < high))


def _exponential(scale, alpha):
    return (
        lambda h: scale * np.where(h > 0, h, alpha * np.expm1(np.minimum(h, 0))),
        lambda h: scale * np.where(h > 0, 1, alpha * np.exp(np.minimum(h, 0))),
        (0.0,),
    )


# name: (phi, phi', kinks)
FUNCTIONS = {
    "linear": (lambda h: h, lambda h: np.ones_like(h), ()),
    "relu": (lambda h: np.maximum(h, 0), lambda h: 1.0 * (h > 0), (0.0,)),
    "leaky_relu": (lambda h: np.maximum(h, 0.01 * h), lambda h: np.where(h > 0, 1, 0.01), (0.0,)),
    "leaky_relu(-0.5)": (lambda h: np.where(h > 0, h, -0.5 * h), lambda h: np.where(h > 0, 1, -0.5), (0.0,)),
    "abs": (np.abs, np.sign, (0.0,)),
    "hard_tanh": (lambda h: np.clip(h, -1, 1), _ramp(-1, 1), (-1.0, 1.0)),
    "hard_sigmoid": (lambda h: np.clip(h / 6 + 0.5, 0, 1), _ramp(-3, 3, 1 / 6), (-3.0, 3.0)),
    "relu6": (lambda h: np.clip(h, 0, 6), _ramp(0, 6), (0.0, 6.0)),
    "hard_swish": (
        lambda h: h * np.clip(h / 6 + 0.5, 0, 1),
        lambda h: np.where(h >= 3, 1, np.where(h <= -3, 0, h / 3 + 0.5)),
        (-3.0, 3.0),
    ),
    "sigmoid": (expit, lambda h: expit(h) * expit(-h), ()),
    "tanh": (np.tanh, lambda h: _sech_square(np.clip(h, -350, 350)), ()),
    "erf": (erf, lambda h: 2 / math.sqrt(math.pi) * np.exp(-h * h), ()),
    "softsign": (lambda h: h / (1 + abs(h)), lambda h: (1 + abs(h)) ** -2.0, (0.0,)),
    "sin": (np.sin, np.cos, ()),
    "gelu": (lambda h: h * ndtr(h), lambda h: ndtr(h) + h * _normal(h), ()),
    "gelu_tanh": (_gelu_tanh, _gelu_tanh_slope, ()),
    "silu": (lambda h: h * expit(h), lambda h: expit(h) + h * expit(h) * expit(-h), ()),
    "mish": (lambda h: h * np.tanh(np.logaddexp(0, h)), _mish_slope, ()),
    "softplus": (lambda h: np.logaddexp(0, h), expit, ()),
    "elu": _exponential(1.0, 1.0),
    "elu(0.3)": _exponential(1.0, 0.3),
    "selu": _exponential(SCALE, ALPHA),
}


@dataclass(frozen=True)
class Rule:
    """Quadrature nodes `h` and `weights` between the cuts."""

    h: np.ndarray
    weights: np.ndarray


def rule(cuts, nodes):
    """Gauss-Legendre with `nodes` points between neighbouring cuts."""
    at, weights = np.polynomial.legendre.leggauss(nodes)
    cuts = np.unique(cuts)
    half = 0.5 * np.diff(cuts)[:, None]
    return Rule((half * at + cuts[:-1, None] + half).ravel(), (half * weights).ravel())


def line(low, high, scale, kinks=(), bends=45.0, fine=0.5, nodes=20):
    """The Rule on [low, high]: `fine` of a unit where |h| < bends, `fine` of `scale` everywhere, and kinks."""
    count = math.ceil((high - low) / (fine * scale)) + 1
    bends = np.arange(-bends, bends + fine, fine) if scale > fine else []
    cuts = np.concatenate([np.linspace(low, high, count), bends, kinks])
    return rule(np.clip(cuts, low, high), nodes)


def single(name, variance, low=0.0, high=0.0):
    """(E phi, E phi^2, E phi'^2, E[z phi phi'] / sqrt(v)) with a bias that is uniform on [low, high] or constant."""
    phi, slope, kinks = FUNCTIONS[name]
    s = math.sqrt(variance)
    r = line(low - REACH * s, high + REACH * s, s, kinks, REACH * s if name == "sin" else 45.0)
    if low == high:
        density, moment = _normal((r.h - low) / s) / s, (r.h - low) / s * _normal((r.h - low) / s) / s
    else:  # over b: the density is a difference of normal distribution functions, its z-moment one of densities
        density = (ndtr((r.h - low) / s) - ndtr((r.h - high) / s)) / (high - low)
        moment = (_normal((r.h - high) / s) - _normal((r.h - low) / s)) / (high - low)
    x, d = phi(r.h), slope(r.h)
    p = r.weights * density
    return np.array([p @ x, p @ x**2, p @ d**2, (r.weights * moment) @ (x * d) / s])


def pair(name, variance, gap, bias=0.0):
    """(E (phi(u1) - phi(u2))^2 / 2, E phi'(u1) phi'(u2), E phi(u1) phi(u2)) at correlation 1 - gap, bias constant.

    Panels of one unit are enough here: the nearest pole, of tanh, is at 1.57 i, so twelve points leave 6.4^-24.
    """
    phi, slope, kinks = FUNCTIONS[name]
    s, c = math.sqrt(variance), 1 - gap
    narrow = s * math.sqrt(gap * (2 - gap))  # standard deviation of u2 given u1
    powers = narrow * 2.0 ** np.arange(-1, 60)
    powers = np.concatenate([[0.0], powers[powers < NEAR * s]])
    crossed = [k - bias for k in kinks] + ([(k - bias) / c for k in kinks] if abs(c) > 0.01 else [])
    around = [bias + k + sign * p for k in crossed for sign in (-1, 1) for p in powers]  # where u2's kink is in reach
    bends = np.arange(-45.0, 46.0)
    if not kinks:
        around += [x + d * p for x in (0.0, bias + (0.0 - bias) / c if abs(c) > 0.01 else 0.0) for d in (-1, 1) for p in powers]
    cuts = np.concatenate([bias + s * np.arange(-NEAR, NEAR + 1), bends if s > 1 else [], around])
    r = rule(np.clip(cuts, bias - NEAR * s, bias + NEAR * s), 12)
    outer = r.weights * _normal((r.h - bias) / s) / s
    result = np.zeros(3)
    for part in np.array_split(np.arange(r.h.size), max(1, r.h.size // 400)):
        u1 = r.h[part, None]
        u2, inner = _given(bias + c * (u1 - bias), narrow, kinks)
        x1, x2 = phi(u1), phi(u2)
        values = 0.5 * (x1 - x2) ** 2, slope(u1) * slope(u2), x1 * x2
        result += [outer[part] @ (inner * v).sum(axis=1) for v in values]
    return result


def _given(middle, narrow, kinks):
    """Nodes and weights of u2 ~ N(middle, narrow^2), a row for each middle: panels of a unit and of a deviation, and kinks."""
    low, high = middle - NEAR * narrow, middle + NEAR * narrow
    cuts = [low + narrow * np.arange(2 * NEAR + 1)]
    if narrow > 1:
        cuts.append(np.clip(np.arange(-45.0, 46.0) + 0 * middle, low, high))
    cuts += [np.clip(np.full_like(middle, k), low, high) for k in kinks]
    cuts = np.sort(np.concatenate(cuts, axis=1), axis=1)
    at, weights = np.polynomial.legendre.leggauss(12)
    half = 0.5 * np.diff(cuts, axis=1)[..., None]
    u2 = (half * at + cuts[:, :-1, None] + half).reshape(middle.size, -1)
    inner = (half * weights).reshape(middle.size, -1)
    return u2, inner * _normal((u2 - middle) / narrow) / narrow
