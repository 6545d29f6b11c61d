"""LayerNorm and RMSNorm with gain and shift (RMSNorm has none), which are trained from 1 and 0 on.

With root = sqrt(mean u^2 + epsilon) and y = u / root, u = x - mean x for LayerNorm and x for RMSNorm: out = gain y + shift.
"""

import math

import numpy as np

from ....kernels.compilation import internal
from ....kernels.steps.deviation import EPSILON, EPSILON_EXPONENT
from ....kernels.steps.norm import LAYER_NORM
from ....kernels.windows import row, window

STARTS_AS = 1.0  # what the first row of its own numbers does


def own_numbers(n_in, n):
    """Gains, then shifts."""
    return 2 * n


def kept_numbers(rows, n):
    """y, and 1 / root behind the units of each row."""
    return rows * (n + 1)


@internal
def epsilon_of(p):
    return math.ldexp(p[EPSILON], 2 * int(p[EPSILON_EXPONENT]))


@internal
def scaled(gain, shift, kept, n, out):
    for i in range(n):
        out[i] = gain[i] * kept[i] + shift[i]


@internal
def forward(step):
    n, columns, epsilon = step.n, step.columns, epsilon_of(step.p)
    gain, shift = window(step.own, 0, (columns,)), window(step.own, columns, (columns,))
    for b in range(step.rows):
        x, kept = row(step.x, b), window(step.kept, b * (columns + 1), (columns + 1,))
        mean, square = 0.0, 0.0
        if step.variant == LAYER_NORM:
            for i in range(n):
                mean += x[i]
            mean /= n
        for i in range(n):
            square += (x[i] - mean) ** 2
        inverse = 1.0 / math.sqrt(square / n + epsilon)
        for i in range(n):
            kept[i] = (x[i] - mean) * inverse
        kept[columns] = inverse
        scaled(gain, shift, kept, n, row(step.out, b))


@internal
def add_gradients(d, kept, n, columns, gradients):
    for i in range(n):
        gradients[i] += d[i] * kept[i]
        gradients[columns + i] += d[i]


@internal
def backward(step):
    n, columns, centred = step.n, step.columns, step.variant == LAYER_NORM
    gain = window(step.own, 0, (columns,))
    step.own_gradients[:] = 0.0
    for b in range(step.rows):
        d, g, kept = row(step.d, b), row(step.g, b), window(step.kept, b * (columns + 1), (columns + 1,))
        add_gradients(d, kept, n, columns, step.own_gradients)
        mean, along = 0.0, 0.0
        for i in range(n):
            lift = np.float64(gain[i] * d[i])
            mean += lift
            along += lift * kept[i]
        mean, along, inverse = (mean / n if centred else 0.0), along / n, np.float64(kept[columns])
        for i in range(n):
            g[i] = (gain[i] * d[i] - mean - kept[i] * along) * inverse
    if not centred:
        window(step.own_gradients, columns, (columns,))[:] = 0.0
