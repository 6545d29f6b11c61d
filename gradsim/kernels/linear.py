"""h = W x + b with W = 2^T (m 1 1^T + s G), G drawn from a unit law (see `weights`); m and s are order one or zero.

With s = 0 (constant weights) W has rank one and nothing is drawn.
"""

import math

import numpy as np

from .compilation import internal
from .record import BIAS_GRADIENT, GRADIENT, GRADIENT_CORRELATION, GRADIENT_MAX, WEIGHT_GRADIENT
from .record import CORRELATION, LOG_ONE_MINUS_CORRELATION, PREACTIVATION, PREACTIVATION_MAX
from .sampling import ROLE_BIAS, sample_row
from .vectors import (
    LN2, NO_EXPONENT, add_scaled, dot, largest, log_largest_square, log_mean_square, mean_cosine, normalise, power_of_two,
)  # fmt: skip
from .weights import transposed_weights_times, weights_times

# Columns of a linear step's parameters
MEAN, SCALE, EXPONENT, BIAS_MEAN, BIAS_SCALE, BIAS_EXPONENT, BIAS_LAW, NONZERO = range(8)


@internal
def apply_scale(source, n_source, n, mean, scale, out):
    """out = scale * out + mean * sum(source)."""
    total = 0.0
    for i in range(n_source):
        total += source[i]
    shift = np.float32(mean * total)
    factor = np.float32(scale)
    for i in range(n):
        out[i] = factor * out[i] + shift


@internal
def draw_bias(p, key, layer, replica, n_out, scratch, bias):
    """bias[:n_out], without its power of two."""
    bias[:n_out] = 0.0
    if p[BIAS_SCALE] != 0.0:
        law = np.int64(p[BIAS_LAW])
        sample_row(law, key, layer, replica, ROLE_BIAS, np.int64(0), n_out, scratch.words, scratch.numbers, bias)
    mean, scale = np.float32(p[BIAS_MEAN]), np.float32(p[BIAS_SCALE])
    for i in range(n_out):
        bias[i] = scale * bias[i] + mean


@internal
def linear_forward(law, p, key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, scratch, record):
    h[:] = 0.0
    if p[SCALE] != 0.0:
        weights_times(law, np.int64(p[NONZERO]), key, layer, replica, x, n_in, n_out, scratch, h)
    bias = scratch.floats
    draw_bias(p, key, layer, replica, n_out, scratch, bias)
    for b in range(x.shape[0]):
        apply_scale(x[b], n_in, n_out, p[MEAN], p[SCALE], h[b])
        exponent = x_exponents[b] + np.int64(p[EXPONENT])
        h_exponents[b] = add_scaled(bias, np.int64(p[BIAS_EXPONENT]), n_out, h[b], exponent)
    record_preactivation(h, h_exponents, n_out, layer, record)


@internal
def record_preactivation(h, h_exponents, n_out, layer, record):
    record[PREACTIVATION, layer] = log_mean_square(h, h_exponents, n_out)
    record[PREACTIVATION_MAX, layer] = log_largest_square(h, h_exponents, n_out)
    if h.shape[0] > 1:
        record[CORRELATION, layer], record[LOG_ONE_MINUS_CORRELATION, layer] = mean_cosine(h, h_exponents, n_out)


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
        for c in range(rows):
            shift = d_exponents[b] + x_exponents[b] + d_exponents[c] + x_exponents[c] - 2 * top
            product = dot(d[b], d[c], n_out) * dot(x[b], x[c], n_in)
            if product != 0.0:
                total += product * power_of_two(shift)
    if np.isnan(total):
        return np.nan
    return math.log(total / (n_in * n_out)) + 2.0 * LN2 * top if total > 0.0 else -np.inf


@internal
def log_bias_gradient(d, d_exponents, n, total):
    """Log mean square of sum_b d_b; `total` is scratch space."""
    rows = d.shape[0]
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
    return math.log(square / n) + 2.0 * LN2 * top if square != 0.0 else -np.inf


@internal
def record_gradient(x, x_exponents, d, d_exponents, n_in, n_out, layer, scratch, record):
    record[GRADIENT, layer] = log_mean_square(d, d_exponents, n_out)
    record[GRADIENT_MAX, layer] = log_largest_square(d, d_exponents, n_out)
    record[WEIGHT_GRADIENT, layer] = log_weight_gradient(d, d_exponents, x, x_exponents, n_in, n_out)
    record[BIAS_GRADIENT, layer] = log_bias_gradient(d, d_exponents, n_out, scratch.floats)
    if d.shape[0] > 1:
        record[GRADIENT_CORRELATION, layer], _ = mean_cosine(d, d_exponents, n_out)


@internal
def linear_backward(law, p, key, layer, replica, x, x_exponents, d, d_exponents, n_in, n_out, g, g_exponents, scratch, record):
    """g = W^T d; g comes in as zeros, and d is left over (changed by orthogonal weights, whose mean is 0)."""
    record_gradient(x, x_exponents, d, d_exponents, n_in, n_out, layer, scratch, record)
    if p[SCALE] != 0.0:
        transposed_weights_times(law, np.int64(p[NONZERO]), key, layer, replica, d, n_in, n_out, scratch, g)
    for b in range(d.shape[0]):
        apply_scale(d[b], n_out, n_in, p[MEAN], p[SCALE], g[b])
        g_exponents[b] = normalise(g[b], n_in, d_exponents[b] + np.int64(p[EXPONENT]))
