"""What a property test may conclude, and the false-alarm rate of the whole suite.

A mean of N independent numbers is compared with its claim in standard errors. Beyond Z of them a normal mean is with
probability 6.2e-16 a side, and one of numbers with skewness g with exp(g Z^3 / (6 sqrt N)) times that (Cramer's series);
where the standard error is the sample's own, with exp(-2 g Z^3 / (6 sqrt N)), the other side then being the worse. Each
file says how large g / sqrt N can get. Counts have their binomial law, and whole laws a Kolmogorov-Smirnov test; they raise
a false alarm with probability 2 LEAST and LEAST at most.

False alarms a run, at most: test_initializers 6e-8, test_scale 1e-9, test_finite_width 2e-8, test_mean_field 2e-8,
test_regimes 1e-9, test_scaling 1e-8, test_zeros 1e-9. Together 1.2e-7, and hypothesis draws the same examples with the same
seeds in every run (tests/conftest.py).
"""

import numpy as np
from scipy import stats

Z = 8.0
LEAST = 1e-12  # p-value


def near(found, expected, standard_error, rounding=0.0, z=Z):
    """Whether all of `found` is within z standard errors (and rounding) of what is expected."""
    return bool(np.all(np.abs(np.asarray(found) - expected) <= z * np.asarray(standard_error) + rounding))


def counted(count, trials, probability, flukes=0.0):
    """Whether counts are likely of so many trials with this probability each, or up to `flukes` more."""
    least = stats.binom.cdf(count, trials, probability)
    most = stats.binom.sf(np.asarray(count) - 1, trials, probability + flukes)
    return bool(np.all(np.minimum(least, most) >= LEAST))


def follows(numbers, cdf, rounding=0.0):
    """Whether independent numbers, known up to rounding, are likely of a law, which may have atoms (Kolmogorov-Smirnov)."""
    x, n = np.sort(numbers), len(numbers)
    k = np.arange(n + 1) / n
    gap = max(np.max(k[1:] - cdf(x + rounding)), np.max(cdf(x - rounding) - k[:-1]))
    return bool(stats.kstwo.sf(gap, n) >= LEAST)
