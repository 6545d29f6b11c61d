"""LayerNorm and RMSNorm: the units of each input over S, their deviation, with gain 1 and shift 0.

    LayerNorm   y = (x - mean x) / S, S^2 = variance + epsilon       g = (d - mean d - y mean(d y)) / S
    RMSNorm     y = x / S, S^2 = mean square + epsilon               g = (d - y mean(d y)) / S

over the units of a row (Ba et al. 2016, arXiv:1607.06450; Zhang & Sennrich 2019, arXiv:1910.07467). The gradients are
exact with epsilon, since y is what came out. Epsilon is in true scale: a row of 1e-30 is divided by sqrt(epsilon).

0/0 is NaN, as in the frameworks: a row of zeros, or LayerNorm of one unit, with epsilon 0. Units that agree to float32's
digits have an unresolved variance, whether their bits differ or not: the row is held at what roundings could make of it,
at most sqrt(n - 1), and its gradient at what comes in over the smallest S; but where S is the root of epsilon whatever the
variance, the gradient is what it is. One unit less its mean is exactly zero, and so is a row of zeros.
"""

import math

import numpy as np

from ..cancellation import FAINT, RESOLUTION, hold, may_hold
from ..compilation import internal, part
from ..rare import rarely_called
from ..record import NORM_GAIN_GRADIENT, NORM_SHIFT_GRADIENT, put
from ..vectors import LN2, combine, in_window, largest, measure, power_of_two, settle
from ..windows import row
from .deviation import (
    DAMPED,
    EPSILON,
    FREE,
    HELD,
    KEPT,
    damping,
    epsilon_parameters,
    inverse_deviation,
    is_held,
    keep_deviation,
    kept_deviation,
)
from .gains import record_sums
from .rows import centre_of, clear_padding, multiple_of_gaps, sums_of_products

# A cotangent along y is what rounding leaves of it if no more than ROUNDINGS of what is added: up to 2.1 times FAINT was
# found in 5 widths to 4,096, since mean and S have roundings of their own. It is no larger than BOUND then.
ROUNDINGS, BOUND = 4.0 * FAINT, 2.0 * RESOLUTION
LAYER_NORM, RMS_NORM = np.int64(0), np.int64(1)  # variants


def parameters(norm):
    """(variant, parameters) of a LayerNorm or RMSNorm."""
    return (LAYER_NORM if norm.centred else RMS_NORM), epsilon_parameters(norm.epsilon)


def kept_numbers(rows, n):
    """float32 numbers that a norm keeps behind its vector."""
    return KEPT * rows


def nanoseconds(rows, n):
    """About how long a norm takes on one core, forward and back, by bench/steps.py."""
    return 60 + rows * (80 + 0.6 * n)


@internal
def hold_norm(p, size, x_exponent, out, kept, b, scratch):
    """Row b of `out`, a Vector, at the most that units can be which differ by `size` 2^x_exponent at the most."""
    rarely_called()
    n, after = out.n, row(out.values, b)
    most, exponent = math.sqrt(n - 1.0), np.int64(0)
    inverse, t = inverse_deviation(p, 0.0 if p[EPSILON] != 0.0 else size * size, x_exponent)
    if p[EPSILON] != 0.0 and size * inverse * power_of_two(x_exponent - t) < most:
        most, exponent = size * inverse, x_exponent - t
    hold(after, n, np.float32(most), b, scratch)
    out.exponents[b] = settle(after, n, np.float32(most), exponent)
    out.squares[b] = measure(after, n)[1]
    # S is the root of epsilon where y is that small: only y is in doubt, and not its gradient
    keep_deviation(kept, b, inverse, t, HELD if most * power_of_two(exponent) > DAMPED else FREE)


@internal
def is_faint(variance, mean, n, scratch):
    """Whether what units differ by is rounding: never of zeros, nor of one unit."""
    return n > 1 and mean != 0.0 and variance <= FAINT * FAINT * (variance + mean * mean) and may_hold(scratch)


@part
def norm_forward(variant, p, x, out, kept, scratch):
    """out = y; `kept` float32 (kept_numbers,) takes S."""
    n = x.n
    for b in range(x.values.shape[0]):
        before, after = row(x.values, b), row(out.values, b)
        centre, rest, mean, variance = np.float32(0.0), 0.0, 0.0, 0.0
        if variant == LAYER_NORM:
            centre, rest, variance = centre_of(before, n)
            mean = centre + rest
        else:
            variance = measure(before, n)[1] / n
        if is_faint(variance, mean, n, scratch):
            size = abs(mean) * (2.0 if scratch.doubts[b] != 0 else RESOLUTION)
            hold_norm(p, size, x.exponents[b], out, kept, b, scratch)
        else:
            inverse, t = inverse_deviation(p, variance, x.exponents[b])
            top = multiple_of_gaps(np.float32(inverse), before, centre, np.float32(-inverse * rest), n, after)
            exponent = x.exponents[b] - t
            out.squares[b] = n * variance * inverse * inverse
            out.exponents[b] = exponent
            if not in_window(top):
                out.exponents[b] = settle(after, n, top, exponent)
                out.squares[b] = measure(after, n)[1]
            keep_deviation(kept, b, inverse, t, FREE)
        clear_padding(after, n)


