"""Laws of the logarithm of what one layer does to a squared length: chi-square, beta, and the share that gates let through.

n units, K ~ Binomial(n, 1/2) of them open. A unit vector with symmetric signs, uniform on the sphere, keeps the share
T = a^2 + (1 - a^2) B of its squared length, where closed gates multiply by a and B ~ Beta(K/2, (n - K)/2); B = 1 where all
are open (Hanin & Nica 2018, arXiv:1812.05994, for a = 0).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import betainc, betaln, digamma, gammainc, gammaln, polygamma

from .averages import panels

LARGEST_LOG = 700.0  # whose exponential is a float64: no squared length over its constant is larger
PEAK = 12.0
LEAST = 1e-22  # probability of a number of open gates below which it is left out
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


@dataclass(frozen=True)
class ChiSquare:
    """A chi-square with n degrees of freedom."""

    n: int

    @property
    def log_mean(self):
        return float(digamma(self.n / 2)) + math.log(2)

    @property
    def log_variance(self):
        return float(polygamma(1, self.n / 2))

    @property
    def log_fourth(self):
        """Fourth cumulant of the log."""
        return float(polygamma(3, self.n / 2))

    @property
    def log_of_mean(self):
        return math.log(self.n)

    @property
    def log_second_ratio(self):
        """log of E R^2 / (E R)^2."""
        return math.log1p(2 / self.n)

    def cdf(self, r):
        return gammainc(self.n / 2, np.asarray(r) / 2)

    def gated(self, k):
        """The law of the part in k of the n directions."""
        return ChiSquare(k)


@dataclass(frozen=True)
class Beta:
    """The squared length of n coordinates of a unit vector uniform in `whole` dimensions, n < whole; 1 for n = whole."""

    n: int
    whole: int

    @property
    def log_mean(self):
        return float(digamma(self.n / 2) - digamma(self.whole / 2))

    @property
    def log_variance(self):
        return float(polygamma(1, self.n / 2) - polygamma(1, self.whole / 2)) if self.n < self.whole else 0.0

    @property
    def log_fourth(self):
        return float(polygamma(3, self.n / 2) - polygamma(3, self.whole / 2)) if self.n < self.whole else 0.0

    @property
    def log_of_mean(self):
        return math.log(self.n / self.whole)

    @property
    def log_second_ratio(self):
        return math.log((self.n + 2) * self.whole / ((self.whole + 2) * self.n))

    def cdf(self, r):
        r = np.asarray(r, float)
        if self.n == self.whole:
            return 1.0 * (r >= 1)
        return betainc(self.n / 2, (self.whole - self.n) / 2, np.clip(r, 0, 1))

    def gated(self, k):
        return Beta(k, self.whole)


def open_gates(n):
    """(k, probability) of K ~ Binomial(n, 1/2) where the probability is not negligible."""
    reach = 5.2 * math.sqrt(n) + 1  # 10.4 standard deviations
    k = np.arange(max(0, math.floor(n / 2 - reach)), min(n, math.ceil(n / 2 + reach)) + 1)
    log_p = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * math.log(2)
    kept = log_p > math.log(LEAST)
    return k[kept], np.exp(log_p[kept])


@dataclass(frozen=True)
class Gates:
    """The share T of n gates that multiply by 1 or by `slope`. Logs are given that T > 0."""

    n: int
    slope: float

    @property
    def trivial(self):
        return abs(self.slope) == 1

    @property
    def zero_probability(self):
        return 0.5**self.n if self.slope == 0 else 0.0

    @property
    def log_of_mean(self):
        """Zeros included."""
        return math.log((1 + self.slope**2) / 2)

    @property
    def log_second_ratio(self):
        a, n = self.slope**2, self.n
        second = a * a + a * (1 - a) + (1 - a) ** 2 * (n + 5) / (4 * (n + 2))
        return math.log(4 * second / (1 + a) ** 2)

    @property
    def log_moments(self):
        """(mean, variance, fourth cumulant) of log T."""
        return _log_moments(self.n, self.slope * self.slope)

    def shares(self):
        """(T, probability): nodes and weights of the law of T, for slopes other than 0."""
        return _shares(self.n, self.slope * self.slope)


@lru_cache(1024)
def _log_moments(n, a):
    if a == 1:
        return 0.0, 0.0, 0.0
    if a == 0:
        k, p = open_gates(n)
        k, p = k[k > 0], p[k > 0] / p[k > 0].sum()
        given = digamma(k / 2) - digamma(n / 2)
        second, third, fourth = (polygamma(m, k / 2) - polygamma(m, n / 2) for m in (1, 2, 3))  # cumulants given K
        mean = float(p @ given)
        d = given - mean
        variance = float(p @ (second + d**2))
        return (
            mean,
            variance,
            float(p @ (fourth + 3 * second**2 + 4 * d * third + 6 * d**2 * second + d**4)) - 3 * variance**2,
        )
    share, p = _shares(n, a)
    logs = np.log(share)
    mean = float(p @ logs)
    variance = float(p @ (logs - mean) ** 2)
    return mean, variance, float(p @ (logs - mean) ** 4) - 3 * variance**2


@lru_cache(256)
def _shares(n, a):
    """Quadrature of T = sin^2 t + a cos^2 t, t the angle between the vector and the closed units' space.

    Panels shrink towards t = 0, where log T bends at t ~ sqrt(a), and fit the density, which is sqrt(3 / (4 n)) wide and
    left out at PEAK of that from its middle.
    """
    k, p = open_gates(n)
    all_open, all_closed = 0.5**n, 0.5**n
    inner = (k > 0) & (k < n)
    k, p = k[inner], p[inner]
    root = min(math.sqrt(a), 1 / math.sqrt(a))
    graded = root * 2.0 ** np.arange(-3, math.ceil(-math.log2(root)))
    graded = graded[graded < math.pi / 4]
    peak = math.pi / 4 + math.sqrt(3 / (4 * n)) * np.linspace(-PEAK, PEAK, 15)
    edges = np.concatenate([[0, math.pi / 2], graded, math.pi / 2 - graded, peak, np.linspace(0, math.pi / 2, 9)])
    edges = np.unique(np.clip(edges, max(peak[0], 0.0), min(peak[-1], math.pi / 2)))
    t, weights = panels(edges, NODES, WEIGHTS)
    log_sine, log_cosine = np.log(np.sin(t)), np.log(np.cos(t))
    density = np.zeros_like(t)
    for part in np.array_split(np.arange(k.size), max(1, k.size // 256)):
        m = k[part, None]
        logs = math.log(2) + (m - 1) * log_sine + (n - m - 1) * log_cosine - betaln(m / 2, (n - m) / 2)
        density += p[part] @ np.exp(logs)
    share = np.concatenate([np.sin(t) ** 2 + a * np.cos(t) ** 2, [1.0, a]])
    probability = np.concatenate([weights * density, [all_open, all_closed]])
    return share, probability / probability.sum()


@dataclass(frozen=True)
class LayerLaw:
    """The law of log(constant R T), R a ChiSquare or Beta and T the share of Gates, given that T > 0."""

    log_constant: float
    length: Any
    gates: Gates

    @property
    def zero_probability(self):
        return self.gates.zero_probability

    @property
    def continuous(self):
        """Whether no value has a probability of its own."""
        return self.length.log_variance > 0

    @property
    def log_mean(self):
        return self.log_constant + self.length.log_mean + self.gates.log_moments[0]

    @property
    def log_variance(self):
        return self.length.log_variance + self.gates.log_moments[1]

    @property
    def log_fourth(self):
        """Fourth cumulant of the log."""
        return self.length.log_fourth + self.gates.log_moments[2]

    @property
    def log_of_mean(self):
        """log E[constant R T], zeros included."""
        return self.log_constant + self.length.log_of_mean + self.gates.log_of_mean

    @property
    def log_second_ratio(self):
        """log of E (R T)^2 / (E R T)^2, zeros included."""
        return self.length.log_second_ratio + self.gates.log_second_ratio

    @np.errstate(over="ignore")  # of a length over a small share
    def cdf(self, x):
        """P(log(constant R T) <= x | T > 0), for an array x."""
        r = np.exp(np.minimum(np.asarray(x, float) - self.log_constant, LARGEST_LOG))
        if self.gates.trivial:
            return self.length.cdf(r)
        if self.gates.slope == 0:
            k, p = open_gates(self.gates.n)
            k, p = k[k > 0], p[k > 0] / p[k > 0].sum()
            return sum(weight * self.length.gated(int(m)).cdf(r) for m, weight in zip(k, p, strict=True))
        if self.length.log_variance == 0:
            return self._share_cdf(r)
        share, p = self.gates.shares()
        return (p * self.length.cdf(r[..., None] / share)).sum(axis=-1)

    def _share_cdf(self, share):
        """Of T itself: the share of the open units below (T - a^2) / (1 - a^2), or above it where |a| > 1."""
        n, a = self.gates.n, self.gates.slope**2
        k, p = open_gates(n)
        b = (share - a) / (1 - a)
        below = sum(
            w * (1.0 * (b >= 1) if m == n else 1.0 * (b >= 0) if m == 0 else betainc(m / 2, (n - m) / 2, np.clip(b, 0, 1)))
            for m, w in zip(k, p, strict=True)
        )
        return below if a < 1 else 1 - below
