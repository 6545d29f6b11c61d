"""h = W x + b with W = 2^T (m 1 1^T + s G), G drawn from a unit law; m and s are order one or zero.

G is generated from the counter a tile of rows at a time, used at once, and generated again on the way back: no n^2
numbers are stored. With s = 0 (constant weights) W has rank one and nothing is drawn.
"""

import math

import numpy as np

from .compilation import kernel
from .record import BIAS_GRADIENT, GRADIENT, GRADIENT_CORRELATION, GRADIENT_MAX, WEIGHT_GRADIENT
from .record import CORRELATION, LOG_ONE_MINUS_CORRELATION, PREACTIVATION, PREACTIVATION_MAX
from .sampling import ROLE_BIAS, ROLE_WEIGHT, blocks_per_row, sample_blocks, sample_row
from .vectors import (
    LN2, NO_EXPONENT, dot, largest, log_largest_square, log_mean_square, mean_cosine, normalise, power_of_two,
)  # fmt: skip

TILE = 256  # Philox blocks of weights generated at a time: 1,024 numbers, well inside the first-level cache

# Columns of a linear step's parameters
MEAN, SCALE, EXPONENT, BIAS_MEAN, BIAS_SCALE, BIAS_EXPONENT, BIAS_LAW = range(7)


@kernel
def weights_times(law, key, layer, replica, x, n_in, n_out, words, values, y):
    """y[b] = G x[b] for all rows b."""
    blocks = blocks_per_row(n_in)
    rows_per_tile = max(1, TILE // blocks)
    for first in range(0, n_out, rows_per_tile):
        rows = min(rows_per_tile, n_out - first)
        sample_blocks(law, key, layer, replica, ROLE_WEIGHT, first * blocks, rows * blocks, words, values)
        for r in range(rows):
            start = r * blocks
            for b in range(x.shape[0]):
                total = np.float32(0.0)
                for j in range(blocks):
                    total += (
                        values[0, start + j] * x[b, j]
                        + values[1, start + j] * x[b, blocks + j]
                        + values[2, start + j] * x[b, 2 * blocks + j]
                        + values[3, start + j] * x[b, 3 * blocks + j]
                    )
                y[b, first + r] = total


@kernel
def transposed_weights_times(law, key, layer, replica, d, n_in, n_out, words, values, g):
    """g[b] += G^T d[b] for all rows b."""
    blocks = blocks_per_row(n_in)
    rows_per_tile = max(1, TILE // blocks)
    for first in range(0, n_out, rows_per_tile):
        rows = min(rows_per_tile, n_out - first)
        sample_blocks(law, key, layer, replica, ROLE_WEIGHT, first * blocks, rows * blocks, words, values)
        for r in range(rows):
            start = r * blocks
            for b in range(d.shape[0]):
                factor = d[b, first + r]
                for k in range(4):
                    for j in range(blocks):
                        g[b, k * blocks + j] += factor * values[k, start + j]
    for b in range(d.shape[0]):
        for j in range(n_in, 4 * blocks):
            g[b, j] = 0.0


@kernel
def apply_scale(source, n_source, n, mean, scale, out):
    """out = scale * out + mean * sum(source)."""
    total = 0.0
    for i in range(n_source):
        total += source[i]
    shift = np.float32(mean * total)
    factor = np.float32(scale)
    for i in range(n):
        out[i] = factor * out[i] + shift


@kernel
def add_bias(bias, bias_exponent, n, h, exponent):
    """h = 2^exponent h + 2^bias_exponent bias, normalised; returns its exponent."""
    if largest(bias, n) == 0.0:
        return normalise(h, n, exponent)
    exponent = normalise(h, n, exponent)
    top = max(exponent, bias_exponent) if largest(h, n) > 0.0 else bias_exponent
    h_factor = np.float32(power_of_two(exponent - top)) if largest(h, n) > 0.0 else np.float32(0.0)
    bias_factor = np.float32(power_of_two(bias_exponent - top))
    for i in range(n):
        h[i] = h_factor * h[i] + bias_factor * bias[i]
    return normalise(h, n, top)


@kernel
def linear_forward(law, p, key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, bias, words, values, record):
    h[:] = 0.0
    if p[SCALE] != 0.0:
        weights_times(law, key, layer, replica, x, n_in, n_out, words, values, h)
    bias[:n_out] = 0.0
    if p[BIAS_SCALE] != 0.0:
        sample_row(np.int64(p[BIAS_LAW]), key, layer, replica, ROLE_BIAS, 0, n_out, words, values, bias)
    bias_mean, bias_scale = np.float32(p[BIAS_MEAN]), np.float32(p[BIAS_SCALE])
    for i in range(n_out):
        bias[i] = bias_scale * bias[i] + bias_mean
    for b in range(x.shape[0]):
        apply_scale(x[b], n_in, n_out, p[MEAN], p[SCALE], h[b])
        exponent = x_exponents[b] + np.int64(p[EXPONENT])
        h_exponents[b] = add_bias(bias, np.int64(p[BIAS_EXPONENT]), n_out, h[b], exponent)
    record[PREACTIVATION, layer] = log_mean_square(h, h_exponents, n_out)
    record[PREACTIVATION_MAX, layer] = log_largest_square(h, h_exponents, n_out)
    if x.shape[0] > 1:
        record[CORRELATION, layer], record[LOG_ONE_MINUS_CORRELATION, layer] = mean_cosine(h, h_exponents, n_out)


@kernel
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
    return math.log(total / (n_in * n_out)) + 2.0 * LN2 * top if total > 0.0 else -np.inf


@kernel
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
        factor = np.float32(power_of_two(d_exponents[b] - top)) if largest(d[b], n) > 0.0 else np.float32(0.0)
        for i in range(n):
            total[i] += factor * d[b, i]
    for i in range(n):
        square += np.float64(total[i]) * np.float64(total[i])
    return math.log(square / n) + 2.0 * LN2 * top if square > 0.0 else -np.inf


@kernel
def linear_backward(law, p, key, layer, replica, x, x_exponents, d, d_exponents, n_in, n_out, g, g_exponents, scratch, words, values, record):
    record[GRADIENT, layer] = log_mean_square(d, d_exponents, n_out)
    record[GRADIENT_MAX, layer] = log_largest_square(d, d_exponents, n_out)
    record[WEIGHT_GRADIENT, layer] = log_weight_gradient(d, d_exponents, x, x_exponents, n_in, n_out)
    record[BIAS_GRADIENT, layer] = log_bias_gradient(d, d_exponents, n_out, scratch)
    if d.shape[0] > 1:
        record[GRADIENT_CORRELATION, layer], _ = mean_cosine(d, d_exponents, n_out)
    if p[SCALE] != 0.0:
        transposed_weights_times(law, key, layer, replica, d, n_in, n_out, words, values, g)
    for b in range(d.shape[0]):
        apply_scale(d[b], n_out, n_in, p[MEAN], p[SCALE], g[b])
        g_exponents[b] = normalise(g[b], n_in, d_exponents[b] + np.int64(p[EXPONENT]))
