"""Losses: they end the forward pass and start the backward pass.

Each writes d = dL/dx for the network's output x and returns log L (log |L| for the probe), natural, -inf for zero.
"""

import math

import numpy as np

from ..cancellation import (
    FAINT,
    FOUND,
    RESOLUTION,
    add_scaled,
    hold_at_floor,
    mark,
    may_hold,
)
from ..compilation import internal
from ..philox import ONE_BLOCK, fill_words
from ..rare import rarely_called
from ..record import BIAS_GRADIENT, GRADIENT, LOSS, LOSS_GRADIENT, got, put
from ..sampling import LAW_NORMAL, ROLE_LABEL, ROLE_PROBE, ROLE_TARGET, sample_row
from ..vectors import (
    LN2,
    NEGLIGIBLE_LOG,
    NO_EXPONENT,
    copy,
    dot,
    from_logs,
    largest,
    log_mean_square,
    normalise,
    power_of_two,
    sum_of_squares,
)
from ..windows import row

INDEPENDENT_PROBES, SHARED_PROBE, MEAN_SQUARED_ERROR, CROSS_ENTROPY = range(4)

SMALL_LOG = -30.0  # log(1 + e^t) is e^t below it, to float64 accuracy
LINEAR_EXPONENT = -64  # of logits: e^x - 1 is x to float64 accuracy below it
CANCELLED_LOG = -11.0  # a sum 1/256 of its terms has lost 8 of float32's 24 bits
ROUNDING_OF_ONE = 2.0**-50  # of a sum of terms of order one in float64
LARGEST_EXPONENT = 960  # 2^960 times a gap of logits is still a float64


@internal
def loss_backward(kind, draws, data, samples, x, d, scratch, record):
    """d = dL/dx. Records log L^2 and the log mean square of d."""
    if kind == MEAN_SQUARED_ERROR:
        value = mean_squared_error(draws, data, samples, x, d, scratch)
    elif kind == CROSS_ENTROPY:
        value = cross_entropy(draws, data, samples, x, d, scratch)
    else:
        value = probe(kind == SHARED_PROBE, draws, x, d, scratch)
    put(record, LOSS, 0, 2.0 * value)
    put(record, LOSS_GRADIENT, 0, log_mean_square(d.values, d.exponents, d.n))


@internal
def probe(shared, draws, x, d, scratch):
    """L = sum_b g_b . x_b / sqrt(n), g_b standard normal and independent, or one g for all inputs."""
    rows, n, factor, top = x.values.shape[0], x.n, np.float32(1.0 / math.sqrt(x.n)), NO_EXPONENT
    for b in range(rows):
        of, after = 0 if shared else b, row(d.values, b)
        sample_row(LAW_NORMAL, draws.key, draws.layer, draws.replica, ROLE_PROBE, of, n, scratch.words, after)
        for i in range(n):
            after[i] *= factor
        d.exponents[b] = normalise(after, n, np.int64(0))
        if largest(row(x.values, b), n) > 0.0:
            top = max(top, x.exponents[b] + d.exponents[b])
    total = 0.0
    for b in range(rows):
        product = dot(row(d.values, b), row(x.values, b), n)
        if product != 0.0:
            total += product * power_of_two(x.exponents[b] + d.exponents[b] - top)
    if abs(total) <= 256.0 * FAINT * n * rows and may_hold(scratch):
        size = sum_of_products(x, d, top)
        if size > 0.0 and abs(total) <= FAINT * size:
            total = RESOLUTION * size
            mark(LOSS, scratch)
    return math.log(abs(total)) + LN2 * top if total != 0.0 else -np.inf


@internal
def sum_of_products(x, d, top):
    """sum_b |d_b| . |x_b| over 2^top."""
    rarely_called()
    total = 0.0
    for b in range(x.values.shape[0]):
        part = 0.0
        for i in range(x.n):
            part += abs(np.float64(d.values[b, i]) * np.float64(x.values[b, i]))
        total += part * power_of_two(min(x.exponents[b] + d.exponents[b] - top, 0))
    return total


