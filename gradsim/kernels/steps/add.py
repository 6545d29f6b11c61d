"""out = skip + scale branch, the sum of a residual, and the sum of the cotangents of a vector that is read twice.

He et al. 2016, arXiv:1512.03385. Back, a cotangent goes unchanged to the skip and times the scale to the branch; `backward`
adds both to what is there.
"""

import math

import numpy as np

from ..cancellation import FAINT, RESOLUTION, hold, may_hold
from ..compilation import internal, part
from ..layout import FRESH, OTHER, OTHER_FRESH, SLOT, SOURCE
from ..rare import rarely_called
from ..vectors import copy, in_window, largest, measure, power_of_two, settle
from ..views import cotangent, room_for, taped
from ..windows import row
from .rows import add_onto, clear_padding, multiple, weighted_sum

# Columns of a sum's parameters: scale = SCALE 2^EXPONENT, |SCALE| in [1, 2) or 0
SCALE, EXPONENT = range(2)


def scale_parameters(scale):
    """Those columns, from any finite float64."""
    fraction, exponent = math.frexp(scale)
    return (2.0 * fraction, float(exponent - 1)) if scale else (0.0, 0.0)


def parameters(residual):
    """(variant, parameters) of its sum."""
    return 0, scale_parameters(residual.scale)


def kept_numbers(rows, n):
    return 0


def nanoseconds(rows, n):
    """About how long a sum, on record as a stream, takes on one core, forward and back, by bench/steps.py."""
    return 70 + rows * (60 + 1.1 * n)


@internal
def common_exponent(u_top, u_exponent, v_top, v_exponent):
    """The larger exponent of those that are not zero."""
    if v_top == 0.0:
        return u_exponent if u_top != 0.0 else np.int64(0)
    return v_exponent if u_top == 0.0 else max(u_exponent, v_exponent)


@internal
def factors(u_exponent, scale, v_exponent, top):
    """Of u and v in a sum with exponent `top`; what is beyond float32 is that of a row of zeros."""
    u_factor = power_of_two(u_exponent - top) if u_exponent <= top else 0.0
    v_factor = scale * power_of_two(v_exponent - top) if v_exponent <= top else 0.0
    return np.float32(u_factor), np.float32(v_factor)


@internal
def hold_sum(size, top, out, n, b, scratch):
    """The largest entry of row b, held if it is no more than roundings of what was added, `size`."""
    if size > 0.0 and top <= FAINT * size and may_hold(scratch):
        top = np.float32(size if scratch.doubts[b] != 0 else RESOLUTION * size)
        hold(out, n, top, b, scratch)
    return top


@internal
def sum_out_of_window(u, u_exponent, scale, v, v_exponent, n, out, b, scratch):
    """(exponent, square) of row b, out = 2^u_exponent u + scale 2^v_exponent v: for sums that are small, or large, or
    nothing, or beside a row of zeros, whose exponent means nothing."""
    rarely_called()
    u_top, v_top = np.float64(largest(u, n)), abs(scale) * np.float64(largest(v, n))
    exponent = common_exponent(u_top, u_exponent, v_top, v_exponent)
    a, c = factors(u_exponent, scale, v_exponent, exponent)
    top, _ = weighted_sum(a, u, c, v, n, out)
    size = abs(np.float64(a)) * u_top + power_of_two(min(v_exponent - exponent, 0)) * v_top
    exponent = settle(out, n, hold_sum(size, top, out, n, b, scratch), exponent)
    return exponent, measure(out, n)[1]


@part
def add_forward(p, skip, branch, out, scratch):
    """out = skip + scale branch."""
    n, scale = out.n, p[SCALE]
    for b in range(out.values.shape[0]):
        u, v, after = row(skip.values, b), row(branch.values, b), row(out.values, b)
        u_exponent, v_exponent = skip.exponents[b], branch.exponents[b] + np.int64(p[EXPONENT])
        exponent = max(u_exponent, v_exponent) if scale != 0.0 else u_exponent
        a, c = factors(u_exponent, scale, v_exponent, exponent)
        top, square = weighted_sum(a, u, c, v, n, after)
        if not in_window(top):
            exponent, square = sum_out_of_window(u, u_exponent, scale, v, v_exponent, n, after, b, scratch)
        out.exponents[b], out.squares[b] = exponent, square
        clear_padding(after, n)


