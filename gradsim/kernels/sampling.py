"""From random words to numbers of a given law, an array of blocks at a time."""

import math

import numpy as np

from .compilation import internal, widest_vectors
from .elementary import log, normal_quantile, sincos_half_turns, truncated_normal_quantile
from .philox import fill_words
from .windows import window

# Roles: word 3 of the counter. Numbers drawn in different roles never share a block. (Roles and laws are NumPy integers
# because Numba compiles a function anew for each Python constant that it is called with.)
ROLE_INPUT, ROLE_WEIGHT, ROLE_BIAS, ROLE_PROBE = (np.int64(role) for role in range(4))
ROLE_PLACE = np.int64(4)  # where the weights of a sparse matrix are
ROLE_SAMPLE = np.int64(5)  # which rows of a data set
ROLE_TARGET, ROLE_LABEL = np.int64(6), np.int64(7)
ROLE_FORWARD, ROLE_BACKWARD = np.int64(8), np.int64(9)  # what matrix-free layers draw, either way
ROLE_DROPOUT = np.int64(10)  # which units are dropped

# Unit laws, all of mean zero, and but for CUT symmetric: NORMAL has standard deviation 1, UNIFORM is on [-1, 1], TRUNCATED is
# NORMAL given that it is within [-2, 2], RADEMACHER is -1 or 1, CUT is NORMAL given that it is between two numbers, brought
# to mean 0 and standard deviation 1 (see `cut_normals`). CONSTANT draws nothing.
LAW_CONSTANT, LAW_NORMAL, LAW_UNIFORM, LAW_TRUNCATED, LAW_RADEMACHER, LAW_CUT = (np.int64(law) for law in range(6))
# Laws of a whole matrix, which may have zeros (see `weights`)
LAW_SPARSE, LAW_SPARSE_COLUMNS, LAW_IDENTITY, LAW_ORTHOGONAL = (np.int64(law) for law in range(6, 10))

TILE = 1024  # Philox blocks of weights generated at a time: 4,096 words and as many numbers, 32 KiB
ROW_TILE = 512  # of a single row: the words stay in the innermost cache beside what is made of them

HALF = np.float32(0.5)
ONE = np.float32(1.0)
TWO_TO_MINUS_31 = np.float32(2.0**-31)
TWO_TO_MINUS_32 = np.float32(2.0**-32)
TWO_TO_MINUS_33 = np.float32(2.0**-33)
BELOW_ONE = np.float32(1.0 - 2.0**-24)
MINUS_TWO = np.float32(-2.0)
SQRT_HALF = math.sqrt(0.5)


@internal
def blocks_per_row(columns):
    """Philox blocks that a row of `columns` numbers takes: each block holds four."""
    return (columns + 3) // 4


@internal
def signed_unit(word):
    """A uint32 word as a float32 in [-1, 1], symmetric about 0 and never 0."""
    return np.float32(np.uint32(word).view(np.int32)) * TWO_TO_MINUS_31 + TWO_TO_MINUS_32


@internal
def box_muller(word_radius, word_angle):
    """Two standard normals (cosine first) from two words.

    The radius takes all 32 bits of its word near its largest values, so the tails reach 6.7 standard deviations.
    Box & Muller 1958, doi:10.1214/aoms/1177706645.
    """
    uniform = min(np.float32(word_radius) * TWO_TO_MINUS_32 + TWO_TO_MINUS_33, BELOW_ONE)
    radius = np.sqrt(MINUS_TWO * log(uniform))
    sine, cosine = sincos_half_turns(signed_unit(word_angle))
    return radius * cosine, radius * sine


@internal
def sample_blocks(law, key, layer, replica, role, first_block, blocks, words, values, start):
    """Fill columns start, start + 1, ... of `values`, float32 of shape (4, >= start + blocks), with consecutive blocks.

    Column start + j holds the four numbers of block first_block + j. `words` is uint32 scratch space, (4, >= blocks).
    """
    widest_vectors()
    fill_words(key, layer, replica, role, first_block, blocks, words)
    start = np.uint64(start)
    if law == LAW_NORMAL:
        for pair in range(2):
            for j in range(blocks):
                first, second = box_muller(words[2 * pair, j], words[2 * pair + 1, j])
                values[2 * pair, start + np.uint64(j)] = first
                values[2 * pair + 1, start + np.uint64(j)] = second
    elif law == LAW_UNIFORM:
        for k in range(4):
            for j in range(blocks):
                values[k, start + np.uint64(j)] = signed_unit(words[k, j])
    elif law == LAW_TRUNCATED:
        for k in range(4):
            for j in range(blocks):
                values[k, start + np.uint64(j)] = truncated_normal_quantile(signed_unit(words[k, j]))
    elif law == LAW_RADEMACHER:
        for k in range(4):
            for j in range(blocks):
                values[k, start + np.uint64(j)] = np.copysign(ONE, signed_unit(words[k, j]))


@internal
def cut_normals(shape, blocks, words, values):
    """The first `blocks` columns of `words`, uint32 (4, >= blocks), as numbers of the unit law CUT, in the same columns.

    `shape` is (low, high, mean, 1 / standard deviation) of the normal that is cut at low and high; not both of these may be
    beyond 30 on one side. With u = P(z < x | low < z < high), both tails of x are sums of what is positive: P(z < x) is
    (1 - u) P(z < low) + u P(z < high), and so with P(z > x). As parts of P(z < high) and of P(z > low) they are float32
    numbers, however far out the cuts are, and neither u nor 1 - u is got from the other.
    """
    widest_vectors()
    low, high = SQRT_HALF * shape[0], SQRT_HALF * shape[1]
    under_high, over_low = 0.5 * math.erfc(-high), 0.5 * math.erfc(low)
    depth = np.float32(-math.log(4.0 * under_high * over_low))
    under, over = np.float32(0.5 * math.erfc(-low) / under_high), np.float32(0.5 * math.erfc(high) / over_low)
    first, last = np.float32(math.erf(low)), np.float32(math.erf(high))
    mean, factor = np.float32(shape[2]), np.float32(shape[3])
    for k in range(4):
        for j in range(blocks):
            u = np.float32(words[k, j]) * TWO_TO_MINUS_32 + TWO_TO_MINUS_33
            rest = np.float32(np.uint32(~words[k, j])) * TWO_TO_MINUS_32 + TWO_TO_MINUS_33
            w = depth - log((rest * under + u) * (rest + u * over))
            values[k, j] = (normal_quantile(rest * first + u * last, w) - mean) * factor


@internal
def sample_row(law, key, layer, replica, role, row, columns, words, out):
    """Row `row` of an array with `columns` columns: writes out[:columns], and zeros up to a multiple of four.

    Number k * blocks + j is word k of the row's block j, so that the numbers are written where they stay.
    """
    blocks = blocks_per_row(columns)
    values = window(out, 0, (np.int64(4), np.int64(blocks)))
    for start in range(0, blocks, ROW_TILE):
        count = min(ROW_TILE, blocks - start)
        sample_blocks(law, key, layer, replica, role, row * blocks + start, count, words, values, start)
    for i in range(columns, 4 * blocks):
        out[i] = 0.0
