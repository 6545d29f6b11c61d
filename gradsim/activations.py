"""The table of activations: one entry each, with everything that the rest of gradsim asks about it.

An entry states phi and phi' in float32 for the ordinary range, and how phi behaves outside it: the value and the
one-sided slopes at 0, and slope and intercept at -inf and +inf. `log_abs` and `log_abs_derivative` are float64 and
return (sign, log|value|): they serve where a float32 would underflow to a false zero, as 1 - tanh^2 does beyond
|h| = 8.
"""

import math
from dataclasses import dataclass, field
from collections.abc import Callable

import numpy as np

from .errors import RequestError, unknown
from .kernels import elementary as f32
from .kernels.compilation import elementary
from .schemes import parse

NONE = (1.0, -math.inf)
ZERO, ONE = np.float32(0.0), np.float32(1.0)


@dataclass(frozen=True)
class Activation:
    """One activation function.

    `slope_zero` is (left, right); `slope` and `intercept` are (at -inf, at +inf); `largest_derivative` is sup|phi'|.
    `homogeneous` says phi(c h) = c phi(h) for c > 0. `parameter` is the default of the one optional parameter.
    """

    name: str
    code: int
    phi: Callable = field(repr=False)
    derivative: Callable = field(repr=False)
    log_abs: Callable = field(repr=False)
    log_abs_derivative: Callable = field(repr=False)
    value_zero: float
    slope_zero: tuple
    slope: tuple
    intercept: tuple
    largest_derivative: float
    homogeneous: bool = False
    parameter: float | None = None
    aliases: tuple = ()
    summary: str = ""


@elementary
def _linear(h, a):
    return h


@elementary
def _linear_derivative(h, a):
    return ONE


@elementary
def _relu(h, a):
    return max(h, ZERO)


@elementary
def _relu_derivative(h, a):
    return ONE if h > ZERO else ZERO


@elementary
def _leaky_relu(h, a):
    return h if h > ZERO else a * h


@elementary
def _leaky_relu_derivative(h, a):
    return ONE if h > ZERO else a


@elementary
def _sigmoid(h, a):
    return f32.sigmoid(h)


@elementary
def _sigmoid_derivative(h, a):
    return f32.sigmoid_derivative(h)


@elementary
def _sigmoid_log(h, a):
    return 1.0, min(h, 0.0) - math.log1p(math.exp(-abs(h)))


@elementary
def _sigmoid_log_derivative(h, a):
    return 1.0, -abs(h) - 2.0 * math.log1p(math.exp(-abs(h)))


@elementary
def _tanh(h, a):
    return f32.tanh(h)


@elementary
def _tanh_derivative(h, a):
    return f32.tanh_derivative(h)


@elementary
def _tanh_log(h, a):
    return math.copysign(1.0, h), math.log(math.tanh(abs(h))) if h != 0.0 else -math.inf


@elementary
def _tanh_log_derivative(h, a):
    return 1.0, math.log(4.0) - 2.0 * abs(h) - 2.0 * math.log1p(math.exp(-2.0 * abs(h)))


@elementary
def _erf(h, a):
    return f32.erf(h)


@elementary
def _erf_derivative(h, a):
    return f32.erf_derivative(h)


@elementary
def _erf_log(h, a):
    return math.copysign(1.0, h), math.log(math.erf(abs(h))) if h != 0.0 else -math.inf


@elementary
def _erf_log_derivative(h, a):
    return 1.0, math.log(2.0 / math.sqrt(math.pi)) - h * h


@elementary
def _log_tail_ratio(a):
    """log(P(z > a) e^(a^2/2)) for a >= 0: erfc while it is a normal number, Laplace's series beyond (error < 1e-10)."""
    if a < 20.0:
        return math.log(0.5 * math.erfc(a / math.sqrt(2.0))) + 0.5 * a * a
    u = 1.0 / (a * a)
    return math.log((1.0 - u * (1.0 - 3.0 * u * (1.0 - 5.0 * u * (1.0 - 7.0 * u)))) / (a * math.sqrt(2.0 * math.pi)))