@part
def add_backward(p, d, g):
    """g = scale d, the cotangent of the branch; that of the skip is d itself."""
    n, factor = d.n, np.float32(p[SCALE])
    for b in range(d.values.shape[0]):
        below = row(g.values, b)
        top = multiple(factor, row(d.values, b), n, below)
        g.exponents[b] = settle(below, n, top, d.exponents[b] + np.int64(p[EXPONENT]))
        clear_padding(below, n)


@internal
def add_beside_zeros(d, d_exponent, g, g_exponent, n, b, scratch):
    """Row b, g = 2^g_exponent g + 2^d_exponent d, and its exponent, with a look at which of them are zero."""
    rarely_called()
    d_top, g_top = np.float64(largest(d, n)), np.float64(largest(g, n))
    exponent = common_exponent(g_top, g_exponent, d_top, d_exponent)
    g_factor, d_factor = factors(g_exponent, 1.0, d_exponent, exponent)
    top = add_onto(d_factor, d, g_factor, g, n)
    size = np.float64(g_factor) * g_top + np.float64(d_factor) * d_top
    return settle(g, n, hold_sum(size, top, g, n, b, scratch), exponent)


@internal
def far_apart(a, c):
    """Whether one of two exponents is so much larger that its row hides the other, unless it is zero."""
    return abs(a - c) > 60


@internal
def deliver(d, g, fresh, scratch):
    """g = d if `fresh`, otherwise g += d: the cotangent of a vector from one more of those that read it."""
    n = d.n
    for b in range(d.values.shape[0]):
        source, target = row(d.values, b), row(g.values, b)
        if fresh:
            copy(source, n, target)
            g.exponents[b] = d.exponents[b]
        else:
            g.exponents[b] = add_cotangent(source, d.exponents[b], target, g.exponents[b], n, b, scratch)
        clear_padding(target, n)


@internal
def add_cotangent(d, d_exponent, g, g_exponent, n, b, scratch):
    """Row b, g = 2^g_exponent g + 2^d_exponent d, and its exponent."""
    if far_apart(d_exponent, g_exponent):
        return add_beside_zeros(d, d_exponent, g, g_exponent, n, b, scratch)
    exponent = max(d_exponent, g_exponent)
    g_factor, d_factor = factors(g_exponent, 1.0, d_exponent, exponent)
    top = add_onto(d_factor, d, g_factor, g, n)
    return exponent if in_window(top) else settle_cotangent(d, d_factor, g, n, top, exponent, b, scratch)


@internal
def settle_cotangent(d, d_factor, g, n, top, exponent, b, scratch):
    """The exponent of a sum g, to which d_factor d was added, that may be no more than roundings."""
    rarely_called()
    # Where the sum is that small, what it was added to was as large as d
    size = 2.0 * np.float64(d_factor) * np.float64(largest(d, n))
    top = hold_sum(size, top, g, n, b, scratch)
    return settle(g, n, top, exponent)


@part
def forward(step, tape, scratch, record):
    skip, branch = step.x, taped(step.steps[step.k, OTHER], step.steps, tape)
    add_forward(step.p, skip, branch, step.out, scratch)


@part
def backward(step, tape, scratch, record):
    """The cotangent of a sum goes to its branch, and unchanged to its skip, which takes over its slot if it is the first."""
    k, steps = step.k, step.steps
    skip, branch, d = steps[k, SOURCE], steps[k, OTHER], step.d
    g = room_for(branch, steps[k, OTHER_FRESH], steps, tape)
    add_backward(step.p, d, g)
    if steps[k, OTHER_FRESH] == 0:
        deliver(g, cotangent(steps[branch, SLOT], d.n, tape), False, scratch)
    if steps[k, FRESH] == 0:
        deliver(d, cotangent(steps[skip, SLOT], d.n, tape), False, scratch)
