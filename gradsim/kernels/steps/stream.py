"""What is recorded of the stream of a residual network: x_l, which a block adds to, and dL/dx_l."""

import numpy as np

from ..compilation import internal, widest_vectors
from ..record import (
    STREAM,
    STREAM_CORRELATION,
    STREAM_GRADIENT,
    STREAM_GRADIENT_CORRELATION,
    STREAM_GRADIENT_MAX,
    STREAM_MAX,
    put,
)
from ..vectors import ROUNDING, inverse_length, log_largest_square, log_mean, sum_of_squares
from ..windows import row


@internal
def measure_rows(v, scratch):
    """Squares of the rows to all digits, into the scratch space."""
    for b in range(v.values.shape[0]):
        scratch.squares[b] = sum_of_squares(row(v.values, b), v.n)


@internal
def begin_gaps(u, factor, n, first, total):
    """first = factor u, total = 0."""
    widest_vectors()
    for i in range(n):
        first[i] = factor * np.float64(u[i])
        total[i] = 0.0


@internal
def add_gap(u, factor, n, first, total):
    """total += factor u - first; the squared length of that."""
    widest_vectors()
    square = 0.0
    for i in range(n):
        gap = factor * np.float64(u[i]) - first[i]
        total[i] += gap
        square += gap * gap
    return square


@internal
def square_of_total(total, n):
    widest_vectors()
    square = 0.0
    for i in range(n):
        square += total[i] * total[i]
    return square


@internal
def mean_cosine(v, scratch):
    """Over pairs of rows, two or more, whose squares are in the scratch space; NaN if a row is zero.

    With g_b = u_b - u_0, u_b the unit vectors, the squared distances of all pairs are B sum |g_b|^2 - |sum g_b|^2: one pass
    over the rows instead of (B - 1)/2. Where rows nearly agree all g_b are small, so nothing cancels then but a factor B.
    What is below ROUNDING is none here as it is in `vectors.mean_cosine`, but of the mean instead of each pair.
    """
    n, rows, squares, first, total, gaps = v.n, v.values.shape[0], scratch.squares, scratch.signs, scratch.logs, 0.0
    begin_gaps(row(v.values, 0), inverse_length(squares[0]), n, first, total)
    for b in range(1, rows):
        gaps += add_gap(row(v.values, b), inverse_length(squares[b]), n, first, total)
    gap = (rows * gaps - square_of_total(total, n)) / (rows * (rows - 1))
    return 1.0 - gap if not 2.0 * gap < ROUNDING else 1.0


@internal
def record_stream(x, place, scratch, record):
    measure_rows(x, scratch)
    rows = x.values.shape[0]
    put(record, STREAM, place, log_mean(scratch.squares, x.exponents, rows, x.n))
    put(record, STREAM_MAX, place, log_largest_square(x.values, x.exponents, x.n))
    if rows > 1:
        put(record, STREAM_CORRELATION, place, mean_cosine(x, scratch))


@internal
def record_stream_gradient(d, place, scratch, record):
    measure_rows(d, scratch)
    rows = d.values.shape[0]
    put(record, STREAM_GRADIENT, place, log_mean(scratch.squares, d.exponents, rows, d.n))
    put(record, STREAM_GRADIENT_MAX, place, log_largest_square(d.values, d.exponents, d.n))
    if rows > 1:
        put(record, STREAM_GRADIENT_CORRELATION, place, mean_cosine(d, scratch))
