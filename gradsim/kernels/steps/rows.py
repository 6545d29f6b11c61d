"""Loops over the units of a row that several steps need."""

import numpy as np

from ..compilation import elementary, internal, widest_vectors
from ..elementary import float_of
from ..vectors import NO_EXPONENT, SUM_TILE, largest, magnitude
from ..windows import row

SPREAD = 16  # exponents of rows that are closer than this are aligned as they are, with rows of zeros among them


@internal
def clear_padding(v, n):
    """Zeros behind column n."""
    for i in range(n, v.size):
        v[i] = 0.0


@internal
def weighted_sum(a, u, b, v, n, out):
    """out = a u + b v; (max|out|, |out|^2)."""
    widest_vectors()
    top, square = np.int32(0), 0.0
    for start in range(0, n, SUM_TILE):
        part = np.float32(0.0)
        for k in range(min(SUM_TILE, n - start)):
            i = np.uint64(start) + np.uint64(k)
            entry = a * u[i] + b * v[i]
            out[i] = entry
            top = max(top, magnitude(entry))
            part += entry * entry
        square += np.float64(part)
    return float_of(top), square


@internal
def add_onto(a, u, b, v, n):
    """v = a u + b v; max|v|."""
    widest_vectors()
    top = np.int32(0)
    for i in range(n):
        entry = a * u[i] + b * v[i]
        v[i] = entry
        top = max(top, magnitude(entry))
    return float_of(top)


@internal
def multiple(factor, v, n, out):
    """out = factor v; max|out|."""
    widest_vectors()
    top = np.int32(0)
    for i in range(n):
        entry = factor * v[i]
        out[i] = entry
        top = max(top, magnitude(entry))
    return float_of(top)


@elementary
def multiple_of_gaps(factor, v, centre, shift, n, out):
    """out = factor (v - centre) + shift; max|out|. In this order: the difference is exact where units nearly agree."""
    widest_vectors()
    top = np.int32(0)
    for i in range(n):
        entry = factor * (v[i] - centre) + shift
        out[i] = entry
        top = max(top, magnitude(entry))
    return float_of(top)


@internal
def sums_of_gaps(v, centre, n):
    """(sum, sum of squares) of v - centre."""
    widest_vectors()
    total, square = 0.0, 0.0
    for start in range(0, n, SUM_TILE):
        part, joint = np.float32(0.0), np.float32(0.0)
        for k in range(min(SUM_TILE, n - start)):
            gap = v[np.uint64(start) + np.uint64(k)] - centre
            part += gap
            joint += gap * gap
        total += np.float64(part)
        square += np.float64(joint)
    return total, square


@internal
def centre_of(v, n):
    """(centre, rest, variance): the mean is centre + rest, the first of them a float32.

    About the first unit, so that equal units have no variance at all, or about the mean if that unit is far from it.
    """
    centre = v[0]
    total, square = sums_of_gaps(v, centre, n)
    rest = total / n
    variance = square / n - rest * rest
    if variance < 0.25 * rest * rest:
        centre = np.float32(centre + rest)
        total, square = sums_of_gaps(v, centre, n)
        rest = total / n
        variance = square / n - rest * rest
    return centre, rest, max(variance, 0.0)


@internal
def sums_of_products(d, y, n):
    """(sum of d, |d|^2, d . y, sum of (d y)^2 over the units)."""
    widest_vectors()
    total, square, along, gain = 0.0, 0.0, 0.0, 0.0
    for start in range(0, n, SUM_TILE):
        part, part_square, joint = np.float32(0.0), np.float32(0.0), np.float32(0.0)
        joint_square = np.float32(0.0)
        for k in range(min(SUM_TILE, n - start)):
            i = np.uint64(start) + np.uint64(k)
            product = d[i] * y[i]
            part += d[i]
            part_square += d[i] * d[i]
            joint += product
            joint_square += product * product
        total += np.float64(part)
        square += np.float64(part_square)
        along += np.float64(joint)
        gain += np.float64(joint_square)
    return total, square, along, gain


@internal
def top_exponent(v, n):
    """The largest exponent of a row of the Vector v that is not zero; 0 if all are. Looked at only where it matters."""
    top, low, exponents = v.exponents[0], v.exponents[0], v.exponents
    for b in range(exponents.size):
        top, low = max(top, exponents[b]), min(low, exponents[b])
    if top - low <= SPREAD:
        return top
    top = NO_EXPONENT
    for b in range(exponents.size):
        if largest(row(v.values, b), n) != 0.0:
            top = max(top, exponents[b])
    return top if top != NO_EXPONENT else np.int64(0)
