"""What every linear step has, h = W x + b with W = 2^T (m 1 1^T + s G): its parameters, mean, bias and records.

G is drawn from a unit law; m and s are order one or zero. With s = 0 (constant weights) W has rank one and nothing is
drawn. How G is applied is the matter of linear_dense, linear_gaussian and linear_haar.
"""

import math

import numpy as np

from .cancellation import FAINT, RESOLUTION, add_scaled, held_sum, hold_faint, mark, may_hold
from .compilation import internal
from .rare import rarely_called
from .record import (
    ACTIVATION,
    BIAS_GRADIENT,
    CORRELATION,
    GRADIENT,
    GRADIENT_CORRELATION,
    GRADIENT_MAX,
    LOG_ONE_MINUS_CORRELATION,
    PREACTIVATION,
    PREACTIVATION_MAX,
    WEIGHT_GRADIENT,
)
from .sampling import ROLE_BIAS, sample_row
from .vectors import (
    LN2,
    NO_EXPONENT,
    dot,
    in_window,
    largest,
    log_largest,
    log_largest_square,
    log_mean,
    mean_cosine,
    measure,
    power_of_two,
    settle,
    sum_of,
    sum_of_squares,
)
from .windows import row

LOG_SQUARE_FAINT, LOG_SQUARE_RESOLUTION = 2.0 * math.log(FAINT), 2.0 * math.log(RESOLUTION)

# Columns of a linear step's parameters
MEAN, SCALE, EXPONENT, BIAS_MEAN, BIAS_SCALE, BIAS_EXPONENT, BIAS_LAW, NONZERO = range(8)


@internal
def mean_times(p, source, n, b, scratch):
    """mean * sum(source) for row b, which may be unresolved where nothing is added to it."""
    if p[SCALE] == 0.0 and p[MEAN] != 0.0:
        return p[MEAN] * held_sum(source, n, b, scratch)
    return p[MEAN] * sum_of(source, n)


@internal
def apply_scale(source, n_source, n, mean, scale, out):
    """out = scale * out + mean * sum(source)."""
    shift = np.float32(mean * sum_of(source, n_source))
    factor = np.float32(scale)
    for i in range(n):
        out[i] = factor * out[i] + shift


@internal
def draw_bias(p, key, layer, replica, n_out, scratch, bias):
    """bias[:n_out], without its power of two."""
    bias[:n_out] = 0.0
    if p[BIAS_SCALE] != 0.0:
        law = np.int64(p[BIAS_LAW])
        sample_row(law, key, layer, replica, ROLE_BIAS, np.int64(0), n_out, scratch.words, bias)
    mean, scale = np.float32(p[BIAS_MEAN]), np.float32(p[BIAS_SCALE])
    for i in range(n_out):
        bias[i] = scale * bias[i] + mean


@internal
def has_bias(p):
    return p[BIAS_MEAN] != 0.0 or p[BIAS_SCALE] != 0.0


@internal
def is_scaled_draw(p):
    """Whether a matrix-free h of one input is what was drawn, up to a factor: then it is not kept twice."""
    return p[MEAN] == 0.0 and not has_bias(p)


@internal
def add_bias(p, key, layer, replica, n_out, h, h_exponents, scratch):
    """h[b] += bias for all rows, normalised; the largest entries and squares of the rows go to the scratch space."""
    bias = scratch.floats
    if has_bias(p):
        draw_bias(p, key, layer, replica, n_out, scratch, bias)
    for b in range(h.shape[0]):
        after = row(h, b)
        if has_bias(p):
            h_exponents[b] = add_scaled(bias, np.int64(p[BIAS_EXPONENT]), n_out, after, h_exponents[b], b, scratch)
        else:
            top = np.float32(scratch.tops[b])
            if not in_window(top):
                h_exponents[b] = settle(after, n_out, top, h_exponents[b])
        scratch.tops[b], scratch.squares[b] = measure(after, n_out)


@internal
def may_cancel(p):
    """Whether sums of matrix-free layers may: those of constant weights."""
    return p[SCALE] == 0.0 and p[MEAN] != 0.0


