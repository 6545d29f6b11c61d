"""The linear step with orthogonal weights and without their matrix (docs/theory.md has statement and proof).

W = 2^T s O, O uniform among orthogonal matrices in N = max(n_in, n_out) dimensions, of which the first n_out rows and
n_in columns count. With X = Q R:

    forward     O X = V R, V a uniform frame
    backward    O^T D = Q V^T D + F S, (I - V V^T) D = U S, F a uniform frame in the complement of Q

Q and V stay on the tape. Frames are Gaussian vectors made orthonormal.
"""

import math

import numpy as np

from ..compilation import part
from ..frames import (
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
from ..sampling import LAW_NORMAL, ROLE_BACKWARD, ROLE_FORWARD, sample_row
from ..vectors import affine, binary_scale, combine, dot, largest, power_of_two, rescale, settle, sum_of_squares
from ..windows import row
from ..workspace import vector
from .linear import (
    BALANCED,
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

NO_SHIFT, CANCELS = np.float32(0.0), np.bool_(False)


@part
def one_forward(p, draws, x, h, z, scratch):
    """h = s |x| z / |z|."""
    n, after, fresh = max(x.n, h.n), row(h.values, 0), row(z, 0)
    draw_normal_rows(draws, ROLE_FORWARD, np.int64(1), n, scratch.words, z)
    factor = p[SCALE] * math.sqrt(x.squares[0] / dot(fresh, fresh, n))
    exponent = binary_scale(factor, 0.0)
    factor *= power_of_two(-exponent)
    if n == h.n and is_scaled_draw(p):  # then z is h
        scratch.tops[0], scratch.squares[0] = rescale(after, h.n, np.float32(factor))
    else:
        scratch.tops[0], scratch.squares[0] = affine(fresh, h.n, np.float32(factor), NO_SHIFT, after)
    h.exponents[0] = x.exponents[0] + np.int64(p[EXPONENT]) + exponent if scratch.squares[0] != 0.0 else 0
    if has_bias(p):
        add_bias(p, draws, h, scratch)


@part
def one_backward(p, draws, x, d, g, z, scratch, record):
    """g = s (q (v . d) + f |d - v (v . d)|), q = x/|x|, v = z/|z|, f a random direction across q."""
    n, before, after, below, seen = max(x.n, d.n), row(x.values, 0), row(d.values, 0), row(g.values, 0), row(z, 0)
    fresh = row(vector(scratch.fresh, 0, np.int64(1), n), 0)
    sample_row(LAW_NORMAL, draws.key, draws.layer, draws.replica, ROLE_BACKWARD, np.int64(0), n, scratch.words, fresh)
    # in float64: in two dimensions, what is across q is a small difference now and then
    x_square, d_square = sum_of_squares(before, x.n), sum_of_squares(after, d.n)
    record_one_gradient(x, x_square, d, d_square, largest(after, d.n), draws.layer, record)
    lift, rest = 0.0, d_square
    if x_square > 0.0:
        along = dot(seen, after, d.n) / math.sqrt(dot(seen, seen, n))
        lift = p[SCALE] * along / math.sqrt(x_square)
        rest = max(d_square - along * along, 0.0) if n > 1 else 0.0
        subtract(dot(before, fresh, x.n) / x_square, before, x.n, fresh)
    across = sum_of_squares(fresh, n)
    spread = p[SCALE] * math.sqrt(rest / across) if across > 0.0 else 0.0
    exponent = binary_scale(spread, lift)
    unit = power_of_two(-exponent)
    lift, spread = unit * lift, unit * spread
    top = combine(np.float32(lift), before, np.float32(spread), fresh, NO_SHIFT, x.n, below)
    g.exponents[0] = settle(below, x.n, top, d.exponents[0] + np.int64(p[EXPONENT]) + exponent)


@part
def many_forward(p, draws, x, h, v, q, scratch):
    """h = s V R, and the rank of X."""
    rows, n = x.values.shape[0], max(x.n, h.n)
    residuals, left, squares = scratch.residuals, scratch.left, scratch.squares
    load(x.values, x.n, residuals, left, squares)
    rank = orthonormalise(rows, x.n, rows, RANK_TOLERANCE, scratch, q, scratch.first)
    draw_normal_rows(draws, ROLE_FORWARD, rank, n, scratch.words, v)
    load(v, n, residuals, left, squares)
    orthonormalise(rank, n, rank, NO_TOLERANCE, scratch, v, scratch.second)
    mix(scratch.first, rank, v, h.n, h.values)
    finish_forward(p, CANCELS, draws, x, h, scratch)
    return rank


@part
def many_backward(p, draws, d, g, v, q, rank, scratch):
    """g = s (Q V^T D + F S)."""
    rows, n = d.values.shape[0], max(g.n, d.n)
    residuals, left, squares = scratch.residuals, scratch.left, scratch.squares
    inner_products(v, rank, d.values, d.n, scratch.first)
    load_beyond(v, rank, d, n, scratch)
    frame = vector(scratch.fresh, 0, rows, n)
    found = orthonormalise(rows, n, n - rank, RANK_TOLERANCE, scratch, frame, scratch.second)
    draw_normal_rows(draws, ROLE_BACKWARD, found, n, scratch.words, frame)
    mix(scratch.first, rank, q, g.n, g.values)
    load(frame, n, residuals, left, squares)
    for k in range(found):
        for j in range(rank):
            direction = row(q, j)
            squares[k] = subtract(dot(direction, row(residuals, k), g.n), direction, g.n, row(residuals, k))
        squares[k] = sum_of_squares(row(residuals, k), n)
    orthonormalise(found, n, found, NO_TOLERANCE, scratch, frame, scratch.first)
    for b in range(rows):
        add_mix(scratch.second, found, frame, g.n, b, row(g.values, b))
    finish_backward(p, CANCELS, d, g, scratch)


@part
def load_beyond(v, rank, d, n, scratch):
    """Rows of d, with zeros up to n units, without what lies in the span of v: the products of both are in `first`."""
    left, squares, coefficients = scratch.left, scratch.squares, scratch.first
    for b in range(d.values.shape[0]):
        source, target = row(d.values, b), row(scratch.residuals, b)
        for i in range(d.n):
            target[i] = source[i]
        for i in range(d.n, n):
            target[i] = 0.0
        squares[b] = sum_of_squares(target, n)
        remaining = squares[b]
        for k in range(rank):
            remaining = subtract(coefficients[k, b], row(v, k), n, target)
        left[b] = remaining / squares[b] if squares[b] > 0.0 else 0.0


@part
def haar_forward(p, draws, x, h, v, q, scratch, record):
    """h = W x; v and q take what the way back needs. Returns the rank of the inputs."""
    rank = 1
    if x.values.shape[0] == 1:
        one_forward(p, draws, x, h, v, scratch)
    else:
        rank = many_forward(p, draws, x, h, v, q, scratch)
    record_preactivation(h, draws.layer, scratch, record)
    return rank


@part
def haar_backward(p, draws, x, d, g, v, q, rank, scratch, record):
    """g = W^T d."""
    if x.values.shape[0] == 1:
        one_backward(p, draws, x, d, g, v, scratch, record)
    else:
        record_gradient(p[BALANCED] != 0.0, x, d, draws.layer, scratch, record)
        many_backward(p, draws, d, g, v, q, rank, scratch)
