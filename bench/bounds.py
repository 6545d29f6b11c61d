"""What the arithmetic allows: the random numbers of a run and nothing else."""

import numpy as np
from numba import njit, prange

from gradsim.kernels.compilation import FASTMATH_REDUCTION, kernel
from gradsim.kernels.sampling import ROLE_WEIGHT, blocks_per_row, sample_blocks
from gradsim.kernels.weights import TILE


@kernel
def network_weights(law, key, replica, width, depth, words, values):
    """Every weight of one network, forward and again backward, a tile at a time as the engine draws them."""
    blocks = width * blocks_per_row(width)
    total = 0.0
    for _ in range(2):
        for layer in range(1, depth + 1):
            for first in range(0, blocks, TILE):
                count = min(TILE, blocks - first)
                sample_blocks(law, key, layer, replica, ROLE_WEIGHT, first, count, words, values)
                total += values[0, 0] + values[3, count - 1]  # a little of each tile, or nothing would be computed
    return total


@njit(fastmath=set(FASTMATH_REDUCTION), error_model="numpy", nogil=True, parallel=True)
def weights_alone(law, key, replicas, width, depth):
    """The draws of `replicas` networks on all threads; returns a sum that only keeps the compiler from leaving them out."""
    total = 0.0
    for replica in prange(replicas):
        words, values = np.empty((4, TILE), np.uint32), np.empty((4, TILE), np.float32)
        total += network_weights(law, key, replica, width, depth, words, values)
    return total
