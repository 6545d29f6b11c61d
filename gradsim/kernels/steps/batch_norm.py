"""BatchNorm over the B inputs that are carried side by side, with gain 1 and shift 0, for each unit by itself:

    y = (x - mean x) / S, S^2 = variance + epsilon       g = (d - mean d - y mean(d y)) / S

with means over the inputs and the biased variance, as in training (Ioffe & Szegedy 2015, arXiv:1502.03167). Exact with
epsilon, which is in true scale. Rows are aligned to their largest exponent, and sums are in float64, so that a unit whose
inputs differ by 2^-500 of the largest entry still has a variance.

Of two inputs nothing of d is left but epsilon's part, (d - mean d) epsilon / S^3: exactly zero with epsilon 0. 0/0 is NaN
(a unit that is zero for all inputs, epsilon 0). A unit whose inputs agree to float32's digits is unresolved, whether their
bits differ or not: it is held at what roundings could make of it, and a row of which that is a noticeable part is in doubt.
"""

import math

import numpy as np

from ..cancellation import DOUBTFUL, FAINT, NEW, RESOLUTION, hold, may_hold
from ..compilation import internal, part, widest_vectors
from ..rare import rarely_called
from ..record import NORM_GAIN_GRADIENT, NORM_SHIFT_GRADIENT, put
from ..vectors import (
    exponent_of,
    in_window,
    largest,
    measure,
    power_of_two,
    settle,
    sum_of_squares,
)
from ..windows import row, window
from ..workspace import padded, padded_width
from .batch_loops import (
    add_moments,
    add_products,
    clear_sums,
    deviations,
    inverses_of,
    keep_inverses,
    largest_exponent,
    narrow,
    narrow_copy,
    narrow_product,
    project,
    size_of_projection,
    standardise,
    standardise_wide,
)
from .deviation import (
    DAMPED,
    EPSILON,
    EPSILON_EXPONENT,
    FREE,
    KEPT,
    ONLY,
    common_scale,
    epsilon_parameters,
    keep_deviation,
    kept_deviation,
    scaled_epsilon,
)
from .gains import log_sum
from .norm import BOUND, ROUNDINGS
from .rows import clear_padding, top_exponent

CLOSE = np.float32(2.0**-10)  # what may be roundings of a cotangent over S
NOTICEABLE = 2.0**-20  # of a row's square
WIDE = 2.0**100  # 1/S of units that are so much smaller than others is beyond float32


def parameters(norm):
    """(variant, parameters) of a BatchNorm."""
    return 0, epsilon_parameters(norm.epsilon)


def kept_numbers(rows, n):
    """float32 numbers that BatchNorm keeps behind its vector: 1/S of each unit, in two halves, and their exponent."""
    return KEPT + 2 * padded_width(n)


def nanoseconds(rows, n):
    """About how long BatchNorm takes on one core, forward and back, by bench/steps.py."""
    return 700 + rows * n


@internal
def halves(kept, n):
    """1/S of the units without their exponents, negative where the unit is held, and these exponents."""
    width = np.int64(padded(n))
    return window(kept, KEPT, (width,)), window(kept, KEPT + width, (width,))


@internal
def factor_of(exponent, top):
    """2^(exponent - top); a row of zeros may have any exponent."""
    return power_of_two(exponent - top) if exponent <= top else 0.0


@internal
def row_factors(exponents, top, factors):
    """factors[b] = 2^(exponents[b] - top); a row of zeros may have any exponent."""
    for b in range(exponents.size):
        factors[b] = factor_of(exponents[b], top)


@internal
def unit_moments(x, x_top, i):
    """(mean square, variance) of unit i over the rows, aligned to x_top."""
    mean, square, rows = 0.0, 0.0, x.exponents.size
    for b in range(rows):
        entry = factor_of(x.exponents[b], x_top) * np.float64(x.values[b, i])
        mean += entry / rows
        square += entry * entry / rows
    return square, max(square - mean * mean, 0.0)


@internal
def raised(v, n, now, exponent):
    """The exponent of a row of zeros, or small ones, that is about to have an entry of order 2^exponent."""
    top = largest(v, n)
    if top != 0.0 and now > exponent - 60:
        return now
    factor = np.float32(power_of_two(now - exponent)) if top != 0.0 else np.float32(0.0)
    for i in range(n):
        v[i] *= factor
    return exponent


