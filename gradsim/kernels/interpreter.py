"""Runs a program: one replica forward along the tape and backward again; a chunk of replicas in parallel.

A program is two arrays with a row a step: `steps` (int64, columns STEP_COLUMNS) and `parameters` (float64). Vector k of
the tape is an array of shape (inputs, width padded to a multiple of 4); step k reads vector k - 1 and writes vector k.
"""

import numpy as np
from numba import prange

from .activation import activation_backward, activation_forward
from .compilation import entry_point, kernel
from .linear import TILE, linear_backward, linear_forward
from .loss import probe
from .record import ACTIVATION, INPUT_GRADIENT, RECORDED
from .sampling import LAW_NORMAL, ROLE_INPUT, blocks_per_row, sample_row
from .vectors import log_mean_square, normalise

STEP_COLUMNS = ("operation", "layer", "width", "offset", "variant")
OPERATION, LAYER, WIDTH, OFFSET, VARIANT = range(5)
INPUT, LINEAR, ACTIVATE, PROBE = range(4)

QUANTITIES = len(RECORDED)
REPLICAS_PER_WORKSPACE = 4  # replicas that share one allocation; chunks of them are what threads take


@kernel
def vector(buffer, offset, rows, width):
    """View of a padded vector: shape (rows, width padded to a multiple of 4)."""
    padded = 4 * blocks_per_row(width)
    return buffer[offset : offset + rows * padded].reshape(rows, padded)


@kernel
def forward_step(k, steps, parameters, key, replica, rows, tape, exponents, scratch, signs, logs, words, values, record):
    """Vector k of the tape from vector k - 1."""
    operation, layer, n, offset, variant = steps[k]
    if operation == INPUT:
        x = vector(tape, offset, rows, n)
        for b in range(rows):
            sample_row(LAW_NORMAL, key, layer, replica, ROLE_INPUT, b, n, words, values, x[b])
            exponents[k, b] = normalise(x[b], n, 0)
        record[ACTIVATION, layer] = log_mean_square(x, exponents[k], n)
    elif operation == LINEAR:
        n_in = steps[k - 1, WIDTH]
        x, h = vector(tape, steps[k - 1, OFFSET], rows, n_in), vector(tape, offset, rows, n)
        linear_forward(
            variant, parameters[k], key, layer, replica, x, exponents[k - 1], n_in, n, h, exponents[k],
            scratch, words, values, record,
        )  # fmt: skip
    elif operation == ACTIVATE:
        h, x = vector(tape, steps[k - 1, OFFSET], rows, n), vector(tape, offset, rows, n)
        activation_forward(
            variant, parameters[k], h, exponents[k - 1], n, x, exponents[k], signs, logs, layer, record
        )  # fmt: skip


@kernel
def backward_step(
    k, steps, parameters, key, replica, rows, tape, exponents, cotangents, d_exponents, scratch, slopes, signs, logs,
    words, values, record,
):  # fmt: skip
    """The cotangent of vector k - 1 from that of vector k; `cotangents` has two rows that take turns."""
    operation, layer, n, _, variant = steps[k]
    n_in = steps[k - 1, WIDTH]
    x = vector(tape, steps[k - 1, OFFSET], rows, n_in)
    here, there = k % 2, (k - 1) % 2
    d, g = vector(cotangents[here], 0, rows, n), vector(cotangents[there], 0, rows, n_in)
    g[:] = 0.0
    if operation == PROBE:
        probe(key, layer, replica, x, exponents[k - 1], n_in, g, d_exponents[there], words, values, record)
    elif operation == LINEAR:
        linear_backward(
            variant, parameters[k], key, layer, replica, x, exponents[k - 1], d, d_exponents[here], n_in, n,
            g, d_exponents[there], scratch, words, values, record,
        )  # fmt: skip
    elif operation == ACTIVATE:
        activation_backward(
            variant, parameters[k], x, exponents[k - 1], d, d_exponents[here], n, g, d_exponents[there],
            slopes, scratch, signs, logs, layer, record,
        )  # fmt: skip


@entry_point
def run_chunk(steps, parameters, key, first_replica, replicas, rows, tape_size, widest, layers):
    """Records of replicas first_replica, first_replica + 1, ...: float64 of shape (replicas, quantities, layers)."""
    records = np.full((replicas, QUANTITIES, layers), np.nan)
    groups = (replicas + REPLICAS_PER_WORKSPACE - 1) // REPLICAS_PER_WORKSPACE
    for group in prange(groups):
        padded = 4 * blocks_per_row(widest)
        tape = np.zeros(tape_size, np.float32)
        cotangents = np.zeros((2, rows * padded), np.float32)
        exponents = np.zeros((steps.shape[0], rows), np.int64)
        d_exponents = np.zeros((2, rows), np.int64)
        scratch, slopes = np.zeros(padded, np.float32), np.zeros(padded, np.float32)
        signs, logs = np.zeros(padded), np.zeros(padded)
        words = np.zeros((4, max(TILE, padded // 4)), np.uint32)
        values = np.zeros((4, max(TILE, padded // 4)), np.float32)
        start = np.int64(group) * REPLICAS_PER_WORKSPACE
        for r in range(start, min(start + REPLICAS_PER_WORKSPACE, replicas)):
            replica = first_replica + r
            for k in range(steps.shape[0]):
                forward_step(
                    k, steps, parameters, key, replica, rows, tape, exponents, scratch, signs, logs, words, values,
                    records[r],
                )  # fmt: skip
            for k in range(steps.shape[0] - 1, 0, -1):
                backward_step(
                    k, steps, parameters, key, replica, rows, tape, exponents, cotangents, d_exponents, scratch,
                    slopes, signs, logs, words, values, records[r],
                )  # fmt: skip
            x_0 = vector(cotangents[0], 0, rows, steps[0, WIDTH])
            records[r, INPUT_GRADIENT, 0] = log_mean_square(x_0, d_exponents[0], steps[0, WIDTH])
    return records
