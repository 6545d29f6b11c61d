"""What is measured of a vector (B, n), of one input or of several."""

from itertools import combinations

import numpy as np

from ..kernels.vectors import ROUNDING


def log_mean_square(v):
    with np.errstate(divide="ignore"):
        return np.log(np.mean(np.square(v)))


def log_largest_square(v):
    return log_mean_square(np.abs(v).max())


def one_minus_cosine(v):
    """Mean over pairs of rows, as half the squared distance of unit vectors, which does not cancel."""
    unit = v / np.linalg.norm(v, axis=1, keepdims=True)
    gaps = np.array([np.sum((unit[a] - unit[b]) ** 2) / 2 for a, b in combinations(range(len(v)), 2)])
    return np.where(gaps < ROUNDING, 0.0, gaps).mean()
