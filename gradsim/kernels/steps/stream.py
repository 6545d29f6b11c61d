"""What is recorded of the stream of a residual network: x_l, which a block adds to, and dL/dx_l."""

from ..compilation import internal
from ..record import (
    STREAM,
    STREAM_CORRELATION,
    STREAM_GRADIENT,
    STREAM_GRADIENT_CORRELATION,
    STREAM_GRADIENT_MAX,
    STREAM_MAX,
    put,
)
from ..vectors import log_largest_square, log_mean, mean_cosine, sum_of_squares
from ..windows import row


@internal
def measure_rows(v, scratch):
    """Squares of the rows to all digits, into the scratch space."""
    for b in range(v.values.shape[0]):
        scratch.squares[b] = sum_of_squares(row(v.values, b), v.n)


@internal
def record_stream(x, place, scratch, record):
    measure_rows(x, scratch)
    rows = x.values.shape[0]
    put(record, STREAM, place, log_mean(scratch.squares, x.exponents, rows, x.n))
    put(record, STREAM_MAX, place, log_largest_square(x.values, x.exponents, x.n))
    if rows > 1:
        put(record, STREAM_CORRELATION, place, mean_cosine(x.values, scratch.squares, x.n)[0])


@internal
def record_stream_gradient(d, place, scratch, record):
    measure_rows(d, scratch)
    rows = d.values.shape[0]
    put(record, STREAM_GRADIENT, place, log_mean(scratch.squares, d.exponents, rows, d.n))
    put(record, STREAM_GRADIENT_MAX, place, log_largest_square(d.values, d.exponents, d.n))
    if rows > 1:
        put(record, STREAM_GRADIENT_CORRELATION, place, mean_cosine(d.values, scratch.squares, d.n)[0])
