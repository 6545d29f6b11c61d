"""From the records of a chunk of replicas to their sums, column by column: a column is one quantity at one layer.

Sums run over replicas in their order. A block of columns is taken at a time, so that the records are read from memory
once, however often they are looked at, and a loop over the columns of one replica vectorises. Each loop writes to two
arrays at most: LLVM gives up on more, since any two might overlap.
"""

import numpy as np

from .compilation import entry_point, internal, widest_vectors
from .elementary import exp64
from .windows import row, window

BLOCK = 256  # columns: 2 KiB of records a replica


@internal
def add_finite(v, n, count, total):
    widest_vectors()
    for i in range(n):
        finite = abs(v[i]) < np.inf
        count[i] += np.int64(finite)
        total[i] += v[i] if finite else 0.0


@internal
def add_squares(v, n, mean, squares):
    widest_vectors()
    for i in range(n):
        gap = v[i] - mean[i] if abs(v[i]) < np.inf else 0.0
        squares[i] += gap * gap


@internal
def raise_tops(v, n, zeros, top):
    widest_vectors()
    for i in range(n):
        zeros[i] += np.int64(v[i] == -np.inf)
        candidate = v[i] if v[i] < np.inf else -np.inf
        top[i] = candidate if candidate > top[i] else top[i]


@internal
def add_weights(v, n, top, weights, squares):
    """Of e^(v - top): infinity and NaN have none."""
    widest_vectors()
    for i in range(n):
        weight = exp64(v[i] - top[i] if abs(v[i]) < np.inf else -np.inf)
        weights[i] += weight
        squares[i] += weight * weight


@internal
def divide(total, count, n):
    for i in range(n):
        total[i] /= max(count[i], 1)


@entry_point
def fold(records, logs, count, mean, squared_deviations, zeros, top, weights, squared_weights):
    """Fills the other arrays from `records` of shape (replicas, columns), the first `logs` columns natural logs.

    `count`, `mean` and `squared_deviations` are over finite entries. Of logs, `zeros` counts -inf, and `weights` sums
    e^(log - top), `top` the largest finite log. All come in as zeros, `top` as -inf.
    """
    replicas, columns = records.shape
    for start in range(0, columns, BLOCK):
        n = np.int64(min(BLOCK, columns - start))
        n_logs = np.int64(max(min(n, logs - start), 0))
        counts, means = window(count, start, (n,)), window(mean, start, (n,))
        tops, of_zeros = window(top, start, (n_logs,)), window(zeros, start, (n_logs,))
        for r in range(replicas):
            v = window(records, r * columns + start, (n,))
            add_finite(v, n, counts, means)
            raise_tops(v, n_logs, of_zeros, tops)
        divide(means, counts, n)
        squares = window(squared_deviations, start, (n,))
        sums, sums_of_squares = window(weights, start, (n_logs,)), window(squared_weights, start, (n_logs,))
        for r in range(replicas):
            v = window(records, r * columns + start, (n,))
            add_squares(v, n, means, squares)
            add_weights(v, n_logs, tops, sums, sums_of_squares)


@internal
def count_below(v, n, limit, counts):
    widest_vectors()
    for i in range(n):
        counts[i] += np.int64(v[i] < limit)


@internal
def count_above(v, n, limit, counts):
    widest_vectors()
    for i in range(n):
        counts[i] += np.int64(v[i] > limit)


@entry_point
def count_leaving(values, largest_values, smallest, largest, underflows, overflows):
    """Adds to `overflows` and `underflows`, int64 (types, layers), how many replicas leave each float type.

    By the logs `largest_values`, float64 (replicas, layers), above `largest`, and by `values` below `smallest`: of types.
    """
    replicas, layers = values.shape
    for k in range(smallest.size):
        for r in range(replicas):
            count_below(row(values, r), layers, smallest[k], row(underflows, k))
            count_above(row(largest_values, r), layers, largest[k], row(overflows, k))


@entry_point
def count_bins(logs, scales, starts, counts):
    """Adds the finite `logs`, float64 (replicas, rows), to `counts`, int64 (rows, bins): bin k of a row holds those with
    floor(log * scale) = start + k."""
    replicas, rows = logs.shape
    for first in range(0, rows, BLOCK):
        for r in range(replicas):
            for k in range(first, min(first + BLOCK, rows)):
                if abs(logs[r, k]) < np.inf:
                    counts[k, np.int64(np.floor(logs[r, k] * scales[k])) - starts[k]] += 1


@entry_point
def add_bins(counts, starts, shifts, new_starts, total):
    """Adds `counts`, int64 (rows, bins), to `total`, bins merged by 2^shift: bin start + k goes to (start + k) >> shift."""
    rows, bins = counts.shape
    for k in range(rows):
        for place in range(bins):
            if counts[k, place] != 0:
                total[k, ((starts[k] + place) >> shifts[k]) - new_starts[k]] += counts[k, place]