@elementary
def _gelu(h, a):
    return f32.gelu(h)


@elementary
def _gelu_derivative(h, a):
    return f32.gelu_derivative(h)


@elementary
def _gelu_log(h, a):
    if h > 0.0:
        return 1.0, math.log(h) + math.log1p(-0.5 * math.erfc(h / math.sqrt(2.0)))
    if h == 0.0:
        return 1.0, -math.inf
    return -1.0, math.log(-h) + _log_tail_ratio(-h) - 0.5 * h * h


@elementary
def _gelu_log_derivative(h, a):
    if h < -20.0:  # P(z < h) + h density = -density (|h| - 1/|h| + 1/|h|^3 - 3/|h|^5 + ...)
        u = 1.0 / (h * h)
        series = 1.0 - u * (1.0 - u * (1.0 - 3.0 * u * (1.0 - 5.0 * u)))
        return -1.0, math.log(-h * series / math.sqrt(2.0 * math.pi)) - 0.5 * h * h
    value = 0.5 * math.erfc(-h / math.sqrt(2.0)) + h * math.exp(-0.5 * h * h) / math.sqrt(2.0 * math.pi)
    return math.copysign(1.0, value), math.log(abs(value)) if value != 0.0 else -math.inf


@elementary
def _piecewise_log(h, a):
    return 1.0, -math.inf  # homogeneous functions are exact in float32 with a carried exponent: never asked


def _piecewise(name, code, phi, derivative, slopes, **more):
    return Activation(
        name, code, phi, derivative, _piecewise_log, _piecewise_log, 0.0, slopes, slopes, (0.0, 0.0),
        max(abs(s) for s in slopes), homogeneous=True, **more,
    )  # fmt: skip


ACTIVATIONS = (
    _piecewise("linear", 0, _linear, _linear_derivative, (1.0, 1.0), aliases=("identity",), summary="h"),
    Activation("sigmoid", 1, _sigmoid, _sigmoid_derivative, _sigmoid_log, _sigmoid_log_derivative,
               0.5, (0.25, 0.25), (0.0, 0.0), (0.0, 1.0), 0.25, aliases=("logistic",), summary="1 / (1 + e^-h)"),
    Activation("tanh", 2, _tanh, _tanh_derivative, _tanh_log, _tanh_log_derivative,
               0.0, (1.0, 1.0), (0.0, 0.0), (-1.0, 1.0), 1.0, summary="tanh h"),
    _piecewise("relu", 3, _relu, _relu_derivative, (0.0, 1.0), summary="max(h, 0)"),
    _piecewise("leaky_relu", 4, _leaky_relu, _leaky_relu_derivative, (0.01, 1.0), parameter=0.01,
               aliases=("lrelu",), summary="h if h > 0 else a h; leaky_relu(a), a = 0.01"),
    Activation("gelu", 5, _gelu, _gelu_derivative, _gelu_log, _gelu_log_derivative,
               0.0, (0.5, 0.5), (0.0, 1.0), (0.0, 0.0), 1.1289, summary="h P(z <= h), z standard normal (exact)"),
    Activation("erf", 6, _erf, _erf_derivative, _erf_log, _erf_log_derivative,
               0.0, (2 / math.sqrt(math.pi),) * 2, (0.0, 0.0), (-1.0, 1.0), 2 / math.sqrt(math.pi), summary="erf h"),
)  # fmt: skip

_BY_NAME = {name: entry for entry in ACTIVATIONS for name in (entry.name, *entry.aliases)}


def find_activation(text):
    """The (Activation, parameter) of "tanh" or "leaky_relu(0.2)". Raises RequestError for anything else."""
    name, arguments = parse("--activation", text)
    if name not in _BY_NAME:
        raise unknown("--activation", name, _BY_NAME)
    entry = _BY_NAME[name]
    if len(arguments) > (entry.parameter is not None):
        form = f"{name} or {name}(a)" if entry.parameter is not None else name
        raise RequestError(f"--activation: {text!r} should be written {form}")
    if entry.parameter is None:
        return entry, 0.0
    return entry, arguments[0] if arguments else entry.parameter
