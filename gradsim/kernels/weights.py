"""y = G x and g = G^T d for a weight matrix G drawn from a unit law, without ever holding it.

Independent entries are generated from the counter a tile of rows at a time, used at once, and generated again on the
way back: no n^2 numbers are stored. A matrix with sparse columns is the transpose of one with sparse rows. An orthogonal
matrix is a product of reflections, each made from its own normals and applied at once.
"""

import math

import numpy as np

from .compilation import internal, widest_vectors
from .philox import fill_words
from .sampling import (
    LAW_CUT,
    LAW_IDENTITY,
    LAW_NORMAL,
    LAW_ORTHOGONAL,
    LAW_SPARSE,
    LAW_SPARSE_COLUMNS,
    LAW_UNIFORM,
    ROLE_PLACE,
    ROLE_WEIGHT,
    TILE,
    TWO_TO_MINUS_31,
    TWO_TO_MINUS_32,
    blocks_per_row,
    cut_normals,
    sample_blocks,
)
from .vectors import copy, dot, sum_of_squares
from .workspace import vector

TWO, THREE = np.uint64(2), np.uint64(3)


@internal
def rows_per_tile(n_in):
    return max(1, TILE // blocks_per_row(n_in))


@internal
def draw_tile(law, shape, draws, n_in, first_row, rows, words, values):
    """Rows first_row, ..., of G: entry (r, k * blocks + j) becomes values[k, r * blocks + j].

    `shape`, float64 (4,), is what laws have besides mean and scale: see `thin_row` and `cut_normals`.
    """
    if law == LAW_CUT:
        draw_words(draws, n_in, first_row, rows, words)
        cut_normals(shape, rows * blocks_per_row(n_in), words, values)
        return
    blocks, start = blocks_per_row(n_in), np.int64(0)
    unit, first = LAW_NORMAL if law == LAW_SPARSE else law, first_row * blocks
    sample_blocks(unit, draws.key, draws.layer, draws.replica, ROLE_WEIGHT, first, rows * blocks, words, values, start)
    if law == LAW_SPARSE:
        fill_words(draws.key, draws.layer, draws.replica, ROLE_PLACE, first_row * blocks, rows * blocks, words)
        for r in range(rows):
            thin_row(r * blocks, n_in, np.int64(shape[0]), words, values)


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


@internal
def weights_times(law, shape, draws, x, n_in, n_out, room, scratch, y):
    """y[b] = G x[b] for all rows b; y comes in as zeros. `room` holds as many numbers as x."""
    if law == LAW_IDENTITY:
        copy_rows(x, min(n_in, n_out), y)
    elif law == LAW_ORTHOGONAL and n_out >= n_in:
        copy_rows(x, n_in, y)
        reflect(draws, n_out, n_in, y, scratch)
    elif law == LAW_ORTHOGONAL:
        turned = vector(room, 0, x.shape[0], n_in)
        copy_rows(x, n_in, turned)
        reflect_back(draws, n_in, n_out, turned, scratch)
        copy_rows(turned, n_out, y)
    elif law == LAW_SPARSE_COLUMNS:
        transposed_entries_times(LAW_SPARSE, shape, draws, x, n_out, n_in, scratch.words, scratch.numbers, y)
    else:
        entries_times(law, shape, draws, x, n_in, n_out, scratch.words, scratch.numbers, y)


@internal
def transposed_weights_times(law, shape, draws, d, n_in, n_out, scratch, g):
    """g[b] = G^T d[b] for all rows b; g comes in as zeros, and d may be overwritten."""
    if law == LAW_IDENTITY:
        copy_rows(d, min(n_in, n_out), g)
    elif law == LAW_ORTHOGONAL and n_out >= n_in:
        reflect_back(draws, n_out, n_in, d, scratch)
        copy_rows(d, n_in, g)
    elif law == LAW_ORTHOGONAL:
        copy_rows(d, n_out, g)
        reflect(draws, n_in, n_out, g, scratch)
    elif law == LAW_SPARSE_COLUMNS:
        entries_times(LAW_SPARSE, shape, draws, d, n_out, n_in, scratch.words, scratch.numbers, g)
    else:
        transposed_entries_times(law, shape, draws, d, n_in, n_out, scratch.words, scratch.numbers, g)


@internal
def entries_times(law, shape, draws, x, n_in, n_out, words, numbers, y):
    for first in range(0, n_out, rows_per_tile(n_in)):
        rows = min(rows_per_tile(n_in), n_out - first)
        if law == LAW_UNIFORM:
            draw_words(draws, n_in, first, rows, words)
            tile_times(words.view(np.int32), rows, n_in, first, x, y)
        else:
            draw_tile(law, shape, draws, n_in, first, rows, words, numbers)
            tile_times(numbers, rows, n_in, first, x, y)
    if law == LAW_UNIFORM:
        for b in range(x.shape[0]):
            words_to_units(x[b], n_in, n_out, y[b])


@internal
def transposed_entries_times(law, shape, draws, d, n_in, n_out, words, numbers, g):
    for first in range(0, n_out, rows_per_tile(n_in)):
        rows = min(rows_per_tile(n_in), n_out - first)
        if law == LAW_UNIFORM:
            draw_words(draws, n_in, first, rows, words)
            transposed_tile_times(words.view(np.int32), rows, n_in, first, d, g)
        else:
            draw_tile(law, shape, draws, n_in, first, rows, words, numbers)
            transposed_tile_times(numbers, rows, n_in, first, d, g)
    for b in range(d.shape[0]):
        if law == LAW_UNIFORM:
            words_to_units(d[b], n_out, n_in, g[b])
        for j in range(n_in, g.shape[1]):
            g[b, j] = 0.0


@internal
def draw_words(draws, n_in, first_row, rows, words):
    blocks = blocks_per_row(n_in)
    fill_words(draws.key, draws.layer, draws.replica, ROLE_WEIGHT, first_row * blocks, rows * blocks, words)


@internal
def words_to_units(source, n_source, n, out):
    """From products with signed words to products with the uniform numbers (word + 1/2) 2^-31 (see `signed_unit`)."""
    total = 0.0
    for i in range(n_source):
        total += source[i]
    half = np.float32(total) * TWO_TO_MINUS_32
    for i in range(n):
        out[i] = out[i] * TWO_TO_MINUS_31 + half


@internal
def tile_times(numbers, rows, n_in, first, x, y):
    """y[b, first + r] = sum_i G[r, i] x[b, i] for a tile of G, float32 or int32; four rows at a time share their reads of x."""
    blocks = blocks_per_row(n_in)
    grouped = rows - rows % 4
    for b in range(x.shape[0]):
        for r in range(0, grouped, 4):
            four_rows_times(numbers, r * blocks, blocks, x[b], y[b], first + r)
        for r in range(grouped, rows):
            y[b, first + r] = row_times(numbers, r * blocks, blocks, x[b])


# In the loops below every index is unsigned: one that might be negative, for all that LLVM knows, is not vectorised. Four
# quarters are summed in one loop, so that lanes are gathered once; where g is written, one quarter at a time is faster,
# because each array that might overlap with it is checked.


@internal
def four_rows_times(numbers, start, blocks, x, y, first):
    widest_vectors()
    row_0, row_1, row_2, row_3 = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    start, step = np.uint64(start), np.uint64(blocks)
    for j in range(blocks):
        at = np.uint64(j)
        x_0, x_1, x_2, x_3 = x[at], x[at + step], x[at + TWO * step], x[at + THREE * step]
        row_0 += sum_of_quarters(numbers, start + at, x_0, x_1, x_2, x_3)
        row_1 += sum_of_quarters(numbers, start + at + step, x_0, x_1, x_2, x_3)
        row_2 += sum_of_quarters(numbers, start + at + TWO * step, x_0, x_1, x_2, x_3)
        row_3 += sum_of_quarters(numbers, start + at + THREE * step, x_0, x_1, x_2, x_3)
    y[first], y[first + 1], y[first + 2], y[first + 3] = row_0, row_1, row_2, row_3


@internal
def sum_of_quarters(numbers, i, x_0, x_1, x_2, x_3):
    return (np.float32(numbers[0, i]) * x_0 + np.float32(numbers[1, i]) * x_1) + (
        np.float32(numbers[2, i]) * x_2 + np.float32(numbers[3, i]) * x_3
    )


@internal
def row_times(numbers, start, blocks, x):
    total = np.float32(0.0)
    start, step = np.uint64(start), np.uint64(blocks)
    for j in range(blocks):
        at = np.uint64(j)
        total += sum_of_quarters(numbers, start + at, x[at], x[at + step], x[at + TWO * step], x[at + THREE * step])
    return total


@internal
def transposed_tile_times(numbers, rows, n_in, first, d, g):
    """g[b, i] += sum_r G[r, i] d[b, first + r] for a tile of G; four rows at a time share what is read and written of g."""
    blocks = blocks_per_row(n_in)
    grouped = rows - rows % 4
    for b in range(d.shape[0]):
        for r in range(0, grouped, 4):
            add_four_rows(numbers, r * blocks, blocks, d[b], first + r, g[b])
        for r in range(grouped, rows):
            add_row(numbers, r * blocks, blocks, d[b, first + r], g[b])


@internal
def add_four_rows(numbers, start, blocks, d, first, g):
    widest_vectors()
    d_0, d_1, d_2, d_3 = d[first], d[first + 1], d[first + 2], d[first + 3]
    start, step = np.uint64(start), np.uint64(blocks)
    for k in range(4):
        for j in range(blocks):
            at = np.uint64(k) * step + np.uint64(j)
            g[at] += sum_of_rows(numbers, k, start + np.uint64(j), step, d_0, d_1, d_2, d_3)


@internal
def sum_of_rows(numbers, k, i, step, d_0, d_1, d_2, d_3):
    return (d_0 * np.float32(numbers[k, i]) + d_1 * np.float32(numbers[k, i + step])) + (
        d_2 * np.float32(numbers[k, i + TWO * step]) + d_3 * np.float32(numbers[k, i + THREE * step])
    )


@internal
def add_row(numbers, start, blocks, factor, g):
    start, step = np.uint64(start), np.uint64(blocks)
    for k in range(4):
        for j in range(blocks):
            g[np.uint64(k) * step + np.uint64(j)] += factor * np.float32(numbers[k, start + np.uint64(j)])


@internal
def draw_reflection(draws, n, k, scratch):
    """Reflection k of an n-dimensional orthogonal matrix: (sign, factor) for H = I - factor u u^T.

    u, in scratch.floats[: n - k], is z with |z| added to its first entry away from zero, z normal: H z = sign |z| e_1.
    """
    blocks, values, direction = blocks_per_row(n - k), scratch.numbers, scratch.floats
    first = k * blocks_per_row(n)
    sample_blocks(
        LAW_NORMAL, draws.key, draws.layer, draws.replica, ROLE_WEIGHT, first, blocks, scratch.words, values, np.int64(0)
    )
    for i in range(n - k):
        direction[i] = values[i // blocks, i % blocks]
    norm = math.sqrt(sum_of_squares(direction, n - k))
    head = np.float64(direction[0])
    direction[0] = np.float32(head + math.copysign(norm, head))
    return (-1.0 if head >= 0.0 else 1.0), 1.0 / (norm * (norm + abs(head)))


@internal
def reflect_rows(k, n, factor, direction, v):
    for b in range(v.shape[0]):
        tail = v[b, k:n]
        amount = np.float32(factor * dot(direction, tail, n - k))
        for i in range(n - k):
            tail[i] -= amount * direction[i]


@internal
def reflect(draws, n, m, v, scratch):
    """v[b] = Q v[b][:m], Q uniform among n x m matrices with orthonormal columns; v[b][m:] comes in as zeros.

    Q = H_0 D_0 H_1 D_1 ... H_(m-1) D_(m-1) are the Householder reflections that a QR factorization of a Gaussian matrix
    makes, and the signs that make its R positive: what is left of the matrix after each is as Gaussian as it was, so
    each reflection can be drawn by itself. Stewart 1980, doi:10.1137/0717034.
    """
    for k in range(m - 1, -1, -1):
        sign, factor = draw_reflection(draws, n, k, scratch)
        for b in range(v.shape[0]):
            v[b, k] *= np.float32(sign)
        reflect_rows(k, n, factor, scratch.floats, v)


@internal
def reflect_back(draws, n, m, v, scratch):
    """v[b][:m] = Q^T v[b] for the Q of `reflect`; the rest of v[b] is left over."""
    for k in range(m):
        sign, factor = draw_reflection(draws, n, k, scratch)
        reflect_rows(k, n, factor, scratch.floats, v)
        for b in range(v.shape[0]):
            v[b, k] *= np.float32(sign)