@internal
def hold_units(p, x, out, kept, x_top, t, scratch):
    """Units whose variance is rounding, at the most that it could be, in every row; their 1/S is the largest possible.

    Where that is so little that S is the root of epsilon, y is in doubt and its gradient is not."""
    rarely_called()
    n, rows, held, unit = x.n, x.values.shape[0], scratch.left, RESOLUTION
    fractions, exponents = halves(kept, n)
    for b in range(rows):
        held[b] = 0.0
        out.exponents[b] = raised(row(out.values, b), n, out.exponents[b], x_top - t)
        if scratch.doubts[b] != 0:
            unit = 2.0
    most = math.sqrt(rows - 1.0) * power_of_two(t - x_top)
    for i in range(n):
        square, variance = unit_moments(x, x_top, i)
        if square > 0.0 and variance <= FAINT * FAINT * square:
            size = unit * math.sqrt(square)
            inverse = 1.0 / (math.sqrt(scaled_epsilon(p, t)) if p[EPSILON] != 0.0 else size)
            size = min(most, size * inverse) if p[EPSILON] != 0.0 else most
            exponent = exponent_of(inverse)
            sign = 1.0 if size * power_of_two(x_top - t) <= DAMPED else -1.0
            fractions[i], exponents[i] = np.float32(sign * inverse * power_of_two(-exponent)), np.float32(exponent)
            for b in range(rows):
                entry = size * power_of_two(x_top - t - out.exponents[b])
                out.values[b, i] = np.float32(entry)
                held[b] += entry * entry
    for b in range(rows):
        out.exponents[b] = settle_held(row(out.values, b), n, out.exponents[b], held[b], b, scratch)
        out.squares[b] = measure(row(out.values, b), n)[1]


@internal
def settle_held(v, n, exponent, held, b, scratch):
    """The exponent of a row of which `held` is the square of what is held."""
    top, square = measure(v, n)
    if held > NOTICEABLE * square:
        scratch.doubts[b] |= NEW
        scratch.state[DOUBTFUL] = 1
    return settle(v, n, top, exponent)


@internal
def batch_norm_forward(p, x, out, kept, scratch):
    """out = y; `kept` float32 (kept_numbers,) takes 1/S."""
    widest_vectors()
    n, rows, means, inverses = x.n, x.values.shape[0], scratch.signs, scratch.logs
    x_top = top_exponent(x, n)
    t = common_scale(p, x_top)
    clear_sums(means, inverses, n)
    row_factors(x.exponents, x_top, scratch.left)
    for b in range(0, rows, 2):
        add_moments(x.values, scratch.left, b, n, means, inverses)
    faint = deviations(power_of_two(2 * (x_top - t)), scaled_epsilon(p, t), rows, n, means, inverses)
    fractions, exponents = halves(kept, n)
    keep_inverses(inverses, n, fractions, exponents)
    keep_deviation(kept, ONLY, 1.0, t, FREE)
    centres, factors, shifts = scratch.floats, scratch.fresh, scratch.room
    narrow(means, inverses, n, centres, shifts)
    plain = narrow_copy(inverses, n, factors) < WIDE
    for b in range(rows):
        before, after, row_factor = row(x.values, b), row(out.values, b), scratch.left[b]
        if plain:
            top, square = standardise(before, np.float32(row_factor), centres, factors, shifts, n, after)
        else:
            top, square = standardise_wide(before, row_factor, means, inverses, n, after)
        exponent = x_top - t
        if not in_window(top):
            exponent = settle(after, n, top, exponent)
            square = measure(after, n)[1]
        out.exponents[b], out.squares[b] = exponent, square
        clear_padding(after, n)
    if faint and rows > 1 and may_hold(scratch):
        hold_units(p, x, out, kept, x_top, t, scratch)


@internal
def hold_row(size, spread, top, exponent, g, n, b, scratch):
    """The exponent of row b of a cotangent, held if it is the roundings of `size`; `spread` times that if it is in doubt."""
    rarely_called()
    if size > 0.0 and top <= ROUNDINGS * size and may_hold(scratch):
        top = np.float32(size * (spread if scratch.doubts[b] != 0 else BOUND))
        hold(g, n, top, b, scratch)
    return settle(g, n, top, exponent)


@internal
def many_rows_back(out, d, g, y_top, d_top, exponent, inverses, scratch):
    """g, its rows with this exponent before they are normalised, from sums and products in the scratch space."""
    widest_vectors()
    n, rows = d.n, d.values.shape[0]
    a, c, e = scratch.floats, scratch.fresh, scratch.room
    narrow_copy(inverses, n, a)
    narrow_product(1.0 / rows, inverses, scratch.signs, n, c)
    narrow_product(power_of_two(2 * y_top) / rows, inverses, scratch.logs, n, e)
    for b in range(rows):
        before, seen, below = row(d.values, b), row(out.values, b), row(g.values, b)
        d_factor = np.float32(factor_of(d.exponents[b], d_top))
        y_factor = np.float32(factor_of(out.exponents[b], y_top))
        top = project(before, d_factor, seen, y_factor, a, c, e, n, below)
        g.exponents[b] = exponent
        if not in_window(top):
            size = size_of_projection(before, d_factor, seen, y_factor, a, c, e, n) if top <= CLOSE else 0.0
            g.exponents[b] = hold_row(size, math.sqrt(rows), top, exponent, below, n, b, scratch)


