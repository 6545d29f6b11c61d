"""The linear step with orthogonal weights and without their matrix (docs/theory.md has statement and proof).

W = 2^T s O, O uniform among orthogonal matrices in N = max(n_in, n_out) dimensions, of which the first n_out rows and
n_in columns count. With X = Q R:

    forward     O X = V R, V a uniform frame
    backward    O^T D = Q V^T D + F S, (I - V V^T) D = U S, F a uniform frame in the complement of Q

Q and V stay on the tape. Frames are Gaussian vectors made orthonormal.
"""

import math

import numpy as np

from .compilation import internal, step
from .frames import (
    NO_TOLERANCE,
    RANK_TOLERANCE,
    add_mix,
    draw_normal_rows,
    inner_products,
    load,
    mix,
    orthonormalise,
    subtract,
)
from .linear import (
    EXPONENT,
    SCALE,
    add_bias,
    finish_backward,
    finish_forward,
    has_bias,
    is_scaled_draw,
    record_gradient,
    record_one_gradient,
    record_preactivation,
)
from .sampling import LAW_NORMAL, ROLE_BACKWARD, ROLE_FORWARD, sample_row
from .vectors import affine, binary_scale, combine, dot, largest, power_of_two, rescale, settle, sum_of_squares
from .windows import row
from .workspace import vector

NO_SHIFT = np.float32(0.0)


@step
def one_forward(p, key, layer, replica, x, x_exponents, x_squares, n_in, n_out, h, h_exponents, z, scratch):
    """h = s |x| z / |z|."""
    n, after, fresh = max(n_in, n_out), row(h, 0), row(z, 0)
    draw_normal_rows(key, layer, replica, ROLE_FORWARD, np.int64(1), n, scratch.words, z)
    factor = p[SCALE] * math.sqrt(x_squares[0] / dot(fresh, fresh, n))
    exponent = binary_scale(factor, 0.0)
    factor *= power_of_two(-exponent)
    if n == n_out and is_scaled_draw(p):  # then z is h
        scratch.tops[0], scratch.squares[0] = rescale(after, n_out, np.float32(factor))
    else:
        scratch.tops[0], scratch.squares[0] = affine(fresh, n_out, np.float32(factor), NO_SHIFT, after)
    h_exponents[0] = x_exponents[0] + np.int64(p[EXPONENT]) + exponent if scratch.squares[0] != 0.0 else 0
    if has_bias(p):
        add_bias(p, key, layer, replica, n_out, h, h_exponents, scratch)


@step
def one_backward(
    p, key, layer, replica, x, x_exponents, x_squares, d, d_exponents, n_in, n_out, g, g_exponents, z, scratch, record
):
    """g = s (q (v . d) + f |d - v (v . d)|), q = x/|x|, v = z/|z|, f a random direction across q."""
    n, before, after, below, seen = max(n_in, n_out), row(x, 0), row(d, 0), row(g, 0), row(z, 0)
    fresh = row(vector(scratch.fresh, 0, np.int64(1), n), 0)
    sample_row(LAW_NORMAL, key, layer, replica, ROLE_BACKWARD, 0, n, scratch.words, fresh)
    # in float64: in two dimensions, what is across q is a small difference now and then
    x_square, d_square = sum_of_squares(before, n_in), sum_of_squares(after, n_out)
    record_one_gradient(x_square, x_exponents[0], largest(after, n_out), d_square, d_exponents[0], n_in, n_out, layer, record)
    lift, rest = 0.0, d_square
    if x_square > 0.0:
        along = dot(seen, after, n_out) / math.sqrt(dot(seen, seen, n))
        lift = p[SCALE] * along / math.sqrt(x_square)
        rest = max(d_square - along * along, 0.0) if n > 1 else 0.0
        subtract(dot(before, fresh, n_in) / x_square, before, n_in, fresh)
    across = sum_of_squares(fresh, n)
    spread = p[SCALE] * math.sqrt(rest / across) if across > 0.0 else 0.0
    exponent = binary_scale(spread, lift)
    unit = power_of_two(-exponent)
    lift, spread = unit * lift, unit * spread
    top = combine(np.float32(lift), before, np.float32(spread), fresh, NO_SHIFT, n_in, below)
    g_exponents[0] = settle(below, n_in, top, d_exponents[0] + np.int64(p[EXPONENT]) + exponent)