@internal
def mean_squared_error(draws, data, samples, x, d, scratch):
    """L = mean over inputs and outputs of (x - t)^2; t is the sample's target, or standard normal."""
    rows, n, target = x.values.shape[0], x.n, scratch.floats
    for b in range(rows):
        exponent, after = 0, row(d.values, b)
        if data.targets.shape[0] > 0:
            copy(data.targets[samples[b]], n, target)
            exponent = data.target_exponents[samples[b]]
        else:
            sample_row(LAW_NORMAL, draws.key, draws.layer, draws.replica, ROLE_TARGET, b, n, scratch.words, target)
        for i in range(n):
            target[i] = -target[i]
            after[i] = x.values[b, i]
        d.exponents[b] = add_scaled(target, exponent, n, after, x.exponents[b], b, scratch)
    value = log_mean_square(d.values, d.exponents, n)
    factor = np.float32(2.0 / (n * rows))
    for b in range(rows):
        after = row(d.values, b)
        for i in range(n):
            after[i] *= factor
        d.exponents[b] = normalise(after, n, d.exponents[b])
    return value


@internal
def cross_entropy(draws, data, samples, x, d, scratch):
    """L = mean over inputs of -log softmax(x)[label]; labels are the samples', or uniform."""
    rows, n, words = x.values.shape[0], x.n, scratch.words
    loss = -np.inf
    for b in range(rows):
        logits, after = row(x.values, b), row(d.values, b)
        if data.labels.shape[0] > 0:
            label = data.labels[samples[b]]
        else:
            fill_words(draws.key, draws.layer, draws.replica, ROLE_LABEL, b, ONE_BLOCK, words)
            label = np.int64((np.uint64(words[0, 0]) * np.uint64(n)) >> np.uint64(32))
        scratch.labels[b] = label
        logs_of_gaps(logits, x.exponents[b], n, scratch.logs)
        rest = log_sum_exp(scratch.logs, n, label)
        total = log_sum_exp(scratch.logs, n, -1)
        loss = log_add(loss, log_surprise(logits, x.exponents[b], n, label, rest - scratch.logs[label]))
        for i in range(n):
            scratch.signs[i] = -1.0 if i == label else 1.0
            scratch.logs[i] = (rest if i == label else scratch.logs[i]) - total - math.log(rows)
        d.exponents[b] = from_logs(scratch.signs, scratch.logs, n, after)
        if n > 1 and largest(after, n) == 0.0 and may_hold(scratch):
            d.exponents[b] = hold_at_floor(after, n, b, scratch)
    if n > 1 and loss < NEGLIGIBLE_LOG and may_hold(scratch):
        loss = NEGLIGIBLE_LOG
        mark(LOSS, scratch)
    return loss - math.log(rows)


@internal
def softmax_gaps(x, exponent, n, gaps):
    """n (p_i - 1/n) = 2^e gaps[i], p = softmax(2^exponent x), to all digits where p is nearly even; returns e."""
    logs_of_gaps(x, exponent, n, gaps)
    e, total, sum_of_gaps = np.int64(0), 0.0, 0.0
    if exponent < LINEAR_EXPONENT:  # p_i - 1/n is linear in x
        e, top = exponent, np.float64(0.0)
        for i in range(n):
            top += np.float64(x[i])
        for i in range(n):
            gaps[i] = np.float64(x[i]) - top / n
        return e
    for i in range(n):
        total += math.exp(gaps[i])
        gaps[i] = math.expm1(gaps[i])
        sum_of_gaps += gaps[i]
    for i in range(n):
        gaps[i] = (n * gaps[i] - sum_of_gaps) / total
    return e


