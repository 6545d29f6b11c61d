"""Every activation of the table as a user would write it: a function, its derivative and its kinks, accurate in float64.

Whatever gradsim says of an activation of the table it must say of the same function given as a user's own, which takes none
of the paths that are made for one function alone.
"""

import math
from functools import cache

import numpy as np

import gradsim

SCALE, ALPHA = 1.0507009873554804934, 1.6732632423543772848  # selu: Klambauer et al. 2017, arXiv:1706.02515
ROOT = math.sqrt(2 / math.pi)


def _sigmoid(h):
    return 1 / (1 + math.exp(-h)) if h > 0 else math.exp(max(h, -745.0)) / (1 + math.exp(max(h, -745.0)))


def _sigmoid_slope(h):
    e = math.exp(-min(abs(h), 745.0))
    return e / (1 + e) ** 2


def _sech_square(h):
    e = math.exp(-2 * min(abs(h), 372.0))
    return 4 * e / (1 + e) ** 2


def _softplus(h):
    return max(h, 0.0) + math.log1p(math.exp(-min(abs(h), 745.0)))


def _erf_slope(h):
    return 2 / math.sqrt(math.pi) * math.exp(-min(h * h, 745.0))


def _gelu(h):
    return 0.5 * h * math.erfc(-h / math.sqrt(2))


def _gelu_slope(h):
    return 0.5 * math.erfc(-h / math.sqrt(2)) + h * math.exp(-min(0.5 * h * h, 745.0)) / math.sqrt(2 * math.pi)


def _gelu_tanh(h):
    inner = min(max(h, -50.0), 50.0)
    gate = 2 * ROOT * (inner + 0.044715 * inner**3)
    return h / (1 + math.exp(-gate)) if gate > -700 else 0.0


def _gelu_tanh_slope(h):
    inner = min(max(h, -20.0), 20.0)
    gate, steep = 2 * ROOT * (inner + 0.044715 * inner**3), 2 * ROOT * (1 + 3 * 0.044715 * inner**2)
    share = 1 / (1 + math.exp(-gate)) if gate > -700 else 0.0
    rest = 1 / (1 + math.exp(gate)) if gate < 700 else 0.0
    return share + inner * steep * share * rest


def _silu(h):
    return h / (1 + math.exp(-h)) if h > -700 else 0.0


def _silu_slope(h):
    e = math.exp(-min(abs(h), 745.0))
    share = 1 / (1 + e) if h > 0 else e / (1 + e)
    return share + min(max(h, -745.0), 745.0) * e / (1 + e) ** 2


def _mish(h):
    e = math.exp(min(h, 40.0))  # tanh(log(1 + e^h)) = e (e + 2) / (e (e + 2) + 2)
    return h * (e * (e + 2) / (e * (e + 2) + 2))


def _mish_slope(h):
    e = math.exp(min(max(h, -745.0), 40.0))
    share = e * (e + 2) / (e * (e + 2) + 2)
    return share + min(max(h, -745.0), 40.0) * 4 * e * (e + 1) / (e * (e + 2) + 2) ** 2


def _hard_swish(h):
    return h if h > 3 else h * (h / 6 + 0.5) if h > -3 else 0.0


def _hard_swish_slope(h):
    return 1.0 if h > 3 else h / 3 + 0.5 if h > -3 else 0.0


GIVEN = {  # name: (f, df, kinks)
    "linear": (lambda h: h, lambda h: 1.0, ()),
    "relu": (lambda h: max(h, 0.0), lambda h: 1.0 if h > 0 else 0.0, (0.0,)),
    "leaky_relu": (lambda h: h if h > 0 else 0.01 * h, lambda h: 1.0 if h > 0 else 0.01, (0.0,)),
    "abs": (lambda h: abs(h), lambda h: np.sign(h), (0.0,)),
    "hard_tanh": (lambda h: min(max(h, -1.0), 1.0), lambda h: 1.0 if abs(h) < 1 else 0.0, (-1.0, 1.0)),
    "hard_sigmoid": (
        lambda h: min(max(h / 6 + 0.5, 0.0), 1.0),
        lambda h: 1 / 6 if abs(h) < 3 else 0.0,
        (-3.0, 3.0),
    ),
    "relu6": (lambda h: min(max(h, 0.0), 6.0), lambda h: 1.0 if 0 < h < 6 else 0.0, (0.0, 6.0)),
    "hard_swish": (_hard_swish, _hard_swish_slope, (-3.0, 3.0)),
    "sigmoid": (_sigmoid, _sigmoid_slope, ()),
    "tanh": (lambda h: math.tanh(h), _sech_square, ()),
    "erf": (lambda h: math.erf(h), _erf_slope, ()),
    "softsign": (lambda h: h / (1 + abs(h)), lambda h: (1 + abs(h)) ** -2.0, (0.0,)),
    "sin": (lambda h: np.sin(h), lambda h: np.cos(h), ()),
    "gelu": (_gelu, _gelu_slope, ()),
    "gelu_tanh": (_gelu_tanh, _gelu_tanh_slope, ()),
    "silu": (_silu, _silu_slope, ()),
    "mish": (_mish, _mish_slope, ()),
    "softplus": (_softplus, _sigmoid, ()),
    "elu": (lambda h: h if h > 0 else math.expm1(h), lambda h: 1.0 if h > 0 else math.exp(h), (0.0,)),
    "selu": (
        lambda h: SCALE * h if h > 0 else SCALE * ALPHA * math.expm1(h),
        lambda h: SCALE if h > 0 else SCALE * ALPHA * math.exp(h),
        (0.0,),
    ),
}


@cache
def given(name):
    """The name of the table's activation `name`, given as a user's: once, so that what theory knows of it is kept."""
    f, df, kinks = GIVEN[name]
    return gradsim.activation(f"given_{name}", f, df, kinks).name
