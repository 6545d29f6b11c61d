"""The same programs in plain float32 or float64, without carried exponents: what overflows is infinite, as in practice.

Vectors on the tape are plain numbers of type T. What is recorded of them, and the loss, goes through the forms with
carried exponents (`split`), so that recording itself neither overflows nor underflows. Activations are evaluated in
float64 and rounded to T; at infinity they take their limits.
"""

import math
from typing import NamedTuple

import numpy as np

from .activation import (
    HOMOGENEOUS,
    INTERCEPT_LEFT,
    INTERCEPT_RIGHT,
    SLOPE_LEFT,
    SLOPE_RIGHT,
    SLOPE_ZERO_LEFT,
    SLOPE_ZERO_RIGHT,
    count_slopes,
    extreme_derivative,
    extreme_phi,
    unit_variance,
    wide_power_of_two,
)
from .bundles import bundle
from .cancellation import ROUNDED
from .compilation import entry_point, internal
from .inputs import input_forward
from .interpreter import (
    ACTIVATE,
    INPUT,
    INPUT_CORRELATION,
    LINEAR_DENSE,
    LOSS,
    OFFSET,
    WIDTH,
)
from .linear import (
    BIAS_EXPONENT,
    EXPONENT,
    MEAN,
    NONZERO,
    SCALE,
    draw_bias,
    record_gradient,
    record_preactivation,
)
from .loss import loss_backward
from .record import (
    ACTIVATION,
    ACTIVATION_MEAN,
    ACTIVATION_UNIT_VARIANCE,
    DEAD_FRACTION,
    INPUT_GRADIENT,
    LOSS_GRADIENT,
    SATURATED_FRACTION,
    WEIGHT_GRADIENT,
)
from .record import LOSS as LOSS_VALUE
from .sampling import LAW_IDENTITY, LAW_ORTHOGONAL, blocks_per_row
from .vectors import log_largest_square, log_mean_square, measure, measure_units
from .weights import draw_tile, rows_per_tile, transposed_weights_times, weights_times
from .windows import row, window
from .workspace import padded_width, tile_blocks, vector


class PlainTape(NamedTuple):
    values: np.ndarray  # T, the vectors one after another
    cotangents: np.ndarray  # T (2, inputs * padded width)
    samples: np.ndarray  # int64 (inputs,)
    first: np.ndarray  # float32 (inputs * padded width,): room for two split vectors
    second: np.ndarray
    exponents: np.ndarray  # int64 (2, inputs)
    weights: np.ndarray  # T (4, blocks): a tile of them
    turned: np.ndarray  # T (inputs * padded width,)


def _limits(dtype):
    """Log squares of half the smallest number of a float type, and of its largest."""
    info = np.finfo(dtype)
    return 2 * np.log(np.array([0.5, 1.0])) + 2 * np.log(np.array([info.smallest_subnormal, info.max], float))


PLAIN_LIMITS = {name: _limits(name) for name in ("float32", "float64")}


def new_plain_tape(rows, tape_size, widest, dtype):
    size = rows * padded_width(widest)
    return PlainTape(
        np.zeros(tape_size, dtype),
        np.zeros((2, size), dtype),
        np.zeros(rows, np.int64),
        np.zeros(size, np.float32),
        np.zeros(size, np.float32),
        np.zeros((2, rows), np.int64),
        np.zeros((4, tile_blocks(widest)), dtype),
        np.zeros(size, dtype),
    )


@internal
def split(plain, n, v, exponents):
    """v = plain rows as normalised float32 rows with powers of two; those that are not finite keep infinities and NaN."""
    for b in range(plain.shape[0]):
        top = 0.0
        for i in range(n):
            top = max(top, abs(np.float64(plain[b, i])))
        exponents[b] = 0
        if top > 0.0 and np.isfinite(top):
            exponents[b] = math.frexp(top)[1] - 1
        for i in range(n):
            v[b, i] = np.float32(math.ldexp(np.float64(plain[b, i]), -exponents[b]))


@internal
def join(v, exponents, n, plain):
    """The plain numbers of normalised rows: infinite or zero where T ends."""
    for b in range(v.shape[0]):
        for i in range(n):
            plain[b, i] = math.ldexp(np.float64(v[b, i]), exponents[b])


@internal
def plain_phi(code, p, h):
    if np.isnan(h):
        return h
    if np.isinf(h):
        slope = p[SLOPE_RIGHT] if h > 0.0 else p[SLOPE_LEFT]
        if slope == 0.0:
            return p[INTERCEPT_RIGHT] if h > 0.0 else p[INTERCEPT_LEFT]
        return slope * h
    if p[HOMOGENEOUS] != 0.0:
        return (p[SLOPE_ZERO_RIGHT] if h > 0.0 else p[SLOPE_ZERO_LEFT]) * h
    sign, log = extreme_phi(code, p, h, 0)
    return sign * math.exp(log)


