"""Activations in NumPy float64, whole arrays at once: what the kernels are held against and what theory integrates.

Accurate wherever a float64 can be: no cancellation, no overflow on the way to a value that is finite.
"""

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from scipy.special import erf, expit, ndtr

from ...kernels.activations.gated import GELU_TANH_CUBIC, GELU_TANH_LINEAR, SELU_ALPHA, SELU_SCALE
from . import find_activation


class Exact(NamedTuple):
    """phi and phi' as functions of a float64 array.

    `kinks` are the points where phi or a derivative of it jumps. `straight` says that phi is a polynomial between them.
    `strip` is how far from the real line phi stays analytic, 0 where it has kinks; it is kept at 1.5 for functions
    without singularities, which grow like e^(y^2) in the imaginary direction. Below -bends[0] and above bends[1] phi is
    straight to 1e-12 of itself; inf where it gets there more slowly than exponentially, or may.
    """

    phi: Callable
    derivative: Callable
    kinks: tuple = ()
    straight: bool = False
    strip: float = 0.0
    bends: tuple = (math.inf, math.inf)
    sine: bool = False  # the one that has no asymptote and closed forms instead
    cuts: tuple = ()  # of a user's function, which may bend anywhere: panels end there, and what theory does is checked


def _sech_squared(h):
    e = np.exp(-2 * np.abs(h))
    return 4 * e / (1 + e) ** 2


def _gelu_derivative(h):
    return ndtr(h) + h * np.exp(-h * h / 2) / math.sqrt(2 * math.pi)


def _gate(h):
    """The gate's argument in gelu_tanh, its derivative times h; cut where the gate is 0 or 1 to the last bit."""
    h = np.clip(h, -40, 40)
    return h * (GELU_TANH_LINEAR + GELU_TANH_CUBIC * h * h), h * (GELU_TANH_LINEAR + 3 * GELU_TANH_CUBIC * h * h)


def _gelu_tanh_derivative(h):
    gate, steepness = _gate(h)
    return expit(gate) * (1 + steepness * expit(-gate))


def _silu_derivative(h):
    return expit(h) * (1 + h * expit(-h))


def _mish(h):
    return h * np.tanh(np.logaddexp(0, h))


def _mish_derivative(h):
    s = np.logaddexp(0, h)
    return np.tanh(s) + h * expit(h) * _sech_squared(s)


def _leaky(a):
    return lambda h: np.where(h > 0, h, a * h), lambda h: np.where(h > 0, 1.0, a)


def _exponential(scale, alpha):
    return (
        lambda h: scale * np.where(h > 0, h, alpha * np.expm1(np.minimum(h, 0))),
        lambda h: scale * np.where(h > 0, 1.0, alpha * np.exp(np.minimum(h, 0))),
    )


def _hard_swish_derivative(h):
    return np.where(h >= 3, 1.0, np.where(h > -3, h / 3 + 0.5, 0.0))


_piecewise = partial(Exact, straight=True)
_smooth = partial(Exact, strip=1.5, bends=(30.0, 30.0))
_TABLE = {
    "linear": _piecewise(lambda h: h, np.ones_like),
    "relu": _piecewise(lambda h: np.maximum(h, 0), lambda h: 1.0 * (h > 0), (0.0,)),
    "abs": _piecewise(np.abs, np.sign, (0.0,)),
    "hard_tanh": _piecewise(lambda h: np.clip(h, -1, 1), lambda h: 1.0 * (np.abs(h) < 1), (-1.0, 1.0)),
    "hard_sigmoid": _piecewise(lambda h: np.clip(h / 6 + 0.5, 0, 1), lambda h: (np.abs(h) < 3) / 6, (-3.0, 3.0)),
    "relu6": _piecewise(lambda h: np.clip(h, 0, 6), lambda h: 1.0 * ((h > 0) & (h < 6)), (0.0, 6.0)),
    "hard_swish": _piecewise(lambda h: h * np.clip(h / 6 + 0.5, 0, 1), _hard_swish_derivative, (-3.0, 3.0)),
    "sigmoid": _smooth(expit, lambda h: expit(h) * expit(-h)),
    "tanh": _smooth(np.tanh, _sech_squared, bends=(16.0, 16.0)),
    "erf": _smooth(erf, lambda h: 2 / math.sqrt(math.pi) * np.exp(-h * h), bends=(6.0, 6.0)),
    "softsign": Exact(lambda h: h / (1 + np.abs(h)), lambda h: (1 + np.abs(h)) ** -2.0, (0.0,)),
    "sin": _smooth(np.sin, np.cos, sine=True),
    "gelu": _smooth(lambda h: h * ndtr(h), _gelu_derivative, bends=(8.0, 8.0)),
    "gelu_tanh": _smooth(lambda h: h * expit(_gate(h)[0]), _gelu_tanh_derivative, bends=(8.0, 8.0)),
    "silu": _smooth(lambda h: h * expit(h), _silu_derivative),
    "mish": _smooth(_mish, _mish_derivative),
    "softplus": _smooth(lambda h: np.logaddexp(0, h), expit),
    "selu": Exact(*_exponential(SELU_SCALE, SELU_ALPHA), (0.0,), bends=(30.0, 0.0)),
}
_WITH_PARAMETER = {
    "leaky_relu": lambda a: _piecewise(*_leaky(a), (0.0,)),
    "elu": lambda a: Exact(*_exponential(1.0, a), (0.0,), bends=(30.0, 0.0)),
}


@lru_cache(256)
def _in_table(name, a):
    return _WITH_PARAMETER[name](a) if name in _WITH_PARAMETER else _TABLE[name]


USER_CUTS = tuple(range(-64, 65))


def exact(text):
    """The Exact of "tanh", "leaky_relu(0.2)" or a user's activation. Raises RequestError for anything else."""
    entry, a = find_activation(text)
    if not entry.addresses[0]:
        return _in_table(entry.name, a)
    from ...kernels.external import whole

    return Exact(*(partial(whole, address) for address in entry.addresses), entry.kinks, cuts=USER_CUTS)
