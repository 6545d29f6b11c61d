"""Runs a program: one replica forward along the tape and backward again, and so for a chunk of replicas.

A program is two arrays with a row a step: `steps` (int64, columns as in `layout`) and `parameters` (float64). Vector k of
the tape is an array of shape (inputs, width padded to a multiple of 4); step k reads vector k - 1 and writes vector k.
Behind vector k stands what step k keeps for the way back (`program.room_behind`).
"""

import numpy as np

from .activation import activation_backward, activation_forward
from .bundles import bundle
from .cancellation import ADDRESS, DOUBTFUL, clear
from .compilation import entry_point, inlined, internal
from .inputs import input_forward
from .later import BACKWARD, END, FORWARD, call_later
from .layout import (
    ACTIVATE,
    INPUT,
    LINEAR_DENSE,
    LINEAR_GAUSSIAN,
    LINEAR_HAAR,
    LOSS,
    OFFSET,
    OPERATION,
    VARIANT,
    WIDTH,
)
from .linear import is_scaled_draw
from .linear_dense import dense_backward, dense_forward
from .linear_gaussian import gaussian_backward, gaussian_forward
from .linear_haar import haar_backward, haar_forward
from .loss import CROSS_ENTROPY, loss_backward, readout_bias_gradient
from .rare import rarely_called
from .record import INPUT_GRADIENT, RECORDED
from .vectors import log_mean_square, measure
from .windows import row, window
from .workspace import padded, vector

INPUT_CORRELATION = 0  # column of an input step's parameters

QUANTITIES = len(RECORDED)


@inlined
def frames_behind(operation, p, tape, offset, rows, n_in, n_out):
    """What a matrix-free layer drew, and the frame of its inputs (none for one input)."""
    n = max(n_in, n_out) if operation == LINEAR_HAAR else n_out
    start = offset + rows * padded(n_out)
    if rows == 1 and n == n_out and is_scaled_draw(p):
        start = offset
    drawn = vector(tape.values, start, rows, n)
    return drawn, vector(tape.values, start + rows * padded(n), rows, n_in) if rows > 1 else drawn


@internal
def forward_step(k, steps, parameters, key, replica, data, tape, scratch, record):
    """Vector k of the tape from vector k - 1."""
    operation, layer, n, offset, variant = steps[k]
    p, rows = row(parameters, k), tape.exponents.shape[1]
    out, out_exponents = vector(tape.values, offset, rows, n), row(tape.exponents, k)
    if operation == INPUT:
        if scratch.state[DOUBTFUL] != 0:
            clear(tape, scratch)
        correlation = p[INPUT_CORRELATION]
        input_forward(variant, correlation, key, layer, replica, data, out, out_exponents, n, tape.samples, scratch, record)
        for b in range(rows):
            tape.squares[k, b] = measure(row(out, b), n)[1]
        return
    n_in, x_exponents, x_squares = steps[k - 1, WIDTH], row(tape.exponents, k - 1), row(tape.squares, k - 1)
    x = vector(tape.values, steps[k - 1, OFFSET], rows, n_in)
    if operation == ACTIVATE:
        slopes = vector(tape.values, offset + rows * padded(n), rows, n)
        activation_forward(
            variant, p, x, x_exponents, n, out, out_exponents, row(tape.squares, k), slopes, scratch, layer, record
        )
    elif operation == LINEAR_DENSE:
        dense_forward(variant, p, key, layer, replica, x, x_exponents, n_in, n, out, out_exponents, scratch, record)
    elif operation != LOSS:
        z, q = frames_behind(operation, p, tape, offset, rows, n_in, n)
        if operation == LINEAR_GAUSSIAN:
            tape.ranks[k] = gaussian_forward(
                p, key, layer, replica, x, x_exponents, x_squares, n_in, n, out, out_exponents, z, q, scratch, record
            )
        else:
            tape.ranks[k] = haar_forward(
                p, key, layer, replica, x, x_exponents, x_squares, n_in, n, out, out_exponents, z, q, scratch, record
            )


@inlined
def is_classifying_readout(k, steps):
    """Whether step k is linear and its output goes into cross-entropy."""
    last = k == steps.shape[0] - 2
    return last and steps[k, OPERATION] != ACTIVATE and steps[k + 1, VARIANT] == CROSS_ENTROPY


