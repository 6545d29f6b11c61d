"""Averages of batch norm with an epsilon, against adaptive quadrature."""

import math
from itertools import pairwise

import pytest
from scipy.integrate import quad
from scipy.special import gammaln

from gradsim.model.parts import Activation, BatchNorm
from gradsim.theory import mean_field
from gradsim.theory.steps.batch_norm import _radial
from tests.theory.blocks import linear, network


@pytest.mark.parametrize("k", [1, 2, 3, 7, 1023])
@pytest.mark.parametrize("e", [1e-9, 1e-3, 1.2, 50.0, 1e6])
def test_averages_over_a_chi_square(k, e):
    """f, f^2, 1/(R^2 + e), e^2/(R^2 + e)^3 by adaptive quadrature in log R^2, and their limits without epsilon."""

    def average(of):
        def integrand(t):
            return of(math.exp(t)) * math.exp(k / 2 * t - math.exp(t) / 2 - k / 2 * math.log(2) - gammaln(k / 2))

        ends = (-90.0, math.log(e) - 8, math.log(e) + 8, math.log(k) - 0.5, math.log(k) + 0.5, math.log(k + 900))
        return sum(quad(integrand, a, b, epsabs=0, epsrel=1e-11, limit=400)[0] for a, b in pairwise(sorted(ends)))

    found = _radial(k, math.log(e))
    assert math.exp(found.first) == pytest.approx(average(lambda x: math.sqrt(x / (x + e))), rel=1e-8)
    assert math.exp(found.second) == pytest.approx(average(lambda x: x / (x + e)), rel=1e-8)
    assert math.exp(found.inverse) == pytest.approx(average(lambda x: 1 / (x + e)), rel=1e-8)
    assert math.exp(found.damped) == pytest.approx(average(lambda x: e * e / (x + e) ** 3), rel=1e-8)


def test_averages_over_a_chi_square_without_epsilon():
    assert _radial(2, -math.inf).inverse == _radial(1, -math.inf).inverse == math.inf
    assert _radial(7, -math.inf).inverse == pytest.approx(-math.log(5)) and _radial(7, -math.inf).damped == -math.inf
    far = _radial(7, 800.0)
    assert (far.second, far.inverse, far.damped) == pytest.approx((math.log(7) - 800, -800, -800), abs=1e-9)


def test_two_inputs_behind_batch_norm():
    """s = half their difference, normal of variance w: y = s / sqrt(s^2 + eps), dy/ds = eps (s^2 + eps)^(-3/2), squared."""
    eps, n = 0.3, 40
    found = mean_field(network(((linear(), BatchNorm(eps), Activation("relu"), linear(2.0)), 1), input_width=n), inputs=2)
    w = 0.5

    def average(of):
        def integrand(s):
            return of(s) * math.exp(-s * s / (2 * w)) / math.sqrt(2 * math.pi * w)

        return quad(integrand, -12, 12, epsrel=1e-12, points=[0])[0]

    square = average(lambda s: s * s / (s * s + eps))
    assert found["preactivation_log_mean"][1] == pytest.approx(math.log(square), abs=1e-9)
    slope = average(lambda s: eps * eps * (s * s + eps) ** -3.0)
    arriving = math.exp(found["gradient_log_mean"][1]) * 2.0  # of mean square, at what relu gives; half of it goes through
    half = arriving * 0.5 * 0.5 * slope  # of d/ds (g_1 - g_2) / 2 on one of two inputs
    assert math.exp(found["gradient_log_mean"][0]) == pytest.approx(half, rel=1e-8)