@internal
def hold_cotangent(d_row, size, inverse, top, exponent, g_row, n, b, scratch):
    """The exponent of row b of a cotangent, held if it is the roundings of `size`; what is in doubt has no digits."""
    rarely_called()
    if size > 0.0 and top <= ROUNDINGS * size and may_hold(scratch):
        doubtful = scratch.doubts[b] != 0
        top = np.float32(inverse * math.sqrt(measure(d_row, n)[1]) if doubtful else BOUND * size)
        hold(g_row, n, top, b, scratch)
    return settle(g_row, n, top, exponent)


@internal
def few_units_back(p, inverse, t, d_row, mean, d_exponent, g_row, n, b, scratch):
    """g = (d - mean) epsilon / S^3, where nothing is left of d but what is along y: the exponent of row b."""
    rarely_called()
    share, exponent = damping(p, inverse, t)
    factor = share * inverse
    top = 0.0
    for i in range(n):
        gap = np.float64(d_row[i]) - mean
        g_row[i] = np.float32(factor * gap)
        top = max(top, abs(gap))
    size = np.float64(largest(d_row, n))
    exponent += d_exponent - t
    if n > 1 and factor > 0.0 and size > 0.0 and top <= FAINT * size and may_hold(scratch):
        size *= factor * (1.0 if scratch.doubts[b] != 0 else RESOLUTION)
        hold(g_row, n, np.float32(size), b, scratch)
    return settle(g_row, n, largest(g_row, n), exponent)


@internal
def held_row_back(inverse, t, square, d_exponent, g_row, n, b, scratch):
    """The exponent of a row of g behind a y that is held: |g| is at most |d| over the smallest S."""
    rarely_called()
    top = np.float32(inverse * math.sqrt(square))
    for i in range(n):
        g_row[i] = 0.0
    if top != 0.0:
        hold(g_row, n, top, b, scratch)
    return settle(g_row, n, top, d_exponent - t)


@internal
def one_row_back(centred, p, out, kept, d, g, b, scratch):
    """Row b of g, from the sums in the scratch space."""
    n, after, seen, below = d.n, row(d.values, b), row(out.values, b), row(g.values, b)
    inverse, t = kept_deviation(kept, b)
    mean = scratch.tops[b] / n if centred else 0.0
    if is_held(kept, b):
        return held_row_back(inverse, t, scratch.squares[b], d.exponents[b], below, n, b, scratch)
    if n <= (2 if centred else 1):
        return few_units_back(p, inverse, t, after, mean, d.exponents[b], below, n, b, scratch)
    along = scratch.left[b] / n * power_of_two(2 * out.exponents[b])
    lift, shift = inverse * along, inverse * mean
    top = combine(np.float32(inverse), after, np.float32(-lift), seen, np.float32(-shift), n, below)
    exponent = d.exponents[b] - t
    if in_window(top):
        return exponent
    if top <= 16.0 * ROUNDINGS * (inverse + abs(lift) + abs(shift)):
        size = inverse * np.float64(largest(after, n)) + abs(lift) * np.float64(largest(seen, n)) + abs(shift)
        return hold_cotangent(after, size, inverse, top, exponent, below, n, b, scratch)
    return settle(below, n, top, exponent)


@part
def norm_backward(variant, p, out, kept, d, g, place, scratch, record):
    """g, and the gradients of gain and shift at `place`."""
    n, rows, centred, gain = d.n, d.values.shape[0], variant == LAYER_NORM, 0.0
    for b in range(rows):
        total, square, along, gain = sums_of_products(row(d.values, b), row(out.values, b), n)
        scratch.tops[b], scratch.squares[b], scratch.left[b] = total, square, along
        g.exponents[b] = one_row_back(centred, p, out, kept, d, g, b, scratch)
        clear_padding(row(g.values, b), n)
    if rows > 1:
        record_sums(out, d, centred, place, scratch, record)
    else:
        put(record, NORM_GAIN_GRADIENT, place, log_of_square(gain / n, d.exponents[0] + out.exponents[0]))
        if centred:
            put(record, NORM_SHIFT_GRADIENT, place, log_of_square(scratch.squares[0] / n, d.exponents[0]))


@internal
def log_of_square(square, exponent):
    """log(4^exponent square)."""
    return math.log(square) + 2.0 * LN2 * exponent if square != 0.0 else -np.inf


@part
def forward(step, tape, scratch, record):
    norm_forward(step.variant, step.p, step.x, step.out, step.kept, scratch)


@part
def backward(step, tape, scratch, record):
    norm_backward(step.variant, step.p, step.out, step.kept, step.d, step.g, step.place, scratch, record)
