"""The same programs in plain float32 or float64, without carried exponents: what overflows is infinite, as in practice.

Vectors on the tape are plain numbers of type T. What is recorded of them, and the loss, goes through the forms with
carried exponents (`split`), so that recording itself neither overflows nor underflows. Activations are evaluated in
float64 and rounded to T; at infinity they take their limits.
"""

import math
from typing import NamedTuple

import numpy as np

from .bundles import bundle
from .cancellation import ROUNDED
from .compilation import entry_point, inlined, internal
from .layout import (
    ACTIVATE,
    INPUT,
    LAYER,
    LINEAR_DENSE,
    LOSS,
    OFFSET,
    OPERATION,
    PLACE,
    SLOT,
    SOURCE,
    VARIANT,
    WIDTH,
)
from .record import (
    ACTIVATION,
    ACTIVATION_MEAN,
    ACTIVATION_UNIT_VARIANCE,
    DEAD_FRACTION,
    INPUT_GRADIENT,
    LOSS_GRADIENT,
    SATURATED_FRACTION,
    WEIGHT_GRADIENT,
    Record,
    got,
    put,
)
from .record import LOSS as LOSS_VALUE
from .sampling import LAW_IDENTITY, LAW_ORTHOGONAL, LAW_SPARSE, LAW_SPARSE_COLUMNS, blocks_per_row
from .steps.activation import (
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
from .steps.input import input_forward
from .steps.linear import (
    BALANCED,
    BIAS_EXPONENT,
    EXPONENT,
    MEAN,
    SCALE,
    draw_bias,
    record_gradient,
    record_preactivation,
    shape_of,
)
from .steps.loss import loss_backward
from .vectors import log_largest_square, log_mean_square, measure, measure_units
from .weights import draw_tile, rows_per_tile, transposed_weights_times, weights_times
from .windows import row, window
from .workspace import Draws, Vector, padded_width, tile_blocks, vector


class PlainTape(NamedTuple):
    values: np.ndarray  # T, the vectors one after another
    cotangents: np.ndarray  # T (slots, inputs * padded width)
    samples: np.ndarray  # int64 (inputs,)
    first: np.ndarray  # float32 (inputs * padded width,): room for two split vectors
    second: np.ndarray
    exponents: np.ndarray  # int64 (2, inputs)
    squares: np.ndarray  # float64 (2, inputs)
    weights: np.ndarray  # T (4, blocks): a tile of them
    turned: np.ndarray  # T (inputs * padded width,)


def _limits(dtype):
    """Log squares of half the smallest number of a float type, and of its largest."""
    info = np.finfo(dtype)
    return 2 * np.log(np.array([0.5, 1.0])) + 2 * np.log(np.array([info.smallest_subnormal, info.max], float))


PLAIN_LIMITS = {name: _limits(name) for name in ("float32", "float64")}


def new_plain_tape(rows, tape_size, widest, dtype, slots=2):
    size = rows * padded_width(widest)
    return PlainTape(
        np.zeros(tape_size, dtype),
        np.zeros((slots, size), dtype),
        np.zeros(rows, np.int64),
        np.zeros(size, np.float32),
        np.zeros(size, np.float32),
        np.zeros((2, rows), np.int64),
        np.zeros((2, rows)),
        np.zeros((4, tile_blocks(widest)), dtype),
        np.zeros(size, dtype),
    )


@internal
def split(plain, v):
    """v = plain rows as normalised float32 rows with powers of two; those that are not finite keep infinities and NaN."""
    for b in range(plain.shape[0]):
        top = 0.0
        for i in range(v.n):
            top = max(top, abs(np.float64(plain[b, i])))
        v.exponents[b] = 0
        if top > 0.0 and np.isfinite(top):
            v.exponents[b] = math.frexp(top)[1] - 1
        for i in range(v.n):
            v.values[b, i] = np.float32(math.ldexp(np.float64(plain[b, i]), -int(v.exponents[b])))
        v.squares[b] = measure(row(v.values, b), v.n)[1]


@internal
def join(v, plain):
    """The plain numbers of normalised rows: infinite or zero where T ends."""
    for b in range(v.values.shape[0]):
        for i in range(v.n):
            plain[b, i] = math.ldexp(np.float64(v.values[b, i]), int(v.exponents[b]))


@inlined
def first_split(n, tape):
    """Room for a split vector of n units."""
    return Vector(vector(tape.first, 0, tape.samples.shape[0], n), row(tape.exponents, 0), row(tape.squares, 0), n)


@inlined
def second_split(n, tape):
    """Room for another one."""
    return Vector(vector(tape.second, 0, tape.samples.shape[0], n), row(tape.exponents, 1), row(tape.squares, 1), n)


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
def record_units(p, h, x, place, record):
    rows, mean, variance = x.values.shape[0], 0.0, 0.0
    for b in range(rows):
        _, centre, spread = measure_units(row(x.values, b), x.n)
        mean += centre * wide_power_of_two(x.exponents[b])
        variance += unit_variance(p, row(h.values, b), h.exponents[b], x.n, spread, x.exponents[b])
    put(record, ACTIVATION, place, log_mean_square(x.values, x.exponents, x.n))
    put(record, ACTIVATION_MEAN, place, mean / rows)
    put(record, ACTIVATION_UNIT_VARIANCE, place, variance / rows)


@internal
def plain_derivative(code, p, h):
    if np.isnan(h):
        return h
    if np.isinf(h):
        return p[SLOPE_RIGHT] if h > 0.0 else p[SLOPE_LEFT]
    sign, log = extreme_derivative(code, p, h, 0)
    return sign * math.exp(log)


@internal
def weights_in_place(law, p, draws, n_in, first, rows, numbers, scratch):
    """Rows of the weight matrix as they are, of type T, in `numbers`."""
    mean = math.ldexp(p[MEAN], int(p[EXPONENT]))
    scale = math.ldexp(p[SCALE], int(p[EXPONENT]))
    blocks = rows * blocks_per_row(n_in)
    if scale == 0.0:
        numbers[:, :blocks] = mean
        return
    draw_tile(law, shape_of(p), draws, n_in, first, rows, scratch.words, scratch.numbers)
    for k in range(4):
        for j in range(blocks):
            numbers[k, j] = scale * np.float64(scratch.numbers[k, j]) + mean


@internal
def multiply(v, factor):
    for b in range(v.shape[0]):
        for i in range(v.shape[1]):
            v[b, i] *= factor


@internal
def plain_times(law, p, draws, x, n_in, n_out, numbers, scratch, y):
    """y[b, :n_out] = W x[b] for all rows b."""
    blocks = blocks_per_row(n_in)
    for first in range(0, n_out, rows_per_tile(n_in)):
        rows = min(rows_per_tile(n_in), n_out - first)
        weights_in_place(law, p, draws, n_in, first, rows, numbers, scratch)
        for r in range(rows):
            for b in range(x.shape[0]):
                total = x.dtype.type(0)
                for k in range(4):
                    for j in range(blocks):
                        total += numbers[k, r * blocks + j] * x[b, k * blocks + j]
                y[b, first + r] = total


@internal
def plain_transposed_times(law, p, draws, d, n_in, n_out, numbers, scratch, g):
    """g[b] = W^T d[b] for all rows b; g comes in as zeros."""
    blocks = blocks_per_row(n_in)
    for first in range(0, n_out, rows_per_tile(n_in)):
        rows = min(rows_per_tile(n_in), n_out - first)
        weights_in_place(law, p, draws, n_in, first, rows, numbers, scratch)
        for r in range(rows):
            for b in range(d.shape[0]):
                factor = d[b, first + r]
                for k in range(4):
                    for j in range(blocks):
                        g[b, k * blocks + j] += factor * numbers[k, r * blocks + j]
    for b in range(d.shape[0]):
        g[b, n_in:] = 0.0


@internal
def plain_linear_forward(law, p, draws, x, h, n_out, tape, scratch):
    """h[:, :n_out] = W x + b; x is (values, units)."""
    x, n_in = x
    h[:] = 0.0
    if law == LAW_IDENTITY or law == LAW_ORTHOGONAL:
        weights_times(law, shape_of(p), draws, x, n_in, n_out, tape.turned, scratch, h)
        multiply(h, math.ldexp(p[SCALE], int(p[EXPONENT])))
    elif law == LAW_SPARSE_COLUMNS:
        plain_transposed_times(LAW_SPARSE, p, draws, x, n_out, n_in, tape.weights, scratch, h)
    else:
        plain_times(law, p, draws, x, n_in, n_out, tape.weights, scratch, h)
    bias = scratch.floats
    draw_bias(p, draws, n_out, scratch, bias)
    for b in range(x.shape[0]):
        for i in range(n_out):
            h[b, i] += math.ldexp(np.float64(bias[i]), int(p[BIAS_EXPONENT]))


@internal
def plain_linear_backward(law, p, draws, d, g, n_in, tape, scratch):
    """g[:, :n_in] = W^T d; d is (values, units)."""
    d, n_out = d
    if law == LAW_IDENTITY or law == LAW_ORTHOGONAL:
        transposed_weights_times(law, shape_of(p), draws, d, n_in, n_out, scratch, g)
        multiply(g, math.ldexp(p[SCALE], int(p[EXPONENT])))
    elif law == LAW_SPARSE_COLUMNS:
        plain_times(LAW_SPARSE, p, draws, d, n_out, n_in, tape.weights, scratch, g)
    else:
        plain_transposed_times(law, p, draws, d, n_in, n_out, tape.weights, scratch, g)


@internal
def in_range(log_square, limits, size):
    """A log square as T would hold the number: infinite above its largest, -inf below half its smallest.

    `size` is the log square of what decides, the largest entry.
    """
    if size > limits[1]:
        return np.inf
    return -np.inf if size < limits[0] else log_square


@internal
def plain_forward_step(k, code, key, replica, data, tape, scratch, record):
    """Vector k of the tape."""
    steps, rows, source = code.steps, tape.samples.shape[0], code.steps[k, SOURCE]
    operation, n, variant, p = steps[k, OPERATION], steps[k, WIDTH], steps[k, VARIANT], row(code.parameters, k)
    out, draws = vector(tape.values, steps[k, OFFSET], rows, n), Draws(key, steps[k, LAYER], replica)
    if operation == INPUT:
        x = first_split(n, tape)
        input_forward(variant, p, draws, data, x, tape.samples, scratch, record)
        out[:] = 0.0
        join(x, out)
    elif operation == LINEAR_DENSE:
        n_in = steps[source, WIDTH]
        x = vector(tape.values, steps[source, OFFSET], rows, n_in)
        plain_linear_forward(variant, p, draws, (x, n_in), out, n, tape, scratch)
        h = first_split(n, tape)
        split(out, h)
        for b in range(rows):
            scratch.tops[b], scratch.squares[b] = measure(h.values[b], n)
        record_preactivation(h, steps[k, PLACE], scratch, record)
    elif operation == ACTIVATE:
        h = vector(tape.values, steps[source, OFFSET], rows, n)
        for b in range(rows):
            for i in range(n):
                out[b, i] = plain_phi(variant, p, np.float64(h[b, i]))
        before, after = first_split(n, tape), second_split(n, tape)
        split(h, before)
        split(out, after)
        record_units(p, before, after, steps[k, PLACE], record)


@internal
def plain_loss_backward(kind, draws, data, x, g, limits, tape, scratch, record):
    """g = dL/dx of the network's output x, (values, units)."""
    x, n = x
    output, end = first_split(n, tape), second_split(n, tape)
    split(x, output)
    loss_backward(kind, draws, data, tape.samples, output, end, scratch, record)
    put(record, LOSS_VALUE, 0, in_range(got(record, LOSS_VALUE, 0), limits, got(record, LOSS_VALUE, 0)))
    join(end, g)
    split(g, end)
    put(record, LOSS_GRADIENT, 0, log_mean_square(end.values, end.exponents, n))


@internal
def plain_activation_backward(code, p, x, d, g, place, scratch, record):
    """g = phi'(x) d; x is (values, units)."""
    (x, n), rows = x, d.shape[0]
    alive, slopes = scratch.floats, scratch.logs
    alive[:n] = 0.0
    saturated, dead = 0, 0
    for b in range(rows):
        for i in range(n):
            slopes[i] = plain_derivative(code, p, np.float64(x[b, i]))
            g[b, i] = d[b, i] * d.dtype.type(slopes[i])
            alive[i] += abs(slopes[i])
        saturated += count_slopes(p, slopes, n)[1]
    for i in range(n):
        dead += alive[i] == 0.0
    put(record, DEAD_FRACTION, place, dead / n)
    put(record, SATURATED_FRACTION, place, saturated / (n * rows))


@internal
def plain_backward_step(k, code, key, replica, data, limits, tape, scratch, record):
    """From the cotangent of vector k to that of its source. In plain arithmetics every vector is read once."""
    steps, rows, source = code.steps, tape.samples.shape[0], code.steps[k, SOURCE]
    operation, n, variant, p = steps[k, OPERATION], steps[k, WIDTH], steps[k, VARIANT], row(code.parameters, k)
    n_in, draws = steps[source, WIDTH], Draws(key, steps[k, LAYER], replica)
    x = vector(tape.values, steps[source, OFFSET], rows, n_in)
    d = vector(row(tape.cotangents, steps[k, SLOT]), 0, rows, n)
    g = vector(row(tape.cotangents, steps[source, SLOT]), 0, rows, n_in)
    g[:] = 0.0
    if operation == LOSS:
        plain_loss_backward(variant, draws, data, (x, n_in), g, limits, tape, scratch, record)
    elif operation == LINEAR_DENSE:
        before, after, place = first_split(n_in, tape), second_split(n, tape), steps[k, PLACE]
        split(x, before)
        split(d, after)
        record_gradient(p[BALANCED] != 0.0, before, after, place, scratch, record)
        size = log_largest_square(before.values, before.exponents, n_in) + log_largest_square(after.values, after.exponents, n)
        put(record, WEIGHT_GRADIENT, place, in_range(got(record, WEIGHT_GRADIENT, place), limits, size))
        plain_linear_backward(variant, p, draws, (d, n), g, n_in, tape, scratch)
    elif operation == ACTIVATE:
        plain_activation_backward(variant, p, (x, n), d, g, steps[k, PLACE], scratch, record)


@entry_point
def run_plain_chunk(code, key, data, tape, scratch, first_replica, records, unresolved, limits):
    """As `run_chunk`, in the float type of `tape.values`, where nothing is unresolved: its zeros are what is computed.

    `limits` are the log squares of the largest number of that type and of half its smallest, the latter first.
    """
    code, tape, scratch, data = bundle(code), bundle(tape), bundle(scratch), bundle(data)
    steps, rows, columns = code.steps, tape.samples.shape[0], np.int64(records.shape[1])
    scratch.state[ROUNDED] = 1
    for r in range(records.shape[0]):
        values, replica = window(records, r * columns, (columns,)), first_replica + r
        record = bundle(Record(values, code.starts))
        values[:] = np.nan
        for k in range(steps.shape[0]):
            plain_forward_step(k, code, key, replica, data, tape, scratch, record)
        for k in range(steps.shape[0] - 1, 0, -1):
            plain_backward_step(k, code, key, replica, data, limits, tape, scratch, record)
        n_0 = steps[0, WIDTH]
        x_0 = first_split(n_0, tape)
        split(vector(row(tape.cotangents, steps[0, SLOT]), 0, rows, n_0), x_0)
        put(record, INPUT_GRADIENT, 0, log_mean_square(x_0.values, x_0.exponents, n_0))
    return records.shape[0]
