"""y = G x and g = G^T d for a weight matrix G drawn from a unit law, without ever holding it.

Independent entries are generated from the counter a tile of rows at a time, used at once, and generated again on the
way back: no n^2 numbers are stored. An orthogonal matrix is a product of reflections, each made from its own normals
and applied at once.
"""

import math

import numpy as np

from .compilation import internal, kernel
from .philox import fill_words
from .sampling import (
    LAW_IDENTITY, LAW_NORMAL, LAW_ORTHOGONAL, LAW_SPARSE, ROLE_PLACE, ROLE_WEIGHT, TILE, blocks_per_row,
    sample_blocks,
)  # fmt: skip
from .vectors import copy, dot, sum_of_squares
from .workspace import vector


@internal
def rows_per_tile(n_in):
    return max(1, TILE // blocks_per_row(n_in))


@internal
def draw_tile(law, nonzero, key, layer, replica, n_in, first_row, rows, words, values):
    """Rows first_row, ..., of G: entry (r, k * blocks + j) becomes values[k, r * blocks + j]."""
    blocks = blocks_per_row(n_in)
    unit = LAW_NORMAL if law == LAW_SPARSE else law
    sample_blocks(unit, key, layer, replica, ROLE_WEIGHT, first_row * blocks, rows * blocks, words, values)
    if law == LAW_SPARSE:
        fill_words(key, layer, replica, ROLE_PLACE, first_row * blocks, rows * blocks, words)
        for r in range(rows):
            thin_row(r * blocks, n_in, nonzero, words, values)


@internal
def thin_row(start, n_in, nonzero, words, values):
    """Keep `nonzero` of n_in entries, every choice as likely as any other; the others become zero.

    Entry i stays with probability (still wanted) / (n_in - i): Knuth, The Art of Computer Programming 3.4.2, Algorithm S.
    """
    blocks = blocks_per_row(n_in)
    wanted = np.uint64(nonzero)
    for i in range(n_in):
        k, j = i // blocks, start + i % blocks
        if (np.uint64(words[k, j]) * np.uint64(n_in - i)) >> np.uint64(32) < wanted:
            wanted -= np.uint64(1)
        else:
            values[k, j] = 0.0


@internal
def copy_rows(source, n, target):
    for b in range(source.shape[0]):
        copy(source[b], n, target[b])


@kernel
def weights_times(law, nonzero, key, layer, replica, x, n_in, n_out, scratch, y):
    """y[b] = G x[b] for all rows b; y comes in as zeros."""
    if law == LAW_IDENTITY:
        copy_rows(x, min(n_in, n_out), y)
    elif law == LAW_ORTHOGONAL and n_out >= n_in:
        copy_rows(x, n_in, y)
        reflect(key, layer, replica, n_out, n_in, y, scratch)
    elif law == LAW_ORTHOGONAL:
        turned = vector(scratch.room, 0, x.shape[0], n_in)
        copy_rows(x, n_in, turned)
        reflect_back(key, layer, replica, n_in, n_out, turned, scratch)
        copy_rows(turned, n_out, y)
    else:
        entries_times(law, nonzero, key, layer, replica, x, n_in, n_out, scratch.words, scratch.numbers, y)


@kernel
def transposed_weights_times(law, nonzero, key, layer, replica, d, n_in, n_out, scratch, g):
    """g[b] = G^T d[b] for all rows b; g comes in as zeros, and d may be overwritten."""
    if law == LAW_IDENTITY:
        copy_rows(d, min(n_in, n_out), g)
    elif law == LAW_ORTHOGONAL and n_out >= n_in:
        reflect_back(key, layer, replica, n_out, n_in, d, scratch)
        copy_rows(d, n_in, g)
    elif law == LAW_ORTHOGONAL:
        copy_rows(d, n_out, g)
        reflect(key, layer, replica, n_in, n_out, g, scratch)
    else:
        transposed_entries_times(law, nonzero, key, layer, replica, d, n_in, n_out, scratch.words, scratch.numbers, g)


@internal
def entries_times(law, nonzero, key, layer, replica, x, n_in, n_out, words, values, y):
    blocks = blocks_per_row(n_in)
    for first in range(0, n_out, rows_per_tile(n_in)):
        rows = min(rows_per_tile(n_in), n_out - first)
        draw_tile(law, nonzero, key, layer, replica, n_in, first, rows, words, values)
        for r in range(rows):
            start = r * blocks
            for b in range(x.shape[0]):
                total = np.float32(0.0)
                for j in range(blocks):
                    total += (
                        values[0, start + j] * x[b, j]
                        + values[1, start + j] * x[b, blocks + j]
                        + values[2, start + j] * x[b, 2 * blocks + j]
                        + values[3, start + j] * x[b, 3 * blocks + j]
                    )
                y[b, first + r] = total


@internal
def transposed_entries_times(law, nonzero, key, layer, replica, d, n_in, n_out, words, values, g):
    blocks = blocks_per_row(n_in)
    for first in range(0, n_out, rows_per_tile(n_in)):
        rows = min(rows_per_tile(n_in), n_out - first)
        draw_tile(law, nonzero, key, layer, replica, n_in, first, rows, words, values)
        for r in range(rows):
            start = r * blocks
            for b in range(d.shape[0]):
                factor = d[b, first + r]
                for k in range(4):
                    for j in range(blocks):
                        g[b, k * blocks + j] += factor * values[k, start + j]
    for b in range(d.shape[0]):
        for j in range(n_in, 4 * blocks):
            g[b, j] = 0.0


@internal
def draw_reflection(key, layer, replica, n, k, scratch):
    """Reflection k of an n-dimensional orthogonal matrix: (sign, factor) for H = I - factor u u^T.

    u, in scratch.floats[: n - k], is z with |z| added to its first entry away from zero, z normal: H z = sign |z| e_1.
    """
    blocks, values, direction = blocks_per_row(n - k), scratch.numbers, scratch.floats
    sample_blocks(LAW_NORMAL, key, layer, replica, ROLE_WEIGHT, k * blocks_per_row(n), blocks, scratch.words, values)
    for i in range(n - k):
        direction[i] = values[i // blocks, i % blocks]
    norm = math.sqrt(sum_of_squares(direction, n - k))
    first = np.float64(direction[0])
    direction[0] = np.float32(first + math.copysign(norm, first))
    return (-1.0 if first >= 0.0 else 1.0), 1.0 / (norm * (norm + abs(first)))


@internal
def reflect_rows(k, n, factor, direction, v):
    for b in range(v.shape[0]):
        tail = v[b, k:n]
        amount = np.float32(factor * dot(direction, tail, n - k))
        for i in range(n - k):
            tail[i] -= amount * direction[i]


@internal
def reflect(key, layer, replica, n, m, v, scratch):
    """v[b] = Q v[b][:m], Q uniform among n x m matrices with orthonormal columns; v[b][m:] comes in as zeros.

    Q = H_0 D_0 H_1 D_1 ... H_(m-1) D_(m-1) are the Householder reflections that a QR factorization of a Gaussian matrix
    makes, and the signs that make its R positive: what is left of the matrix after each is as Gaussian as it was, so
    each reflection can be drawn by itself. Stewart 1980, doi:10.1137/0717034.
    """
    for k in range(m - 1, -1, -1):
        sign, factor = draw_reflection(key, layer, replica, n, k, scratch)
        for b in range(v.shape[0]):
            v[b, k] *= np.float32(sign)
        reflect_rows(k, n, factor, scratch.floats, v)


@internal
def reflect_back(key, layer, replica, n, m, v, scratch):
    """v[b][:m] = Q^T v[b] for the Q of `reflect`; the rest of v[b] is left over."""
    for k in range(m):
        sign, factor = draw_reflection(key, layer, replica, n, k, scratch)
        reflect_rows(k, n, factor, scratch.floats, v)
        for b in range(v.shape[0]):
            v[b, k] *= np.float32(sign)
