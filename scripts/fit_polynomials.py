"""Prints the coefficients in gradsim/kernels/elementary.py with the largest relative error of each fit.

Weighted minimax polynomials by Lawson's iteration (Lawson 1961): least squares whose weights are multiplied by the
error until the largest errors are level. Needs numpy and scipy.
"""

import numpy as np
from scipy.special import erf, erfcx, erfinv, ndtri_exp


def lawson(function, powers, x, weight, iterations=200):
    """(largest error, coefficients) of the best fit found of sum c_k x^p_k to `function`, errors times `weight`."""
    basis = x[:, None] ** np.array(powers) * weight[:, None]
    target = function * weight
    emphasis, best = np.ones_like(x), (np.inf, None)
    for _ in range(iterations):
        root = np.sqrt(emphasis)
        coefficients = np.linalg.lstsq(basis * root[:, None], target * root, rcond=None)[0]
        error = abs(basis @ coefficients - target)
        best = min(best, (error.max(), coefficients), key=lambda pair: pair[0])
        emphasis = np.maximum(emphasis * error / (emphasis * error).sum(), 1e-30)
    return best


def nodes(low, high, count=600):
    """Chebyshev nodes: an even number of them, so never the middle."""
    return (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (np.arange(count) + 0.5) / count)


def series(x, first, step):
    """A power series in x from its first term and the ratio `step(k)` of coefficient k + 1 to coefficient k."""
    total, term = np.zeros_like(x), np.full_like(x, first)
    for k in range(200):
        total, term = total + term, term * x * step(k)
    return total


def quantile_ratio(w):
    """x / y for x > 0 with y = P(|z| < x) and w = -log(1 - y^2), z standard normal."""
    y = np.sqrt(-np.expm1(-w))
    tail = -ndtri_exp(-w - np.log(2 + 2 * y))  # P(z > x) = (1 - y) / 2 = e^-w / (2 + 2 y)
    return np.where(w < 0.5, np.sqrt(2) * erfinv(y), tail) / y


def fits():
    """(name, powers, x, function, weight) of every polynomial; the first two by series, which do not cancel."""
    x = nodes(-0.505 * np.log(2), 0.505 * np.log(2))
    yield "EXPM1", range(5), x, series(x, 1 / 2, lambda k: 1 / (k + 3)), abs(x**2 / np.expm1(x))
    x = nodes(2**-0.5 - 1, 2**0.5 - 1)
    tail = series(-x, 1 / 3, lambda k: (k + 3) / (k + 4))
    yield "LOG1P", range(8), x, tail, abs(x**3 / np.log1p(x))
    x = nodes(0, 0.5)
    ratio = np.sin(np.pi * x) / x
    yield "SINPI", range(0, 10, 2), x, ratio, 1 / ratio
    yield "COSPI", range(0, 12, 2), x, np.cos(np.pi * x), np.ones_like(x)
    x = nodes(0, 1)
    yield "ERF", range(0, 14, 2), x, erf(x) / x, x / erf(x)
    x = nodes(-1, 0.9999999, 2000)
    a = 3 * (1 + x) / (1 - x)
    ratio = 0.5 * erfcx(a / np.sqrt(2)) * (a + 3)
    yield "TAIL", range(11), x, ratio, 1 / ratio
    v = nodes(-1, 1)
    mass = erf(np.sqrt(2))
    ratio = np.sqrt(2) * erfinv(mass * v) / v
    yield "TRUNCATED", range(8), -np.log1p(-((mass * v) ** 2)), ratio, 1 / ratio
    w = nodes(0, 7)
    yield "NEAR_QUANTILE", range(11), w - 3.5, quantile_ratio(w), 1 / quantile_ratio(w)
    t = nodes(1 / 30, 1 / np.sqrt(7))
    ratio = quantile_ratio(t**-2) * t
    yield "FAR_QUANTILE", range(11), t - 0.2, ratio, 1 / ratio


if __name__ == "__main__":
    for name, powers, x, function, weight in fits():
        error, coefficients = lawson(function, list(powers), x, weight)
        print(f"{name}: error {error:.1e}\n    {', '.join(f'{c:.9e}' for c in coefficients)}")
