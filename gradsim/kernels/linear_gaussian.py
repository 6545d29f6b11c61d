"""The linear step with Gaussian weights and without their matrix (docs/theory.md has statement and proof).

W = 2^T (m 1 1^T + s G), G with independent standard normal entries. With X = Q R, the columns of X the inputs:

    forward     G X = Z R, Z fresh normals, one column a direction of Q
    backward    G^T D = Q Z^T D + (I - Q Q^T) Z' S, D = U S, Z' fresh normals

Q and Z stay on the tape. For one input Q = x/|x|, and only Z does. Bolthausen 2014, doi:10.1007/s00220-013-1862-3.
"""

import math

import numpy as np

from .compilation import internal, step
from .frames import RANK_TOLERANCE, add_mix, draw_normal_rows, inner_products, load, mix, orthonormalise
from .linear import (
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
from .sampling import LAW_NORMAL, ROLE_BACKWARD, ROLE_FORWARD, sample_row
from .vectors import affine, binary_scale, combine, dot32, measure_beside, power_of_two, rescale, settle
from .windows import row
from .workspace import vector


@step
def one_forward(p, key, layer, replica, x, x_exponents, x_squares, n_in, n_out, h, h_exponents, z, scratch):
    """h = s |x| z + m sum(x)."""
    before, after, fresh = row(x, 0), row(h, 0), row(z, 0)
    factor, shift = 0.0, 0.0
    if p[SCALE] != 0.0:
        sample_row(LAW_NORMAL, key, layer, replica, ROLE_FORWARD, 0, n_out, scratch.words, fresh)
        factor = p[SCALE] * math.sqrt(x_squares[0])
    if p[MEAN] != 0.0:
        shift = mean_times(p, before, n_in, 0, scratch)
    exponent = binary_scale(factor, shift)
    unit = power_of_two(-exponent)
    factor, shift = unit * factor, unit * shift
    if is_scaled_draw(p):  # then z is h
        scratch.tops[0], scratch.squares[0] = rescale(after, n_out, np.float32(factor))
    else:
        scratch.tops[0], scratch.squares[0] = affine(fresh, n_out, np.float32(factor), np.float32(shift), after)
    h_exponents[0] = x_exponents[0] + np.int64(p[EXPONENT]) + exponent
    if scratch.squares[0] == 0.0:
        h_exponents[0] = 0
    if has_bias(p):
        add_bias(p, key, layer, replica, n_out, h, h_exponents, scratch)


@step
def one_backward(
    p, key, layer, replica, x, x_exponents, x_squares, d, d_exponents, n_in, n_out, g, g_exponents, z, scratch, record
):
    """g = s (q (z . d) + |d| (z' - q (q . z'))) + m sum(d), q = x/|x|."""
    before, after, below, seen = row(x, 0), row(d, 0), row(g, 0), row(z, 0)
    fresh = row(vector(scratch.fresh, 0, np.int64(1), n_in), 0)
    if p[SCALE] != 0.0:
        sample_row(LAW_NORMAL, key, layer, replica, ROLE_BACKWARD, 0, n_in, scratch.words, fresh)
    top, d_square, along = measure_beside(after, seen, n_out)
    x_square, overlap = x_squares[0], dot32(before, fresh, n_in)
    record_one_gradient(x_square, x_exponents[0], top, d_square, d_exponents[0], n_in, n_out, layer, record)
    length, norm = math.sqrt(d_square), math.sqrt(x_square)
    if is_scaled_draw(p) and x_square > 0.0 and p[SCALE] != 0.0:  # seen is h
        along /= p[SCALE] * norm * power_of_two(-binary_scale(p[SCALE] * norm, 0.0))
    spread, lift = p[SCALE] * length, 0.0
    if x_square > 0.0:
        lift = p[SCALE] * (along - length * overlap / norm) / norm
    shift = mean_times(p, after, n_out, 0, scratch) if p[MEAN] != 0.0 else 0.0
    exponent = binary_scale(spread, shift)
    unit = power_of_two(-exponent)
    lift, spread, shift = unit * lift, unit * spread, unit * shift
    top = combine(np.float32(lift), before, np.float32(spread), fresh, np.float32(shift), n_in, below)
    g_exponents[0] = settle(below, n_in, top, d_exponents[0] + np.int64(p[EXPONENT]) + exponent)


@internal
def many_forward(p, key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, z, q, scratch):
    """h = s Z R + m sum(x), and the rank of X."""
    rank, rows = 0, x.shape[0]
    h[:] = 0.0
    if p[SCALE] != 0.0:
        load(x, n_in, scratch.residuals, scratch.left, scratch.squares)
        rank = orthonormalise(
            scratch.residuals, rows, n_in, rows, RANK_TOLERANCE, scratch.left, scratch.squares, q, scratch.first
        )
        draw_normal_rows(key, layer, replica, ROLE_FORWARD, rank, n_out, scratch.words, z)
        mix(scratch.first, rank, z, n_out, h)
    finish_forward(p, may_cancel(p), key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, scratch)
    return rank


@internal
def many_backward(p, key, layer, replica, d, d_exponents, n_in, n_out, g, g_exponents, z, q, rank, scratch):
    """g = s (Q Z^T D + (I - Q Q^T) Z' S) + m sum(d)."""
    rows = d.shape[0]
    g[:] = 0.0
    if p[SCALE] != 0.0:
        load(d, n_out, scratch.residuals, scratch.left, scratch.squares)
        unused = vector(scratch.room, 0, rows, n_out)
        found = orthonormalise(
            scratch.residuals, rows, n_out, rows, RANK_TOLERANCE, scratch.left, scratch.squares, unused, scratch.first
        )
        fresh = vector(scratch.fresh, 0, rows, n_in)
        draw_normal_rows(key, layer, replica, ROLE_BACKWARD, found, n_in, scratch.words, fresh)
        mix(scratch.first, found, fresh, n_in, g)
        inner_products(z, rank, d, n_out, scratch.first)
        inner_products(q, rank, g, n_in, scratch.second)
        for k in range(rank):
            for b in range(rows):
                scratch.first[k, b] -= scratch.second[k, b]
        for b in range(rows):
            add_mix(scratch.first, rank, q, n_in, b, row(g, b))
    finish_backward(p, may_cancel(p), d, d_exponents, n_in, n_out, g, g_exponents, scratch)


@step
def gaussian_forward(p, key, layer, replica, x, x_exponents, x_squares, n_in, n_out, h, h_exponents, z, q, scratch, record):
    """h = W x; z and q take what the way back needs. Returns the rank of the inputs."""
    rank = 1
    if x.shape[0] == 1:
        one_forward(p, key, layer, replica, x, x_exponents, x_squares, n_in, n_out, h, h_exponents, z, scratch)
    else:
        rank = many_forward(p, key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, z, q, scratch)
    record_preactivation(h, h_exponents, n_out, layer, scratch, record)
    return rank


@step
def gaussian_backward(
    p, key, layer, replica, x, x_exponents, x_squares, d, d_exponents, n_in, n_out, g, g_exponents, z, q, rank, scratch, record
):
    """g = W^T d."""
    if x.shape[0] == 1:
        one_backward(
            p, key, layer, replica, x, x_exponents, x_squares, d, d_exponents, n_in, n_out, g, g_exponents, z, scratch, record
        )
    else:
        record_gradient(x, x_exponents, d, d_exponents, n_in, n_out, layer, scratch, record)
        many_backward(p, key, layer, replica, d, d_exponents, n_in, n_out, g, g_exponents, z, q, rank, scratch)
