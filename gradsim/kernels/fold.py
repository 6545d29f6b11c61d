"""From the records of a chunk of replicas to their sums, column by column: a column is one quantity at one layer.

Sums run over replicas in their order. A block of columns is taken at a time, so that the records are read from memory
once, however often they are looked at, and a loop over the columns of one replica vectorises. Each loop writes to two
arrays at most: LLVM gives up on more, since any two might overlap.
"""

import numpy as np

from .compilation import entry_point, internal
from .elementary import exp64
from .windows import window

BLOCK = 256  # columns: 2 KiB of records a replica


@internal
def add_finite(v, n, start, count, total):
    for i in range(n):
        finite = abs(v[i]) < np.inf
        count[start + i] += np.int64(finite)
        total[start + i] += v[i] if finite else 0.0


@internal
def add_squares(v, n, start, mean, squares):
    for i in range(n):
        gap = v[i] - mean[start + i] if abs(v[i]) < np.inf else 0.0
        squares[start + i] += gap * gap


@internal
def raise_tops(v, n, start, zeros, top):
    for i in range(n):
        zeros[start + i] += np.int64(v[i] == -np.inf)
        top[start + i] = max(top[start + i], v[i] if v[i] < np.inf else -np.inf)


@internal
def add_weights(v, n, start, top, weights, squares):
    """Of e^(v - top): infinity and NaN have none."""
    for i in range(n):
        weight = exp64(v[i] - top[start + i]) if abs(v[i]) < np.inf else 0.0
        weights[start + i] += weight
        squares[start + i] += weight * weight


@internal
def divide(total, count, start, n):
    for i in range(start, start + n):
        total[i] /= max(count[i], 1)


@entry_point
def fold(records, logs, count, mean, squared_deviations, zeros, top, weights, squared_weights):
    """Fills the other arrays from `records` of shape (replicas, columns), the first `logs` columns natural logs.

    `count`, `mean` and `squared_deviations` are over finite entries. Of logs, `zeros` counts -inf, and `weights` sums
    e^(log - top), `top` the largest finite log. All come in as zeros, `top` as -inf.
    """
    replicas, columns = records.shape
    for start in range(0, columns, BLOCK):
        n = min(BLOCK, columns - start)
        n_logs = max(min(n, logs - start), 0)
        for r in range(replicas):
            v = window(records, r * columns + start, (np.int64(n),))
            add_finite(v, n, start, count, mean)
            raise_tops(v, n_logs, start, zeros, top)
        divide(mean, count, start, n)
        for r in range(replicas):
            v = window(records, r * columns + start, (np.int64(n),))
            add_squares(v, n, start, mean, squared_deviations)
            add_weights(v, n_logs, start, top, weights, squared_weights)


@entry_point
def count_leaving(values, largest_values, smallest, largest, underflows, overflows):
    """Adds to `overflows` and `underflows`, int64 (layers, types), how many replicas leave each float type.

    By the logs `largest_values`, float64 (replicas, layers), above `largest`, and by `values` below `smallest`: of types.
    """
    replicas, layers = values.shape
    for k in range(smallest.size):
        for r in range(replicas):
            for layer in range(layers):
                underflows[layer, k] += np.int64(values[r, layer] < smallest[k])
                overflows[layer, k] += np.int64(largest_values[r, layer] > largest[k])


@entry_point
def count_bins(logs, scales, starts, counts):
    """Adds the finite `logs`, float64 (replicas, rows), to `counts`, int64 (rows, bins): bin k of a row holds those with
    floor(log * scale) = start + k."""
    replicas, rows = logs.shape
    for first in range(0, rows, BLOCK):
        for r in range(replicas):
            for row in range(first, min(first + BLOCK, rows)):
                if abs(logs[r, row]) < np.inf:
                    counts[row, np.int64(np.floor(logs[r, row] * scales[row])) - starts[row]] += 1
