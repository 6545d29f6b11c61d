"""What is in doubt, step by step: rows of vectors that are unresolved (see `cancellation`), and what is recorded of them.

`scratch.doubts` is of the rows of the vector, or cotangent, that was made last; `tape.doubts` keeps those of vectors.
Compiled when it is first needed (see `later`). Where weights are of few values, every doubt is tried for a zero first
(`residues`); a row that is zero is in doubt no more.
"""

import math

import numpy as np

from .cancellation import FOUND, NEW, OLD, mark
from .compilation import deferred, internal
from .later import END, FORWARD
from .layout import (
    ACTIVATE,
    FRESH,
    KEPT,
    LOSS,
    OFFSET,
    OPERATION,
    OTHER,
    OTHER_FRESH,
    PLACE,
    SLOT,
    SOURCE,
    STREAM,
    VARIANT,
    WIDTH,
)
from .record import (
    ACTIVATION,
    BIAS_GRADIENT,
    GRADIENT,
    GRADIENT_MAX,
    INPUT_GRADIENT,
    LOSS_GRADIENT,
    PREACTIVATION,
    PREACTIVATION_MAX,
    STREAM_GRADIENT,
    STREAM_GRADIENT_MAX,
    STREAM_MAX,
    WEIGHT_GRADIENT,
    put,
)
from .record import LOSS as LOSS_VALUE
from .record import STREAM as STREAM_VALUE
from .residues import (
    all_zero,
    follow_residues,
    follow_residues_back,
    is_followed,
    zero_inner_product,
    zero_sum_of_products,
    zero_sum_of_rows,
)
from .steps.activation import LARGEST_DERIVATIVE, SLOPE_ZERO_LEFT, SLOPE_ZERO_RIGHT, VALUE_ZERO
from .steps.linear import BALANCED, EXPONENT, has_bias
from .steps.loss import INDEPENDENT_PROBES, MEAN_SQUARED_ERROR, SHARED_PROBE
from .vectors import LN2, largest, log_largest_square, log_mean_square
from .windows import row
from .workspace import vector

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
def after_linear(k, code, key, replica, x_exponents, h, h_exponents, tape, scratch, record):
    """After h = W x + b: a bias that is much larger than what is in doubt leaves none."""
    steps = code.steps
    place, n, p = steps[k, PLACE], steps[k, WIDTH], row(code.parameters, k)
    drop_zeros(h, n, scratch)
    for b in range(h.shape[0]):
        if has_bias(p) and h_exponents[b] > x_exponents[b] + np.int64(p[EXPONENT]) + NEGLIGIBLE_EXPONENT:
            scratch.doubts[b] = 0
    if is_followed(code):
        follow_residues(k, code, key, replica, tape, scratch)
        residues = vector(tape.residues, steps[k, OFFSET], h.shape[0], n)
        if drop_proven(residues, h, h_exponents, n, scratch):
            put(record, PREACTIVATION, place, log_mean_square(h, h_exponents, n))
            put(record, PREACTIVATION_MAX, place, log_largest_square(h, h_exponents, n))
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
def doubts_forward(k, code, key, replica, x_exponents, out, out_exponents, tape, scratch, record):
    """After step k made `out` of its source."""
    steps, rows = code.steps, out.shape[0]
    n, operation = steps[k, WIDTH], steps[k, OPERATION]
    age(scratch)
    if operation == ACTIVATE:
        slopes, h_doubts = vector(tape.values, steps[k, KEPT], rows, n), row(tape.doubts, steps[k, SOURCE])
        after_activation(row(code.parameters, k), x_exponents, h_doubts, out, out_exponents, n, slopes, scratch)
    elif operation > LOSS:
        drop_zeros(out, n, scratch)
    else:
        after_linear(k, code, key, replica, x_exponents, out, out_exponents, tape, scratch, record)
    if steps[k, STREAM] >= 0 and dominated(out, out_exponents, n, scratch.doubts):
        mark_stream(STREAM_VALUE, STREAM_MAX, steps[k, STREAM], tape)
    settle_marks(steps[k, PLACE], tape, scratch)
    for b in range(rows):
        tape.doubts[k, b] = scratch.doubts[b]


@internal
def mark_gradients(balanced, x, x_exponents, x_doubts, d, d_exponents, n_in, n_out, scratch):
    """On the way back through a linear step, from the doubts about the rows of x and of d."""
    if dominated(d, d_exponents, n_out, scratch.doubts):
        mark(GRADIENT, scratch)
        mark(GRADIENT_MAX, scratch)
        if not balanced:
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
def withdraw(quantity, place, scratch, record):
    """What is recorded is a zero after all."""
    put(record, quantity, place, -np.inf)
    scratch.state[FOUND] &= ~(np.int64(1) << np.int64(quantity))


@internal
def prove_sums(k, code, key, replica, tape, scratch, record):
    """Sums over the inputs that are marked, at step k."""
    steps, rows, source = code.steps, tape.exponents.shape[1], code.steps[k, SOURCE]
    place, n_in, n = steps[k, PLACE], steps[source, WIDTH], steps[k, WIDTH]
    x = vector(tape.residues, steps[source, OFFSET], rows, n_in)
    if steps[k, OPERATION] == LOSS:
        if steps[k, VARIANT] <= SHARED_PROBE and is_marked(LOSS_VALUE, scratch):
            follow_residues_back(source, code, key, replica, tape, scratch)
            g = vector(row(tape.d_residues, steps[source, SLOT]), 0, rows, n_in)
            if zero_inner_product(g, x, n_in):
                withdraw(LOSS_VALUE, place, scratch, record)
    elif is_marked(BIAS_GRADIENT, scratch) or is_marked(WEIGHT_GRADIENT, scratch):
        follow_residues_back(k, code, key, replica, tape, scratch)
        d = vector(row(tape.d_residues, steps[k, SLOT]), 0, rows, n)
        if is_marked(BIAS_GRADIENT, scratch) and zero_sum_of_rows(d, n):
            withdraw(BIAS_GRADIENT, place, scratch, record)
        if is_marked(WEIGHT_GRADIENT, scratch) and zero_sum_of_products(d, n, x, n_in):
            withdraw(WEIGHT_GRADIENT, place, scratch, record)


