"""What is recorded of a network at a step: natural logs of squares, and fractions; what does not come to be is NaN."""

import math

import numpy as np

from ...kernels.compilation import internal
from ...kernels.layout import ACTIVATE, BLOCK_OPERATIONS, INPUT, LINEAR_DENSE, OPERATION, PLACE, WIDTH
from ...kernels.steps.activation import count_slopes
from ...kernels.windows import row, window
from .layout import (
    ACTIVATION,
    DEAD_FRACTION,
    GRADIENT,
    SATURATED_FRACTION,
    WEIGHT,
    WEIGHT_CHANGE,
    WEIGHT_GRADIENT,
    WEIGHT_UPDATE,
)
from .steps.activation import line

DROPOUT = BLOCK_OPERATIONS["dropout"]


@internal
def log_of(square):
    return math.log(square) if square != 0.0 else -np.inf


@internal
def sum_of_squares(v, rows, n):
    """Over v[:rows, :n], in float64."""
    total = 0.0
    for b in range(rows):
        line = row(v, b)
        for i in range(n):
            total += np.float64(line[i]) * np.float64(line[i])
    return total


@internal
def squared_distance(v, w, rows, n):
    total = 0.0
    for b in range(rows):
        one, other = row(v, b), row(w, b)
        for i in range(n):
            gap = np.float64(one[i]) - np.float64(other[i])
            total += gap * gap
    return total


@internal
def share_of(change, size):
    """change / size, of weights that are zero too: what does not move, does not."""
    return change / size if change != 0.0 else change


@internal
def record_weights(code, k, step, own, record):
    """Of a weight matrix, over its own size: what was learned since the beginning, and what this step takes off."""
    if code.steps[k, OPERATION] == LINEAR_DENSE:
        place, starts, n_in, n, shape = code.steps[k, PLACE], code.starts, step.n_in, step.n, (step.in_columns, step.columns)
        weights, initial, taken = window(own.weights, 0, shape), window(own.initial, 0, shape), window(own.gradients, 0, shape)
        size, change = sum_of_squares(weights, n_in, n), squared_distance(weights, initial, n_in, n)
        record[starts[WEIGHT] + place - 1] = log_of(size / (n_in * n))
        record[starts[WEIGHT_CHANGE] + place - 1] = log_of(share_of(change, sum_of_squares(initial, n_in, n)))
        record[starts[WEIGHT_UPDATE] + place - 1] = log_of(share_of(sum_of_squares(taken, n_in, n), size))


@internal
def record_slopes(starts, step, place, room, record):
    """Shares of units whose slope is zero for every input, and of all slopes that are saturated; `room` is scratch space."""
    n, saturated, dead = step.n, 0, 0
    room[:n] = 0.0
    for b in range(step.rows):
        slopes = line(step, b)
        saturated += count_slopes(step.p, slopes, n)[1]
        for i in range(n):
            room[i] += abs(slopes[i])
    for i in range(n):
        dead += room[i] == 0.0
    record[starts[DEAD_FRACTION] + place - 1] = dead / n
    record[starts[SATURATED_FRACTION] + place - 1] = saturated / (n * step.rows)


@internal
def record_forward(code, k, step, room, record):
    """Of a vector on the way forward; behind dropout it stands for the activation's."""
    operation, place, starts = code.steps[k, OPERATION], code.steps[k, PLACE], code.starts
    if operation == INPUT or ((operation == ACTIVATE or operation == DROPOUT) and place > 0):
        square = sum_of_squares(step.out, step.rows, step.n) / (step.rows * step.n)
        record[starts[ACTIVATION] + max(place, 0)] = log_of(square)
    if operation == ACTIVATE and place > 0:
        record_slopes(starts, step, place, room, record)


@internal
def record_backward(code, k, step, record):
    """Of a linear map: what comes back to it, and what that makes of its weights."""
    if code.steps[k, OPERATION] == LINEAR_DENSE:
        place, starts, n_in, n = code.steps[k, PLACE], code.starts, step.n_in, code.steps[k, WIDTH]
        record[starts[GRADIENT] + place - 1] = log_of(sum_of_squares(step.d, step.rows, n) / (step.rows * n))
        gradients = window(step.own_gradients, 0, (step.in_columns, step.columns))
        record[starts[WEIGHT_GRADIENT] + place - 1] = log_of(sum_of_squares(gradients, n_in, n) / (n_in * n))
