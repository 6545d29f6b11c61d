"""Vectors with a carried exponent: value = 2^exponent * v, with max|v| in [1/16, 16) unless the vector is zero.

(The h of one input without its matrix is its normals times a factor of order one, wherever their largest is.)

A power of two, because scaling by it is exact: a product over 10,000 layers loses nothing to its scale. A window and not
one binade, because most vectors then need no scaling at all.

Largest entries are found as integers: absolute values of floats are ordered as their bits are, and such a loop
vectorises where one of floats does not, since LLVM must allow for NaN (0.04 ns a unit against 0.8). NaN is then the
largest of all. Sums are taken in float32 over SUM_TILE units and in float64 over these: as exact as the terms.
"""

import math

import numpy as np

from .compilation import internal, part, widest_vectors
from .elementary import float_of
from .windows import row

LN2 = math.log(2.0)
NO_EXPONENT = np.int64(-(2**60))  # below every exponent that occurs
NEGLIGIBLE_LOG = -(2.0**50)  # smaller than e^(-2^50) counts as zero
LOWEST, HIGHEST = np.float32(1 / 16), np.float32(16)  # of the largest entry
SUM_TILE = 2048
MAGNITUDE = np.int32(0x7FFFFFFF)  # the bits of a float32 without its sign
ROUNDING = 2.0**-44  # squared distances of unit vectors below this are rounding in float32 (see `frames`)


@internal
def sum_of(v, n):
    total = 0.0
    for i in range(n):
        total += v[i]
    return total


@part
def binary_scale(a, b):
    """The exponent that makes the larger of two numbers order one; 0 for zeros and what is not finite."""
    top = max(abs(a), abs(b))
    return exponent_of(top) if 1e-300 < top < np.inf else 0


@internal
def power_of_two(exponent):
    """2^exponent in float64; underflows to 0, is held at 2^1000 above. From its bits where these are plain: ldexp is a call."""
    if exponent < -1022:
        return math.ldexp(1.0, int(max(exponent, -1100)))
    return np.int64((np.int64(min(exponent, 1000)) + 1023) << 52).view(np.float64)


@internal
def exponent_of(x):
    """The e with 2^e <= |x| < 2^(e + 1) of a normal float64."""
    return ((np.float64(x).view(np.int64) >> 52) & 2047) - 1023


@internal
def magnitude(x):
    """The bits of |x|."""
    return np.int32(np.float32(x).view(np.int32) & MAGNITUDE)


@internal
def largest(v, n):
    """max |v[i]| over i < n; NaN if any entry is."""
    widest_vectors()
    top = np.int32(0)
    for i in range(n):
        top = max(top, magnitude(v[i]))
    return float_of(top)


@internal
def measure(v, n):
    """(max|v|, |v|^2)."""
    widest_vectors()
    top, square = np.int32(0), 0.0
    for start in range(0, n, SUM_TILE):
        part = np.float32(0.0)
        for k in range(min(SUM_TILE, n - start)):
            entry = v[np.uint64(start) + np.uint64(k)]
            top = max(top, magnitude(entry))
            part += entry * entry
        square += np.float64(part)
    return float_of(top), square


@part
def measure_beside(u, v, n):
    """(max|u|, |u|^2, u . v)."""
    widest_vectors()
    top, square, product = np.int32(0), 0.0, 0.0
    for start in range(0, n, SUM_TILE):
        part, joint = np.float32(0.0), np.float32(0.0)
        for k in range(min(SUM_TILE, n - start)):
            i = np.uint64(start) + np.uint64(k)
            top = max(top, magnitude(u[i]))
            part += u[i] * u[i]
            joint += u[i] * v[i]
        square += np.float64(part)
        product += np.float64(joint)
    return float_of(top), square, product


@part
def dot32(u, v, n):
    """u . v, as exact as the sums of `measure`."""
    widest_vectors()
    product = 0.0
    for start in range(0, n, SUM_TILE):
        part = np.float32(0.0)
        for k in range(min(SUM_TILE, n - start)):
            i = np.uint64(start) + np.uint64(k)
            part += u[i] * v[i]
        product += np.float64(part)
    return product


@part
def measure_units(v, n):
    """(max|v|, mean, variance) over the units: about the first unit, so that equal units have no variance at all."""
    widest_vectors()
    top, total, square, centre = np.int32(0), 0.0, 0.0, v[0]
    for start in range(0, n, SUM_TILE):
        part, joint = np.float32(0.0), np.float32(0.0)
        for k in range(min(SUM_TILE, n - start)):
            entry = v[np.uint64(start) + np.uint64(k)]
            gap = entry - centre
            top = max(top, magnitude(entry))
            part += gap
            joint += gap * gap
        total += np.float64(part)
        square += np.float64(joint)
    shift = total / n
    return float_of(top), centre + shift, max(square / n - shift * shift, 0.0)


@part
def affine(v, n, factor, shift, out):
    """out = factor v + shift; (max|out|, |out|^2)."""
    widest_vectors()
    top, square = np.int32(0), 0.0
    for start in range(0, n, SUM_TILE):
        part = np.float32(0.0)
        for k in range(min(SUM_TILE, n - start)):
            i = np.uint64(start) + np.uint64(k)
            entry = factor * v[i] + shift
            out[i] = entry
            top = max(top, magnitude(entry))
            part += entry * entry
        square += np.float64(part)
    return float_of(top), square