@internal
def record_units(p, h, h_exponents, x, x_exponents, n, layer, record):
    rows, mean, variance = x.shape[0], 0.0, 0.0
    for b in range(rows):
        _, centre, spread = measure_units(x[b], n)
        mean += centre * wide_power_of_two(x_exponents[b])
        variance += unit_variance(p, h[b], h_exponents[b], n, spread, x_exponents[b])
    record[ACTIVATION, layer] = log_mean_square(x, x_exponents, n)
    record[ACTIVATION_MEAN, layer] = mean / rows
    record[ACTIVATION_UNIT_VARIANCE, layer] = variance / rows


@internal
def plain_derivative(code, p, h):
    if np.isnan(h):
        return h
    if np.isinf(h):
        return p[SLOPE_RIGHT] if h > 0.0 else p[SLOPE_LEFT]
    sign, log = extreme_derivative(code, p, h, 0)
    return sign * math.exp(log)


@internal
def weights_in_place(law, p, key, layer, replica, n_in, first, rows, numbers, scratch):
    """Rows of the weight matrix as they are, of type T, in `numbers`."""
    mean = math.ldexp(p[MEAN], int(p[EXPONENT]))
    scale = math.ldexp(p[SCALE], int(p[EXPONENT]))
    blocks = rows * blocks_per_row(n_in)
    if scale == 0.0:
        numbers[:, :blocks] = mean
        return
    draw_tile(law, np.int64(p[NONZERO]), key, layer, replica, n_in, first, rows, scratch.words, scratch.numbers)
    for k in range(4):
        for j in range(blocks):
            numbers[k, j] = scale * np.float64(scratch.numbers[k, j]) + mean


@internal
def multiply(v, factor):
    for b in range(v.shape[0]):
        for i in range(v.shape[1]):
            v[b, i] *= factor


@internal
def plain_linear_forward(law, p, key, layer, replica, x, n_in, n_out, h, tape, scratch):
    numbers = tape.weights
    h[:] = 0.0
    blocks = blocks_per_row(n_in)
    if law == LAW_IDENTITY or law == LAW_ORTHOGONAL:
        weights_times(law, 0, key, layer, replica, x, n_in, n_out, tape.turned, scratch, h)
        multiply(h, math.ldexp(p[SCALE], int(p[EXPONENT])))
    else:
        for first in range(0, n_out, rows_per_tile(n_in)):
            rows = min(rows_per_tile(n_in), n_out - first)
            weights_in_place(law, p, key, layer, replica, n_in, first, rows, numbers, scratch)
            for r in range(rows):
                for b in range(x.shape[0]):
                    total = x.dtype.type(0)
                    for k in range(4):
                        for j in range(blocks):
                            total += numbers[k, r * blocks + j] * x[b, k * blocks + j]
                    h[b, first + r] = total
    bias = scratch.floats
    draw_bias(p, key, layer, replica, n_out, scratch, bias)
    for b in range(x.shape[0]):
        for i in range(n_out):
            h[b, i] += math.ldexp(np.float64(bias[i]), int(p[BIAS_EXPONENT]))


@internal
def plain_linear_backward(law, p, key, layer, replica, d, n_in, n_out, g, tape, scratch):
    numbers = tape.weights
    blocks = blocks_per_row(n_in)
    if law == LAW_IDENTITY or law == LAW_ORTHOGONAL:
        transposed_weights_times(law, 0, key, layer, replica, d, n_in, n_out, scratch, g)
        multiply(g, math.ldexp(p[SCALE], int(p[EXPONENT])))
        return
    for first in range(0, n_out, rows_per_tile(n_in)):
        rows = min(rows_per_tile(n_in), n_out - first)
        weights_in_place(law, p, key, layer, replica, n_in, first, rows, numbers, scratch)
        for r in range(rows):
            for b in range(d.shape[0]):
                factor = d[b, first + r]
                for k in range(4):
                    for j in range(blocks):
                        g[b, k * blocks + j] += factor * numbers[k, r * blocks + j]
    for b in range(d.shape[0]):
        g[b, n_in:] = 0.0


@internal
def in_range(log_square, limits, size):
    """A log square as T would hold the number: infinite above its largest, -inf below half its smallest.

    `size` is the log square of what decides, the largest entry.
    """
    if size > limits[1]:
        return np.inf
    return -np.inf if size < limits[0] else log_square


