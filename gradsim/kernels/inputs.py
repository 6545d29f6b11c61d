"""What goes into a network: Gaussian inputs, alone or correlated, or samples of a data set."""

import math

import numpy as np

from .compilation import internal
from .philox import ONE_BLOCK, fill_words
from .record import ACTIVATION, PREACTIVATION_MAX
from .sampling import LAW_NORMAL, ROLE_INPUT, ROLE_SAMPLE, sample_row
from .vectors import copy, log_largest_square, log_mean_square, normalise

GAUSSIAN, SAMPLES = range(2)


@internal
def draw_samples(key, layer, replica, count, words, samples):
    """Distinct rows of `count`, every set of them as likely as any other.

    Floyd's algorithm (Bentley & Floyd 1987, doi:10.1145/30401.315746): a row that was taken gives way to the newest one.
    """
    wanted = samples.shape[0]
    for b in range(wanted):
        newest = count - wanted + b
        fill_words(key, layer, replica, ROLE_SAMPLE, b, ONE_BLOCK, words)
        row = np.int64((np.uint64(words[0, 0]) * np.uint64(newest + 1)) >> np.uint64(32))
        for a in range(b):
            if samples[a] == row:
                row = newest
        samples[b] = row


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
def input_forward(kind, correlation, key, layer, replica, data, x, exponents, n, samples, scratch, record):
    if kind == SAMPLES:
        draw_samples(key, layer, replica, data.inputs.shape[0], scratch.words, samples)
        for b in range(x.shape[0]):
            copy(data.inputs[samples[b]], n, x[b])
            exponents[b] = data.input_exponents[samples[b]]
    else:
        for b in range(x.shape[0]):
            samples[b] = b
            sample_row(LAW_NORMAL, key, layer, replica, ROLE_INPUT, b, n, scratch.words, x[b])
        if correlation != 0.0:
            correlate(x, n, correlation)
        for b in range(x.shape[0]):
            exponents[b] = normalise(x[b], n, 0)
    record[ACTIVATION, layer] = log_mean_square(x, exponents, n)
    record[PREACTIVATION_MAX, layer] = log_largest_square(x, exponents, n)
