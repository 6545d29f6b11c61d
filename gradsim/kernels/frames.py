"""Orthonormal frames: what a matrix-free layer keeps of its inputs, and draws.

A frame is a set of orthonormal vectors, the rows of an array. Vectors are float32; they are made orthonormal in float64.
"""

import math

import numpy as np

from .compilation import part, widest_vectors
from .sampling import LAW_NORMAL, sample_row
from .vectors import ROUNDING, dot, sum_of_squares
from .windows import row

# A vector whose squared distance from the span of others is below this part of its square counts as one of their span:
# float32 entries are rounded by up to 2^-24 of themselves, which moves a vector by up to 2^-48 of its square, and some
# roundings add up. Two inputs whose 1 - cosine is below half of it go on as one direction.
RANK_TOLERANCE = ROUNDING
NO_TOLERANCE = 0.0
CHOSEN = -1.0  # in `left`
CLEARLY_MORE = 1.0 + 2.0**-30  # of two rows with as much left the first goes first, whatever their rounding


@part
def load(v, n, residuals, left, squares):
    """Rows of v in float64, and their squares; what is left of a row, relative to it, is all, or nothing of zero."""
    for b in range(v.shape[0]):
        source, target = row(v, b), row(residuals, b)
        for i in range(n):
            target[i] = source[i]
        squares[b] = sum_of_squares(target, n)
        left[b] = 1.0 if squares[b] > 0.0 else 0.0


@part
def subtract(factor, u, n, v):
    """v -= factor u; |v|^2."""
    widest_vectors()
    total = 0.0
    for i in range(n):
        entry = v[i] - factor * np.float64(u[i])
        v[i] = entry
        total += entry * entry
    return total


@part
def orthonormalise(rows, n, most, tolerance, scratch, frame, coefficients):
    """Gram-Schmidt with pivots: row b of `scratch.residuals` becomes sum_k coefficients[k, b] frame[k]; returns the rank.

    The next direction is the row of which most is left, relative to `squares`, until less than `tolerance` is left of
    every row, or `most` directions are there. `residuals` is used up. The law of the frame of Gaussian rows is uniform
    whatever the pivots, since these depend on lengths and angles only. In float64 the frame is orthonormal to 1e-16 /
    sqrt(RANK_TOLERANCE) in one pass (Bjorck 1967, doi:10.1007/BF01934122), and to float32 once it is stored.
    """
    residuals, left, squares = scratch.residuals, scratch.left, scratch.squares
    for rank in range(min(most, rows, n)):
        pivot = 0
        for b in range(1, rows):
            if left[b] > CLEARLY_MORE * left[pivot]:
                pivot = b
        if not left[pivot] > tolerance:
            return rank
        direction, stored = row(residuals, pivot), row(frame, rank)
        inverse = 1.0 / math.sqrt(sum_of_squares(direction, n))
        for i in range(n):
            direction[i] *= inverse
            stored[i] = np.float32(direction[i])
        for b in range(rows):
            coefficients[rank, b] = 0.0
            if b != pivot and left[b] != CHOSEN:
                amount = dot(direction, row(residuals, b), n)
                coefficients[rank, b] = amount
                remaining = subtract(amount, direction, n, row(residuals, b))
                left[b] = remaining / squares[b] if squares[b] > 0.0 else 0.0
        coefficients[rank, pivot] = 1.0 / inverse
        left[pivot] = CHOSEN
    return min(most, rows, n)


@part
def draw_normal_rows(draws, role, rows, n, words, out):
    """Independent standard normal rows. A single number that is zero (5e-8 of draws) becomes one: it has a direction."""
    for k in range(rows):
        target = row(out, k)
        sample_row(LAW_NORMAL, draws.key, draws.layer, draws.replica, role, k, n, words, target)
        if n == 1 and target[0] == 0.0:
            target[0] = 1.0


@part
def mix(coefficients, rank, frame, n, out):
    """out[b] = sum_k coefficients[k, b] frame[k] over the rows of out; zeros for rank 0."""
    for b in range(out.shape[0]):
        target = row(out, b)
        for i in range(n):
            target[i] = 0.0
        add_mix(coefficients, rank, frame, n, b, target)


@part
def add_mix(coefficients, rank, frame, n, b, target):
    """target += sum_k coefficients[k, b] frame[k]; four directions at a time share what is read and written of it."""
    widest_vectors()
    zero = np.float32(0.0)
    for k in range(0, rank, 4):
        k_1, k_2, k_3 = min(k + 1, rank - 1), min(k + 2, rank - 1), min(k + 3, rank - 1)
        f_0, f_1, f_2, f_3 = row(frame, k), row(frame, k_1), row(frame, k_2), row(frame, k_3)
        c_0 = np.float32(coefficients[k, b])
        c_1 = np.float32(coefficients[k_1, b]) if k + 1 < rank else zero
        c_2 = np.float32(coefficients[k_2, b]) if k + 2 < rank else zero
        c_3 = np.float32(coefficients[k_3, b]) if k + 3 < rank else zero
        for i in range(n):
            target[i] += (c_0 * f_0[i] + c_1 * f_1[i]) + (c_2 * f_2[i] + c_3 * f_3[i])


@part
def inner_products(frame, rank, v, n, coefficients):
    """coefficients[k, b] = frame[k] . v[b]."""
    for k in range(rank):
        for b in range(v.shape[0]):
            coefficients[k, b] = dot(row(frame, k), row(v, b), n)
