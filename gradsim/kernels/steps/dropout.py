"""Dropout: a unit is zero with probability p and divided by 1 - p otherwise (Srivastava et al. 2014, JMLR 15).

A 32-bit word of the counter for each unit and input, laid out as the numbers of `sampling.sample_row`: the unit is kept if
its word is at least round(2^32 p), so that p is met to 2^-33. The mask is kept for the way back.
"""

import math

import numpy as np

from ..compilation import internal, part, widest_vectors
from ..philox import fill_words
from ..record import ACTIVATION, ACTIVATION_MEAN, ACTIVATION_UNIT_VARIANCE, put
from ..sampling import ROLE_DROPOUT, ROW_TILE, blocks_per_row
from ..vectors import copy, in_window, log_mean, measure_units, multiply, power_of_two, settle
from ..windows import row, window
from ..workspace import padded_width, vector
from .rows import clear_padding

# Columns of dropout's parameters: the smallest word of a unit that is kept, and 1 / (1 - p) = FACTOR 2^EXPONENT, in [1, 2)
THRESHOLD, FACTOR, EXPONENT = range(3)
# Blocks of words drawn for several short rows at once: a call takes 30 ns besides, and masks should stay in the cache
TOGETHER = 128


def dropout_parameters(p):
    """Those columns, from a probability in [0, 1)."""
    fraction, exponent = math.frexp(1.0 / (1.0 - p))
    return float(round(p * 2**32)), 2.0 * fraction, float(exponent - 1)


def parameters(dropout):
    """(variant, parameters) of a Dropout."""
    return 0, dropout_parameters(dropout.p)


def kept_numbers(rows, n):
    """float32 numbers that dropout keeps behind its vector: what units are multiplied by, but for the power of two."""
    return rows * padded_width(n)


def nanoseconds(rows, n):
    """About how long dropout takes on one core, forward and back, by bench/steps.py."""
    return 120 + rows * (10 + 1.3 * n)


@internal
def draw_masks(p, draws, n, first, rows, words, masks):
    """Masks of so many inputs from `first` on, factor where a unit is kept: of one, or of as many as fit one tile."""
    widest_vectors()
    last_dropped, factor = np.uint32(p[THRESHOLD] - 1.0), np.float32(p[FACTOR])
    blocks = blocks_per_row(n)
    for start in range(0, blocks, ROW_TILE):
        count, block = min(ROW_TILE, blocks - start), first * blocks + start
        fill_words(draws.key, draws.layer, draws.replica, ROLE_DROPOUT, block, rows * count, words)
        for b in range(rows):
            for k in range(4):
                place, source = np.uint64((4 * (first + b) + k) * blocks + start), np.uint64(b * count)
                for j in range(count):
                    kept = words[k, source + np.uint64(j)] > last_dropped
                    masks[place + np.uint64(j)] = factor if kept else np.float32(0.0)


@internal
def drops_nothing(p):
    """Where it is the identity, bit for bit."""
    return p[THRESHOLD] == 0.0


@internal
def drop_units(p, draws, x, out, masks, scratch):
    """out = x / (1 - p) where units are kept; (sum over the inputs of their mean, of their variance)."""
    n, rows, drawn, means, variances = x.n, x.values.shape[0], 0, 0.0, 0.0
    all_masks = window(masks, 0, (masks.size,))
    at_once = max(1, TOGETHER // blocks_per_row(n))
    for b in range(rows):
        if b == drawn:
            drawn = min(rows, b + at_once)
            draw_masks(p, draws, n, b, drawn - b, scratch.words, all_masks)
        after = row(out.values, b)
        multiply(row(x.values, b), row(masks, b), n, after)
        exponent = x.exponents[b] + np.int64(p[EXPONENT])
        top, mean, variance = measure_units(after, n)
        if not in_window(top):
            exponent = settle(after, n, top, exponent)
            _, mean, variance = measure_units(after, n)
        out.exponents[b], out.squares[b] = exponent, n * (variance + mean * mean)
        means += mean * wide_power_of_two(exponent)
        variances += variance * wide_power_of_two(2 * exponent)
        clear_padding(after, n)
    return means, variances


@internal
def wide_power_of_two(exponent):
    """2^exponent in float64, infinite beyond its range."""
    return np.inf if exponent > 1023 else power_of_two(exponent)


@internal
def copy_vector(x, out):
    """out = x."""
    for b in range(x.values.shape[0]):
        copy(row(x.values, b), out.values.shape[1], row(out.values, b))
        out.exponents[b], out.squares[b] = x.exponents[b], x.squares[b]


@part
def dropout_forward(p, draws, x, out, kept, place, scratch, record):
    """out = mask x / (1 - p), which stands on record as the activation of `place` (-1: of none) instead of x.

    `kept` float32 (kept_numbers,) takes the masks. With p = 0, x stays on record.
    """
    if drops_nothing(p):
        copy_vector(x, out)
        return
    rows = x.values.shape[0]
    means, variances = drop_units(p, draws, x, out, vector(kept, 0, rows, x.n), scratch)
    if place >= 0:
        put(record, ACTIVATION, place, log_mean(out.squares, out.exponents, rows, x.n))
        put(record, ACTIVATION_MEAN, place, means / rows)
        put(record, ACTIVATION_UNIT_VARIANCE, place, variances / rows)


@part
def dropout_backward(p, kept, d, g):
    """g = mask d / (1 - p)."""
    n, rows = d.n, d.values.shape[0]
    masks = vector(kept, 0, rows, n)
    for b in range(rows):
        below = row(g.values, b)
        if drops_nothing(p):
            copy(row(d.values, b), n, below)
            g.exponents[b] = d.exponents[b]
        else:
            top = multiply(row(masks, b), row(d.values, b), n, below)
            g.exponents[b] = settle(below, n, top, d.exponents[b] + np.int64(p[EXPONENT]))
        clear_padding(below, n)


@part
def forward(step, tape, scratch, record):
    dropout_forward(step.p, step.draws, step.x, step.out, step.kept, step.place, scratch, record)


@part
def backward(step, tape, scratch, record):
    dropout_backward(step.p, step.kept, step.d, step.g)
