"""The least that an engine can take: the random numbers alone, from the same generator in the same tiles."""

import numpy as np
from numba import njit, prange

from gradsim.kernels.compilation import FASTMATH_REDUCTION
from gradsim.kernels.sampling import LAW_NORMAL, LAW_UNIFORM, ROLE_WEIGHT, TILE, blocks_per_row, sample_blocks

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
                sample_blocks(law, key, layer, number, ROLE_WEIGHT, first * blocks, count, words, numbers)
                used[replica] += numbers[step % 4, 0]
    return used
