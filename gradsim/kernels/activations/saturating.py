"""Smooth activations with a bound on both sides, and sin."""

import math

import numpy as np

from .. import elementary as f32
from ..compilation import expression
from .entry import Activation

ONE = np.float32(1.0)


@expression
def _sigmoid(h, a):
    return f32.sigmoid(h)


@expression
def _sigmoid_derivative(h, a):
    return f32.sigmoid_derivative(h)


@expression
def _sigmoid_log(h, a):
    return 1.0, min(h, 0.0) - math.log1p(math.exp(-abs(h)))


@expression
def _sigmoid_log_derivative(h, a):
    return 1.0, -abs(h) - 2.0 * math.log1p(math.exp(-abs(h)))


@expression
def _tanh(h, a):
    return f32.tanh(h)


@expression
def _tanh_derivative(h, a):
    return f32.tanh_derivative(h)


@expression
def _tanh_log(h, a):
    return math.copysign(1.0, h), math.log(math.tanh(abs(h))) if h != 0.0 else -math.inf


@expression
def _tanh_log_derivative(h, a):
    return 1.0, math.log(4.0) - 2.0 * abs(h) - 2.0 * math.log1p(math.exp(-2.0 * abs(h)))


@expression
def _erf(h, a):
    return f32.erf(h)


@expression
def _erf_derivative(h, a):
    return f32.erf_derivative(h)


@expression
def _erf_log(h, a):
    return math.copysign(1.0, h), math.log(math.erf(abs(h))) if h != 0.0 else -math.inf


@expression
def _erf_log_derivative(h, a):
    return 1.0, math.log(2.0 / math.sqrt(math.pi)) - h * h


@expression
def _softsign(h, a):
    return h / (ONE + abs(h))


@expression
def _softsign_derivative(h, a):
    inverse = ONE / (ONE + abs(h))
    return inverse * inverse


@expression
def _softsign_log(h, a):
    return math.copysign(1.0, h), math.log(abs(h)) - math.log1p(abs(h)) if h != 0.0 else -math.inf


@expression
def _softsign_log_derivative(h, a):
    return 1.0, -2.0 * math.log1p(abs(h))


@expression
def _sin(h, a):
    return f32.sin(h)


@expression
def _cos(h, a):
    return f32.cos(h)


@expression
def _sin_log(h, a):
    value = math.sin(h)
    return math.copysign(1.0, value), math.log(abs(value)) if value != 0.0 else -math.inf


@expression
def _cos_log(h, a):
    value = math.cos(h)
    return math.copysign(1.0, value), math.log(abs(value)) if value != 0.0 else -math.inf


SIGMOID = Activation(
    "sigmoid",
    _sigmoid,
    _sigmoid_derivative,
    _sigmoid_log,
    _sigmoid_log_derivative,
    0.5,
    (0.25, 0.25),
    (0.0, 0.0),
    (0.0, 1.0),
    0.25,
    aliases=("logistic",),
    summary="1 / (1 + e^-h)",
)
TANH = Activation(
    "tanh",
    _tanh,
    _tanh_derivative,
    _tanh_log,
    _tanh_log_derivative,
    0.0,
    (1.0, 1.0),
    (0.0, 0.0),
    (-1.0, 1.0),
    1.0,
    summary="tanh h",
)
ERF = Activation(
    "erf",
    _erf,
    _erf_derivative,
    _erf_log,
    _erf_log_derivative,
    0.0,
    (2 / math.sqrt(math.pi),) * 2,
    (0.0, 0.0),
    (-1.0, 1.0),
    2 / math.sqrt(math.pi),
    summary="erf h",
)
SOFTSIGN = Activation(
    "softsign",
    _softsign,
    _softsign_derivative,
    _softsign_log,
    _softsign_log_derivative,
    0.0,
    (1.0, 1.0),
    (0.0, 0.0),
    (-1.0, 1.0),
    1.0,
    summary="h / (1 + |h|)",
)
SIN = Activation(
    "sin",
    _sin,
    _cos,
    _sin_log,
    _cos_log,
    0.0,
    (1.0, 1.0),
    (math.nan, math.nan),
    (math.nan, math.nan),
    1.0,
    aliases=("sine",),
    summary="sin h",
)
SATURATING = (SIGMOID, TANH, ERF, SOFTSIGN, SIN)
