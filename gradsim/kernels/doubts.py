"""What is in doubt, step by step: rows of vectors that are unresolved (see `cancellation`), and what is recorded of them.

`scratch.doubts` is of the rows of the vector, or cotangent, that was made last; `tape.doubts` keeps those of vectors.
Compiled when it is first needed (see `later`). Where weights are of few values, every doubt is tried for a zero first
(`residues`); a row that is zero is in doubt no more.
"""

import math

import numpy as np

from .activation import LARGEST_DERIVATIVE, SLOPE_ZERO_LEFT, SLOPE_ZERO_RIGHT, VALUE_ZERO
from .bundles import bundle
from .cancellation import FOUND, NEW, OLD, mark
from .compilation import entry_point, internal
from .later import END, FORWARD
from .layout import ACTIVATE, LAYER, LOSS, OFFSET, OPERATION, VARIANT, WIDTH
from .linear import EXPONENT, has_bias
from .loss import INDEPENDENT_PROBES, MEAN_SQUARED_ERROR, SHARED_PROBE
from .record import (
    ACTIVATION,
    BIAS_GRADIENT,
    GRADIENT,
    GRADIENT_MAX,
    INPUT_GRADIENT,
    LOSS_GRADIENT,
    PREACTIVATION,
    PREACTIVATION_MAX,
    WEIGHT_GRADIENT,
)
from .record import LOSS as LOSS_VALUE
from .residues import (
    all_zero,
    follow_residues,
    follow_residues_back,
    is_followed,
    zero_inner_product,
    zero_sum_of_products,
    zero_sum_of_rows,
)
from .vectors import LN2, largest, log_largest_square, log_mean_square
from .windows import row
from .workspace import padded, vector

NEGLIGIBLE_EXPONENT = 10  # what is 2^-10 of a sum does not put it in doubt; functions are their tangents 2^-10 from 0


@internal
def is_near_zero(exponent):
    return exponent < -NEGLIGIBLE_EXPONENT


@internal
def dominated(v, exponents, n, doubts):
    """Whether the largest row is in doubt, and was before this step."""
    most, result = -np.inf, False
    for b in range(v.shape[0]):
        top = np.float64(largest(row(v, b), n))
        if top > 0.0 and math.log(top) + LN2 * exponents[b] > most:
            most, result = math.log(top) + LN2 * exponents[b], (doubts[b] & OLD) != 0
    return result


@internal
def drop_zeros(v, n, scratch):
    """Zero times anything is zero."""
    for b in range(v.shape[0]):
        if largest(row(v, b), n) == 0.0:
            scratch.doubts[b] = 0


@internal
def drop_proven(residues, v, exponents, n, scratch):
    """Rows in doubt that are zero become so; returns whether there is one."""
    found = False
    for b in range(v.shape[0]):
        if scratch.doubts[b] != 0 and all_zero(row(residues, b), n):
            for i in range(n):
                v[b, i] = 0.0
            exponents[b] = 0
            scratch.doubts[b] = 0
            found = True
    return found


@internal
def age(scratch):
    """What is new in this step is not in the next."""
    for b in range(scratch.doubts.size):
        scratch.doubts[b] = OLD if scratch.doubts[b] != 0 else 0


@internal
def after_linear(k, steps, parameters, key, replica, x_exponents, h, h_exponents, tape, scratch, record):
    """After h = W x + b: a bias that is much larger than what is in doubt leaves none."""
    layer, n, p = steps[k, LAYER], steps[k, WIDTH], row(parameters, k)
    drop_zeros(h, n, scratch)
    for b in range(h.shape[0]):
        if has_bias(p) and h_exponents[b] > x_exponents[b] + np.int64(p[EXPONENT]) + NEGLIGIBLE_EXPONENT:
            scratch.doubts[b] = 0
    if is_followed(steps, parameters):
        follow_residues(k, steps, parameters, key, replica, tape, scratch)
        residues = vector(tape.residues, steps[k, OFFSET], h.shape[0], n)
        if drop_proven(residues, h, h_exponents, n, scratch):
            record[PREACTIVATION, layer] = log_mean_square(h, h_exponents, n)
            record[PREACTIVATION_MAX, layer] = log_largest_square(h, h_exponents, n)
    if dominated(h, h_exponents, n, scratch.doubts):
        mark(PREACTIVATION, scratch)
        mark(PREACTIVATION_MAX, scratch)


