"""Smooth activations that vanish on the left and grow on the right: h times a gate, and the exponential units."""

import math

import numpy as np

from .. import elementary as f32
from ..compilation import expression
from .entry import Activation

ZERO, ONE, TWO, FOUR = (np.float32(c) for c in (0.0, 1.0, 2.0, 4.0))
GELU_TANH_LINEAR, GELU_TANH_CUBIC = 2 * math.sqrt(2 / math.pi), 2 * math.sqrt(2 / math.pi) * 0.044715
GATE_LINEAR, GATE_CUBIC = np.float32(GELU_TANH_LINEAR), np.float32(GELU_TANH_CUBIC)
GATE_CUT = np.float32(20.0)  # beyond it the gate is 0 or 1 in float32, and its cube would overflow
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, arXiv:1706.02515
SELU_RIGHT, SELU_LEFT = np.float32(SELU_SCALE), np.float32(SELU_SCALE * SELU_ALPHA)
MISH_CUT = np.float32(20.0)
LEFT_CUT = np.float32(-100.0)  # below it float32 holds no slope: `exp` ends at 2^-125, and h times that would look like one


@expression
def _log_tail_ratio(a):
    """log(P(z > a) e^(a^2/2)) for a >= 0: erfc while it is a normal number, Laplace's series beyond (error < 1e-10)."""
    if a < 20.0:
        return math.log(0.5 * math.erfc(a / math.sqrt(2.0))) + 0.5 * a * a
    u = 1.0 / (a * a)
    return math.log((1.0 - u * (1.0 - 3.0 * u * (1.0 - 5.0 * u * (1.0 - 7.0 * u)))) / (a * math.sqrt(2.0 * math.pi)))


@expression
def _gelu(h, a):
    return f32.gelu(h)


@expression
def _gelu_derivative(h, a):
    return f32.gelu_derivative(h)


@expression
def _gelu_log(h, a):
    if h > 0.0:
        return 1.0, math.log(h) + math.log1p(-0.5 * math.erfc(h / math.sqrt(2.0)))
    if h == 0.0:
        return 1.0, -math.inf
    return -1.0, math.log(-h) + _log_tail_ratio(-h) - 0.5 * h * h


@expression
def _gelu_log_derivative(h, a):
    if h < -20.0:  # P(z < h) + h density = -density (|h| - 1/|h| + 1/|h|^3 - 3/|h|^5 + ...)
        u = 1.0 / (h * h)
        series = 1.0 - u * (1.0 - u * (1.0 - 3.0 * u * (1.0 - 5.0 * u)))
        return -1.0, math.log(-h * series / math.sqrt(2.0 * math.pi)) - 0.5 * h * h
    value = 0.5 * math.erfc(-h / math.sqrt(2.0)) + h * math.exp(-0.5 * h * h) / math.sqrt(2.0 * math.pi)
    return math.copysign(1.0, value), math.log(abs(value)) if value != 0.0 else -math.inf


@expression
def _silu(h, a):
    return h * f32.sigmoid(h)


@expression
def _silu_derivative(h, a):
    held = max(h, LEFT_CUT)
    return f32.sigmoid(held) * (ONE + held * f32.sigmoid(-held))


@expression
def _log_sigmoid(h):
    return min(h, 0.0) - math.log1p(math.exp(-abs(h)))


@expression
def _signed_log(factor, log):
    """(sign, log|factor e^log|)."""
    return math.copysign(1.0, factor), math.log(abs(factor)) + log if factor != 0.0 else -math.inf


@expression
def _silu_log(h, a):
    return _signed_log(h, _log_sigmoid(h))


@expression
def _silu_log_derivative(h, a):
    return _signed_log(1.0 + h * math.exp(_log_sigmoid(-h)), _log_sigmoid(h))


@expression
def _gate(h):
    """The argument of the gate of gelu_tanh: h sigmoid(gate) = h (1 + tanh(gate / 2)) / 2."""
    return h * (GATE_LINEAR + GATE_CUBIC * h * h)


@expression
def _gelu_tanh(h, a):
    return h * f32.sigmoid(_gate(max(min(h, GATE_CUT), -GATE_CUT)))


@expression
def _gelu_tanh_derivative(h, a):
    held = max(min(h, GATE_CUT), -GATE_CUT)
    gate = _gate(held)
    slope = GATE_LINEAR + np.float32(3.0) * GATE_CUBIC * held * held
    return f32.sigmoid(gate) * (ONE + held * slope * f32.sigmoid(-gate))


@expression
def _gelu_tanh_log(h, a):
    return _signed_log(h, _log_sigmoid(h * (GELU_TANH_LINEAR + GELU_TANH_CUBIC * h * h)))


@expression
def _gelu_tanh_log_derivative(h, a):
    gate = h * (GELU_TANH_LINEAR + GELU_TANH_CUBIC * h * h)
    slope = GELU_TANH_LINEAR + 3.0 * GELU_TANH_CUBIC * h * h
    closed = math.exp(_log_sigmoid(-gate))
    return _signed_log(1.0 + (h * slope * closed if closed != 0.0 else 0.0), _log_sigmoid(gate))


@expression
def _mish(h, a):
    """tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2) with e = e^h."""
    e = f32.exp(min(h, MISH_CUT))
    square = e * (e + TWO)
    return h * (square / (square + TWO))