@internal
def few_rows_back(p, d, g, d_top, exponent, inverses, sums, scratch):
    """g = (d - mean d) epsilon / S^3 of two rows; of one, it is zero."""
    n, rows = d.n, d.values.shape[0]
    for b in range(rows):
        before, below, factor = row(d.values, b), row(g.values, b), factor_of(d.exponents[b], d_top)
        size = 0.0
        for i in range(n):
            share = p[EPSILON] * inverses[i] * inverses[i] * inverses[i]
            below[i] = np.float32(share * (factor * np.float64(before[i]) - sums[i] / rows))
            size = max(size, share * abs(factor * np.float64(before[i])) if rows > 1 else 0.0)
        g.exponents[b] = hold_row(size, 1.0, largest(below, n), exponent, below, n, b, scratch)


@internal
def hold_units_back(kept, d, g, d_top, top_inverse, exponent, scratch):
    """Of a unit whose y is held, g is at most |d| over the smallest S."""
    rarely_called()
    n, rows, held = d.n, d.values.shape[0], scratch.left
    fractions, exponents = halves(kept, n)
    for b in range(rows):
        held[b] = 0.0
        g.exponents[b] = raised(row(g.values, b), n, g.exponents[b], exponent)
    for i in range(n):
        if fractions[i] < 0.0:
            square = 0.0
            for b in range(rows):
                square += (factor_of(d.exponents[b], d_top) * np.float64(d.values[b, i])) ** 2
            size = abs(np.float64(fractions[i])) * power_of_two(np.int64(exponents[i]) - top_inverse) * math.sqrt(square)
            for b in range(rows):
                entry = size * power_of_two(exponent - g.exponents[b])
                g.values[b, i] = np.float32(entry)
                held[b] += entry * entry
    for b in range(rows):
        g.exponents[b] = settle_held(row(g.values, b), n, g.exponents[b], held[b], b, scratch)


@internal
def record_gradients(out, d, y_top, d_top, place, scratch, record):
    """The gradients of gain and shift, from products and sums in the scratch space."""
    gain, shift = sum_of_squares(scratch.logs, d.n), sum_of_squares(scratch.signs, d.n)
    put(record, NORM_GAIN_GRADIENT, place, log_sum(NORM_GAIN_GRADIENT, gain, out, d, d_top + y_top, scratch))
    put(record, NORM_SHIFT_GRADIENT, place, log_sum(NORM_SHIFT_GRADIENT, shift, out, d, d_top, scratch))


@internal
def batch_norm_backward(p, out, kept, d, g, place, scratch, record):
    """g, and the gradients of gain and shift at `place`."""
    widest_vectors()
    n, rows, sums, products = d.n, d.values.shape[0], scratch.signs, scratch.logs
    d_top, y_top = top_exponent(d, n), top_exponent(out, n)
    clear_sums(sums, products, n)
    for b in range(rows):
        d_factor, y_factor = factor_of(d.exponents[b], d_top), factor_of(out.exponents[b], y_top)
        add_products(row(d.values, b), d_factor, row(out.values, b), y_factor, n, sums, products)
    record_gradients(out, d, y_top, d_top, place, scratch, record)
    _, t = kept_deviation(kept, ONLY)
    inverses = row(scratch.residuals, 0)
    fractions, exponents = halves(kept, n)
    top_inverse = largest_exponent(exponents, n)
    held = inverses_of(fractions, exponents, top_inverse, n, inverses)
    exponent = d_top - t + top_inverse
    if rows <= 2:
        exponent += 2 * (top_inverse + np.int64(p[EPSILON_EXPONENT]) - t)
        few_rows_back(p, d, g, d_top, exponent, inverses, sums, scratch)
    else:
        many_rows_back(out, d, g, y_top, d_top, exponent, inverses, scratch)
    if held:
        hold_units_back(kept, d, g, d_top, top_inverse, d_top - t + top_inverse, scratch)
    for b in range(rows):
        clear_padding(row(g.values, b), n)


@part
def forward(step, tape, scratch, record):
    batch_norm_forward(step.p, step.x, step.out, step.kept, scratch)


@part
def backward(step, tape, scratch, record):
    batch_norm_backward(step.p, step.out, step.kept, step.d, step.g, step.place, scratch, record)
