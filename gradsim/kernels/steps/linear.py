"""What every linear step has, h = W x + b with W = 2^T (m 1 1^T + s G): its parameters, mean, bias and records.

G is drawn from a unit law; m and s are order one or zero. With s = 0 (constant weights) W has rank one and nothing is
drawn. How G is applied is the matter of linear_dense, linear_gaussian and linear_haar.
"""

import math

import numpy as np

from ..cancellation import FAINT, RESOLUTION, add_scaled, held_sum, hold_faint, mark, may_hold
from ..compilation import inlined, internal, part
from ..rare import rarely_called
from ..record import (
    BIAS_GRADIENT,
    CORRELATION,
    GRADIENT,
    GRADIENT_CORRELATION,
    GRADIENT_MAX,
    LOG_ONE_MINUS_CORRELATION,
    PREACTIVATION,
    PREACTIVATION_MAX,
    WEIGHT_GRADIENT,
    put,
)
from ..sampling import ROLE_BIAS, sample_row
from ..vectors import (
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
from ..windows import row, window

LOG_SQUARE_FAINT, LOG_SQUARE_RESOLUTION = 2.0 * math.log(FAINT), 2.0 * math.log(RESOLUTION)

# Columns of a linear step's parameters. BALANCED says that cotangents of its vector add up to zero over the inputs, as those
# behind BatchNorm do: what their sum is in float32 is rounding, and nothing is in doubt. From SHAPE on there are four numbers
# of the law of the weights.
MEAN, SCALE, EXPONENT, BIAS_MEAN, BIAS_SCALE, BIAS_EXPONENT, BIAS_LAW, BALANCED, SHAPE = range(9)


@inlined
def shape_of(p):
    """What the law of the weights has besides mean and scale: a view of float64 (4,)."""
    return window(p, SHAPE, (np.int64(4),))


@part
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
def draw_bias(p, draws, n_out, scratch, bias):
    """bias[:n_out], without its power of two."""
    bias[:n_out] = 0.0
    if p[BIAS_SCALE] != 0.0:
        law = np.int64(p[BIAS_LAW])
        sample_row(law, draws.key, draws.layer, draws.replica, ROLE_BIAS, np.int64(0), n_out, scratch.words, bias)
    mean, scale = np.float32(p[BIAS_MEAN]), np.float32(p[BIAS_SCALE])
    for i in range(n_out):
        bias[i] = scale * bias[i] + mean


@internal
def has_bias(p):
    return p[BIAS_MEAN] != 0.0 or p[BIAS_SCALE] != 0.0


@part
def is_scaled_draw(p):
    """Whether a matrix-free h of one input is what was drawn, up to a factor: then it is not kept twice."""
    return p[MEAN] == 0.0 and not has_bias(p)


@internal
def add_bias(p, draws, h, scratch):
    """h[b] += bias for all rows, normalised; the largest entries and squares of the rows go to the scratch space."""
    bias = scratch.floats
    if has_bias(p):
        draw_bias(p, draws, h.n, scratch, bias)
    for b in range(h.values.shape[0]):
        after = row(h.values, b)
        if has_bias(p):
            h.exponents[b] = add_scaled(bias, np.int64(p[BIAS_EXPONENT]), h.n, after, h.exponents[b], b, scratch)
        else:
            top = np.float32(scratch.tops[b])
            if not in_window(top):
                h.exponents[b] = settle(after, h.n, top, h.exponents[b])
        scratch.tops[b], scratch.squares[b] = measure(after, h.n)


@part
def may_cancel(p):
    """Whether sums of matrix-free layers may: those of constant weights."""
    return p[SCALE] == 0.0 and p[MEAN] != 0.0


@internal
def finish_forward(p, cancels, draws, x, h, scratch):
    """From h = G x to scale, mean and bias; leaves the rows' largest entries and squares in the scratch space.

    `cancels` says that W has no zeros, so that what is small may be rounding.
    """
    for b in range(x.values.shape[0]):
        before, after = row(x.values, b), row(h.values, b)
        apply_scale(before, x.n, h.n, p[MEAN], p[SCALE], after)
        top = largest(after, h.n)
        if not in_window(top) and cancels:
            top = hold_faint(before, x.n, abs(p[SCALE]) + abs(p[MEAN]), after, h.n, top, b, scratch)
        scratch.tops[b] = top
        h.exponents[b] = x.exponents[b] + np.int64(p[EXPONENT])
    add_bias(p, draws, h, scratch)


@internal
def finish_backward(p, cancels, d, g, scratch):
    """From g = G^T d to scale and mean."""
    for b in range(d.values.shape[0]):
        before, after = row(d.values, b), row(g.values, b)
        apply_scale(before, d.n, g.n, p[MEAN], p[SCALE], after)
        top = largest(after, g.n)
        g.exponents[b] = d.exponents[b] + np.int64(p[EXPONENT])
        if not in_window(top):
            if cancels:
                top = hold_faint(before, d.n, abs(p[SCALE]) + abs(p[MEAN]), after, g.n, top, b, scratch)
            g.exponents[b] = settle(after, g.n, top, g.exponents[b])


@internal
def record_preactivation(h, place, scratch, record):
    """From the rows' largest entries and squares in the scratch space; h gets the squares."""
    rows = h.values.shape[0]
    put(record, PREACTIVATION, place, log_mean(scratch.squares, h.exponents, rows, h.n))
    put(record, PREACTIVATION_MAX, place, log_largest(scratch.tops, h.exponents, rows))
    for b in range(rows):
        h.squares[b] = scratch.squares[b]
    if rows > 1:
        for b in range(rows):  # to all digits, since cosines are near one
            scratch.squares[b] = sum_of_squares(row(h.values, b), h.n)
        cosine, gap = mean_cosine(h.values, scratch.squares, h.n)
        put(record, CORRELATION, place, cosine)
        put(record, LOG_ONE_MINUS_CORRELATION, place, gap)


@internal
def log_weight_gradient(d, x):
    """Log mean square of sum_b d_b x_b^T, from inner products: |.|_F^2 = sum (d_b.d_c)(x_b.x_c)."""
    rows = d.values.shape[0]
    top = NO_EXPONENT
    for b in range(rows):
        if largest(row(d.values, b), d.n) > 0.0 and largest(row(x.values, b), x.n) > 0.0:
            top = max(top, d.exponents[b] + x.exponents[b])
    total = 0.0
    for b in range(rows):
        for c in range(b + 1):
            shift = d.exponents[b] + x.exponents[b] + d.exponents[c] + x.exponents[c] - 2 * top
            product = dot(row(d.values, b), row(d.values, c), d.n) * dot(row(x.values, b), row(x.values, c), x.n)
            if product != 0.0:
                total += product * power_of_two(shift + (b != c))  # (c, b) is as (b, c)
    if np.isnan(total):
        return np.nan
    return math.log(total / (x.n * d.n)) + 2.0 * LN2 * top if total > 0.0 else -np.inf


@internal
def held_weight_gradient(found, most, d, x, scratch):
    """What is recorded of a weight gradient: sum_b |d_b| |x_b| where it is the roundings of that.

    `most` is the log mean square of d and that of x.
    """
    rarely_called()
    most += 2.0 * math.log(d.values.shape[0])  # that sum's square is no larger
    if not (found <= most + LOG_SQUARE_FAINT and may_hold(scratch)):
        return found
    size = -np.inf
    for b in range(d.values.shape[0]):
        product = sum_of_squares(row(d.values, b), d.n) * sum_of_squares(row(x.values, b), x.n)
        if product > 0.0:
            part = 0.5 * math.log(product) + LN2 * (d.exponents[b] + x.exponents[b])
            top, low = max(size, part), min(size, part)
            size = top + math.log1p(math.exp(low - top))
    of_sizes = 2.0 * size - math.log(x.n * d.n)
    if size > -np.inf and found <= of_sizes + LOG_SQUARE_FAINT:
        found = of_sizes + LOG_SQUARE_RESOLUTION
        mark(WEIGHT_GRADIENT, scratch)
    return found


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
def record_gradient(balanced, x, d, place, scratch, record):
    """Of the weights and, unless `balanced` says that it is zero, of the bias."""
    rows = d.values.shape[0]
    for b in range(rows):
        scratch.squares[b] = sum_of_squares(row(d.values, b), d.n)
    of_d, of_weights = log_mean(scratch.squares, d.exponents, rows, d.n), log_weight_gradient(d, x)
    if rows > 1:
        of_both = of_d + log_mean(x.squares, x.exponents, rows, x.n)
        if of_weights < of_both:
            of_weights = held_weight_gradient(of_weights, of_both, d, x, scratch)
    put(record, GRADIENT, place, of_d)
    put(record, GRADIENT_MAX, place, log_largest_square(d.values, d.exponents, d.n))
    put(record, WEIGHT_GRADIENT, place, of_weights)
    put(record, BIAS_GRADIENT, place, -np.inf if balanced else log_bias_gradient(d.values, d.exponents, d.n, scratch))
    if rows > 1:
        put(record, GRADIENT_CORRELATION, place, mean_cosine(d.values, scratch.squares, d.n)[0])


@part
def record_one_gradient(x, x_square, d, d_square, d_top, place, record):
    """The same for one input, whose squares and largest entry are known: |d x^T|^2 = |d|^2 |x|^2."""
    d_exponent, x_exponent = d.exponents[0], x.exponents[0]
    d_log = math.log(d_square / d.n) + 2.0 * LN2 * d_exponent if d_square != 0.0 else -np.inf
    x_log = math.log(x_square / x.n) + 2.0 * LN2 * x_exponent if x_square != 0.0 else -np.inf
    put(record, GRADIENT, place, d_log)
    put(record, BIAS_GRADIENT, place, d_log)
    put(record, WEIGHT_GRADIENT, place, d_log + x_log)
    largest = 2.0 * (math.log(np.float64(d_top)) + LN2 * d_exponent) if d_top != 0.0 else -np.inf
    put(record, GRADIENT_MAX, place, largest)
