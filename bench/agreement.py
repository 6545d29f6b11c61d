"""Do several programs do the same job? Their records must agree in law before their times mean anything."""

import numpy as np

STANDARD_ERRORS = 5.0


def _distance(a, b):
    """Difference of the means over replicas in standard errors, elementwise; infinite where both are constant."""
    error = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
    gap = np.abs(a.mean(axis=0) - b.mean(axis=0))
    return np.where(error > 0, gap / np.where(error > 0, error, 1.0), np.where(gap > 0, np.inf, 0.0))


def distance(a, b):
    """Largest distance over columns between the means, and between the variances, of two ensembles.

    `a` and `b` are records of shape (replicas, columns), NaN where a quantity is not defined: infinite distance if they do
    not agree on where that is. The variances catch networks that are not independent.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    defined = np.isfinite(a).all(axis=0)
    if not np.array_equal(defined, np.isfinite(b).all(axis=0)):
        return np.inf, np.inf
    a, b = a[:, defined], b[:, defined]
    centre = 0.5 * (a.mean(axis=0) + b.mean(axis=0))
    return float(_distance(a, b).max()), float(_distance((a - centre) ** 2, (b - centre) ** 2).max())
