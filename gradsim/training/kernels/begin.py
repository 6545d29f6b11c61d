"""What a network starts from: weights and biases of the laws, and from the random numbers, that the simulator has."""

import math

import numpy as np

from ...kernels.bundles import bundle
from ...kernels.compilation import internal
from ...kernels.layout import LAYER, LINEAR_DENSE, OPERATION, SOURCE, VARIANT, WIDTH
from ...kernels.plain import weights_in_place
from ...kernels.sampling import LAW_IDENTITY, LAW_ORTHOGONAL, blocks_per_row
from ...kernels.steps.linear import BIAS_EXPONENT, EXPONENT, SCALE, draw_bias
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
    weights_times(law, 0, draws, units, n_in, n, window(square, 2 * (square.size // 3), (square.size // 3,)), scratch, made)
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
def draw_linear(law, p, draws, n_in, n, columns, own, tape, scratch):
    weights = window(own, 0, (own.size // columns, columns))
    if law == LAW_IDENTITY or law == LAW_ORTHOGONAL:
        draw_whole(law, p, draws, n_in, n, tape.square, scratch, weights)
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
