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
def running_maxima(values, largest_values, log_entries, n, maxima):
    """Of the entries' size, of minus the mean's, of the sum's and of minus the sum's: rows of `maxima`, over n steps.

    NaN is as large as infinity, and never small.
    """
    top, low, top_sum, low_sum = -np.inf, -np.inf, -np.inf, -np.inf
    for i in range(n):
        v, largest = values[i], largest_values[i]
        total = v + log_entries[i]
        largest = np.inf if np.isnan(largest) else largest
        most = np.inf if np.isnan(total) else total
        top = largest if largest > top else top
        low = -v if -v > low else low
        top_sum = most if most > top_sum else top_sum
        low_sum = -total if -total > low_sum else low_sum
        maxima[0, i] = top
        maxima[1, i] = low
        maxima[2, i] = top_sum
        maxima[3, i] = low_sum


@internal
def first_above(v, n, limit):
    """The first place in `v`, which never falls, that is above `limit`; n if none is."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if v[middle] > limit:
            high = middle
        else:
            low = middle + 1
    return low


@entry_point
def count_leaving(values, largest_values, log_entries, limits, maxima, counts):
    """Adds to `counts`, int64 (4, types, steps), how many replicas first leave a float type at a step of their way.

    `values` and `largest_values`, float64 (replicas, steps), are logs of mean squares and of largest squares, `log_entries`
    (steps) what turns the former into logs of sums. The four ways to leave are those of `running_maxima`, and `limits`, (4,
    types), what these must not exceed. `maxima`, (4, steps), is room to work in.
    """
    replicas = values.shape[0]
    n = np.int64(values.shape[1])
    for r in range(replicas):
        running_maxima(row(values, r), row(largest_values, r), log_entries, n, maxima)
        for k in range(limits.shape[0]):
            so_far = row(maxima, k)
            for t in range(limits.shape[1]):
                if so_far[n - 1] > limits[k, t]:
                    counts[k, t, first_above(so_far, n, limits[k, t])] += 1


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
