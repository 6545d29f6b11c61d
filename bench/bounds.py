"""The least that an engine can take: the random numbers alone, from the same generator in the same tiles and rows."""

import numpy as np
from numba import njit, prange

from gradsim.kernels.compilation import FASTMATH_REDUCTION
from gradsim.kernels.sampling import (
    LAW_NORMAL,
    LAW_UNIFORM,
    ROLE_BACKWARD,
    ROLE_FORWARD,
    ROLE_WEIGHT,
    TILE,
    blocks_per_row,
    sample_blocks,
    sample_row,
)

LAWS = {"normal": LAW_NORMAL, "uniform": LAW_UNIFORM}


@njit(parallel=True, fastmath=set(FASTMATH_REDUCTION), error_model="numpy")
def weights_alone(law, key, replicas, width, depth):
    """Draw the weights of all layers twice, as the dense engine does, and use one number in a thousand of them."""
    used = np.zeros(replicas)
    blocks = blocks_per_row(width)
    rows = max(1, TILE // blocks)
    for replica in prange(replicas):
        words = np.zeros((4, max(TILE, blocks) + 16), np.uint32)
        numbers = np.zeros((4, max(TILE, blocks) + 16), np.float32)
        for step in range(2 * depth):
            for first in range(0, width, rows):
                count = min(rows, width - first) * blocks
                layer, number = np.int64(step % depth), np.int64(replica)
                sample_blocks(law, key, layer, number, ROLE_WEIGHT, first * blocks, count, words, numbers, 0)
                used[replica] += numbers[step % 4, 0]
    return used


@njit(parallel=True, fastmath=set(FASTMATH_REDUCTION), error_model="numpy")
def two_normals_alone(key, replicas, width, depth):
    """Draw two normals a unit and layer, as the matrix-free engine does for one input, and use one of them a layer."""
    used = np.zeros(replicas)
    for replica in prange(replicas):
        words, row = np.zeros((4, max(TILE, width) + 16), np.uint32), np.zeros(width + 4, np.float32)
        number = np.int64(replica)
        for layer in range(depth):
            sample_row(LAW_NORMAL, key, layer, number, ROLE_FORWARD, 0, width, words, row)
            used[replica] += row[0]
            sample_row(LAW_NORMAL, key, layer, number, ROLE_BACKWARD, 0, width, words, row)
    return used