@internal
def backward_step(k, steps, parameters, key, replica, data, tape, scratch, record):
    """The cotangent of vector k - 1 from that of vector k."""
    operation, layer, n, offset, variant = steps[k]
    n_in, p, rows = steps[k - 1, WIDTH], row(parameters, k), tape.exponents.shape[1]
    x, x_exponents = vector(tape.values, steps[k - 1, OFFSET], rows, n_in), row(tape.exponents, k - 1)
    x_squares = row(tape.squares, k - 1)
    d, g = vector(row(tape.cotangents, k % 2), 0, rows, n), vector(row(tape.cotangents, (k - 1) % 2), 0, rows, n_in)
    d_exponents, g_exponents = row(tape.d_exponents, k % 2), row(tape.d_exponents, (k - 1) % 2)
    if operation == ACTIVATE:
        slopes = vector(tape.values, offset + rows * padded(n), rows, n)
        activation_backward(variant, p, x, x_exponents, slopes, d, d_exponents, n, g, g_exponents, scratch)
    elif operation == LOSS:
        loss_backward(variant, key, layer, replica, data, tape.samples, x, x_exponents, n_in, g, g_exponents, scratch, record)
    elif operation == LINEAR_DENSE:
        dense_backward(
            variant, p, key, layer, replica, x, x_exponents, d, d_exponents, n_in, n, g, g_exponents, scratch, record
        )
    else:
        z, q = frames_behind(operation, p, tape, offset, rows, n_in, n)
        rank = tape.ranks[k]
        if operation == LINEAR_GAUSSIAN:
            gaussian_backward(
                p,
                key,
                layer,
                replica,
                x,
                x_exponents,
                x_squares,
                d,
                d_exponents,
                n_in,
                n,
                g,
                g_exponents,
                z,
                q,
                rank,
                scratch,
                record,
            )
        else:
            haar_backward(
                p,
                key,
                layer,
                replica,
                x,
                x_exponents,
                x_squares,
                d,
                d_exponents,
                n_in,
                n,
                g,
                g_exponents,
                z,
                q,
                rank,
                scratch,
                record,
            )
    if rows > 1 and is_classifying_readout(k, steps):
        h = vector(tape.values, offset, rows, n)
        readout_bias_gradient(h, row(tape.exponents, k), row(tape.doubts, k), n, layer, scratch, record)
    for b in range(rows):
        for i in range(n_in, g.shape[1]):
            g[b, i] = 0.0


@internal
def run_with_doubts(steps, parameters, key, replica, data, tape, scratch, record):
    """A replica of which something is in doubt once more, with what becomes of it after every step."""
    rarely_called()
    clear(tape, scratch)
    place, last = scratch.state[ADDRESS], steps.shape[0] - 1
    for k in range(last + 1):
        forward_step(k, steps, parameters, key, replica, data, tape, scratch, record)
        if 0 < k < last and scratch.state[DOUBTFUL] != 0:
            call_later(place, FORWARD, k, steps, parameters, key, replica, tape, scratch, record)
    for k in range(last, 0, -1):
        backward_step(k, steps, parameters, key, replica, data, tape, scratch, record)
        if scratch.state[DOUBTFUL] != 0:
            call_later(place, BACKWARD, k, steps, parameters, key, replica, tape, scratch, record)


@entry_point
def run_chunk(steps, parameters, key, data, tape, scratch, first_replica, records, unresolved):
    """Fills `records`, float64 of shape (replicas, quantities, layers), for replicas first_replica, first_replica + 1, ...

    `unresolved`, int64 of shape (replicas, layers), comes in as zeros: bit q says that quantity q is unresolved.
    Returns how many replicas are done: it stops at one with doubts while there is no address of what follows them.
    """
    data, tape, scratch, rows = bundle(data), bundle(tape), bundle(scratch), tape.exponents.shape[1]
    shape = (np.int64(QUANTITIES), np.int64(records.shape[2]))
    for r in range(records.shape[0]):
        record, replica = window(records, r * shape[0] * shape[1], shape), first_replica + r
        record[:] = np.nan
        for k in range(steps.shape[0]):
            forward_step(k, steps, parameters, key, replica, data, tape, scratch, record)
        for k in range(steps.shape[0] - 1, 0, -1):
            backward_step(k, steps, parameters, key, replica, data, tape, scratch, record)
        in_doubt = scratch.state[DOUBTFUL] != 0
        if in_doubt:
            if scratch.state[ADDRESS] == 0:
                return r
            run_with_doubts(steps, parameters, key, replica, data, tape, scratch, record)
        x_0 = vector(tape.cotangents, 0, rows, steps[0, WIDTH])
        record[INPUT_GRADIENT, 0] = log_mean_square(x_0, row(tape.d_exponents, 0), steps[0, WIDTH])
        if in_doubt:
            call_later(scratch.state[ADDRESS], END, 0, steps, parameters, key, replica, tape, scratch, record)
            for layer in range(unresolved.shape[1]):
                unresolved[r, layer] = tape.unresolved[layer]
    return records.shape[0]
