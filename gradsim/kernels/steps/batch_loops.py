"""Loops of BatchNorm over the units, for a row or two at a time; sums in float64, what comes of them in float32."""

import numpy as np

from ..cancellation import FAINT
from ..compilation import internal, widest_vectors
from ..elementary import float_of
from ..rare import rarely_called
from ..vectors import SUM_TILE, magnitude, measure
from ..windows import row

FIRST_GUESS = np.int64(0x5FE6EB50C7B537A9)  # less half the bits of x: those of 1 / sqrt(x) to 3.5 % (Lomont 2003)
FRACTION, ONE = np.int64((1 << 52) - 1), np.int64(1023 << 52)  # bits of a float64: its fraction, and 1.0


@internal
def member(b, values, factors):
    """Row b and its factor; any row and 0 behind the last."""
    inside = b < values.shape[0]
    return row(values, b if inside else 0), factors[b] if inside else 0.0


@internal
def add_moments(values, factors, b, n, sums, squares):
    """sums += v, squares += v^2 over two rows from b on, so that sums are read and written once for both.

    (Of four rows LLVM would have to compare more addresses than it is willing to before a loop, and not vectorise it.)
    """
    widest_vectors()
    v_0, f_0 = member(b, values, factors)
    v_1, f_1 = member(b + 1, values, factors)
    for i in range(n):
        entry_0, entry_1 = f_0 * np.float64(v_0[i]), f_1 * np.float64(v_1[i])
        sums[i] += entry_0 + entry_1
        squares[i] += entry_0 * entry_0 + entry_1 * entry_1


@internal
def add_products(d, d_factor, y, y_factor, n, sums, products):
    """sums += d, products += d y, each times its factor."""
    widest_vectors()
    for i in range(n):
        entry = d_factor * np.float64(d[i])
        sums[i] += entry
        products[i] += entry * (y_factor * np.float64(y[i]))


@internal
def clear_sums(first, second, n):
    for i in range(n):
        first[i] = 0.0
        second[i] = 0.0


@internal
def inverse_root_of_many(x):
    """1 / sqrt(x) to 1e-10, infinite at 0: Newton's method, in half the time of a division and a root of vectors."""
    root = np.int64(FIRST_GUESS - (np.float64(x).view(np.int64) >> 1)).view(np.float64)
    for _ in range(3):
        root *= 1.5 - 0.5 * (x * root) * root
    return root if x != 0.0 else np.inf


@internal
def deviations(variance_scale, epsilon, rows, n, means, inverses):
    """From sums and sums of squares to means and 1/S; returns whether a unit's variance is rounding."""
    widest_vectors()
    faint = np.int64(0)
    for i in range(n):
        mean, square = means[i] / rows, inverses[i] / rows
        variance = max(square - mean * mean, 0.0)
        faint |= np.int64((variance <= FAINT * FAINT * square) & (square > 0.0))
        means[i] = mean
        inverses[i] = inverse_root_of_many(variance * variance_scale + epsilon)
    return faint != 0


@internal
def keep_inverses(inverses, n, fractions, exponents):
    """From their bits: powers of two are calls otherwise, in a loop that then does not vectorise."""
    widest_vectors()
    for i in range(n):
        bits = np.float64(inverses[i]).view(np.int64)
        fractions[i] = np.float32(np.int64((bits & FRACTION) | ONE).view(np.float64))
        exponents[i] = np.float32(((bits >> 52) & 2047) - 1023)


@internal
def narrow(means, inverses, n, centres, shifts):
    """Of y = (v - centre) / S + shift, in float32."""
    widest_vectors()
    for i in range(n):
        centre = np.float32(means[i])
        centres[i] = centre
        shifts[i] = np.float32((np.float64(centre) - means[i]) * inverses[i])


@internal
def narrow_product(factor, u, v, n, out):
    """out = factor u v in float32."""
    widest_vectors()
    for i in range(n):
        out[i] = np.float32(factor * u[i] * v[i])


@internal
def narrow_copy(u, n, out):
    """out = u in float32; the largest of u."""
    widest_vectors()
    top = np.int64(0)
    for i in range(n):
        out[i] = np.float32(u[i])
        top = max(top, np.float64(u[i]).view(np.int64))
    return np.int64(top).view(np.float64)


@internal
def standardise(v, row_factor, centres, factors, shifts, n, out):
    """out = (v - mean) / S; (max|out|, |out|^2). The product keeps both differences apart, so that the first is exact where
    inputs nearly agree."""
    widest_vectors()
    top, square = np.int32(0), 0.0
    for start in range(0, n, SUM_TILE):
        part = np.float32(0.0)
        for k in range(min(SUM_TILE, n - start)):
            i = np.uint64(start) + np.uint64(k)
            entry = factors[i] * (row_factor * v[i] - centres[i]) + shifts[i]
            out[i] = entry
            top = max(top, magnitude(entry))
            part += entry * entry
        square += np.float64(part)
    return float_of(top), square


@internal
def standardise_wide(v, row_factor, means, inverses, n, out):
    """The same for units of which some are beyond float32, seen from the others."""
    rarely_called()
    for i in range(n):
        out[i] = np.float32((row_factor * np.float64(v[i]) - means[i]) * inverses[i])
    return measure(out, n)


@internal
def largest_exponent(exponents, n):
    """As integers: of floats, LLVM must allow for NaN, and the loop does not vectorise."""
    widest_vectors()
    top = np.int32(exponents[0])
    for i in range(n):
        top = max(top, np.int32(exponents[i]))
    return np.int64(top)


@internal
def inverses_of(fractions, exponents, top, n, out):
    """out = 1/S over 2^top, 0 where the unit is held; returns whether one is."""
    widest_vectors()
    held = np.int64(0)
    for i in range(n):
        held |= np.int64(fractions[i] < 0.0)
        below = max(np.int64(exponents[i]) - top, -1022)
        out[i] = max(np.float64(fractions[i]), 0.0) * np.int64((below + 1023) << 52).view(np.float64)
    return held != 0


@internal
def project(d, d_factor, y, y_factor, a, b, e, n, out):
    """out = a d - b - e y; max|out|. a is 1/S, b and e are the means of d and of d y over it."""
    widest_vectors()
    top = np.int32(0)
    for i in range(n):
        entry = d_factor * a[i] * d[i] - b[i] - y_factor * e[i] * y[i]
        out[i] = entry
        top = max(top, magnitude(entry))
    return float_of(top)


@internal
def size_of_projection(d, d_factor, y, y_factor, a, b, e, n):
    """The largest sum of what is added in `project`."""
    rarely_called()
    size = 0.0
    for i in range(n):
        size = max(size, abs(d_factor * a[i] * d[i]) + abs(b[i]) + abs(y_factor * e[i] * y[i]))
    return np.float64(size)
