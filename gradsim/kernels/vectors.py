"""Vectors with a carried exponent: value = 2^exponent * v, with max|v| in [1, 2) unless the vector is zero.

A power of two, because scaling by it is exact: a product over 10,000 layers loses nothing to its scale.
"""

import math

import numpy as np

from .compilation import internal, kernel

LN2 = math.log(2.0)
NO_EXPONENT = np.int64(-(2**60))  # below every exponent that occurs
NEGLIGIBLE_LOG = -(2.0**50)  # smaller than e^(-2^50) counts as zero
ROUNDING = 1e-30  # squared distances of unit vectors below this are rounding in float64


@internal
def power_of_two(exponent):
    """2^exponent in float64; underflows to 0 and is held at 2^1000 above."""
    return math.ldexp(1.0, int(max(min(exponent, 1000), -1074)))


@internal
def largest(v, n):
    """max |v[i]| over i < n; NaN entries are passed over (`normalise` finds them by the sum of squares)."""
    top = np.float32(0.0)
    for i in range(n):
        top = max(top, abs(v[i]))
    return top


@internal
def copy(source, n, target):
    """target[:n] = source[:n]. In a loop: Numba's slices bring along the text of an error message, 3 s of compilation."""
    for i in range(n):
        target[i] = source[i]


@internal
def sum_of_squares(v, n):
    total = 0.0
    for i in range(n):
        total += np.float64(v[i]) * np.float64(v[i])
    return total


@internal
def dot(u, v, n):
    total = 0.0
    for i in range(n):
        total += np.float64(u[i]) * np.float64(v[i])
    return total


@kernel
def normalise(v, n, exponent):
    """Scale v in place so that max|v| is in [1, 2); returns the exponent that goes with it (0 for a zero vector)."""
    top = largest(v, n)
    if top == 0.0 or not np.isfinite(top):
        return 0
    _, binary = math.frexp(np.float64(top))
    shift = binary - 1
    if shift != 0:
        if shift < -120:  # 2^-shift itself would overflow float32
            lift = np.float32(2.0**60)
            for i in range(n):
                v[i] *= lift
            return normalise_once(v, n, shift + 60, exponent - 60)
        return normalise_once(v, n, shift, exponent)
    return exponent


@internal
def normalise_once(v, n, shift, exponent):
    scale = np.float32(power_of_two(-shift))
    for i in range(n):
        v[i] *= scale
    return exponent + shift


@internal
def from_logs(signs, logs, n, out):
    """out and its exponent from signs and natural logs of magnitudes."""
    top = -np.inf
    for i in range(n):
        if np.isnan(logs[i]) or logs[i] == np.inf:  # no asymptote, or beyond float64: not a number, and stays so
            out[:n] = np.nan
            return 0
        top = max(top, logs[i])
    if not top > NEGLIGIBLE_LOG:
        out[:n] = 0.0
        return 0
    exponent = np.int64(math.floor(top / LN2))
    for i in range(n):
        out[i] = np.float32(signs[i] * math.exp(logs[i] - LN2 * exponent))
    return normalise(out, n, exponent)


@internal
def add_scaled(u, u_exponent, n, v, exponent):
    """v = 2^exponent v + 2^u_exponent u, normalised; returns its exponent."""
    exponent = normalise(v, n, exponent)
    if largest(u, n) == 0.0:
        return exponent
    alive = largest(v, n) > 0.0
    top = max(exponent, u_exponent) if alive else u_exponent
    v_factor = np.float32(power_of_two(exponent - top)) if alive else np.float32(0.0)
    u_factor = np.float32(power_of_two(u_exponent - top))
    for i in range(n):
        v[i] = v_factor * v[i] + u_factor * u[i]
    return normalise(v, n, top)


@kernel
def log_mean_square(v, exponents, n):
    """Natural log of the mean square over n units and all rows of v: -inf for zero."""
    rows = v.shape[0]
    top = NO_EXPONENT
    for b in range(rows):
        if largest(v[b], n) > 0.0:
            top = max(top, exponents[b])
    total = 0.0
    for b in range(rows):
        square = sum_of_squares(v[b], n)
        if square != 0.0:
            total += square * power_of_two(2 * (exponents[b] - top))
    if total == 0.0:
        return -np.inf
    return math.log(total / (n * rows)) + 2.0 * LN2 * top


@internal
def log_largest_square(v, exponents, n):
    """Natural log of the largest squared entry; NaN if any entry is."""
    result = -np.inf
    for b in range(v.shape[0]):
        if np.isnan(sum_of_squares(v[b], n)):
            return np.nan
        top = largest(v[b], n)
        if top > 0.0:
            result = max(result, 2.0 * (math.log(np.float64(top)) + LN2 * exponents[b]))
    return result


@internal
def mean_cosine(v, exponents, n):
    """(mean cosine, log of the mean of 1 - cosine) over pairs of rows; pairs with a zero row give NaN.

    1 - cosine is half the squared distance of the unit vectors, which does not cancel when rows nearly agree.
    """
    rows = v.shape[0]
    pairs = 0
    cosine, distance = 0.0, 0.0
    for a in range(rows):
        for b in range(a):
            norm_a = math.sqrt(sum_of_squares(v[a], n))
            norm_b = math.sqrt(sum_of_squares(v[b], n))
            gap = 0.0
            for i in range(n):
                difference = v[a, i] / norm_a - v[b, i] / norm_b
                gap += difference * difference
            if gap < ROUNDING:
                gap = 0.0
            cosine += 1.0 - 0.5 * gap
            distance += 0.5 * gap
            pairs += 1
    return cosine / pairs, math.log(distance / pairs) if distance != 0.0 else -np.inf