@internal
def plain_forward_step(k, steps, parameters, key, replica, data, tape, scratch, record):
    operation, layer, n, offset, variant = steps[k]
    p, rows = row(parameters, k), tape.samples.shape[0]
    out = vector(tape.values, offset, rows, n)
    if operation == INPUT:
        x, exponents = vector(tape.first, 0, rows, n), row(tape.exponents, 0)
        correlation = p[INPUT_CORRELATION]
        input_forward(variant, correlation, key, layer, replica, data, x, exponents, n, tape.samples, scratch, record)
        out[:] = 0.0
        join(x, exponents, n, out)
    elif operation == LINEAR_DENSE:
        n_in = steps[k - 1, WIDTH]
        x = vector(tape.values, steps[k - 1, OFFSET], rows, n_in)
        plain_linear_forward(variant, p, key, layer, replica, x, n_in, n, out, tape, scratch)
        h = vector(tape.first, 0, rows, n)
        split(out, n, h, row(tape.exponents, 0))
        for b in range(rows):
            scratch.tops[b], scratch.squares[b] = measure(h[b], n)
        record_preactivation(h, row(tape.exponents, 0), n, layer, scratch, record)
    elif operation == ACTIVATE:
        h = vector(tape.values, steps[k - 1, OFFSET], rows, n)
        for b in range(rows):
            for i in range(n):
                out[b, i] = plain_phi(variant, p, np.float64(h[b, i]))
        before, after = vector(tape.first, 0, rows, n), vector(tape.second, 0, rows, n)
        split(h, n, before, row(tape.exponents, 0))
        split(out, n, after, row(tape.exponents, 1))
        record_units(p, before, row(tape.exponents, 0), after, row(tape.exponents, 1), n, layer, record)


@internal
def plain_backward_step(k, steps, parameters, key, replica, data, limits, tape, scratch, record):
    operation, layer, n, _, variant = steps[k]
    n_in, p, rows = steps[k - 1, WIDTH], row(parameters, k), tape.samples.shape[0]
    x = vector(tape.values, steps[k - 1, OFFSET], rows, n_in)
    d, g = vector(row(tape.cotangents, k % 2), 0, rows, n), vector(row(tape.cotangents, (k - 1) % 2), 0, rows, n_in)
    x_exponents, d_exponents = row(tape.exponents, 0), row(tape.exponents, 1)
    g[:] = 0.0
    if operation == LOSS:
        output, end = vector(tape.first, 0, rows, n_in), vector(tape.second, 0, rows, n_in)
        split(x, n_in, output, x_exponents)
        loss_backward(
            variant, key, layer, replica, data, tape.samples, output, x_exponents, n_in, end, d_exponents, scratch, record
        )
        record[LOSS_VALUE, 0] = in_range(record[LOSS_VALUE, 0], limits, record[LOSS_VALUE, 0])
        join(end, d_exponents, n_in, g)
        split(g, n_in, end, d_exponents)
        record[LOSS_GRADIENT, 0] = log_mean_square(end, d_exponents, n_in)
    elif operation == LINEAR_DENSE:
        before, after = vector(tape.first, 0, rows, n_in), vector(tape.second, 0, rows, n)
        split(x, n_in, before, x_exponents)
        split(d, n, after, d_exponents)
        record_gradient(before, x_exponents, after, d_exponents, n_in, n, layer, scratch, record)
        size = log_largest_square(before, x_exponents, n_in) + log_largest_square(after, d_exponents, n)
        record[WEIGHT_GRADIENT, layer] = in_range(record[WEIGHT_GRADIENT, layer], limits, size)
        plain_linear_backward(variant, p, key, layer, replica, d, n_in, n, g, tape, scratch)
    elif operation == ACTIVATE:
        alive, slopes = scratch.floats, scratch.logs
        alive[:n] = 0.0
        saturated, dead = 0, 0
        for b in range(rows):
            for i in range(n):
                slopes[i] = plain_derivative(variant, p, np.float64(x[b, i]))
                g[b, i] = d[b, i] * d.dtype.type(slopes[i])
                alive[i] += abs(slopes[i])
            saturated += count_slopes(p, slopes, n)[1]
        for i in range(n):
            dead += alive[i] == 0.0
        record[DEAD_FRACTION, layer] = dead / n
        record[SATURATED_FRACTION, layer] = saturated / (n * rows)


@entry_point
def run_plain_chunk(steps, parameters, key, data, tape, scratch, first_replica, records, unresolved, limits):
    """As `run_chunk`, in the float type of `tape.values`, where nothing is unresolved: its zeros are what is computed.

    `limits` are the log squares of the largest number of that type and of half its smallest, the latter first.
    """
    tape, scratch, data, rows = bundle(tape), bundle(scratch), bundle(data), tape.samples.shape[0]
    shape = (np.int64(records.shape[1]), np.int64(records.shape[2]))
    scratch.state[ROUNDED] = 1
    for r in range(records.shape[0]):
        record, replica = window(records, r * shape[0] * shape[1], shape), first_replica + r
        record[:] = np.nan
        for k in range(steps.shape[0]):
            plain_forward_step(k, steps, parameters, key, replica, data, tape, scratch, record)
        for k in range(steps.shape[0] - 1, 0, -1):
            plain_backward_step(k, steps, parameters, key, replica, data, limits, tape, scratch, record)
        n_0 = steps[0, WIDTH]
        x_0 = vector(tape.first, 0, rows, n_0)
        split(vector(tape.cotangents, 0, rows, n_0), n_0, x_0, row(tape.exponents, 0))
        record[INPUT_GRADIENT, 0] = log_mean_square(x_0, row(tape.exponents, 0), n_0)
    return records.shape[0]
