"""Runs a program: one replica forward along the tape and backward again, and so for a chunk of replicas.

A program is two arrays with a row a step: `steps` (int64, columns as in `layout`) and `parameters` (float64). Vector k of
the tape is an array of shape (inputs, width padded to a multiple of 4), which step k writes; a step names the vectors that
it reads. The cotangent of a vector that several steps read is the sum of what they give, the last of them first.
"""

import numpy as np

from .bundles import bundle
from .cancellation import BLOCKS, DOUBTFUL, DOUBTS, HAAR, clear
from .compilation import entry_point, inlined, internal
from .later import ADDED, BACKWARD, END, FORWARD, STREAM_BACKWARD, STREAM_FORWARD, call_blocks, call_doubts, call_haar
from .layout import (
    ACTIVATE,
    FRESH,
    INPUT,
    KEPT,
    LAYER,
    LINEAR_DENSE,
    LINEAR_GAUSSIAN,
    LINEAR_HAAR,
    LOSS,
    OPERATION,
    OTHER,
    PLACE,
    SLOT,
    SOURCE,
    STREAM,
    VARIANT,
    WIDTH,
)
from .rare import rarely_called
from .record import INPUT_GRADIENT, Record, put
from .steps.activation import activation_backward, activation_forward
from .steps.input import input_forward
from .steps.linear_dense import dense_backward, dense_forward
from .steps.linear_gaussian import gaussian_backward, gaussian_forward
from .steps.loss import CROSS_ENTROPY, loss_backward, readout_bias_gradient
from .vectors import log_mean_square
from .views import cotangent, frames_kept, spare, taped
from .windows import row, window
from .workspace import Draws, vector


@internal
def from_vectors(k, code, draws, out, tape, scratch, record):
    """Vector k, `out`, from those that step k reads."""
    steps, operation, variant, p = code.steps, code.steps[k, OPERATION], code.steps[k, VARIANT], row(code.parameters, k)
    x = taped(steps[k, SOURCE], steps, tape)
    if operation == ACTIVATE:
        slopes = vector(tape.values, steps[k, KEPT], tape.exponents.shape[1], out.n)
        activation_forward(variant, p, x, out, slopes, steps[k, PLACE], scratch, record)
    elif operation == LINEAR_DENSE:
        dense_forward(variant, p, draws, x, out, scratch, record)
    elif operation == LINEAR_GAUSSIAN:
        z, q = frames_kept(k, steps, tape, x.n, out.n)
        tape.ranks[k] = gaussian_forward(p, draws, x, out, z, q, scratch, record)


@internal
def forward_step(k, code, key, replica, data, tape, scratch, record):
    """Vector k of the tape."""
    steps, out, draws = code.steps, taped(k, code.steps, tape), Draws(key, code.steps[k, LAYER], replica)
    if steps[k, OPERATION] == INPUT:
        if scratch.state[DOUBTFUL] != 0:
            clear(tape, scratch)
        input_forward(steps[k, VARIANT], row(code.parameters, k), draws, data, out, tape.samples, scratch, record)
    elif steps[k, OPERATION] == LINEAR_HAAR:
        call_haar(scratch.state[HAAR], FORWARD, k, code, key, replica, tape, scratch, record)
    elif steps[k, OPERATION] < LOSS:
        from_vectors(k, code, draws, out, tape, scratch, record)
    elif steps[k, OPERATION] > LOSS:
        call_blocks(scratch.state[BLOCKS], FORWARD, k, code, key, replica, tape, scratch, record)
    if steps[k, STREAM] >= 0:
        call_blocks(scratch.state[BLOCKS], STREAM_FORWARD, k, code, key, replica, tape, scratch, record)


@inlined
def is_classifying_readout(k, steps):
    """Whether step k is linear and its output goes into cross-entropy."""
    last = k == steps.shape[0] - 2
    linear = steps[k, OPERATION] == LINEAR_DENSE or steps[k, OPERATION] == LINEAR_GAUSSIAN or steps[k, OPERATION] == LINEAR_HAAR
    return last and linear and steps[k + 1, VARIANT] == CROSS_ENTROPY