@expression
def _mish_derivative(h, a):
    held = max(min(h, MISH_CUT), LEFT_CUT)
    e = f32.exp(held)
    square = e * (e + TWO)
    denominator = square + TWO
    return e * ((e + TWO) / denominator + held * (FOUR * (ONE + e) / denominator / denominator))


@expression
def _mish_log(h, a):
    if h > 20.0:
        return 1.0, math.log(h)
    e = math.exp(h)
    return _signed_log(h, h + math.log((e + 2.0) / (e * (e + 2.0) + 2.0)))


@expression
def _mish_log_derivative(h, a):
    if h > 20.0:
        return 1.0, 0.0
    e = math.exp(h)
    denominator = e * (e + 2.0) + 2.0
    return _signed_log((e + 2.0) / denominator + h * (4.0 * (1.0 + e) / denominator / denominator), h)


@expression
def _softplus(h, a):
    return max(h, ZERO) + f32.log1p(f32.exp(-abs(h)))


@expression
def _sigmoid(h, a):
    return f32.sigmoid(h)


@expression
def _softplus_log(h, a):
    if h < -30.0:
        return 1.0, h
    return 1.0, math.log(max(h, 0.0) + math.log1p(math.exp(-abs(h))))


@expression
def _softplus_log_derivative(h, a):
    return 1.0, _log_sigmoid(h)


@expression
def _elu(h, a):
    return h if h > ZERO else a * f32.expm1(h)


@expression
def _elu_derivative(h, a):
    return ONE if h > ZERO else a * f32.exp(h)


@expression
def _elu_log(h, a):
    return _signed_log(h if h > 0.0 else a * math.expm1(h), 0.0)


@expression
def _elu_log_derivative(h, a):
    return (1.0, 0.0) if h > 0.0 else _signed_log(a, h)


@expression
def _selu(h, a):
    return SELU_RIGHT * h if h > ZERO else SELU_LEFT * f32.expm1(h)


@expression
def _selu_derivative(h, a):
    return SELU_RIGHT if h > ZERO else SELU_LEFT * f32.exp(h)


@expression
def _selu_log(h, a):
    return _signed_log(h if h > 0.0 else SELU_ALPHA * math.expm1(h), math.log(SELU_SCALE))


@expression
def _selu_log_derivative(h, a):
    return 1.0, math.log(SELU_SCALE) + (0.0 if h > 0.0 else math.log(SELU_ALPHA) + h)


GELU = Activation(
    "gelu",
    _gelu,
    _gelu_derivative,
    _gelu_log,
    _gelu_log_derivative,
    0.0,
    (0.5, 0.5),
    (0.0, 1.0),
    (0.0, 0.0),
    1.1289,
    summary="h P(z <= h), z standard normal (exact)",
)
GELU_TANH = Activation(
    "gelu_tanh",
    _gelu_tanh,
    _gelu_tanh_derivative,
    _gelu_tanh_log,
    _gelu_tanh_log_derivative,
    0.0,
    (0.5, 0.5),
    (0.0, 1.0),
    (0.0, 0.0),
    1.1290,
    summary="h (1 + tanh(sqrt(2/pi) (h + 0.044715 h^3))) / 2",
)
SILU = Activation(
    "silu",
    _silu,
    _silu_derivative,
    _silu_log,
    _silu_log_derivative,
    0.0,
    (0.5, 0.5),
    (0.0, 1.0),
    (0.0, 0.0),
    1.0998,
    aliases=("swish",),
    summary="h sigmoid(h)",
)
MISH = Activation(
    "mish",
    _mish,
    _mish_derivative,
    _mish_log,
    _mish_log_derivative,
    0.0,
    (0.6, 0.6),
    (0.0, 1.0),
    (0.0, 0.0),
    1.0885,
    summary="h tanh(log(1 + e^h))",
)
SOFTPLUS = Activation(
    "softplus",
    _softplus,
    _sigmoid,
    _softplus_log,
    _softplus_log_derivative,
    math.log(2),
    (0.5, 0.5),
    (0.0, 1.0),
    (0.0, 0.0),
    1.0,
    summary="log(1 + e^h)",
)
ELU = Activation(
    "elu",
    _elu,
    _elu_derivative,
    _elu_log,
    _elu_log_derivative,
    0.0,
    (1.0, 1.0),
    (0.0, 1.0),
    (-1.0, 0.0),
    1.0,
    parameter=1.0,
    adapted=lambda a: {"slope_zero": (a, 1.0), "intercept": (-a, 0.0), "largest_derivative": max(abs(a), 1.0)},
    summary="h if h > 0 else a (e^h - 1); elu(a), a = 1",
)
SELU = Activation(
    "selu",
    _selu,
    _selu_derivative,
    _selu_log,
    _selu_log_derivative,
    0.0,
    (SELU_SCALE * SELU_ALPHA, SELU_SCALE),
    (0.0, SELU_SCALE),
    (-SELU_SCALE * SELU_ALPHA, 0.0),
    SELU_SCALE * SELU_ALPHA,
    summary="1.0507 elu(h; 1.6733)",
)
GATED = (GELU, GELU_TANH, SILU, MISH, SOFTPLUS, ELU, SELU)