@part
def rescale(v, n, factor):
    """v *= factor; (max|v|, |v|^2). Not `affine` onto itself: for all that its loop knows, entries might not be independent."""
    widest_vectors()
    top, square = np.int32(0), 0.0
    for start in range(0, n, SUM_TILE):
        part = np.float32(0.0)
        for k in range(min(SUM_TILE, n - start)):
            i = np.uint64(start) + np.uint64(k)
            entry = factor * v[i]
            v[i] = entry
            top = max(top, magnitude(entry))
            part += entry * entry
        square += np.float64(part)
    return float_of(top), square


@part
def combine(a, u, b, v, shift, n, out):
    """out = a u + b v + shift; max|out|."""
    widest_vectors()
    top = np.int32(0)
    for i in range(n):
        entry = a * u[i] + b * v[i] + shift
        out[i] = entry
        top = max(top, magnitude(entry))
    return float_of(top)


@part
def multiply(u, v, n, out):
    """out = u v, unit by unit; max|out|."""
    widest_vectors()
    top = np.int32(0)
    for i in range(n):
        entry = u[i] * v[i]
        out[i] = entry
        top = max(top, magnitude(entry))
    return float_of(top)


@internal
def copy(source, n, target):
    """target[:n] = source[:n]. In a loop: Numba's slices bring along the text of an error message, 3 s of compilation."""
    for i in range(n):
        target[i] = source[i]


@internal
def sum_of_squares(v, n):
    """In float64."""
    widest_vectors()
    total = 0.0
    for i in range(n):
        total += np.float64(v[i]) * np.float64(v[i])
    return total


@internal
def dot(u, v, n):
    """In float64."""
    widest_vectors()
    total = 0.0
    for i in range(n):
        total += np.float64(u[i]) * np.float64(v[i])
    return total


@internal
def normalise(v, n, exponent):
    """Bring max|v| into [1/16, 16) by a power of two; returns the exponent that goes with it (0 for a zero vector)."""
    return settle(v, n, largest(v, n), exponent)


@internal
def in_window(top):
    return LOWEST <= top < HIGHEST


@internal
def settle(v, n, top, exponent):
    """As `normalise`, for a vector whose largest entry is known."""
    if top == 0.0 or not np.isfinite(top):
        return 0
    if in_window(top):
        return exponent
    shift = exponent_of(np.float64(top))
    if shift < -120:  # 2^-shift itself would overflow float32
        lift = np.float32(2.0**60)
        for i in range(n):
            v[i] *= lift
        return normalise_once(v, n, shift + 60, exponent - 60)
    return normalise_once(v, n, shift, exponent)


@internal
def normalise_once(v, n, shift, exponent):
    scale = np.float32(power_of_two(-shift))
    for i in range(n):
        v[i] *= scale
    return exponent + shift


@part
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


@part
def log_mean(squares, exponents, rows, n):
    """The same from sums of squares of the rows."""
    if rows == 1:
        return math.log(squares[0] / n) + 2.0 * LN2 * exponents[0] if squares[0] != 0.0 else -np.inf
    top, total = NO_EXPONENT, 0.0
    for b in range(rows):
        if squares[b] != 0.0:
            top = max(top, exponents[b])
    for b in range(rows):
        if squares[b] != 0.0:
            total += squares[b] * power_of_two(2 * (exponents[b] - top))
    return math.log(total / (n * rows)) + 2.0 * LN2 * top if total != 0.0 else -np.inf


@internal
def raise_log(result, top, exponent):
    """The larger of `result` and the log of (2^exponent top)^2."""
    return max(result, 2.0 * (math.log(top) + LN2 * exponent)) if top > 0.0 else result


@internal
def log_largest(tops, exponents, rows):
    """Natural log of the largest squared entry, from the largest of each row; NaN if any is.

    One logarithm for rows with the same exponent: one a row took 8 ns, as much as finding the largest of 64 units.
    """
    result, top, exponent = -np.inf, 0.0, exponents[0]
    for b in range(rows):
        if np.isnan(tops[b]):
            return np.nan
        if exponents[b] != exponent:
            result, top, exponent = raise_log(result, top, exponent), 0.0, exponents[b]
        top = max(top, tops[b])
    return raise_log(result, top, exponent)


@internal
def log_largest_square(v, exponents, n):
    """Natural log of the largest squared entry; NaN if any entry is."""
    result, top, exponent = -np.inf, 0.0, exponents[0]
    for b in range(v.shape[0]):
        of_row = np.float64(largest(row(v, b), n))
        if np.isnan(of_row):
            return np.nan
        if exponents[b] != exponent:
            result, top, exponent = raise_log(result, top, exponent), 0.0, exponents[b]
        top = max(top, of_row)
    return raise_log(result, top, exponent)


@internal
def mean_cosine(v, squares, n):
    """(mean cosine, log of the mean of 1 - cosine) over pairs of rows; pairs with a zero row give NaN. `squares`: |v[b]|^2.

    1 - cosine is half the squared distance of the unit vectors, which does not cancel when rows nearly agree.
    """
    rows = v.shape[0]
    pairs, distance = rows * (rows - 1) // 2, 0.0
    for a in range(rows):
        for b in range(a):
            gap = unit_distance(row(v, a), inverse_length(squares[a]), row(v, b), inverse_length(squares[b]), n)
            distance += 0.5 * gap if not gap < ROUNDING else 0.0
    return 1.0 - distance / pairs, math.log(distance / pairs) if distance != 0.0 else -np.inf


@internal
def inverse_length(square):
    return 1.0 / math.sqrt(square) if square > 0.0 else np.nan


@internal
def unit_distance(u, u_factor, v, v_factor, n):
    """|u_factor u - v_factor v|^2."""
    widest_vectors()
    total = 0.0
    for i in range(n):
        difference = u_factor * np.float64(u[i]) - v_factor * np.float64(v[i])
        total += difference * difference
    return total
