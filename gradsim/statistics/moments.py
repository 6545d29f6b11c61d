"""Moments, and the log of a mean, column by column of records."""

from dataclasses import dataclass

import numpy as np

from ..kernels.fold import fold


def folded(records, logs):
    """(Moments, LogOfMean, zeros) over replicas of float64 records (replicas, quantities, layers).

    The first `logs` quantities are natural logs: LogOfMean is over these, and `zeros`, int64 (quantities, layers), counts
    their -inf.
    """
    shape, log_shape = records.shape[1:], (logs, *records.shape[2:])
    count, zeros = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    mean, squared_deviations = np.zeros(shape), np.zeros(shape)
    top, weights, squared_weights = np.full(log_shape, -np.inf), np.zeros(log_shape), np.zeros(log_shape)
    sums = (array.reshape(-1) for array in (count, mean, squared_deviations, zeros, top, weights, squared_weights))
    fold(np.ascontiguousarray(records).reshape(len(records), -1), top.size, *sums)
    return (
        Moments(count, mean, squared_deviations),
        LogOfMean(count[:logs] + zeros[:logs], top, weights, squared_weights),
        zeros,
    )


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
