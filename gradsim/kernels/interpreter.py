"""Runs a program: one replica forward along the tape and backward again; a chunk of replicas in parallel.

A program is two arrays with a row a step: `steps` (int64, columns STEP_COLUMNS) and `parameters` (float64). Vector k of
the tape is an array of shape (inputs, width padded to a multiple of 4); step k reads vector k - 1 and writes vector k.
"""

import numpy as np
from numba import prange

from .activation import activation_backward, activation_forward
from .compilation import entry_point, internal
from .inputs import input_forward
from .linear import linear_backward, linear_forward
from .loss import loss_backward
from .record import INPUT_GRADIENT, RECORDED
from .vectors import log_mean_square
from .workspace import new_scratch, new_tape, vector

STEP_COLUMNS = ("operation", "layer", "width", "offset", "variant")
OPERATION, LAYER, WIDTH, OFFSET, VARIANT = range(5)
INPUT, LINEAR, ACTIVATE, LOSS = range(4)
INPUT_CORRELATION = 0  # column of an input step's parameters

QUANTITIES = len(RECORDED)
REPLICAS_PER_WORKSPACE = 4  # replicas that share one allocation; chunks of them are what threads take


@internal
def forward_step(k, steps, parameters, key, replica, data, tape, scratch, record):
    """Vector k of the tape from vector k - 1."""
    operation, layer, n, offset, variant = steps[k]
    p, rows = parameters[k], tape.exponents.shape[1]
    out, out_exponents = vector(tape.values, offset, rows, n), tape.exponents[k]
    if operation == INPUT:
        input_forward(
            variant, p[INPUT_CORRELATION], key, layer, replica, data, out, out_exponents, n, tape.samples, scratch, record
        )
    elif operation == LINEAR:
        n_in = steps[k - 1, WIDTH]
        x = vector(tape.values, steps[k - 1, OFFSET], rows, n_in)
        linear_forward(
            variant, p, key, layer, replica, x, tape.exponents[k - 1], n_in, n, out, out_exponents, scratch, record
        )
    elif operation == ACTIVATE:
        h = vector(tape.values, steps[k - 1, OFFSET], rows, n)
        activation_forward(variant, p, h, tape.exponents[k - 1], n, out, out_exponents, scratch, layer, record)


@internal
def backward_step(k, steps, parameters, key, replica, data, tape, scratch, record):
    """The cotangent of vector k - 1 from that of vector k."""
    operation, layer, n, _, variant = steps[k]
    n_in, p, rows = steps[k - 1, WIDTH], parameters[k], tape.exponents.shape[1]
    x, x_exponents = vector(tape.values, steps[k - 1, OFFSET], rows, n_in), tape.exponents[k - 1]
    here, there = k % 2, (k - 1) % 2
    d, g = vector(tape.cotangents[here], 0, rows, n), vector(tape.cotangents[there], 0, rows, n_in)
    d_exponents, g_exponents = tape.d_exponents[here], tape.d_exponents[there]
    g[:] = 0.0
    if operation == LOSS:
        loss_backward(
            variant, key, layer, replica, data, tape.samples, x, x_exponents, n_in, g, g_exponents, scratch, record
        )
    elif operation == LINEAR:
        linear_backward(
            variant, p, key, layer, replica, x, x_exponents, d, d_exponents, n_in, n, g, g_exponents, scratch, record
        )
    elif operation == ACTIVATE:
        activation_backward(variant, p, x, x_exponents, d, d_exponents, n, g, g_exponents, scratch, layer, record)


@entry_point
def run_chunk(steps, parameters, key, data, first_replica, replicas, rows, tape_size, widest, layers):
    """Records of replicas first_replica, first_replica + 1, ...: float64 of shape (replicas, quantities, layers)."""
    records = np.full((replicas, QUANTITIES, layers), np.nan)
    groups = (replicas + REPLICAS_PER_WORKSPACE - 1) // REPLICAS_PER_WORKSPACE
    for group in prange(groups):
        tape, scratch = new_tape(steps.shape[0], rows, tape_size, widest), new_scratch(rows, widest)
        start = np.int64(group) * REPLICAS_PER_WORKSPACE
        for r in range(start, min(start + REPLICAS_PER_WORKSPACE, replicas)):
            replica = first_replica + r
            for k in range(steps.shape[0]):
                forward_step(k, steps, parameters, key, replica, data, tape, scratch, records[r])
            for k in range(steps.shape[0] - 1, 0, -1):
                backward_step(k, steps, parameters, key, replica, data, tape, scratch, records[r])
            x_0 = vector(tape.cotangents[0], 0, rows, steps[0, WIDTH])
            records[r, INPUT_GRADIENT, 0] = log_mean_square(x_0, tape.d_exponents[0], steps[0, WIDTH])
    return records
