"""What goes into a network: Gaussian inputs, alone or correlated, or samples of a data set."""

import math

import numpy as np

from ..compilation import internal
from ..philox import ONE_BLOCK, fill_words
from ..record import ACTIVATION, PREACTIVATION_MAX, put
from ..sampling import LAW_NORMAL, ROLE_INPUT, ROLE_SAMPLE, sample_row
from ..vectors import copy, log_largest_square, log_mean_square, measure, normalise
from ..windows import row

GAUSSIAN, SAMPLES = range(2)
CORRELATION = 0  # column of the parameters


@internal
def draw_samples(draws, count, words, samples):
    """Distinct rows of `count`, every set of them as likely as any other.

    Floyd's algorithm (Bentley & Floyd 1987, doi:10.1145/30401.315746): a row that was taken gives way to the newest one.
    """
    wanted = samples.shape[0]
    for b in range(wanted):
        newest = count - wanted + b
        fill_words(draws.key, draws.layer, draws.replica, ROLE_SAMPLE, b, ONE_BLOCK, words)
        chosen = np.int64((np.uint64(words[0, 0]) * np.uint64(newest + 1)) >> np.uint64(32))
        for a in range(b):
            if samples[a] == chosen:
                chosen = newest
        samples[b] = chosen


@internal
def correlate(x, n, correlation):
    """Give independent normal rows the correlation c, unit by unit.

    The symmetric square root of (1 - c) I + c 1 1^T: sqrt(1 - c) off the mean over the rows, sqrt(1 + (B - 1) c) on it.
    """
    rows = x.shape[0]
    own, common = math.sqrt(1.0 - correlation), math.sqrt(max(1.0 + (rows - 1) * correlation, 0.0))
    for i in range(n):
        mean = 0.0
        for b in range(rows):
            mean += x[b, i]
        mean /= rows
        for b in range(rows):
            x[b, i] = np.float32(own * (x[b, i] - mean) + common * mean)


@internal
def input_forward(kind, p, draws, data, x, samples, scratch, record):
    """x = the inputs: rows of the samples, or standard normal and of the correlation that is asked."""
    rows, correlation = x.values.shape[0], p[CORRELATION]
    if kind == SAMPLES:
        draw_samples(draws, data.inputs.shape[0], scratch.words, samples)
        for b in range(rows):
            copy(data.inputs[samples[b]], x.n, x.values[b])
            x.exponents[b] = data.input_exponents[samples[b]]
    else:
        for b in range(rows):
            samples[b] = b
            sample_row(LAW_NORMAL, draws.key, draws.layer, draws.replica, ROLE_INPUT, b, x.n, scratch.words, x.values[b])
        if correlation != 0.0:
            correlate(x.values, x.n, correlation)
        for b in range(rows):
            x.exponents[b] = normalise(x.values[b], x.n, np.int64(0))
    for b in range(rows):
        x.squares[b] = measure(row(x.values, b), x.n)[1]
    put(record, ACTIVATION, 0, log_mean_square(x.values, x.exponents, x.n))
    put(record, PREACTIVATION_MAX, 0, log_largest_square(x.values, x.exponents, x.n))
