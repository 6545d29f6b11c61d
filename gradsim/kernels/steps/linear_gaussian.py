"""The linear step with Gaussian weights and without their matrix (docs/theory.md has statement and proof).

W = 2^T (m 1 1^T + s G), G with independent standard normal entries. With X = Q R, the columns of X the inputs:

    forward     G X = Z R, Z fresh normals, one column a direction of Q
    backward    G^T D = Q Z^T D + (I - Q Q^T) Z' S, D = U S, Z' fresh normals

Q and Z stay on the tape. For one input Q = x/|x|, and only Z does. Bolthausen 2014, doi:10.1007/s00220-013-1862-3.
"""

import math

import numpy as np

from ..compilation import part
from ..frames import RANK_TOLERANCE, add_mix, draw_normal_rows, inner_products, load, mix, orthonormalise
from ..sampling import LAW_NORMAL, ROLE_BACKWARD, ROLE_FORWARD, sample_row
from ..vectors import affine, binary_scale, combine, dot32, measure_beside, power_of_two, rescale, settle
from ..windows import row
from ..workspace import vector
from .linear import (
    BALANCED,
    EXPONENT,
    MEAN,
    SCALE,
    add_bias,
    finish_backward,
    finish_forward,
    has_bias,
    is_scaled_draw,
    may_cancel,
    mean_times,
    record_gradient,
    record_one_gradient,
    record_preactivation,
)


@part
def one_forward(p, draws, x, h, z, scratch):
    """h = s |x| z + m sum(x)."""
    before, after, fresh = row(x.values, 0), row(h.values, 0), row(z, 0)
    factor, shift = 0.0, 0.0
    if p[SCALE] != 0.0:
        sample_row(LAW_NORMAL, draws.key, draws.layer, draws.replica, ROLE_FORWARD, np.int64(0), h.n, scratch.words, fresh)
        factor = p[SCALE] * math.sqrt(x.squares[0])
    if p[MEAN] != 0.0:
        shift = mean_times(p, before, x.n, 0, scratch)
    exponent = binary_scale(factor, shift)
    unit = power_of_two(-exponent)
    factor, shift = unit * factor, unit * shift
    if is_scaled_draw(p):  # then z is h
        scratch.tops[0], scratch.squares[0] = rescale(after, h.n, np.float32(factor))
    else:
        scratch.tops[0], scratch.squares[0] = affine(fresh, h.n, np.float32(factor), np.float32(shift), after)
    h.exponents[0] = x.exponents[0] + np.int64(p[EXPONENT]) + exponent
    if scratch.squares[0] == 0.0:
        h.exponents[0] = 0
    if has_bias(p):
        add_bias(p, draws, h, scratch)


@part
def one_backward(p, draws, x, d, g, z, scratch, record):
    """g = s (q (z . d) + |d| (z' - q (q . z'))) + m sum(d), q = x/|x|."""
    before, after, below, seen = row(x.values, 0), row(d.values, 0), row(g.values, 0), row(z, 0)
    fresh = row(vector(scratch.fresh, 0, np.int64(1), x.n), 0)
    if p[SCALE] != 0.0:
        sample_row(LAW_NORMAL, draws.key, draws.layer, draws.replica, ROLE_BACKWARD, np.int64(0), x.n, scratch.words, fresh)
    top, d_square, along = measure_beside(after, seen, d.n)
    x_square, overlap = x.squares[0], dot32(before, fresh, x.n)
    record_one_gradient(x, x_square, d, d_square, top, draws.layer, record)
    length, norm = math.sqrt(d_square), math.sqrt(x_square)
    if is_scaled_draw(p) and x_square > 0.0 and p[SCALE] != 0.0:  # seen is h
        along /= p[SCALE] * norm * power_of_two(-binary_scale(p[SCALE] * norm, 0.0))
    spread, lift = p[SCALE] * length, 0.0
    if x_square > 0.0:
        lift = p[SCALE] * (along - length * overlap / norm) / norm
    shift = mean_times(p, after, d.n, 0, scratch) if p[MEAN] != 0.0 else 0.0
    exponent = binary_scale(spread, shift)
    unit = power_of_two(-exponent)
    lift, spread, shift = unit * lift, unit * spread, unit * shift
    top = combine(np.float32(lift), before, np.float32(spread), fresh, np.float32(shift), x.n, below)
    g.exponents[0] = settle(below, x.n, top, d.exponents[0] + np.int64(p[EXPONENT]) + exponent)


@part
def many_forward(p, draws, x, h, z, q, scratch):
    """h = s Z R + m sum(x), and the rank of X."""
    rank, rows = 0, x.values.shape[0]
    h.values[:] = 0.0
    if p[SCALE] != 0.0:
        load(x.values, x.n, scratch.residuals, scratch.left, scratch.squares)
        rank = orthonormalise(rows, x.n, rows, RANK_TOLERANCE, scratch, q, scratch.first)
        draw_normal_rows(draws, ROLE_FORWARD, rank, h.n, scratch.words, z)
        mix(scratch.first, rank, z, h.n, h.values)
    finish_forward(p, may_cancel(p), draws, x, h, scratch)
    return rank


@part
def many_backward(p, draws, d, g, z, q, rank, scratch):
    """g = s (Q Z^T D + (I - Q Q^T) Z' S) + m sum(d)."""
    rows = d.values.shape[0]
    g.values[:] = 0.0
    if p[SCALE] != 0.0:
        load(d.values, d.n, scratch.residuals, scratch.left, scratch.squares)
        unused = vector(scratch.room, 0, rows, d.n)
        found = orthonormalise(rows, d.n, rows, RANK_TOLERANCE, scratch, unused, scratch.first)
        fresh = vector(scratch.fresh, 0, rows, g.n)
        draw_normal_rows(draws, ROLE_BACKWARD, found, g.n, scratch.words, fresh)
        mix(scratch.first, found, fresh, g.n, g.values)
        inner_products(z, rank, d.values, d.n, scratch.first)
        inner_products(q, rank, g.values, g.n, scratch.second)
        for k in range(rank):
            for b in range(rows):
                scratch.first[k, b] -= scratch.second[k, b]
        for b in range(rows):
            add_mix(scratch.first, rank, q, g.n, b, row(g.values, b))
    finish_backward(p, may_cancel(p), d, g, scratch)


@part
def gaussian_forward(p, draws, x, h, z, q, scratch, record):
    """h = W x; z and q take what the way back needs. Returns the rank of the inputs."""
    rank = 1
    if x.values.shape[0] == 1:
        one_forward(p, draws, x, h, z, scratch)
    else:
        rank = many_forward(p, draws, x, h, z, q, scratch)
    record_preactivation(h, draws.layer, scratch, record)
    return rank


@part
def gaussian_backward(p, draws, x, d, g, z, q, rank, scratch, record):
    """g = W^T d."""
    if x.values.shape[0] == 1:
        one_backward(p, draws, x, d, g, z, scratch, record)
    else:
        record_gradient(p[BALANCED] != 0.0, x, d, draws.layer, scratch, record)
        many_backward(p, draws, d, g, z, q, rank, scratch)
