"""What a property test may conclude, and the false-alarm rate of the whole suite.

A mean of N independent numbers is compared with its claim in standard errors. Beyond Z of them a normal mean is with
probability 6.2e-16 a side, and one of numbers with skewness g with exp(g Z^3 / (6 sqrt N)) times that (Cramer's series): each
file says how large g / sqrt N can get; 0.1 makes 3e-12. Counts have their binomial law, and whole laws a
Kolmogorov-Smirnov test; both raise a false alarm with probability 2 LEAST and LEAST at most.

False alarms a run, at most: test_initializers 6e-8, test_scale 1e-9, test_finite_width 1e-8, test_mean_field 1e-9,
test_regimes 1e-9, test_scaling and test_zeros none (what they claim is certain). Together below 1e-7, and hypothesis
draws the same examples with the same seeds in every run (tests/conftest.py).
"""

import numpy as np
from scipy import stats

Z = 8.0
LEAST = 1e-12  # p-value


def near(found, expected, standard_error, rounding=0.0, z=Z):
    """Whether all of `found` is within z standard errors (and rounding) of what is expected."""
    return bool(np.all(np.abs(np.asarray(found) - expected) <= z * np.asarray(standard_error) + rounding))


def counted(count, trials, probability):
    """Whether counts are likely of so many trials."""
    law = stats.binom(trials, probability)
    return bool(np.all(np.minimum(law.cdf(count), law.sf(np.asarray(count) - 1)) >= LEAST))


def follows(numbers, cdf):
    """Whether independent numbers are likely of a continuous law."""
    return stats.kstest(numbers, cdf).pvalue >= LEAST