@internal
def finish_forward(p, cancels, key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, scratch):
    """From h = G x to scale, mean and bias; leaves the rows' largest entries and squares in the scratch space.

    `cancels` says that W has no zeros, so that what is small may be rounding.
    """
    for b in range(x.shape[0]):
        after = row(h, b)
        apply_scale(row(x, b), n_in, n_out, p[MEAN], p[SCALE], after)
        top = largest(after, n_out)
        if not in_window(top) and cancels:
            top = hold_faint(row(x, b), n_in, abs(p[SCALE]) + abs(p[MEAN]), after, n_out, top, b, scratch)
        scratch.tops[b] = top
        h_exponents[b] = x_exponents[b] + np.int64(p[EXPONENT])
    add_bias(p, key, layer, replica, n_out, h, h_exponents, scratch)


@internal
def finish_backward(p, cancels, d, d_exponents, n_in, n_out, g, g_exponents, scratch):
    """From g = G^T d to scale and mean."""
    for b in range(d.shape[0]):
        after = row(g, b)
        apply_scale(row(d, b), n_out, n_in, p[MEAN], p[SCALE], after)
        top = largest(after, n_in)
        g_exponents[b] = d_exponents[b] + np.int64(p[EXPONENT])
        if not in_window(top):
            if cancels:
                top = hold_faint(row(d, b), n_out, abs(p[SCALE]) + abs(p[MEAN]), after, n_in, top, b, scratch)
            g_exponents[b] = settle(after, n_in, top, g_exponents[b])


@internal
def record_preactivation(h, h_exponents, n_out, layer, scratch, record):
    """From the rows' largest entries and squares in the scratch space."""
    rows = h.shape[0]
    record[PREACTIVATION, layer] = log_mean(scratch.squares, h_exponents, rows, n_out)
    record[PREACTIVATION_MAX, layer] = log_largest(scratch.tops, h_exponents, rows)
    if rows > 1:
        for b in range(rows):  # to all digits, since cosines are near one
            scratch.squares[b] = sum_of_squares(row(h, b), n_out)
        record[CORRELATION, layer], record[LOG_ONE_MINUS_CORRELATION, layer] = mean_cosine(h, scratch.squares, n_out)


@internal
def log_weight_gradient(d, d_exponents, x, x_exponents, n_in, n_out):
    """Log mean square of sum_b d_b x_b^T, from inner products: |.|_F^2 = sum (d_b.d_c)(x_b.x_c)."""
    rows = d.shape[0]
    top = NO_EXPONENT
    for b in range(rows):
        if largest(d[b], n_out) > 0.0 and largest(x[b], n_in) > 0.0:
            top = max(top, d_exponents[b] + x_exponents[b])
    total = 0.0
    for b in range(rows):
        for c in range(b + 1):
            shift = d_exponents[b] + x_exponents[b] + d_exponents[c] + x_exponents[c] - 2 * top
            product = dot(row(d, b), row(d, c), n_out) * dot(row(x, b), row(x, c), n_in)
            if product != 0.0:
                total += product * power_of_two(shift + (b != c))  # (c, b) is as (b, c)
    if np.isnan(total):
        return np.nan
    return math.log(total / (n_in * n_out)) + 2.0 * LN2 * top if total > 0.0 else -np.inf


@internal
def hold_weight_gradient(d, d_exponents, x, x_exponents, n_in, n_out, layer, scratch, record):
    """Holds the recorded weight gradient at sum_b |d_b| |x_b|, of which it is the roundings."""
    rarely_called()
    found, most = record[WEIGHT_GRADIENT, layer], record[GRADIENT, layer] + record[ACTIVATION, layer - 1]
    most += 2.0 * math.log(d.shape[0])  # that sum's square is no larger
    if not (found <= most + LOG_SQUARE_FAINT and may_hold(scratch)):
        return
    size = -np.inf
    for b in range(d.shape[0]):
        product = sum_of_squares(row(d, b), n_out) * sum_of_squares(row(x, b), n_in)
        if product > 0.0:
            part = 0.5 * math.log(product) + LN2 * (d_exponents[b] + x_exponents[b])
            top, low = max(size, part), min(size, part)
            size = top + math.log1p(math.exp(low - top))
    of_sizes = 2.0 * size - math.log(n_in * n_out)
    if size > -np.inf and record[WEIGHT_GRADIENT, layer] <= of_sizes + LOG_SQUARE_FAINT:
        record[WEIGHT_GRADIENT, layer] = of_sizes + LOG_SQUARE_RESOLUTION
        mark(WEIGHT_GRADIENT, scratch)


