"""BatchNorm with gain and shift, which are trained from 1 and 0 on: each unit over the inputs of the batch.

What is held out is normalised over its own batch too: there are no running means.
"""

import math

from ....kernels.compilation import internal
from ....kernels.windows import row, window
from .norm import STARTS_AS, epsilon_of, own_numbers, scaled

__all__ = ["STARTS_AS", "backward", "forward", "kept_numbers", "own_numbers"]


def kept_numbers(rows, n):
    """y, and behind it 1 / root of each unit and a row of room."""
    return (rows + 2) * n


@internal
def forward(step):
    n, columns, rows, epsilon = step.n, step.columns, step.rows, epsilon_of(step.p)
    gain, shift = window(step.own, 0, (columns,)), window(step.own, columns, (columns,))
    inverse, mean = window(step.kept, rows * columns, (columns,)), window(step.kept, (rows + 1) * columns, (columns,))
    inverse[:], mean[:] = 0.0, 0.0
    for b in range(rows):
        x = row(step.x, b)
        for i in range(n):
            mean[i] += x[i]
    for i in range(n):
        mean[i] /= rows
    for b in range(rows):
        x, y = row(step.x, b), window(step.kept, b * columns, (columns,))
        for i in range(n):
            y[i] = x[i] - mean[i]
            inverse[i] += y[i] * y[i]
    for i in range(n):
        inverse[i] = 1.0 / math.sqrt(inverse[i] / rows + epsilon)
    for b in range(rows):
        y = window(step.kept, b * columns, (columns,))
        for i in range(n):
            y[i] *= inverse[i]
        scaled(gain, shift, y, n, row(step.out, b))


@internal
def backward(step):
    """g = gain (d - mean d - y mean(y d)) / root, of sums that are the gradients of shift and gain."""
    n, columns, rows = step.n, step.columns, step.rows
    gain, inverse = window(step.own, 0, (columns,)), window(step.kept, rows * columns, (columns,))
    of_gain, of_shift = window(step.own_gradients, 0, (columns,)), window(step.own_gradients, columns, (columns,))
    step.own_gradients[:] = 0.0
    for b in range(rows):
        d, y = row(step.d, b), window(step.kept, b * columns, (columns,))
        for i in range(n):
            of_gain[i] += d[i] * y[i]
            of_shift[i] += d[i]
    for b in range(rows):
        d, g, y = row(step.d, b), row(step.g, b), window(step.kept, b * columns, (columns,))
        for i in range(n):
            g[i] = gain[i] * inverse[i] * (d[i] - of_shift[i] / rows - y[i] * (of_gain[i] / rows))
