"""Quantiles of logs over replicas: exact from kept samples, or from histograms where samples would not fit.

Zeros are -inf, at the bottom; what is not a number or infinite counts as +inf, at the top: nothing is dropped.
Both hold the multiset of values only, so results do not depend on the order in which replicas come.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..kernels.fold import add_bins, count_bins
from ..kernels.order import order_statistics

SAMPLE_BYTES = 2**27  # up to here samples are kept and quantiles are exact
HISTOGRAM_BYTES = 2**24
WAITING_BYTES = 2**24  # of values that are counted at once
PLAIN_LOGS = 10
BLOCK = 2**16  # values at a time, that they stay in the cache
SORTED = 1024  # values a row: so many are sorted faster than a few of them are picked
FEW = 2**18  # values: fewer are found sooner than a thread is started
HISTOGRAM_ROWS = 8192  # of histograms, counted or added at a time
FINEST = -10  # bins start 2^-10 wide: a tenth of a percent of a mean square
FEWEST_BINS, MOST_BINS = 64, 4096


def rows_of(columns):
    """How many values a replica are reckoned with: ten a layer of a plain network, whatever it records of them, so that its
    quantiles stay what they were; all logs where a network has more."""
    return max(columns.logs, PLAIN_LOGS * columns.places)


def collector(rows, replicas):
    """What keeps quantiles of `rows` values a replica, `of` logs: a function of the problem only."""
    return Samples if 8 * rows * replicas <= SAMPLE_BYTES else Binning(bins_of(rows))


def bins_of(rows):
    """Bins of a histogram, where there are as many `rows`."""
    return int(np.clip(2 ** int(np.log2(HISTOGRAM_BYTES / (8 * rows))), FEWEST_BINS, MOST_BINS))


def interpolate(low, high, fraction):
    """low + fraction (high - low) for extended reals; an infinite neighbour below wins, then one above."""
    with np.errstate(invalid="ignore"):
        between = low + fraction * (high - low)
    return np.where((fraction == 0) | np.isinf(low) | (low == high), low, between)


@dataclass(frozen=True)
class Samples:
    """All values, in chunks of shape (replicas, rows)."""

    chunks: tuple
    method = "exact"

    @classmethod
    def of(cls, logs):
        return cls((np.where(np.isnan(logs), np.inf, logs),))

    def __add__(self, other):
        return Samples(self.chunks + other.chunks)

    def quantiles(self, probabilities, threads=1):
        """Shape (rows, probabilities): linear between order statistics (Hyndman & Fan 1996, type 7)."""
        last = sum(map(len, self.chunks)) - 1
        position = np.asarray(probabilities) * last
        below = np.floor(position).astype(int)
        above = np.minimum(below + 1, last)

        ranks, rows, step = np.concatenate([below, above]), self.chunks[0].shape[1], max(1, BLOCK // (last + 1))

        def block(start):
            found = _picked(self._rows(start, min(start + step, rows)), ranks)
            return interpolate(found[:, : len(below)], found[:, len(below) :], position - below)

        starts = range(0, rows, step)
        if threads == 1 or rows * (last + 1) <= FEW:
            return np.concatenate(list(map(block, starts)))
        with ThreadPoolExecutor(threads) as pool:
            return np.concatenate(list(pool.map(block, starts)))

    def _rows(self, start, stop):
        """The values of some rows, shape (rows, replicas)."""
        values, end = np.empty((stop - start, sum(map(len, self.chunks)))), 0
        for chunk in self.chunks:
            values[:, end : end + len(chunk)] = chunk[:, start:stop].T
            end += len(chunk)
        return values


def _picked(values, ranks):
    """Numbers `ranks` of each row of `values`, counted from 0 in their order. Uses `values` up."""
    if values.shape[1] <= SORTED:
        values.sort(axis=1)
        return values[:, ranks]
    found = np.empty((len(values), len(ranks)))
    order_statistics(values, ranks, found)
    return found


@dataclass(frozen=True)
class Histograms:
    """One histogram a row: bin k covers [k, k + 1) 2^exponent, and `counts` holds bins start, start + 1, ...

    The exponent of a row is the smallest whose bins cover all its values: bins merge in pairs as values come in.
    """

    exponent: np.ndarray
    start: np.ndarray  # of the lowest value; anything for a row without finite values
    stop: np.ndarray  # one past the highest; equal to start for such a row
    counts: np.ndarray  # (rows, bins)
    zeros: np.ndarray
    tops: np.ndarray
    method = "histogram"

    @classmethod
    def of(cls, logs, bins=None):
        """From logs of shape (replicas, rows), with as many `bins` as fit their bytes unless given."""
        rows = logs.shape[1]
        bins = bins_of(rows) if bins is None else bins
        finite = np.isfinite(logs)
        low = np.where(finite, logs, np.inf).min(axis=0)
        high = np.where(finite, logs, -np.inf).max(axis=0)
        low, high = np.where(low > high, 0.0, low), np.where(low > high, -1.0, high)
        exponent = _exponent(low, high, bins)
        start = np.floor(np.ldexp(low, -exponent)).astype(np.int64)
        stop = np.floor(np.ldexp(high, -exponent)).astype(np.int64) + 1
        stop = np.where(high < low, start, stop)
        counts = np.zeros((rows, bins), np.int64)
        count_bins(np.ascontiguousarray(logs), np.ldexp(1.0, -exponent), start, counts)
        zeros = (logs == -np.inf).sum(axis=0)
        return cls(exponent, start, stop, counts, zeros, len(logs) - finite.sum(axis=0) - zeros)

    def __add__(self, other):
        bins = self.counts.shape[1]
        exponent = np.maximum(self.exponent, other.exponent)
        while True:
            a, b = self._range(exponent), other._range(exponent)
            start, stop = np.minimum(a[0], b[0]), np.maximum(a[1], b[1])
            for own, theirs in ((a, b), (b, a)):  # a row without finite values takes the other's range
                empty = own[0] == own[1]
                start, stop = np.where(empty, theirs[0], start), np.where(empty, theirs[1], stop)
            wide = stop - start > bins
            if not wide.any():
                break
            exponent = exponent + wide
        counts = np.zeros_like(self.counts)
        for part in (self, other):
            add_bins(part.counts, part.start, exponent - part.exponent, start, counts)
        return Histograms(exponent, start, stop, counts, self.zeros + other.zeros, self.tops + other.tops)

    def _range(self, exponent):
        shift = exponent - self.exponent
        return self.start >> shift, np.where(self.stop > self.start, ((self.stop - 1) >> shift) + 1, self.start >> shift)

    def quantiles(self, probabilities):
        """Shape (rows, probabilities): off by less than the width of a bin from the order statistic."""
        finite = self.counts.sum(axis=1)
        position = np.multiply.outer(self.zeros + finite + self.tops - 1, probabilities) - self.zeros[:, None]
        upto = np.cumsum(self.counts, axis=1)
        result = np.where(position < 0, -np.inf, np.inf)
        for row, column in zip(*np.nonzero((position >= 0) & (position <= finite[:, None] - 1)), strict=True):
            rank = position[row, column]
            k = np.searchsorted(upto[row], rank, side="right")
            count = self.counts[row, k]
            place = k + min((rank - (upto[row, k] - count) + 0.5) / count, 1.0)
            result[row, column] = np.ldexp(place + self.start[row], self.exponent[row])
        return result


@dataclass(frozen=True)
class Binned:
    """Histograms, and the values that wait to be counted: counting a few costs as much as counting many.

    Histograms are in blocks of rows, so that little more than themselves is needed while they are counted.
    """

    bins: int
    waiting: tuple  # arrays (replicas, rows)
    counted: tuple = ()  # Histograms of HISTOGRAM_ROWS rows after another
    method = "histogram"

    def __add__(self, other):
        both = self.counted and other.counted
        counted = (
            tuple(a + b for a, b in zip(self.counted, other.counted, strict=True)) if both else self.counted + other.counted
        )
        total = Binned(self.bins, self.waiting + other.waiting, counted)
        rows = total.waiting[0].shape[1] if total.waiting else 0
        if sum(logs.nbytes for logs in total.waiting) < max(WAITING_BYTES, 8 * rows * self.bins):
            return total
        return Binned(self.bins, (), tuple(total.histograms()))

    def histograms(self):
        """Yield the Histograms of all values, block after block of rows."""
        if not self.waiting:
            yield from self.counted
            return
        rows = self.waiting[0].shape[1]
        for block, start in enumerate(range(0, rows, HISTOGRAM_ROWS)):
            values = np.concatenate([logs[:, start : start + HISTOGRAM_ROWS] for logs in self.waiting])
            latest = Histograms.of(values, self.bins)
            yield self.counted[block] + latest if self.counted else latest

    def quantiles(self, probabilities, threads=1):
        """As those of the Histograms."""
        return np.concatenate([part.quantiles(probabilities) for part in self.histograms()])


@dataclass(frozen=True)
class Binning:
    """Keeps values in histograms of so many `bins`."""

    bins: int
    method = "histogram"

    def of(self, logs):
        """The Binned of logs of shape (replicas, rows)."""
        return Binned(self.bins, (np.array(logs),))


def _exponent(low, high, bins):
    """The smallest exponent at or above FINEST whose bins cover low..high, a row."""
    exponent = np.full(low.shape, FINEST)
    while True:
        wide = np.floor(np.ldexp(high, -exponent)) - np.floor(np.ldexp(low, -exponent)) >= bins
        if not wide.any():
            return exponent
        exponent = exponent + wide
