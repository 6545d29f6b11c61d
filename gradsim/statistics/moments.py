"""Moments, and the log of a mean, column by column of records."""

from dataclasses import dataclass

import numpy as np

from ..kernels.fold import fold

TAIL = 4  # columns: what is left of a block after so many at a time


def folded(records, logs, lead=0):
    """(Moments, LogOfMean, zeros) over replicas of float64 records (replicas, columns).

    The first `logs` columns are natural logs: LogOfMean is over these, and `zeros`, int64 (columns,), counts their -inf.
    `lead` is as `lead_of` has it.
    """
    logs += lead
    if lead:
        padded = np.zeros((len(records), lead + records.shape[1]))
        padded[:, lead:] = records
        records = padded
    size = records.shape[1]
    count, zeros = np.zeros(size, np.int64), np.zeros(size, np.int64)
    mean, squared_deviations = np.zeros(size), np.zeros(size)
    top, weights, squared_weights = np.full(logs, -np.inf), np.zeros(logs), np.zeros(logs)
    sums = (count, mean, squared_deviations, zeros, top, weights, squared_weights)
    fold(np.ascontiguousarray(records), logs, *sums)
    count, mean, squared_deviations, zeros, top, weights, squared_weights = (array[lead:] for array in sums)
    total = (count + zeros)[: len(top)]
    return Moments(count, mean, squared_deviations), LogOfMean(total, top, weights, squared_weights), zeros


def lead_of(columns):
    """Columns of zeros before the others, so that the same ones as ever are left over at the end of the last block.

    With AVX-512 their squares are added without a fused multiply-add: where pairs of inputs are recorded, that was the
    last few layers of the last quantity of 17 a layer, and none otherwise. The bits of variances hang on it.
    """
    left = columns.places % TAIL if "correlation" in columns.placed else 0
    return (left - columns.size) % TAIL


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of the finite entries, elementwise.

    Chan, Golub & LeVeque 1983 (doi:10.1080/00031305.1983.10483115) for the sum of two.
    """

    count: np.ndarray
    mean: np.ndarray
    squared_deviations: np.ndarray

    def __add__(self, other):
        count = self.count + other.count
        gap = other.mean - self.mean
        share = other.count / np.maximum(count, 1)
        weight = self.count * share
        with np.errstate(over="ignore"):
            between = np.square(gap, where=weight > 0, out=np.zeros_like(weight)) * weight
            squares = self.squared_deviations + other.squared_deviations + between
        return Moments(count, self.mean + gap * share, squares)

    @property
    def variance(self):
        """Unbiased; NaN for fewer than two entries."""
        return np.where(self.count > 1, self.squared_deviations / np.maximum(self.count - 1, 1), np.nan)


@dataclass(frozen=True)
class LogOfMean:
    """Log of the mean of e^l, and the effective sample size (sum e^l)^2 / sum e^2l: how many networks carry it.

    Entries of -inf are zeros and count; entries that are not finite otherwise are left out.
    """

    count: np.ndarray
    top: np.ndarray  # the largest l so far: sums are of e^(l - top)
    total: np.ndarray
    squares: np.ndarray

    def __add__(self, other):
        top = np.maximum(self.top, other.top)
        base = np.where(np.isfinite(top), top, 0.0)
        a, b = np.exp(self.top - base), np.exp(other.top - base)
        return LogOfMean(
            self.count + other.count, top, a * self.total + b * other.total, a**2 * self.squares + b**2 * other.squares
        )

    @property
    def log_of_mean(self):
        """-inf where every entry is zero, NaN where there is none."""
        safe = np.where(self.total > 0, self.total, 1.0) / np.maximum(self.count, 1)
        return np.where(self.count == 0, np.nan, np.where(self.total > 0, self.top + np.log(safe), -np.inf))

    @property
    def effective_sample_size(self):
        return np.where(self.squares > 0, self.total**2 / np.where(self.squares > 0, self.squares, 1.0), 0.0)
