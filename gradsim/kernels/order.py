"""Order statistics of many rows: a few of each, exactly, without sorting all of it.

Values go into buckets of equal width between the row's least and largest; only the buckets that hold a wanted one are
sorted. With a thousand values a row that is 4 ns a value, where sorting all takes 12.
"""

import numpy as np

from .compilation import elementary, entry_point, internal

MOST_BUCKETS = 1024  # and as many as there are values
LEAST_SPAN = 1e-290  # of a row: a narrower one goes into one bucket, since its scale would overflow


@elementary
def bucket_of(value, low, scale):
    """Monotone, since each of its operations is."""
    return np.int64((value - low) * scale)


@internal
def range_of(v, n):
    """(least finite, largest finite, how many are -inf, how many are finite); NaN is not allowed."""
    low, high, below, finite = np.inf, -np.inf, 0, 0
    for i in range(n):
        inside = abs(v[i]) < np.inf
        finite += inside
        below += v[i] == -np.inf
        low = min(low, v[i] if inside else np.inf)
        high = max(high, v[i] if inside else -np.inf)
    return low, high, below, finite


@internal
def into_buckets(v, n, low, scale, places, ends):
    """places[i] is the bucket of v[i], -1 if it is not finite; bucket b holds ranks ends[b] to ends[b + 1]."""
    buckets = ends.size - 1
    for bucket in range(buckets + 1):
        ends[bucket] = 0
    for i in range(n):
        places[i] = -1
        if abs(v[i]) < np.inf:
            places[i] = bucket_of(v[i], low, scale)
            ends[places[i] + 1] += 1
    for bucket in range(buckets):
        ends[bucket + 1] += ends[bucket]


@internal
def bucket_with(rank, ends):
    """The bucket b with ends[b] <= rank < ends[b + 1]."""
    low, high = 0, ends.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if ends[middle] <= rank:
            low = middle
        else:
            high = middle
    return low


@entry_point
def order_statistics(values, ranks, found):
    """found[row, k] = number ranks[k] of the row's values in their order, counted from 0.

    `values` is float64 (rows, n), without NaN.
    """
    rows, n = values.shape
    buckets = min(n, MOST_BUCKETS)
    places, members, ends = np.zeros(n, np.int64), np.zeros(n), np.zeros(buckets + 1, np.int64)
    wanted, filled = np.zeros(buckets, np.bool_), np.zeros(buckets, np.int64)
    for row in range(rows):
        v = values[row]
        low, high, below, finite = range_of(v, n)
        span = high - low
        into_buckets(v, n, low, (buckets - 1) / span if LEAST_SPAN < span < np.inf else 0.0, places, ends)
        wanted[:] = False
        for rank in ranks:
            if below <= rank < below + finite:
                wanted[bucket_with(rank - below, ends)] = True
        for bucket in range(buckets):  # in a loop, as in `vectors.copy`
            filled[bucket] = ends[bucket]
        for i in range(n):
            if places[i] >= 0 and wanted[places[i]]:
                members[filled[places[i]]] = v[i]
                filled[places[i]] += 1
        for bucket in range(buckets):
            if wanted[bucket]:
                members[ends[bucket] : ends[bucket + 1]].sort()
        for k in range(ranks.size):
            rank = ranks[k] - below
            found[row, k] = members[rank] if 0 <= rank < finite else (-np.inf if rank < 0 else np.inf)
