"""What is recorded of norms: the gradients of their gains, sum_b d_b y_b, and of their shifts, sum_b d_b, unit by unit."""

import math

import numpy as np

from ..cancellation import FAINT, RESOLUTION, mark, may_hold
from ..compilation import internal, widest_vectors
from ..rare import rarely_called
from ..record import NORM_GAIN_GRADIENT, NORM_SHIFT_GRADIENT, put
from ..vectors import LN2, NO_EXPONENT, measure, power_of_two
from ..windows import row
from ..workspace import vector


@internal
def top_exponents(out, d, scratch):
    """Those of sum_b d_b y_b and of sum_b d_b, from the squares of d in the scratch space."""
    gain, shift = NO_EXPONENT, NO_EXPONENT
    for b in range(d.exponents.size):
        if scratch.squares[b] != 0.0:
            shift = max(shift, d.exponents[b])
            if out.squares[b] != 0.0:
                gain = max(gain, d.exponents[b] + out.exponents[b])
    return gain, shift


@internal
def add_row(d, d_factor, y, product_factor, n, gains, shifts):
    """gains += product_factor d y, shifts += d_factor d."""
    widest_vectors()
    for i in range(n):
        gains[i] += product_factor * (d[i] * y[i])
        shifts[i] += d_factor * d[i]


@internal
def factor_below(exponent, top):
    """2^(exponent - top) of a row that counts; a row of zeros may have any exponent."""
    return np.float32(power_of_two(exponent - top) if exponent <= top else 0.0)


@internal
def square_of_sizes(out, d, top, of_gains, scratch):
    """|sum_b |d_b y_b||^2 or |sum_b |d_b||^2, over 2^(2 top)."""
    rarely_called()
    sizes, n = row(scratch.residuals, 0), d.n
    for i in range(n):
        sizes[i] = 0.0
    for b in range(d.exponents.size):
        exponent = d.exponents[b] + (out.exponents[b] if of_gains else 0)
        factor = np.float64(factor_below(exponent, top))
        for i in range(n):
            y = np.float64(out.values[b, i]) if of_gains else 1.0
            sizes[i] += factor * abs(np.float64(d.values[b, i]) * y)
    total = 0.0
    for i in range(n):
        total += sizes[i] * sizes[i]
    return total


@internal
def log_sum(quantity, square, out, d, top, scratch):
    """Log mean square over the units of one of the sums, `square` long without its exponent; marked if it is roundings."""
    of_gains, rows, n = quantity == NORM_GAIN_GRADIENT, d.exponents.size, d.n
    if square <= (256.0 * FAINT * rows) ** 2 * n and may_hold(scratch):
        size = square_of_sizes(out, d, top, of_gains, scratch)
        if size > 0.0 and square <= FAINT * FAINT * size:
            square = RESOLUTION * RESOLUTION * size
            mark(quantity, scratch)
    return math.log(square / n) + 2.0 * LN2 * top if square != 0.0 else -np.inf


@internal
def record_sums(out, d, with_shift, place, scratch, record):
    """Both at `place`, for two rows or more, from the squares of the rows of d in the scratch space."""
    n, rows = d.n, d.values.shape[0]
    sums = vector(scratch.fresh, 0, np.int64(2), n)
    gains, shifts = row(sums, 0), row(sums, 1)
    gain_top, shift_top = top_exponents(out, d, scratch)
    for i in range(n):
        gains[i] = 0.0
        shifts[i] = 0.0
    for b in range(rows):
        d_factor = factor_below(d.exponents[b], shift_top)
        product_factor = factor_below(d.exponents[b] + out.exponents[b], gain_top)
        add_row(row(d.values, b), d_factor, row(out.values, b), product_factor, n, gains, shifts)
    put(record, NORM_GAIN_GRADIENT, place, log_sum(NORM_GAIN_GRADIENT, measure(gains, n)[1], out, d, gain_top, scratch))
    if with_shift:
        shift = log_sum(NORM_SHIFT_GRADIENT, measure(shifts, n)[1], out, d, shift_top, scratch)
        put(record, NORM_SHIFT_GRADIENT, place, shift)
