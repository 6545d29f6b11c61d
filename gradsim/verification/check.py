"""What a check is and what it finds: z-scores that should be standard normal, a p-value, or a plain yes or no."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from ..typed import Floats

ALARM = 5e-6  # p-value below which a check disagrees: 57 with chance in them, and all z-scores, make 1 in 3,000 runs false


@dataclass(frozen=True)
class Result:
    """`p` is the check's p-value (1 or 0 where nothing is random), `figures` what was found in words.

    `z` are independent z-scores. `panels` are for pictures: (title, kind, arrays), see `picture`.
    """

    p: float
    figures: str
    z: Floats = field(default_factory=lambda: np.empty(0))
    panels: tuple[Any, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether its p-value is not below ALARM."""
        return bool(self.p >= ALARM)


@dataclass(frozen=True)
class Check:
    """`claim` is the closed form that is checked, `source` where it is from, `run(scale, seed)` gives the Result.

    `kind`: "exact" (z-scores are pooled for the overall verdict), "limit" (of infinite width, extrapolated) or "identity"
    (nothing random in it). `scale` multiplies the number of networks.
    """

    name: str
    kind: str
    claim: str
    source: str
    run: Callable[[int, int], Result] = field(repr=False)


def from_scores(z, panels=()):
    """The Result of independent z-scores: the largest and the sum of squares, each held against its law."""
    z = np.asarray(z, float)
    largest = float(np.abs(z).max())
    p = min(1.0, 2 * min(min(1.0, z.size * 2 * stats.norm.sf(largest)), spread(z)))
    if not np.isfinite(z).all():
        p = 0.0
    return Result(p, f"{z.size} z-scores, largest {largest:.2f}, root mean square {np.sqrt(np.mean(z * z)):.3f}", z, panels)


def spread(z):
    """Two-sided p-value of the sum of squares of independent standard normals."""
    total = float(np.sum(z * z))
    return min(1.0, 2 * min(stats.chi2.sf(total, z.size), stats.chi2.cdf(total, z.size)))


def from_p_values(p, panels=()):
    """The Result of several p-values, by the smallest times their number; one that is not a number disagrees."""
    p = np.nan_to_num(np.asarray(p, float), nan=0.0)
    return Result(
        min(1.0, p.size * float(p.min())), f"{p.size} Kolmogorov-Smirnov tests, smallest p {p.min():.2g}", panels=panels
    )


def from_gap(gap, allowed, what):
    """The Result of something that is exact up to rounding."""
    return Result(float(gap <= allowed), f"{what}: off by {gap:.1e} at most, {allowed:.0e} allowed")


def from_share(share, what, where):
    """The Result of many numbers that are exact up to rounding: the largest error as a share of what rounding may do."""
    return Result(float(share <= 1), f"{what}: error at most {share:.2g} of what rounding allows ({where})")


def mean_score(samples, expected):
    """z of the mean of samples (..., networks) with the standard error that they show themselves."""
    error = samples.std(axis=-1, ddof=1) / np.sqrt(samples.shape[-1])
    return (samples.mean(axis=-1) - expected) / error


def variance_score(samples, variance, fourth):
    """z of the variance of samples (..., networks); its standard error from the law's variance and fourth cumulant.

    An error estimated from the sample would be small just where the variance is, since rare values make both.
    """
    n = samples.shape[-1]
    return (samples.var(axis=-1, ddof=1) - variance) / np.sqrt(fourth / n + 2 * variance**2 / (n - 1))