@internal
def backward_step(k, code, key, replica, data, tape, scratch, record):
    """From the cotangent of vector k to those of the vectors that step k reads."""
    steps, operation, variant = code.steps, code.steps[k, OPERATION], code.steps[k, VARIANT]
    source, n, rows = steps[k, SOURCE], steps[k, WIDTH], tape.exponents.shape[1]
    p, x, draws = row(code.parameters, k), taped(source, steps, tape), Draws(key, steps[k, LAYER], replica)
    d = cotangent(steps[k, SLOT], n, tape)
    g = cotangent(steps[source, SLOT] if steps[k, FRESH] != 0 else spare(tape), x.n, tape)
    if steps[k, STREAM] >= 0:
        call_blocks(scratch.state[BLOCKS], STREAM_BACKWARD, k, code, key, replica, tape, scratch, record)
    if operation == ACTIVATE:
        slopes = vector(tape.values, steps[k, KEPT], rows, n)
        activation_backward(variant, p, x, slopes, d, g, scratch)
    elif operation == LOSS:
        loss_backward(variant, draws, data, tape.samples, x, g, scratch, record)
    elif operation == LINEAR_DENSE:
        dense_backward(variant, p, draws, x, d, g, scratch, record)
    elif operation == LINEAR_GAUSSIAN:
        z, q = frames_kept(k, steps, tape, x.n, n)
        gaussian_backward(p, draws, x, d, g, z, q, tape.ranks[k], scratch, record)
    elif operation == LINEAR_HAAR:
        call_haar(scratch.state[HAAR], BACKWARD, k, code, key, replica, tape, scratch, record)
    else:
        call_blocks(scratch.state[BLOCKS], BACKWARD, k, code, key, replica, tape, scratch, record)
        if steps[k, OTHER] >= 0:  # it has added to both itself
            return
    if rows > 1 and is_classifying_readout(k, steps):
        h = taped(k, steps, tape)
        readout_bias_gradient(h, row(tape.doubts, k), draws.layer, scratch, record)
    for b in range(rows):
        for i in range(x.n, g.values.shape[1]):
            g.values[b, i] = 0.0
    if steps[k, FRESH] == 0:
        call_blocks(scratch.state[BLOCKS], ADDED, k, code, key, replica, tape, scratch, record)


@internal
def load_doubts(k, steps, tape, scratch):
    """Which rows of what step k reads are in doubt, into the scratch space: going forward."""
    for b in range(scratch.doubts.size):
        doubt = tape.doubts[steps[k, SOURCE], b] if k > 0 else 0
        if steps[k, OTHER] >= 0:
            doubt |= tape.doubts[steps[k, OTHER], b]
        scratch.doubts[b] = doubt


@internal
def run_with_doubts(code, key, replica, data, tape, scratch, record):
    """A replica of which something is in doubt once more, with what becomes of it after every step."""
    rarely_called()
    clear(tape, scratch)
    place, last = scratch.state[DOUBTS], code.steps.shape[0] - 1
    for k in range(last + 1):
        load_doubts(k, code.steps, tape, scratch)
        forward_step(k, code, key, replica, data, tape, scratch, record)
        if 0 < k < last and scratch.state[DOUBTFUL] != 0:
            call_doubts(place, FORWARD, k, code, key, replica, tape, scratch, record)
    for k in range(last, 0, -1):
        for b in range(scratch.doubts.size):
            own = tape.doubts[code.steps[k, SOURCE], b] if k == last else tape.d_doubts[code.steps[k, SLOT], b]
            scratch.doubts[b] = own
        backward_step(k, code, key, replica, data, tape, scratch, record)
        if scratch.state[DOUBTFUL] != 0:
            call_doubts(place, BACKWARD, k, code, key, replica, tape, scratch, record)


@entry_point
def run_chunk(code, key, data, tape, scratch, first_replica, records, unresolved):
    """Fills `records`, float64 of shape (replicas, columns), for replicas first_replica, first_replica + 1, ...

    `unresolved`, int64 of shape (replicas, places), comes in as zeros: bit q says that quantity q is unresolved.
    Returns how many replicas are done: it stops at one with doubts while there is no address of what follows them.
    """
    code, data, tape, scratch = bundle(code), bundle(data), bundle(tape), bundle(scratch)
    steps, columns = code.steps, np.int64(records.shape[1])
    for r in range(records.shape[0]):
        values, replica = window(records, r * columns, (columns,)), first_replica + r
        record = bundle(Record(values, code.starts))
        for i in range(columns):
            values[i] = np.nan
        for k in range(steps.shape[0]):
            forward_step(k, code, key, replica, data, tape, scratch, record)
        for k in range(steps.shape[0] - 1, 0, -1):
            backward_step(k, code, key, replica, data, tape, scratch, record)
        in_doubt = scratch.state[DOUBTFUL] != 0
        if in_doubt:
            if scratch.state[DOUBTS] == 0:
                return r
            run_with_doubts(code, key, replica, data, tape, scratch, record)
        x_0 = cotangent(steps[0, SLOT], steps[0, WIDTH], tape)
        put(record, INPUT_GRADIENT, 0, log_mean_square(x_0.values, x_0.exponents, x_0.n))
        if steps[0, STREAM] >= 0:
            call_blocks(scratch.state[BLOCKS], STREAM_BACKWARD, 0, code, key, replica, tape, scratch, record)
        if in_doubt:
            call_doubts(scratch.state[DOUBTS], END, 0, code, key, replica, tape, scratch, record)
            for place in range(unresolved.shape[1]):
                unresolved[r, place] = tape.unresolved[place]
    return records.shape[0]
