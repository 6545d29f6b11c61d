"""Moments, and the log of a mean, elementwise over any shape."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of the finite entries, elementwise over any shape.

    Chan, Golub & LeVeque 1983 (doi:10.1080/00031305.1983.10483115) for the sum of two.
    """

    count: np.ndarray
    mean: np.ndarray
    squared_deviations: np.ndarray

    @classmethod
    def of(cls, samples):
        """From samples of shape (replicas, ...)."""
        finite = np.isfinite(samples)
        count = finite.sum(axis=0)
        kept = np.where(finite, samples, 0.0)
        mean = kept.sum(axis=0) / np.maximum(count, 1)
        with np.errstate(over="ignore"):  # plain quantities reach the end of float64: their variance is then infinite
            return cls(count, mean, (np.where(finite, kept - mean, 0.0) ** 2).sum(axis=0))

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

    @classmethod
    def of(cls, logs):
        """From logs of shape (replicas, ...)."""
        used = logs < np.inf  # False for NaN
        kept = np.where(used, logs, -np.inf)
        top = kept.max(axis=0)
        weights = np.exp(kept - np.where(np.isfinite(top), top, 0.0))
        return cls(used.sum(axis=0), top, weights.sum(axis=0), (weights**2).sum(axis=0))

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