@internal
def any_doubt(scratch):
    for b in range(scratch.doubts.size):
        if scratch.doubts[b] != 0:
            return True
    return False


@internal
def doubts_backward(k, code, key, replica, x, x_exponents, d, d_exponents, g, g_exponents, tape, scratch, record):
    """After step k went back from d to g."""
    steps, source = code.steps, code.steps[k, SOURCE]
    operation, n_in, x_doubts = steps[k, OPERATION], steps[source, WIDTH], row(tape.doubts, source)
    followed = is_followed(code)
    if operation == LOSS:
        after_loss(steps[k, VARIANT], x, x_exponents, x_doubts, g, g_exponents, n_in, scratch)
    elif operation == ACTIVATE:
        age(scratch)
        after_slopes(row(code.parameters, k), x_exponents, x_doubts, g, n_in, scratch)
    elif operation > LOSS:
        age(scratch)
        drop_zeros(g, n_in, scratch)
    else:
        balanced = code.parameters[k, BALANCED] != 0.0
        mark_gradients(balanced, x, x_exponents, x_doubts, d, d_exponents, n_in, steps[k, WIDTH], scratch)
        age(scratch)
        drop_zeros(g, n_in, scratch)
    if followed and operation != ACTIVATE:
        prove_sums(k, code, key, replica, tape, scratch, record)
        if operation != LOSS and any_doubt(scratch):
            follow_residues_back(source, code, key, replica, tape, scratch)
            into = vector(row(tape.d_residues, steps[source, SLOT]), 0, g.shape[0], n_in)
            drop_proven(into, g, g_exponents, n_in, scratch)
    settle_marks(steps[k, PLACE], tape, scratch)
    keep_doubts(k, source, steps[k, FRESH] != 0, steps, tape, scratch)
    if steps[k, OTHER] >= 0:
        keep_doubts(k, steps[k, OTHER], steps[k, OTHER_FRESH] != 0, steps, tape, scratch)


@internal
def keep_doubts(k, source, fresh, steps, tape, scratch):
    """Doubts about the cotangent that step k gives its source: beside those of other steps, if it is not the first."""
    slot = steps[source, SLOT]
    for b in range(scratch.doubts.size):
        tape.d_doubts[slot, b] = scratch.doubts[b] if fresh else tape.d_doubts[slot, b] | scratch.doubts[b]


@internal
def mark_stream(quantity, largest_of, place, tape):
    """What is recorded of the stream x_l, l the place, is unresolved."""
    tape.unresolved[place] |= (np.int64(1) << np.int64(quantity)) | (np.int64(1) << np.int64(largest_of))


@internal
def settle_marks(place, tape, scratch):
    """What this step marked, to the tape."""
    if place >= 0:
        tape.unresolved[place] |= scratch.state[FOUND]
    scratch.state[FOUND] = 0


@internal
def mark_stream_gradient(k, steps, tape, scratch):
    """Before step k goes back: the cotangent of vector k, whose doubts are in the scratch space, is complete."""
    rows, n, slot = tape.exponents.shape[1], steps[k, WIDTH], steps[k, SLOT]
    d = vector(row(tape.cotangents, slot), 0, rows, n)
    if steps[k, STREAM] >= 0 and dominated(d, row(tape.d_exponents, slot), n, row(tape.d_doubts, slot)):
        mark_stream(STREAM_GRADIENT, STREAM_GRADIENT_MAX, steps[k, STREAM], tape)


@deferred
def follow_doubts(stage, k, code, key, replica, tape, scratch, record):
    """What becomes of doubts at step k: after it went forward or back, and at a replica's end."""
    steps, rows = code.steps, tape.exponents.shape[1]
    n, slot, source = steps[k, WIDTH], steps[k, SLOT], steps[k, SOURCE]
    if stage == END:
        x_0 = vector(row(tape.cotangents, slot), 0, rows, n)
        if dominated(x_0, row(tape.d_exponents, slot), n, row(tape.d_doubts, slot)):
            mark(INPUT_GRADIENT, scratch)
        mark_stream_gradient(0, steps, tape, scratch)
        settle_marks(0, tape, scratch)
        return
    x, x_exponents = vector(tape.values, steps[source, OFFSET], rows, steps[source, WIDTH]), row(tape.exponents, source)
    if stage == FORWARD:
        out, out_exponents = vector(tape.values, steps[k, OFFSET], rows, n), row(tape.exponents, k)
        doubts_forward(k, code, key, replica, x_exponents, out, out_exponents, tape, scratch, record)
    else:
        if steps[k, OPERATION] != LOSS:
            mark_stream_gradient(k, steps, tape, scratch)
        d, d_exponents = vector(row(tape.cotangents, slot), 0, rows, n), row(tape.d_exponents, slot)
        into = steps[source, SLOT] if steps[k, FRESH] != 0 else tape.cotangents.shape[0] - 1
        g, g_exponents = vector(row(tape.cotangents, into), 0, rows, steps[source, WIDTH]), row(tape.d_exponents, into)
        doubts_backward(k, code, key, replica, x, x_exponents, d, d_exponents, g, g_exponents, tape, scratch, record)