@internal
def readout_bias_gradient(h, h_doubts, place, scratch, record):
    """Records log mean square of sum_b (softmax(h_b) - onehot_b) / B where float32 has lost it: most of its terms cancel.

    Its part without h, sum_b (1/n - onehot_b), is a whole number over n, and zero where every label is there as often as
    any other. What is left is of the size of h, and h is what limits it.
    """
    rarely_called()
    rows, n, total, gaps = h.values.shape[0], h.n, scratch.signs, scratch.logs
    if not got(record, BIAS_GRADIENT, place) < got(record, GRADIENT, place) + CANCELLED_LOG:
        return
    for i in range(n):
        total[i] = rows
    for b in range(rows):
        total[scratch.labels[b]] -= n
    top, even = np.int64(0), sum_of_squares(total, n) == 0.0
    if even:
        top = NO_EXPONENT
        for b in range(rows):
            if largest(row(h.values, b), n) > 0.0:
                top = max(top, min(h.exponents[b], 0))
    noise = 0.0 if even else rows * ROUNDING_OF_ONE
    for b in range(rows):
        size = np.float64(largest(row(h.values, b), n)) * power_of_two(h.exponents[b] - top)
        noise += size if h_doubts[b] != 0 else RESOLUTION * size
        e = softmax_gaps(row(h.values, b), h.exponents[b], n, gaps)
        factor = power_of_two(e - top)
        for i in range(n):
            total[i] += factor * gaps[i]
    square = sum_of_squares(total, n)
    resolved = square > noise * noise * n
    bit = np.int64(1) << np.int64(BIAS_GRADIENT)
    was_resolved = (scratch.state[FOUND] & bit) == 0
    if was_resolved and not resolved and square > 0.0:
        return
    scratch.state[FOUND] &= ~bit
    if not resolved and noise > 0.0:
        square = noise * noise * n
        mark(BIAS_GRADIENT, scratch)
    value = math.log(square / n) + 2.0 * LN2 * top - 2.0 * math.log(n * rows) if square > 0.0 else -np.inf
    put(record, BIAS_GRADIENT, place, value)


@internal
def log_add(a, b):
    """log(e^a + e^b)."""
    if np.isnan(a) or np.isnan(b):
        return np.nan
    top = max(a, b)
    return top if top == -np.inf else top + math.log1p(math.exp(min(a, b) - top))


@internal
def logs_of_gaps(x, exponent, n, gaps):
    """gaps[i] = x_i minus the largest of x, in float64; -inf where they are too far apart for one."""
    top = -np.inf
    for i in range(n):
        top = max(top, np.float64(x[i]))
    scale = power_of_two(min(exponent, LARGEST_EXPONENT))
    for i in range(n):
        gap = np.float64(x[i]) - top
        gaps[i] = gap * scale if exponent <= LARGEST_EXPONENT or gap == 0.0 or np.isnan(gap) else -np.inf


@internal
def log_sum_exp(logs, n, without):
    """log of the sum of e^logs[i] over i < n, leaving one place out (-1: none)."""
    top = -np.inf
    for i in range(n):
        if np.isnan(logs[i]):
            return np.nan
        if i != without:
            top = max(top, logs[i])
    if top == -np.inf:
        return top
    total = 0.0
    for i in range(n):
        if i != without:
            total += math.exp(logs[i] - top)
    return top + math.log(total)


@internal
def log_surprise(x, exponent, n, label, odds):
    """log of -log softmax(x)[label]; `odds` is the log of the others' weight over the label's."""
    if np.isnan(odds):
        return np.nan
    if odds < SMALL_LOG:
        return odds
    if odds < np.inf:
        return math.log(odds + math.log1p(math.exp(-odds)) if odds > 0.0 else math.log1p(math.exp(odds)))
    top = np.float64(x[label])  # beyond float64 the loss is the gap itself
    for i in range(n):
        top = max(top, np.float64(x[i]))
    return math.log(top - np.float64(x[label])) + LN2 * exponent
