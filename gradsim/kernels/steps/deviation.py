"""What norms divide by, S = sqrt(variance + epsilon), with epsilon in true scale; and how it is kept for the way back."""

import math

import numpy as np

from ..compilation import internal
from ..vectors import power_of_two

# Columns of a norm's parameters: epsilon = EPSILON 4^EPSILON_EXPONENT, EPSILON in [1, 4) or 0
EPSILON, EPSILON_EXPONENT = range(2)
KEPT = 8  # numbers of one S: 1/S in two parts, its exponent in three, and whether the row is held
TWO_20 = 2.0**20
DAMPED = 2.0**-10  # of a y that is held: it adds 2^-20 to S^2, and less to its gradient
ONLY = np.int64(0)  # the number of an S where there is but one
HELD, FREE = np.bool_(True), np.bool_(False)  # rows: Numba compiles functions anew for Python's True and False


def epsilon_parameters(epsilon):
    """Those columns, from any finite float64 that is not negative."""
    if not epsilon:
        return 0.0, 0.0
    exponent = (math.frexp(epsilon)[1] - 1) // 2
    return math.ldexp(epsilon, -2 * exponent), float(exponent)


@internal
def common_scale(p, exponent):
    """The t that makes S / 2^t order one, or what variance adds to it: for a row 2^exponent v, v of order one."""
    return max(exponent, np.int64(p[EPSILON_EXPONENT])) if p[EPSILON] != 0.0 else exponent


@internal
def scaled_epsilon(p, t):
    """epsilon / 4^t."""
    return p[EPSILON] * power_of_two(2 * (np.int64(p[EPSILON_EXPONENT]) - t))


@internal
def inverse_root(x):
    """1 / sqrt(x), infinite at 0 (in Python too)."""
    return 1.0 / math.sqrt(x) if x != 0.0 else np.inf


@internal
def inverse_deviation(p, variance, exponent):
    """(2^t / S, t) of the variance of a row 2^exponent v, given as that of v."""
    t = common_scale(p, exponent) if variance != 0.0 or p[EPSILON] == 0.0 else np.int64(p[EPSILON_EXPONENT])
    return inverse_root(variance * power_of_two(2 * (exponent - t)) + scaled_epsilon(p, t)), t


@internal
def damping(p, inverse, t):
    """epsilon / S^2 without its exponent, which is the second."""
    return p[EPSILON] * inverse * inverse, 2 * (np.int64(p[EPSILON_EXPONENT]) - t)


@internal
def keep_deviation(kept, k, inverse, t, held):
    """Number k of those kept. A float32 holds 24 bits, so that exponents up to 2^59 take three."""
    start, high = KEPT * k, np.float32(inverse)
    kept[start] = high
    kept[start + 1] = np.float32(inverse - np.float64(high))
    kept[start + 2] = np.float32(t >> 40)
    kept[start + 3] = np.float32((t >> 20) & 0xFFFFF)
    kept[start + 4] = np.float32(t & 0xFFFFF)
    kept[start + 5] = np.float32(held)


@internal
def kept_deviation(kept, k):
    """(2^t / S, t) as `keep_deviation` had them."""
    start = KEPT * k
    t = (np.float64(kept[start + 2]) * TWO_20 + np.float64(kept[start + 3])) * TWO_20
    return np.float64(kept[start]) + np.float64(kept[start + 1]), np.int64(t) + np.int64(kept[start + 4])


@internal
def is_held(kept, k):
    return kept[KEPT * k + 5] != 0.0
