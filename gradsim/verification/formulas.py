"""The activations as textbooks write them, in float64 and as logarithms, so that nothing underflows: (sign, log|value|).

Written independently of `activations`: that both are right is what the checks are for. (That phi' is the derivative of phi
is held against differences.)
"""

import math

import numpy as np
from scipy.special import erf, erfcx, expm1, log_expit, log_ndtr

LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
ALPHA, LAMBDA = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017
FLAT = -40.0  # below it log(1 + e^h) is e^h to the last bit


def signed(value):
    """(sign, log|value|) of plain numbers."""
    with np.errstate(divide="ignore"):
        return np.sign(value), np.log(np.abs(value))


def _times(factor, log):
    sign, of_factor = signed(factor)
    return sign, of_factor + log


def _sums(*terms):
    """Of sums of (sign, log): scaled by the largest."""
    top = np.max([log for _, log in terms], axis=0)
    base = np.where(np.isfinite(top), top, 0.0)
    sign, log = signed(sum(s * np.exp(log - base) for s, log in terms))
    return sign, log + base


def _log_softplus(h):
    return np.where(h < FLAT, h, np.log(np.logaddexp(0, np.maximum(h, FLAT))))


def _log_tanh_softplus(h):
    return np.where(h < FLAT, h, np.log(np.tanh(np.logaddexp(0, np.maximum(h, FLAT)))))


def _mills(a):
    """P(z > a) over the density at a."""
    return math.sqrt(math.pi / 2) * erfcx(a / math.sqrt(2))


def _density(h):
    return -0.5 * h * h - LOG_ROOT_2PI


def _gelu(h):
    left = np.log(_mills(np.maximum(-h, 0))) + _density(np.minimum(h, 0))
    return _times(h, np.where(h < 0, left, log_ndtr(np.maximum(h, 0))))


def _gelu_slope(h):
    left = _times(_mills(np.maximum(-h, 0)) + np.minimum(h, 0), _density(np.minimum(h, 0)))
    right = signed(np.exp(log_ndtr(np.maximum(h, 0))) + np.maximum(h, 0) * np.exp(_density(h)))
    return tuple(np.where(h < 0, one, other) for one, other in zip(left, right, strict=True))


def _gated(gate, slope):
    """h s(gate(h)), s the sigmoid: phi' = s(gate) + h gate' s(gate) s(-gate)."""

    def derivative(h):
        inner = log_expit(gate(h))
        return _sums((1.0, inner), _times(h * slope(h), inner + log_expit(-gate(h))))

    return lambda h: _times(h, log_expit(gate(h))), derivative


def _held_cube(h):
    return np.clip(h, -1e100, 1e100) ** 3


def _mish_slope(h):
    """tanh s + h sigmoid(h) / cosh^2 s, with s = log(1 + e^h)."""
    s = np.logaddexp(0, h)
    log_sech = math.log(2) - np.logaddexp(s, -s)
    return _sums((1.0, _log_tanh_softplus(h)), _times(h, log_expit(h) + 2 * log_sech))


def _exponential(scale, a):
    def phi(h):
        return signed(np.where(h > 0, scale * h, scale * a * expm1(np.minimum(h, 0))))

    def derivative(h):
        sign, log = _times(scale * a, np.minimum(h, 0))
        return np.where(h > 0, 1.0, sign), np.where(h > 0, math.log(scale), log)

    return phi, derivative


def _plain(phi, derivative):
    return lambda h: signed(phi(h)), lambda h: signed(derivative(h))


def _positive(log):
    return lambda h: (np.ones_like(h), log(h))


def _hard_sigmoid(h):
    return np.clip(h / 6 + 0.5, 0, 1)


GELU_TANH = 2 * math.sqrt(2 / math.pi)  # 1 + tanh(u) is twice the sigmoid of 2 u
FORMULAS = {
    "linear": lambda a: _plain(lambda h: h, np.ones_like),
    "relu": lambda a: _plain(lambda h: h * (h > 0), lambda h: 1.0 * (h > 0)),
    "leaky_relu": lambda a: _plain(lambda h: np.where(h > 0, h, a * h), lambda h: np.where(h > 0, 1.0, a)),
    "abs": lambda a: _plain(np.abs, np.sign),
    "hard_tanh": lambda a: _plain(lambda h: np.clip(h, -1, 1), lambda h: 1.0 * (np.abs(h) < 1)),
    "hard_sigmoid": lambda a: _plain(_hard_sigmoid, lambda h: (np.abs(h) < 3) / 6),
    "relu6": lambda a: _plain(lambda h: np.clip(h, 0, 6), lambda h: 1.0 * ((h > 0) & (h < 6))),
    "hard_swish": lambda a: _plain(
        lambda h: h * _hard_sigmoid(h), lambda h: _hard_sigmoid(h) + np.where(np.abs(h) < 3, h / 6, 0.0)
    ),
    "sigmoid": lambda a: (_positive(log_expit), _positive(lambda h: log_expit(h) + log_expit(-h))),
    "tanh": lambda a: (
        lambda h: signed(np.tanh(h)),
        _positive(lambda h: math.log(4) + log_expit(2 * h) + log_expit(-2 * h)),
    ),
    "erf": lambda a: (lambda h: signed(erf(h)), _positive(lambda h: math.log(2 / math.sqrt(math.pi)) - h * h)),
    "softsign": lambda a: (
        lambda h: signed(h / (1 + np.abs(h))),
        _positive(lambda h: -2 * np.log1p(np.abs(h))),
    ),
    "sin": lambda a: _plain(np.sin, np.cos),
    "gelu": lambda a: (_gelu, _gelu_slope),
    "gelu_tanh": lambda a: _gated(
        lambda h: GELU_TANH * (h + 0.044715 * _held_cube(h)),
        lambda h: GELU_TANH * (1 + 3 * 0.044715 * np.clip(h, -1e100, 1e100) ** 2),
    ),
    "silu": lambda a: _gated(lambda h: h, np.ones_like),
    "mish": lambda a: (lambda h: _times(h, _log_tanh_softplus(h)), _mish_slope),
    "softplus": lambda a: (_positive(_log_softplus), _positive(log_expit)),
    "elu": lambda a: _exponential(1.0, a),
    "selu": lambda a: _exponential(LAMBDA, ALPHA),
}


def formula(name, a=0.0):
    """(phi, phi') of an activation of the table, each from a float64 array to (sign, log|value|)."""
    phi, derivative = FORMULAS[name](a)

    def quiet(function):
        def evaluated(h):
            with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
                return function(np.asarray(h, float))

        return evaluated

    return quiet(phi), quiet(derivative)
