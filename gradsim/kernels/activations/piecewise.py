"""Activations made of straight lines, and hard_swish."""

import math

import numpy as np

from ..compilation import expression
from .entry import Activation

ZERO, HALF, ONE, THREE, SIX = (np.float32(c) for c in (0.0, 0.5, 1.0, 3.0, 6.0))
SIXTH = np.float32(1 / 6)


@expression
def _linear(h, a):
    return h


@expression
def _linear_derivative(h, a):
    return ONE


@expression
def _relu(h, a):
    return max(h, ZERO)


@expression
def _relu_derivative(h, a):
    return ONE if h > ZERO else ZERO


@expression
def _leaky_relu(h, a):
    return h if h > ZERO else a * h


@expression
def _leaky_relu_derivative(h, a):
    return ONE if h > ZERO else a


@expression
def _abs(h, a):
    return abs(h)


@expression
def _abs_derivative(h, a):
    return ONE if h > ZERO else -ONE if h < ZERO else ZERO


@expression
def _hard_tanh(h, a):
    return max(min(h, ONE), -ONE)


@expression
def _hard_tanh_derivative(h, a):
    return ONE if abs(h) < ONE else ZERO


@expression
def _hard_sigmoid(h, a):
    return max(min(h * SIXTH + HALF, ONE), ZERO)


@expression
def _hard_sigmoid_derivative(h, a):
    return SIXTH if abs(h) < THREE else ZERO


@expression
def _relu6(h, a):
    return max(min(h, SIX), ZERO)


@expression
def _relu6_derivative(h, a):
    return ONE if h > ZERO and h < SIX else ZERO


@expression
def _hard_swish(h, a):
    return h * _hard_sigmoid(h, a)


@expression
def _hard_swish_derivative(h, a):
    return ONE if h >= THREE else (h / THREE + HALF if h > -THREE else ZERO)


@expression
def _log(value):
    return math.copysign(1.0, value), math.log(abs(value)) if value != 0.0 else -math.inf


def _logs(value, derivative):
    """The float64 twins of functions that keep their precision in plain floats."""

    @expression
    def log_abs(h, a):
        return _log(value(h))

    @expression
    def log_abs_derivative(h, a):
        return _log(derivative(h))

    return log_abs, log_abs_derivative


@expression
def _piecewise_log(h, a):
    return 1.0, -math.inf  # homogeneous functions are exact in float32 with a carried exponent: never asked


def _homogeneous(name, phi, derivative, slopes, **more):
    return Activation(
        name,
        phi,
        derivative,
        _piecewise_log,
        _piecewise_log,
        0.0,
        slopes,
        slopes,
        (0.0, 0.0),
        max(abs(s) for s in slopes),
        homogeneous=True,
        **more,
    )


LINEAR = _homogeneous("linear", _linear, _linear_derivative, (1.0, 1.0), aliases=("identity",), summary="h")
RELU = _homogeneous("relu", _relu, _relu_derivative, (0.0, 1.0), summary="max(h, 0)")
LEAKY_RELU = _homogeneous(
    "leaky_relu",
    _leaky_relu,
    _leaky_relu_derivative,
    (0.01, 1.0),
    parameter=0.01,
    adapted=lambda a: {"slope_zero": (a, 1.0), "slope": (a, 1.0), "largest_derivative": max(abs(a), 1.0)},
    aliases=("lrelu",),
    summary="h if h > 0 else a h; leaky_relu(a), a = 0.01",
)
ABS = _homogeneous("abs", _abs, _abs_derivative, (-1.0, 1.0), summary="|h|")
HARD_TANH = Activation(
    "hard_tanh",
    _hard_tanh,
    _hard_tanh_derivative,
    *_logs(expression(lambda h: max(min(h, 1.0), -1.0)), expression(lambda h: 1.0 if abs(h) < 1.0 else 0.0)),
    0.0,
    (1.0, 1.0),
    (0.0, 0.0),
    (-1.0, 1.0),
    1.0,
    aliases=("hardtanh",),
    summary="h cut to [-1, 1]",
)
HARD_SIGMOID = Activation(
    "hard_sigmoid",
    _hard_sigmoid,
    _hard_sigmoid_derivative,
    *_logs(expression(lambda h: max(min(h / 6.0 + 0.5, 1.0), 0.0)), expression(lambda h: 1 / 6 if abs(h) < 3.0 else 0.0)),
    0.5,
    (1 / 6, 1 / 6),
    (0.0, 0.0),
    (0.0, 1.0),
    1 / 6,
    aliases=("hardsigmoid",),
    summary="h/6 + 1/2 cut to [0, 1]",
)
RELU6 = Activation(
    "relu6",
    _relu6,
    _relu6_derivative,
    *_logs(expression(lambda h: max(min(h, 6.0), 0.0)), expression(lambda h: 1.0 if 0.0 < h < 6.0 else 0.0)),
    0.0,
    (0.0, 1.0),
    (0.0, 0.0),
    (0.0, 6.0),
    1.0,
    summary="h cut to [0, 6]",
)
HARD_SWISH = Activation(
    "hard_swish",
    _hard_swish,
    _hard_swish_derivative,
    *_logs(
        expression(lambda h: h * max(min(h / 6.0 + 0.5, 1.0), 0.0)),
        expression(lambda h: 1.0 if h >= 3.0 else h / 3.0 + 0.5 if h > -3.0 else 0.0),
    ),
    0.0,
    (0.5, 0.5),
    (0.0, 1.0),
    (0.0, 0.0),
    1.5,
    aliases=("hardswish",),
    summary="h hard_sigmoid(h)",
)
PIECEWISE = (LINEAR, RELU, LEAKY_RELU, ABS, HARD_TANH, HARD_SIGMOID, RELU6, HARD_SWISH)