@internal
def after_activation(p, h_exponents, h_doubts, x, x_exponents, n, slopes, scratch):
    """After x = phi(h): of an h in doubt next to 0, phi(0) is known; slopes further away may be as large as any."""
    for b in range(x.shape[0]):
        if h_doubts[b] != 0 and not is_near_zero(h_exponents[b]):
            for i in range(n):
                slopes[b, i] = np.float32(p[LARGEST_DERIVATIVE])
        elif h_doubts[b] != 0 and p[VALUE_ZERO] != 0.0:
            scratch.doubts[b] = 0
    drop_zeros(x, n, scratch)
    if dominated(x, x_exponents, n, scratch.doubts):
        mark(ACTIVATION, scratch)


@internal
def doubts_forward(k, steps, parameters, key, replica, x_exponents, out, out_exponents, tape, scratch, record):
    """After step k made `out` of vector k - 1."""
    layer, n, offset, rows = steps[k, LAYER], steps[k, WIDTH], steps[k, OFFSET], out.shape[0]
    age(scratch)
    if steps[k, OPERATION] == ACTIVATE:
        slopes, h_doubts = vector(tape.values, offset + rows * padded(n), rows, n), row(tape.doubts, k - 1)
        after_activation(row(parameters, k), x_exponents, h_doubts, out, out_exponents, n, slopes, scratch)
    else:
        after_linear(k, steps, parameters, key, replica, x_exponents, out, out_exponents, tape, scratch, record)
    settle_marks(layer, tape, scratch)
    for b in range(rows):
        tape.doubts[k, b] = scratch.doubts[b]


@internal
def mark_gradients(x, x_exponents, x_doubts, d, d_exponents, n_in, n_out, scratch):
    """On the way back through a linear step, from the doubts about the rows of x and of d."""
    if dominated(d, d_exponents, n_out, scratch.doubts):
        mark(GRADIENT, scratch)
        mark(GRADIENT_MAX, scratch)
        mark(BIAS_GRADIENT, scratch)
    most, doubt = -np.inf, False
    for b in range(x.shape[0]):
        top = np.float64(largest(row(x, b), n_in)) * np.float64(largest(row(d, b), n_out))
        if top > 0.0 and math.log(top) + LN2 * (x_exponents[b] + d_exponents[b]) > most:
            most = math.log(top) + LN2 * (x_exponents[b] + d_exponents[b])
            doubt = x_doubts[b] != 0 or (scratch.doubts[b] & OLD) != 0
    if doubt:
        mark(WEIGHT_GRADIENT, scratch)


@internal
def after_loss(kind, x, x_exponents, x_doubts, d, d_exponents, n, scratch):
    """The loss's gradient is in doubt where an output that counts is."""
    probe = kind == INDEPENDENT_PROBES or kind == SHARED_PROBE
    for b in range(x.shape[0]):  # so far they are those of the output
        scratch.doubts[b] = OLD if (scratch.doubts[b] & NEW) != 0 else 0
    for b in range(x.shape[0]):
        if x_doubts[b] != 0 and not probe:
            counts = d_exponents[b] <= x_exponents[b] if kind == MEAN_SQUARED_ERROR else not is_near_zero(x_exponents[b])
            scratch.doubts[b] = OLD if counts else scratch.doubts[b]
    drop_zeros(d, n, scratch)
    if dominated(d, d_exponents, n, scratch.doubts):
        mark(LOSS_GRADIENT, scratch)
        mark(LOSS_VALUE, scratch)
    if probe and dominated(x, x_exponents, n, x_doubts):
        mark(LOSS_VALUE, scratch)


@internal
def after_slopes(p, h_exponents, h_doubts, d, n, scratch):
    """After d = phi'(h) g: phi' at an h in doubt is known next to 0 only, and only where it does not jump."""
    kinked = p[SLOPE_ZERO_LEFT] != p[SLOPE_ZERO_RIGHT]
    for b in range(d.shape[0]):
        if h_doubts[b] != 0 and (kinked or not is_near_zero(h_exponents[b])):
            scratch.doubts[b] = OLD
    drop_zeros(d, n, scratch)


@internal
def is_marked(quantity, scratch):
    return ((scratch.state[FOUND] >> np.int64(quantity)) & 1) != 0


@internal
def withdraw(quantity, layer, scratch, record):
    """What is recorded is a zero after all."""
    record[quantity, layer] = -np.inf
    scratch.state[FOUND] &= ~(np.int64(1) << np.int64(quantity))