@internal
def many_forward(p, key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, v, q, scratch):
    """h = s V R, and the rank of X."""
    rows, n = x.shape[0], max(n_in, n_out)
    residuals, left, squares = scratch.residuals, scratch.left, scratch.squares
    load(x, n_in, residuals, left, squares)
    rank = orthonormalise(residuals, rows, n_in, rows, RANK_TOLERANCE, left, squares, q, scratch.first)
    draw_normal_rows(key, layer, replica, ROLE_FORWARD, rank, n, scratch.words, v)
    load(v, n, residuals, left, squares)
    orthonormalise(residuals, rank, n, rank, NO_TOLERANCE, left, squares, v, scratch.second)
    mix(scratch.first, rank, v, n_out, h)
    finish_forward(p, False, key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, scratch)
    return rank


@internal
def many_backward(p, key, layer, replica, d, d_exponents, n_in, n_out, g, g_exponents, v, q, rank, scratch):
    """g = s (Q V^T D + F S)."""
    rows, n = d.shape[0], max(n_in, n_out)
    residuals, left, squares = scratch.residuals, scratch.left, scratch.squares
    inner_products(v, rank, d, n_out, scratch.first)
    load_beyond(v, rank, d, n_out, n, residuals, left, squares, scratch.first)
    frame = vector(scratch.fresh, 0, rows, n)
    found = orthonormalise(residuals, rows, n, n - rank, RANK_TOLERANCE, left, squares, frame, scratch.second)
    draw_normal_rows(key, layer, replica, ROLE_BACKWARD, found, n, scratch.words, frame)
    mix(scratch.first, rank, q, n_in, g)
    load(frame, n, residuals, left, squares)
    for k in range(found):
        for j in range(rank):
            direction = row(q, j)
            squares[k] = subtract(dot(direction, row(residuals, k), n_in), direction, n_in, row(residuals, k))
        squares[k] = sum_of_squares(row(residuals, k), n)
    orthonormalise(residuals, found, n, found, NO_TOLERANCE, left, squares, frame, scratch.first)
    for b in range(rows):
        add_mix(scratch.second, found, frame, n_in, b, row(g, b))
    finish_backward(p, False, d, d_exponents, n_in, n_out, g, g_exponents, scratch)


@internal
def load_beyond(v, rank, d, n_out, n, residuals, left, squares, coefficients):
    """Rows of d, with zeros up to n units, without what lies in the span of v."""
    for b in range(d.shape[0]):
        source, target = row(d, b), row(residuals, b)
        for i in range(n_out):
            target[i] = source[i]
        for i in range(n_out, n):
            target[i] = 0.0
        squares[b] = sum_of_squares(target, n)
        remaining = squares[b]
        for k in range(rank):
            remaining = subtract(coefficients[k, b], row(v, k), n, target)
        left[b] = remaining / squares[b] if squares[b] > 0.0 else 0.0


@step
def haar_forward(p, key, layer, replica, x, x_exponents, x_squares, n_in, n_out, h, h_exponents, v, q, scratch, record):
    """h = W x; v and q take what the way back needs. Returns the rank of the inputs."""
    rank = 1
    if x.shape[0] == 1:
        one_forward(p, key, layer, replica, x, x_exponents, x_squares, n_in, n_out, h, h_exponents, v, scratch)
    else:
        rank = many_forward(p, key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, v, q, scratch)
    record_preactivation(h, h_exponents, n_out, layer, scratch, record)
    return rank


@step
def haar_backward(
    p, key, layer, replica, x, x_exponents, x_squares, d, d_exponents, n_in, n_out, g, g_exponents, v, q, rank, scratch, record
):
    """g = W^T d."""
    if x.shape[0] == 1:
        one_backward(
            p, key, layer, replica, x, x_exponents, x_squares, d, d_exponents, n_in, n_out, g, g_exponents, v, scratch, record
        )
    else:
        record_gradient(x, x_exponents, d, d_exponents, n_in, n_out, layer, scratch, record)
        many_backward(p, key, layer, replica, d, d_exponents, n_in, n_out, g, g_exponents, v, q, rank, scratch)
