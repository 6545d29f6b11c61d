"""The overall verdict: all z-scores of exact checks together are standard normal, so the error bars are right as well."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import stats

from ..typed import Floats
from .check import ALARM, spread


@dataclass(frozen=True)
class Overall:
    """p-values of the mean, of the variance and of the whole law of `z`, which should be independent and standard normal."""

    z: Floats = field(repr=False)
    mean_p: float
    variance_p: float
    law_p: float

    @property
    def passed(self) -> bool:
        return bool(3 * min(self.mean_p, self.variance_p, self.law_p) >= ALARM)


def overall(z: npt.ArrayLike) -> Overall:
    """The Overall of an array of z-scores."""
    z = np.asarray(z, float)
    mean_p = 2 * stats.norm.sf(abs(z.mean()) * np.sqrt(z.size))
    return Overall(z, float(mean_p), float(spread(z)), float(stats.kstest(z, stats.norm.cdf).pvalue))