@internal
def prove_sums(k, steps, parameters, key, replica, tape, scratch, record):
    """Sums over the inputs that are marked, at step k."""
    rows, layer, n_in, n = tape.exponents.shape[1], steps[k, LAYER], steps[k - 1, WIDTH], steps[k, WIDTH]
    x = vector(tape.residues, steps[k - 1, OFFSET], rows, n_in)
    if steps[k, OPERATION] == LOSS:
        if steps[k, VARIANT] <= SHARED_PROBE and is_marked(LOSS_VALUE, scratch):
            follow_residues_back(k - 1, steps, parameters, key, replica, tape, scratch)
            g = vector(row(tape.d_residues, (k - 1) % 2), 0, rows, n_in)
            if zero_inner_product(g, x, n_in):
                withdraw(LOSS_VALUE, layer, scratch, record)
    elif is_marked(BIAS_GRADIENT, scratch) or is_marked(WEIGHT_GRADIENT, scratch):
        follow_residues_back(k, steps, parameters, key, replica, tape, scratch)
        d = vector(row(tape.d_residues, k % 2), 0, rows, n)
        if is_marked(BIAS_GRADIENT, scratch) and zero_sum_of_rows(d, n):
            withdraw(BIAS_GRADIENT, layer, scratch, record)
        if is_marked(WEIGHT_GRADIENT, scratch) and zero_sum_of_products(d, n, x, n_in):
            withdraw(WEIGHT_GRADIENT, layer, scratch, record)


@internal
def any_doubt(scratch):
    for b in range(scratch.doubts.size):
        if scratch.doubts[b] != 0:
            return True
    return False


@internal
def doubts_backward(k, steps, parameters, key, replica, x, x_exponents, d, d_exponents, g, g_exponents, tape, scratch, record):
    """After step k went back from d to g."""
    operation, n_in, x_doubts = steps[k, OPERATION], steps[k - 1, WIDTH], row(tape.doubts, k - 1)
    followed = is_followed(steps, parameters)
    if operation == LOSS:
        after_loss(steps[k, VARIANT], x, x_exponents, x_doubts, g, g_exponents, n_in, scratch)
    elif operation == ACTIVATE:
        age(scratch)
        after_slopes(row(parameters, k), x_exponents, x_doubts, g, n_in, scratch)
    else:
        mark_gradients(x, x_exponents, x_doubts, d, d_exponents, n_in, steps[k, WIDTH], scratch)
        age(scratch)
        drop_zeros(g, n_in, scratch)
    if followed and operation != ACTIVATE:
        prove_sums(k, steps, parameters, key, replica, tape, scratch, record)
        if operation != LOSS and any_doubt(scratch):
            follow_residues_back(k - 1, steps, parameters, key, replica, tape, scratch)
            drop_proven(vector(row(tape.d_residues, (k - 1) % 2), 0, g.shape[0], n_in), g, g_exponents, n_in, scratch)
    settle_marks(steps[k, LAYER], tape, scratch)


@internal
def settle_marks(layer, tape, scratch):
    """What this step marked, to the tape."""
    tape.unresolved[layer] |= scratch.state[FOUND]
    scratch.state[FOUND] = 0


@entry_point
def follow_doubts(stage, k, steps, parameters, key, replica, tape, scratch, record):
    """What becomes of doubts at step k: after it went forward or back, and at a replica's end."""
    tape, scratch, rows = bundle(tape), bundle(scratch), tape.exponents.shape[1]
    if stage == FORWARD:
        out, x_exponents = vector(tape.values, steps[k, OFFSET], rows, steps[k, WIDTH]), row(tape.exponents, k - 1)
        out_exponents = row(tape.exponents, k)
        doubts_forward(k, steps, parameters, key, replica, x_exponents, out, out_exponents, tape, scratch, record)
    elif stage == END:
        if dominated(
            vector(tape.cotangents, 0, rows, steps[0, WIDTH]), row(tape.d_exponents, 0), steps[0, WIDTH], scratch.doubts
        ):
            mark(INPUT_GRADIENT, scratch)
        settle_marks(0, tape, scratch)
    else:
        n, n_in = steps[k, WIDTH], steps[k - 1, WIDTH]
        x, x_exponents = vector(tape.values, steps[k - 1, OFFSET], rows, n_in), row(tape.exponents, k - 1)
        d, d_exponents = vector(row(tape.cotangents, k % 2), 0, rows, n), row(tape.d_exponents, k % 2)
        g, g_exponents = vector(row(tape.cotangents, (k - 1) % 2), 0, rows, n_in), row(tape.d_exponents, (k - 1) % 2)
        doubts_backward(
            k, steps, parameters, key, replica, x, x_exponents, d, d_exponents, g, g_exponents, tape, scratch, record
        )
