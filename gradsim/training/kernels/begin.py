"""What a network starts from: weights and biases of the laws, and from the random numbers, that the simulator has."""

import math

import numpy as np

from ...kernels.bundles import bundle
from ...kernels.compilation import internal
from ...kernels.layout import LAYER, LINEAR_DENSE, OPERATION, SOURCE, VARIANT, WIDTH
from ...kernels.plain import weights_in_place
from ...kernels.sampling import LAW_IDENTITY, LAW_ORTHOGONAL, LAW_SPARSE, LAW_SPARSE_COLUMNS, blocks_per_row
from ...kernels.steps.linear import BIAS_EXPONENT, EXPONENT, SCALE, draw_bias, shape_of
from ...kernels.weights import rows_per_tile, weights_times
from ...kernels.windows import row, window
from ...kernels.workspace import Draws, vector
from .cached import entry_point
from .layout import COLUMNS, OWN, OWN_END


@internal
def draw_whole(law, p, draws, n_in, n, square, scratch, weights):
    """Orthogonal or identity: what they make of each unit vector, as the simulator's plain arithmetic does of inputs."""
    units, made = vector(square, 0, n_in, n_in), vector(square, square.size // 3, n_in, n)
    units[:], made[:] = 0.0, 0.0
    for i in range(n_in):
        units[i, i] = 1.0
    room = window(square, 2 * (square.size // 3), (square.size // 3,))
    weights_times(law, shape_of(p), draws, units, n_in, n, room, scratch, made)
    factor = math.ldexp(p[SCALE], int(p[EXPONENT]))
    for i in range(n_in):
        for o in range(n):
            weights[i, o] = made[i, o] * factor


@internal
def draw_entries(law, p, draws, n_in, n, tile, scratch, weights):
    blocks = blocks_per_row(n_in)
    for first in range(0, n, rows_per_tile(n_in)):
        rows = min(rows_per_tile(n_in), n - first)
        weights_in_place(law, p, draws, n_in, first, rows, tile, scratch)
        for r in range(rows):
            for i in range(n_in):
                weights[i, first + r] = tile[i // blocks, r * blocks + i % blocks]


@internal
def draw_columns(p, draws, n_in, n, tile, scratch, weights):
    """Sparse columns are the rows of the transpose, as which they are drawn."""
    blocks = blocks_per_row(n)
    for first in range(0, n_in, rows_per_tile(n)):
        rows = min(rows_per_tile(n), n_in - first)
        weights_in_place(LAW_SPARSE, p, draws, n, first, rows, tile, scratch)
        for r in range(rows):
            for o in range(n):
                weights[first + r, o] = tile[o // blocks, r * blocks + o % blocks]


@internal
def draw_linear(law, p, draws, n_in, n, columns, own, tape, scratch):
    weights = window(own, 0, (own.size // columns, columns))
    if law == LAW_IDENTITY or law == LAW_ORTHOGONAL:
        draw_whole(law, p, draws, n_in, n, tape.square, scratch, weights)
    elif law == LAW_SPARSE_COLUMNS:
        draw_columns(p, draws, n_in, n, tape.tile, scratch, weights)
    else:
        draw_entries(law, p, draws, n_in, n, tape.tile, scratch, weights)
    bias = row(weights, own.size // columns - 1)
    draw_bias(p, draws, n, scratch, scratch.floats)
    for i in range(n):
        bias[i] = math.ldexp(np.float64(scratch.floats[i]), int(p[BIAS_EXPONENT]))


@entry_point
def begin(code, key, replica, base, net, tape, scratch):
    """The parameters of a network as they are drawn, others as in `base`, and nothing that an optimizer has kept."""
    code, net, tape, scratch = bundle(code), bundle(net), bundle(tape), bundle(scratch)
    net.weights[:] = base
    net.first[:], net.second[:] = 0.0, 0.0
    steps = code.steps
    for k in range(1, steps.shape[0]):
        n, columns, n_in = steps[k, WIDTH], steps[k, COLUMNS], steps[steps[k, SOURCE], WIDTH]
        if steps[k, OPERATION] == LINEAR_DENSE:
            own = window(net.weights, steps[k, OWN], (steps[k, OWN_END] - steps[k, OWN],))
            draws = Draws(key, steps[k, LAYER], replica)
            draw_linear(steps[k, VARIANT], row(code.parameters, k), draws, n_in, n, columns, own, tape, scratch)
    net.initial[:] = net.weights
