"""Every named initializer has the mean, variance, bounds and kurtosis that it claims, for any fans, gain and seed.

Null law: each statistic of N independent numbers is normal around its claim with the standard error computed from the
law's own moments. |z| < 7 has probability 2.6e-12 of a false alarm a statistic; under 5,000 statistics a run, with a
factor 4 for the skewness of fourth powers at N = 40,000, the whole file raises one in 2e7 runs. Seeds are fixed too.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gradsim.initializers import weight_law
from gradsim.reference import matrix_of
from gradsim.streams import stream_key

Z = 7.0
SIDE = 200  # 40,000 numbers an example
FANS = st.sampled_from([1, 2, 3, 8, 33, 100])
GAINS = st.floats(0.05, 20)
SEEDS = st.integers(0, 2**63)

# name: (kind, variance at gain 1), as the papers and frameworks state them
CLAIMS = {
    "xavier_normal": ("normal", lambda i, o: 2 / (i + o)),
    "xavier_uniform": ("uniform", lambda i, o: 2 / (i + o)),
    "glorot_normal": ("normal", lambda i, o: 2 / (i + o)),
    "glorot_uniform": ("uniform", lambda i, o: 2 / (i + o)),
    "he_normal": ("normal", lambda i, o: 2 / i),
    "he_uniform": ("uniform", lambda i, o: 2 / i),
    "kaiming_normal": ("normal", lambda i, o: 2 / i),
    "kaiming_uniform": ("uniform", lambda i, o: 2 / i),
    "lecun_normal": ("normal", lambda i, o: 1 / i),
    "lecun_uniform": ("uniform", lambda i, o: 1 / i),
    "xavier_truncated_normal": ("truncated_normal", lambda i, o: 2 / (i + o)),
    "glorot_truncated_normal": ("truncated_normal", lambda i, o: 2 / (i + o)),
    "he_truncated_normal": ("truncated_normal", lambda i, o: 2 / i),
    "lecun_truncated_normal": ("truncated_normal", lambda i, o: 1 / i),
    "truncated_normal(0,1)": ("truncated_normal", lambda i, o: 0.8796256610342398**2),
    "corrected_truncated_normal(0,1)": ("truncated_normal", lambda i, o: 1.0),
    "he_normal(fan_out)": ("normal", lambda i, o: 2 / o),
    "kaiming_uniform(fan_in,0.5)": ("uniform", lambda i, o: 2 / (1.25 * i)),
    "kaiming_uniform(fan_in,2.23606797749979)": ("uniform", lambda i, o: 1 / (3 * i)),  # slope sqrt(5): PyTorch's own
    "rademacher": ("rademacher", lambda i, o: 1.0),
    "rademacher(0.3)": ("rademacher", lambda i, o: 0.09),
    "torch_default": ("uniform", lambda i, o: 1 / (3 * i)),
    "keras_default": ("uniform", lambda i, o: 2 / (i + o)),
    "fan_in_uniform": ("uniform", lambda i, o: 1 / (3 * i)),
}
CUT = stats.truncnorm(-2, 2)
# kind: E u^4, E u^6, E u^8 and the largest |u| of the standardised law
MOMENTS = {
    "normal": (3.0, 15.0, 105.0, math.inf),
    "uniform": (9 / 5, 27 / 7, 9.0, math.sqrt(3)),
    "truncated_normal": (*(CUT.moment(k) / CUT.std() ** k for k in (4, 6, 8)), 2 / CUT.std()),
    "rademacher": (1.0, 1.0, 1.0, 1.0),
}


def weights(scheme, fan_in, fan_out, gain, seed):
    """SIDE^2 weights of the law that a layer with these fans gets."""
    law = weight_law(scheme, fan_in, fan_out, gain)
    return matrix_of(law, stream_key(seed, scheme), 1, 0, SIDE, SIDE).ravel()


def check(numbers, kind, mean, variance):
    u = (numbers - mean) / math.sqrt(variance)
    fourth, sixth, eighth, bound = MOMENTS[kind]
    root = math.sqrt(u.size)
    for power, expected, variance in ((1, 0, 1), (2, 1, fourth - 1), (3, 0, sixth), (4, fourth, eighth - fourth**2)):
        assert abs((u**power).mean() - expected) < Z * math.sqrt(max(variance, 0)) / root + 1e-9
    assert abs(u).max() <= bound * (1 + 1e-6)
    if kind == "uniform":
        assert abs(u).max() > bound * (1 - 30 / u.size)  # (1 - 30/N)^N: missed with probability 1e-13


@pytest.mark.parametrize("scheme", CLAIMS)
@given(fan_in=FANS, fan_out=FANS, gain=GAINS, seed=SEEDS)
def test_named(scheme, fan_in, fan_out, gain, seed):
    kind, variance = CLAIMS[scheme]
    check(weights(scheme, fan_in, fan_out, gain, seed), kind, 0.0, gain**2 * variance(fan_in, fan_out))


@given(mean=st.floats(-5, 5), std=st.floats(0.01, 10), gain=GAINS, seed=SEEDS)
def test_normal(mean, std, gain, seed):
    check(weights(f"normal({mean!r},{std!r})", 100, 100, gain, seed), "normal", gain * mean, (gain * std) ** 2)


@given(low=st.floats(-5, 5), length=st.floats(0.01, 10), gain=GAINS, seed=SEEDS)
def test_uniform(low, length, gain, seed):
    numbers = weights(f"uniform({low!r},{low + length!r})", 100, 100, gain, seed)
    check(numbers, "uniform", gain * (low + length / 2), (gain * length) ** 2 / 12)
    slack = 1e-6 * gain * (abs(low) + length)
    assert gain * low - slack <= numbers.min() and numbers.max() <= gain * (low + length) + slack


@given(c=st.floats(-5, 5), gain=GAINS, fan_in=FANS)
def test_constants(c, gain, fan_in):
    for scheme, value in ((f"constant({c!r})", c), ("zeros", 0.0), ("ones", 1.0)):
        assert np.all(weights(scheme, fan_in, 3, gain, 0) == gain * value)
