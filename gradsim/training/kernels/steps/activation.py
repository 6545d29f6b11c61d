"""x = phi(h), elementwise. In float32 by the fast functions of the table, a few ulp accurate; in float64, and where a number
is not finite, by the logs of the table, which take their limits at infinity."""

import math

import numpy as np
from numba import types
from numba.extending import overload

from ....kernels.compilation import elementary, inlined, internal
from ....kernels.dispatch import apply
from ....kernels.plain import plain_derivative, plain_phi
from ....kernels.steps.activation import DERIVATIVE_ADDRESS, PARAMETER, PHI_ADDRESS
from ....kernels.windows import window


def own_numbers(n_in, n):
    return 0


def kept_numbers(rows, n):
    """The slopes."""
    return rows * n


@inlined
def line(step, b):
    """What is kept of row b."""
    return window(step.kept, b * step.columns, (step.columns,))


@internal
def all_finite(h, n):
    """Whether all are, and their sum, which is taken for them: what is large is looked at one by one all the same."""
    total = h.dtype.type(0)
    for i in range(n):
        total += abs(h[i])
    return math.isfinite(total)


@internal
def exactly(code, p, h, n, x, slopes):
    for i in range(n):
        x[i] = plain_phi(code, p, np.float64(h[i]))
        slopes[i] = plain_derivative(code, p, np.float64(h[i]))


@internal
def fast(code, p, h, n, x, slopes):
    if all_finite(h, n):
        phi, derivative = np.int64(p[PHI_ADDRESS]), np.int64(p[DERIVATIVE_ADDRESS])
        apply(code, phi, derivative, h, np.float32(1.0), np.float32(p[PARAMETER]), n, x, slopes)
    else:
        exactly(code, p, h, n, x, slopes)


def of_all(code, p, h, n, x, slopes):
    """x = phi(h) and slopes = phi'(h)."""
    (fast if h.dtype == np.float32 else exactly)(code, p, h, n, x, slopes)


@overload(of_all, inline="always")
def _compiled_of_all(code, p, h, n, x, slopes):
    chosen = fast if h.dtype == types.float32 else exactly
    return lambda code, p, h, n, x, slopes: chosen(code, p, h, n, x, slopes)


@internal
def forward(step):
    """All rows at once, what is between them too, which is zero again then."""
    n, columns, size = step.n, step.columns, step.rows * step.columns
    h, x, slopes = window(step.x, 0, (size,)), window(step.out, 0, (size,)), window(step.kept, 0, (size,))
    of_all(step.variant, step.p, h, size, x, slopes)
    for b in range(step.rows):
        for i in range(b * columns + n, (b + 1) * columns):
            x[i], slopes[i] = 0.0, 0.0


@elementary
def backward(step):
    size = step.rows * step.columns
    d, slopes, g = window(step.d, 0, (size,)), window(step.kept, 0, (size,)), window(step.g, 0, (size,))
    for i in range(size):
        g[i] = slopes[i] * d[i]