@internal
def log_bias_gradient(d, d_exponents, n, scratch):
    """Log mean square of sum_b d_b."""
    rows, total = d.shape[0], scratch.floats
    top = NO_EXPONENT
    for b in range(rows):
        if largest(d[b], n) > 0.0:
            top = max(top, d_exponents[b])
    square = 0.0
    for i in range(n):
        total[i] = 0.0
    for b in range(rows):
        factor = np.float32(power_of_two(min(d_exponents[b] - top, 0)))
        for i in range(n):
            total[i] += factor * d[b, i]
    for i in range(n):
        square += np.float64(total[i]) * np.float64(total[i])
    if rows > 1 and square <= (16.0 * FAINT * rows) ** 2 * n and may_hold(scratch):
        size = square_of_sizes(d, d_exponents, top, n, total)
        if size > 0.0 and square <= FAINT * FAINT * size:
            square = RESOLUTION * RESOLUTION * size
            mark(BIAS_GRADIENT, scratch)
    return math.log(square / n) + 2.0 * LN2 * top if square != 0.0 else -np.inf


@internal
def square_of_sizes(d, d_exponents, top, n, total):
    """|sum_b |d_b||^2 over 2^(2 top); `total` is scratch space."""
    rarely_called()
    square = 0.0
    for i in range(n):
        total[i] = 0.0
    for b in range(d.shape[0]):
        factor = np.float32(power_of_two(min(d_exponents[b] - top, 0)))
        for i in range(n):
            total[i] += factor * abs(d[b, i])
    for i in range(n):
        square += np.float64(total[i]) * np.float64(total[i])
    return square


@internal
def record_gradient(x, x_exponents, d, d_exponents, n_in, n_out, layer, scratch, record):
    for b in range(d.shape[0]):
        scratch.squares[b] = sum_of_squares(row(d, b), n_out)
    record[GRADIENT, layer] = log_mean(scratch.squares, d_exponents, d.shape[0], n_out)
    record[GRADIENT_MAX, layer] = log_largest_square(d, d_exponents, n_out)
    record[WEIGHT_GRADIENT, layer] = log_weight_gradient(d, d_exponents, x, x_exponents, n_in, n_out)
    if d.shape[0] > 1 and record[WEIGHT_GRADIENT, layer] < record[GRADIENT, layer] + record[ACTIVATION, layer - 1]:
        hold_weight_gradient(d, d_exponents, x, x_exponents, n_in, n_out, layer, scratch, record)
    record[BIAS_GRADIENT, layer] = log_bias_gradient(d, d_exponents, n_out, scratch)
    if d.shape[0] > 1:
        record[GRADIENT_CORRELATION, layer], _ = mean_cosine(d, scratch.squares, n_out)


@internal
def record_one_gradient(x_square, x_exponent, d_top, d_square, d_exponent, n_in, n_out, layer, record):
    """The same for one input, whose largest entry and squares are known: |d x^T|^2 = |d|^2 |x|^2."""
    d_log = math.log(d_square / n_out) + 2.0 * LN2 * d_exponent if d_square != 0.0 else -np.inf
    x_log = math.log(x_square / n_in) + 2.0 * LN2 * x_exponent if x_square != 0.0 else -np.inf
    record[GRADIENT, layer] = d_log
    record[BIAS_GRADIENT, layer] = d_log
    record[WEIGHT_GRADIENT, layer] = d_log + x_log
    largest = 2.0 * (math.log(np.float64(d_top)) + LN2 * d_exponent) if d_top != 0.0 else -np.inf
    record[GRADIENT_MAX, layer] = largest
