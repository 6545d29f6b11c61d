"""The loss of a batch, its gradient, and how much of the batch is classified as its labels say."""

import math

import numpy as np

from ....kernels.compilation import internal
from ....kernels.windows import row


@internal
def largest_at(x, n):
    """Where the largest of x[:n] is, the first of several; -1 where one is not a number."""
    best = 0
    for i in range(n):
        if np.isnan(x[i]):
            return -1
        if x[i] > x[best]:
            best = i
    return best


@internal
def accuracy(x, n, wanted, samples, rows):
    """The share of the rows of x whose largest entry is that of their label; NaN without labels."""
    if wanted.labels.shape[0] == 0:
        return np.nan
    right = 0
    for b in range(rows):
        right += largest_at(row(x, b), n) == wanted.labels[samples[b]]
    return right / rows


@internal
def mean_squared_error(x, n, wanted, samples, rows, g):
    """Mean over inputs and outputs of (x - t)^2; g is its gradient."""
    total, scale = 0.0, 2.0 / (n * rows)
    for b in range(rows):
        out, target, below = row(x, b), row(wanted.targets, samples[b]), row(g, b)
        for i in range(n):
            gap = np.float64(out[i]) - np.float64(target[i])
            total += gap * gap
            below[i] = scale * gap
    return total / (n * rows)


@internal
def cross_entropy(x, n, wanted, samples, rows, g, room):
    """Mean over inputs of -log softmax(x)[label]; g is its gradient, `room` is scratch space."""
    total = 0.0
    for b in range(rows):
        out, below, label = row(x, b), row(g, b), wanted.labels[samples[b]]
        top, partition = np.float64(out[0]), 0.0
        for i in range(n):
            top = max(top, np.float64(out[i]))
        for i in range(n):
            room[i] = math.exp(np.float64(out[i]) - top)
            partition += room[i]
        total += math.log(partition) - (np.float64(out[label]) - top)
        for i in range(n):
            below[i] = (room[i] / partition - (1.0 if i == label else 0.0)) / rows
    return total / rows
