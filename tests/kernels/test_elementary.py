"""Elementary functions in ulp of float32, against float64."""

import numpy as np
import pytest
from numba import njit
from scipy import special

from gradsim.kernels import elementary

NORMAL = np.float32(np.finfo(np.float32).tiny)
CASES = {
    "exp": (np.exp, -86, 87, 2),
    "expm1": (np.expm1, -86, 87, 4),
    "log": (np.log, 1e-9, 100, 3),
    "tanh": (np.tanh, -30, 30, 5),
    "sigmoid": (special.expit, -86, 86, 5),
    "erf": (special.erf, -15, 15, 5),
    "normal_cdf": (special.ndtr, -12.5, 12.5, 12),
    "tanh_derivative": (lambda x: 1 / np.cosh(x) ** 2, -42, 42, 8),
    "erf_derivative": (lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x), -9.3, 9.3, 8),
    "gelu": (lambda x: x * special.ndtr(x), -12.5, 12.5, 14),
    "truncated_normal_quantile": (lambda v: np.sqrt(2) * special.erfinv(special.erf(np.sqrt(2)) * v), -1, 1, 8),
    "log1p": (np.log1p, 0, 100, 4),
    "sigmoid_derivative": (lambda x: special.expit(x) * special.expit(-x), -86, 86, 8),
}


@pytest.mark.parametrize("name", CASES)
def test_ulp(name):
    exact, low, high, bound = CASES[name]
    function = getattr(elementary, name)

    @njit
    def apply(x):
        out = np.empty_like(x)
        for i in range(x.size):
            out[i] = function(x[i])
        return out

    x = np.concatenate([np.linspace(low, high, 400_001), np.geomspace(1e-9, high, 10_001)]).astype(np.float32)
    x = x[(x >= low) & (x <= high)]
    expected = exact(x.astype(float))
    ulp = np.spacing(np.maximum(abs(expected), NORMAL).astype(np.float32)).astype(float)
    assert (abs(apply(x) - expected) / ulp).max() <= bound


def test_gelu_derivative():
    """It crosses zero at -0.7518: in ulp of the larger of its two terms there, in its own ulp elsewhere."""
    function = elementary.gelu_derivative

    @njit
    def apply(x):
        out = np.empty_like(x)
        for i in range(x.size):
            out[i] = function(x[i])
        return out

    x = np.linspace(-12.5, 12.5, 400_001).astype(np.float32)
    exact = x.astype(float)
    first, second = special.ndtr(exact), exact * np.exp(-exact * exact / 2) / np.sqrt(2 * np.pi)
    scale = np.where(abs(exact + 0.75) < 1, np.maximum(first, abs(second)), abs(first + second))
    ulp = np.spacing(np.maximum(scale, NORMAL).astype(np.float32)).astype(float)
    assert (abs(apply(x) - (first + second)) / ulp).max() <= 14
