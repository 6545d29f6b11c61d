"""Averages over Gaussian preactivations: against published digits, closed forms, and brute force (quadrature.py).

Errors are held against root mean squares (|E phi| <= sqrt(E phi^2)) and to what is promised; closed forms of functions
made of straight lines, where only rounding is left, to a tenth of that.
"""

import csv
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_ndtr, ndtr

import gradsim
from gradsim.model.activations import ACTIVATIONS
from gradsim.model.activations.exact import exact
from gradsim.theory.averages import averages, pair_averages, preactivations
from gradsim.theory.layers import FAR, Layer, check_resolved, continuous
from gradsim.theory.pair_map import PairMap, angle_of, gap_of
from tests.theory import quadrature

REFERENCE = Path(__file__).parent / "reference"
ACCURACY = 1e-10
LEFT_OUT = 1e-20  # beyond ten standard deviations
VARIANCES = 10.0 ** np.arange(-4, 5, 2)
BIASES = [(0.0, 0.0), (0.7, 0.7), (-0.5, 1.5)]


def rows(name):
    """Of a reference table, as {column: text}."""
    with (REFERENCE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def agrees(value, text):
    """Whether `value` rounds to the digits of `text`, or misses by the one unit that the last digit may be off."""
    decimals = len(text.partition(".")[2])
    return abs(value - float(text)) <= 10.0**-decimals * 1.0001


def scales(found):
    """What errors of E phi, E phi^2, E phi'^2 and E[z phi phi'] / sqrt(v) are measured in."""
    _, square, slope_square, parallel = found
    return np.array([math.sqrt(square), square, slope_square, max(abs(parallel), slope_square)])


@pytest.mark.parametrize("row", rows("activation_moments.csv"), ids=lambda row: row["activation"])
def test_published_moments(row):
    found = averages(exact(row["activation"]), 1.0)
    assert agrees(found.mean, row["mean"])
    assert agrees(found.square, row["second_moment"])
    assert agrees(found.slope_square, row["derivative_second_moment"])


@pytest.mark.parametrize("row", rows("batchnorm_relu.csv"), ids=lambda row: row["batch"])
def test_published_batch_normalization_from_pairs(row):
    """The formula of Yang et al. 2019 (arXiv:1902.08129), its J and J' taken from pairs of correlation -1 / (B - 1)."""
    batch = int(row["batch"])
    difference, product = pair_averages(exact("relu"), 1.0, 1 + 1 / (batch - 1))
    j, slope = 1 - 2 * difference, 2 * product
    assert agrees((slope + batch - 1) / ((batch - 3) * (1 - j)) - 1 / (batch - 3), row["squared_gradient_factor"])


def test_the_brute_force_knows_every_activation():
    assert {entry.name for entry in ACTIVATIONS} <= set(quadrature.FUNCTIONS)


@pytest.mark.parametrize("name", quadrature.FUNCTIONS)
def test_one_preactivation_against_brute_force(name):
    for low, high in BIASES:
        found = np.array(averages(exact(name), VARIANCES, (low, high))).T
        for variance, row in zip(VARIANCES, found, strict=True):
            expected = quadrature.single(name, variance, low, high)
            error = abs(row - expected) / (scales(expected) + LEFT_OUT)
            assert error.max() < ACCURACY, (low, high, variance, error)


@pytest.mark.parametrize("name", quadrature.FUNCTIONS)
def test_two_preactivations_against_brute_force(name):
    """Half the mean squared difference to ACCURACY, but for what the brute force loses by subtracting phi from phi."""
    for variance, gap, bias in ((1.0, 1e-7, 0.0), (0.05, 0.3, 0.7), (30.0, 1.8, 0.0), (1.0, 1.999, 0.7)):
        expected = quadrature.pair(name, variance, gap, bias)
        _, square, slope_square, _ = quadrature.single(name, variance, bias, bias)
        difference, product = pair_averages(exact(name), variance, gap, (bias, bias))
        lost = 1e-15 * math.sqrt(square / expected[0])
        assert abs(difference / expected[0] - 1) < ACCURACY + 2 * lost, (variance, gap, bias)
        assert abs(product - expected[1]) < ACCURACY * slope_square, (variance, gap, bias)
        assert abs(square - difference - expected[2]) < ACCURACY * square, (variance, gap, bias)


@pytest.mark.parametrize("name", ["relu", "hard_tanh", "elu", "tanh", "gelu", "sin"])
def test_pairs_with_uniform_biases_are_means_over_constant_ones(name):
    """The mean over biases by panels as wide as the narrowest Gaussian, sqrt(1 - gap / 2) > 0.3, leaves 10^-14."""
    low, high = -0.5, 1.0
    rule = quadrature.rule(np.linspace(low, high, 6), 8)
    for gap in (1e-4, 0.6, 1.7):
        each = [pair_averages(exact(name), 1.0, gap, (b, b)) for b in rule.h]
        expected = rule.weights @ np.array(each) / (high - low)
        np.testing.assert_allclose(pair_averages(exact(name), 1.0, gap, (low, high)), expected, rtol=1e-10)


def test_nodes_are_a_probability():
    """They sum to one, have the variance of the preactivation, and the mean of z h is sqrt(v)."""
    for name, (low, high) in itertools.product(("relu", "tanh", "hard_swish"), BIASES):
        for scale in (0.01, 1.0, 100.0):
            h, p, moment = preactivations(exact(name), np.array(scale), (low, high))
            middle, spread = (low + high) / 2, (high - low) ** 2 / 12
            assert p.sum() == pytest.approx(1, abs=1e-13)
            assert p @ h == pytest.approx(middle, abs=1e-12 * max(scale, 1))
            assert p @ (h - middle) ** 2 == pytest.approx(scale**2 + spread, rel=1e-12)
            assert moment @ h == pytest.approx(scale, rel=1e-12)


# Closed forms


def angle_excess(theta):
    """sin t - t cos t without cancellation."""
    if theta > 0.3:
        return math.sin(theta) - theta * math.cos(theta)
    k = np.arange(1, 12)
    return math.fsum((-1) ** (k + 1) * theta ** (2 * k + 1) * 2 * k / np.array([math.factorial(2 * int(j) + 1) for j in k]))


GAPS = [1e-10, 1e-8, 1e-5, 1e-3, 0.1, 0.5, 1.0, 1.5, 1.9, 2 - 1e-3, 2 - 1e-6]


@pytest.mark.parametrize("a", [0.0, 0.01, 0.5, -0.7, -1.0, 1.0])
@pytest.mark.parametrize("variance", [1e-3, 1.0, 50.0])
def test_arc_cosine_kernels(a, variance):
    """phi = a h + (1 - a) relu(h); Cho & Saul 2009 for relu, with t the angle between the preactivations."""
    name = {0.0: "relu", -1.0: "abs", 1.0: "linear"}.get(a, f"leaky_relu({a})")
    for gap in GAPS:
        t = 2 * math.asin(math.sqrt(gap / 2))
        straight = (1 + a * a) / 2
        difference = variance * (straight * gap - (1 - a) ** 2 / (2 * math.pi) * angle_excess(t))
        product = straight - (1 - a) ** 2 * t / (2 * math.pi)
        found = pair_averages(exact(name), variance, gap)
        assert found[0] == pytest.approx(difference, rel=1e-11, abs=4e-16 * variance), gap
        assert found[1] == pytest.approx(product, abs=1e-12), gap


@pytest.mark.parametrize("variance", [1e-2, 1.0, 40.0, 1e4])
def test_erf_kernel(variance):
    """Williams 1997: E erf erf = (2 / pi) asin(2 q c / (1 + 2 q))."""
    whole = 1 + 2 * variance
    for gap in (1e-3, 0.1, 0.5, 1.0, 1.5, 1.9, 2 - 1e-6):
        c = 1 - gap
        difference, product = pair_averages(exact("erf"), variance, gap)
        same, other = math.asin(2 * variance / whole), math.asin(2 * variance * c / whole)
        assert difference == pytest.approx(2 / math.pi * (same - other), rel=1e-11, abs=0), gap
        # (1 + 2 q)^2 - (2 q c)^2, factored
        square = (1 + 2 * variance * gap) * (1 + 2 * variance * (2 - gap))
        assert product == pytest.approx(4 / math.pi / math.sqrt(square), rel=1e-11), gap


@pytest.mark.parametrize("gap", GAPS)
def test_sine_kernel_loses_no_digits(gap):
    """With the difference from E sin^2 (u1 - u2) / 2 and its like, each without cancellation, and by brute force elsewhere."""
    for variance, bias in itertools.product((0.02, 1.0, 5.0), (0.0, 0.4)):
        difference, product = pair_averages(exact("sin"), variance, gap, (bias, bias))
        # (sin u1 - sin u2)^2 / 2 = (1 - cos(u1 - u2)) (1 + cos(u1 + u2)) / 2, and u1 - u2 is independent of u1 + u2
        apart = -math.expm1(-variance * gap)
        expected = apart * (1 + math.exp(-variance * (2 - gap)) * math.cos(2 * bias)) / 2
        assert difference == pytest.approx(expected, rel=1e-11, abs=0)
        expected = (math.exp(-variance * gap) + math.exp(-variance * (2 - gap)) * math.cos(2 * bias)) / 2
        assert product == pytest.approx(expected, rel=1e-11, abs=0)


def test_hard_tanh_in_pieces():
    for variance, b in itertools.product((0.01, 1.0, 100.0), (0.0, 0.4, -2.0)):
        s = math.sqrt(variance)
        low, high = (-1 - b) / s, (1 - b) / s
        inside, edges = ndtr(high) - ndtr(low), np.exp([-0.5 * low**2, -0.5 * high**2]) / math.sqrt(2 * math.pi)
        mean = b * inside + s * (edges[0] - edges[1]) - ndtr(low) + ndtr(-high)
        square = (b * b + variance) * inside + s * b * 2 * (edges[0] - edges[1]) + variance * (low * edges[0] - high * edges[1])
        found = averages(exact("hard_tanh"), variance, (b, b))
        assert found.mean == pytest.approx(mean, abs=ACCURACY)
        assert found.square == pytest.approx(square + ndtr(low) + ndtr(-high), rel=ACCURACY)
        assert found.slope_square == pytest.approx(inside, rel=ACCURACY)
        # E[z phi phi'] / s = E[(phi^2)' z] / 2 s = E[phi'^2 ; inside], less the jumps of phi' at the ends, by parts
        assert found.parallel == pytest.approx(inside - (edges[0] + edges[1]) / s, abs=ACCURACY)


@pytest.mark.parametrize(
    "name, scale, alpha", [("elu", 1.0, 1.0), ("elu(0.3)", 1.0, 0.3), ("selu", quadrature.SCALE, quadrature.ALPHA)]
)
def test_exponential_units(name, scale, alpha):
    """E e^(k h) over h < 0 is e^(k^2 v / 2) P(z < -k sqrt(v))."""
    for variance in VARIANCES:
        s = math.sqrt(variance)
        once, twice = (math.exp(k * k * variance / 2 + log_ndtr(-k * s)) for k in (1, 2))
        found = averages(exact(name), variance)
        mean = s / math.sqrt(2 * math.pi) + alpha * (once - 0.5)
        square = variance / 2 + alpha**2 * (twice - 2 * once + 0.5)
        assert found.mean == pytest.approx(scale * mean, abs=ACCURACY * scale * math.sqrt(square))
        # cancels to v / 2 where v is small: rounding is of 1, not of v
        assert found.square == pytest.approx(scale**2 * square, rel=ACCURACY, abs=1e-15)
        assert found.slope_square == pytest.approx(scale**2 * (0.5 + alpha**2 * twice), rel=ACCURACY)


# Limits


@pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)
def test_phi_is_its_tangent_at_small_variances_and_its_asymptote_at_large_ones(entry):
    """phi is h times a slope, but for terms of relative size h near zero and 1/h far away."""
    phi = exact(entry.name)
    small = averages(phi, 1e-24)
    assert small.mean == pytest.approx(entry.value_zero, abs=1e-11)
    assert small.slope_square == pytest.approx(0.5 * sum(s * s for s in entry.slope_zero), rel=1e-11)
    if entry.value_zero == 0:
        assert small.square / 1e-24 == pytest.approx(0.5 * sum(s * s for s in entry.slope_zero), rel=1e-11)
        assert small.parallel == pytest.approx(0.5 * sum(s * s for s in entry.slope_zero), rel=1e-11)
    if not math.isnan(entry.slope[0]):
        large = averages(phi, 1e24)  # softsign misses its asymptote by log(h) / h
        assert large.square == pytest.approx(
            0.5 * sum((s * 1e12) ** 2 + b * b for s, b in zip(entry.slope, entry.intercept, strict=True)), rel=1e-10
        )
        assert large.parallel == pytest.approx(0.5 * sum(s * s for s in entry.slope), rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("name", ["tanh", "softsign", "relu", "elu", "hard_tanh", "gelu"])
def test_a_constant_bias_that_is_far_larger_than_the_rest(name):
    """phi(b + small): its value and slope at b, to order v."""
    phi, b = exact(name), 0.7
    value, slope = float(phi.phi(np.array(b))), float(phi.derivative(np.array(b)))
    for variance in (1e-8, 1e-12, 1e-20, 1e-30, 1e-40):
        found = averages(phi, variance, (b, b))[:3]
        np.testing.assert_allclose(found, (value, value**2, slope**2), rtol=1e-10 + 10 * variance, err_msg=str(variance))


@pytest.mark.parametrize("name", ["linear", "relu", "tanh", "elu"])
@pytest.mark.parametrize("gap", [2 - 1e-10, 2.0])
def test_opposite_preactivations_around_a_constant_bias(name, gap):
    """u1 + u2 = 2 b: averages over one Gaussian, and what is left of the other is of order sqrt(2 - gap) = 1e-5 at most."""
    phi, b = exact(name), 0.7
    r = quadrature.line(-12.0, 12.0, 1.0, [-b, b])
    p, first, second = r.weights * np.exp(-(r.h**2) / 2) / math.sqrt(2 * math.pi), b + r.h, b - r.h
    difference, product = pair_averages(phi, 1.0, gap, (b, b))
    assert difference == pytest.approx(p @ (phi.phi(first) - phi.phi(second)) ** 2 / 2, rel=1e-9)
    assert product == pytest.approx(p @ (phi.derivative(first) * phi.derivative(second)), rel=1e-5)


@pytest.mark.parametrize("name", ["relu", "tanh", "elu"])
def test_uniform_biases_that_are_far_smaller_than_the_rest(name):
    """As without biases, to the order of 1 / sqrt(v): biases of a network whose signals explode."""
    for variance in 10.0 ** np.arange(4, 61, 8):
        found, without = (averages(exact(name), variance, bias) for bias in ((-1.0, 1.0), (0.0, 0.0)))
        order = 1e-11 + 1 / math.sqrt(variance)
        error = np.abs(np.array(found) - without) / scales(without)
        assert error.max() < order, (variance, error)


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_a_narrow_uniform_bias_is_a_constant_one(name):
    """To spread^2 / 24 times a second derivative, which is below 10 here."""
    for spread in 10.0 ** np.arange(-2, -13, -2):
        found = averages(exact(name), 1.0, (0.7, 0.7 + spread))
        expected = averages(exact(name), 1.0, (0.7 + spread / 2, 0.7 + spread / 2))
        np.testing.assert_allclose(found, expected, atol=1e-10 + spread**2, err_msg=str(spread))


# Layers


@pytest.mark.parametrize(
    "name, log_variance",
    [(name, v) for name in ("tanh", "erf", "sin", "gelu", "softplus") for v in (-3.0, 2.5)]
    + [(name, 0.0) for name in ("linear", "relu", "leaky_relu(-0.5)", "hard_tanh", "elu")],
)
@pytest.mark.parametrize("drift", [0.0, 1e-3])
def test_the_interpolated_pair_map_is_the_pair_map(name, log_variance, drift):
    """Along slow trajectories, at a variance that has settled and at one that has not; it is integrated now and then only."""
    layer, pair_map = Layer(name), PairMap(Layer(name))
    interpolated = 0
    for start in (-60.0, -22.0, -9.3, -3.1, -1.0, -0.2, 0.0, 0.31, 0.6, math.log(2)):
        for k in range(4):
            log_v, gap = log_variance + drift * k, start - 1e-3 * k
            single = layer.single(log_v)
            found, expected = pair_map(log_v, gap, single, 1000), layer.pair(log_v, gap, single)
            interpolated += pair_map.patch is not None and pair_map.patch.good
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-15, err_msg=str((log_v, gap)))
    assert interpolated > 6


@pytest.mark.parametrize("gap", [-2000.0, -31.0, -29.0, -1.0, 0.0, math.log(2)])
def test_the_angle_of_a_gap(gap):
    assert gap_of(angle_of(gap)) == pytest.approx(gap, abs=1e-14, rel=1e-15)
    if gap > -20:
        assert 1 - math.cos(math.exp(angle_of(gap))) == pytest.approx(math.exp(gap), rel=1e-12)


@pytest.mark.parametrize("name", ["relu", "tanh", "sin", "elu", "gelu", "hard_swish"])
def test_a_small_gap_leads_to_the_limit(name):
    """Both of `pair` tend to E phi'^2, as the root of the gap where phi' jumps and as the gap where it does not."""
    layer = Layer(name)
    limit = math.exp(layer.single(0.0).log_slope_square)
    for log_gap in (-12.0, -20.0, -22.0, -24.0, -40.0, -1000.0, -math.inf):
        ratio, product = layer.pair(0.0, log_gap)
        room = 3 * math.exp(log_gap / 2) + 1e-12
        assert abs(ratio - limit) < room and abs(product - limit) < room, (log_gap, ratio - limit, product - limit)


def tanh_ratio(log_variance, log_gap):
    """E (tanh u1 - tanh u2)^2 / (2 v gap) by brute force in m, d = (u1 +- u2) / 2.

    The difference is 2 sinh 2d / (cosh 2m + cosh 2d).
    """
    v, gap = math.exp(log_variance), math.exp(log_gap)
    across, along = math.sqrt(v * gap / 2), math.sqrt(v * (1 - gap / 2))
    y = quadrature.line(0.0, 10.0, 1.0)
    total = 0.0
    for d, weight in zip(across * y.h, y.weights * np.exp(-(y.h**2) / 2) / math.sqrt(2 * math.pi), strict=True):
        cuts = [d + far for far in (-40.0, -20.0, -8.0, -3.0, 0.0, 3.0, 8.0, 20.0, 40.0) if d + far > 0]
        m = quadrature.line(0.0, min(d + 40, 12 * along), max((d + 40) / 50, 1e-3), cuts)
        a, b = 2 * m.h, 2 * d
        top = np.maximum(a, b)
        smooth = np.exp(a - top) * (1 + np.exp(-2 * a)) + np.exp(b - top) * (1 + np.exp(-2 * b))
        difference = 2 * -np.expm1(-2 * b) * np.exp(b - top) / smooth
        density = np.exp(-((m.h / along) ** 2) / 2) / (along * math.sqrt(2 * math.pi))
        total += 4 * weight * float(m.weights @ (difference**2 * density))
    return total / (2 * v * gap)


@pytest.mark.parametrize(
    "log_variance, log_gap, accuracy",
    [
        (0, -25, 1e-9),
        (9, -24, 1e-9),
        (18, -30, 1e-9),
        (27, -27, 1e-9),
        (36, -34, 1e-9),
        (40, -38, 1e-5),
        (60, -36, 1e-5),
        (60, -61, 1e-5),
        (60, -10, 1e-5),
    ],
)
def test_small_gaps_at_large_variances(log_variance, log_gap, accuracy):
    """Where the step is as wide as the inputs are apart, and on both sides of that."""
    assert Layer("tanh").pair(log_variance, log_gap)[0] == pytest.approx(tanh_ratio(log_variance, log_gap), rel=accuracy)


@pytest.mark.parametrize("name", ["sin", "tanh", "erf"])
@pytest.mark.parametrize("log_variance", [-4.0, 0.0, 4.0])
def test_smooth_pairs_at_small_gaps_differ_from_the_limit_by_the_gap(name, log_variance):
    """ratio = E phi'^2 - O(v gap): E phi''^2 v / 2 is below (1 + v) here. Below SMALL_GAP it may fall as the root."""
    layer = Layer(name)
    limit = math.exp(layer.single(log_variance).log_slope_square)
    v = math.exp(log_variance)
    for log_gap in (-15.0, -18.0, -21.0, -23.0, -24.0, -30.0):
        room = 2 * (1 + v) * math.exp(log_gap) + ACCURACY
        assert np.abs(np.array(layer.pair(log_variance, log_gap)) - limit).max() < room, log_gap


@pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)
def test_no_step_where_the_asymptote_takes_over(entry):
    layer = Layer(entry.name)
    for edge in (-FAR, FAR):
        if math.isnan(entry.slope[0]) and edge > 0:
            continue
        inside, outside = layer.single(edge * (1 - 1e-12)), layer.single(edge * (1 + 1e-12))
        assert outside.log_square == pytest.approx(inside.log_square, abs=1e-8)
        if entry.value_zero == 0 or edge > 0:  # else z phi(0) phi'(0) / sqrt(v) averages out, but for rounding
            assert outside.parallel == pytest.approx(inside.parallel, abs=1e-11)
        if inside.log_slope_square > -100:
            assert outside.log_slope_square == pytest.approx(inside.log_slope_square, abs=1e-8)


def test_no_gaussian_part_at_all():
    """Weights that are zero: phi at the bias, and uniform biases alone."""
    found = Layer("tanh", (0.7, 0.7)).single(-math.inf)
    assert found.mean == pytest.approx(math.tanh(0.7)) and found.log_square == pytest.approx(2 * math.log(math.tanh(0.7)))
    assert found.log_slope_square == pytest.approx(-4 * math.log(math.cosh(0.7)))
    found = Layer("relu", (-1.0, 3.0)).single(-math.inf)
    assert found.mean == pytest.approx(9 / 8, rel=1e-11)
    assert math.exp(found.log_square) == pytest.approx(9 / 4, rel=1e-11)
    assert math.exp(found.log_slope_square) == pytest.approx(3 / 4, rel=1e-11)
    assert Layer("tanh").single(-math.inf)[1:] == (-math.inf, 0.0, 1.0)


def test_sine_has_no_asymptote_but_closed_forms():
    found = Layer("sin").single(2 * FAR)
    assert math.exp(found.log_square) == pytest.approx(0.5) and math.exp(found.log_slope_square) == pytest.approx(0.5)


# Activations that the user gives


def ramp(h):
    return min(max(3.0 * (h - 0.3), 0.0), 1.0)


def ramp_slope(h):
    return 3.0 if 0.3 < h < 0.3 + 1 / 3 else 0.0


def test_kinks_that_are_not_named_are_an_error_of_one_line():
    gradsim.activation("theory_ramp", ramp, ramp_slope)
    with pytest.raises(gradsim.RequestError, match="kinks") as error:
        check_resolved("theory_ramp", 1.0)
    assert "\n" not in str(error.value) and "'theory_ramp'" in str(error.value)


def test_a_bend_too_sharp_for_the_panels_is_an_error():
    def slope(h):
        return 60 / math.cosh(min(60 * abs(h - 0.3), 300)) ** 2

    gradsim.activation("theory_step", lambda h: math.tanh(60 * (h - 0.3)), slope)
    with pytest.raises(gradsim.RequestError, match="bends too sharply"):
        Layer("theory_step").single(0.0)


def test_named_kinks_are_integrated_as_those_of_the_table():
    gradsim.activation("theory_ramp_named", ramp, ramp_slope, kinks=[0.3, 0.3 + 1 / 3])
    phi = continuous("theory_ramp_named")
    for variance in (0.01, 1.0, 100.0):
        s = math.sqrt(variance)
        r = quadrature.line(-12 * s, 12 * s, s, [0.3, 0.3 + 1 / 3])
        p = r.weights * np.exp(-(r.h**2) / (2 * variance)) / (s * math.sqrt(2 * math.pi))
        value, slope = np.clip(3 * (r.h - 0.3), 0, 1), 3.0 * ((r.h > 0.3) & (r.h < 0.3 + 1 / 3))
        found = averages(phi, variance)
        expected = [p @ value, p @ value**2, p @ slope**2, p @ (r.h / variance * value * slope)]
        np.testing.assert_allclose(found, expected, rtol=ACCURACY)


OSCILLATING = {  # name: f, df, and E f, E f^2, E f'^2 and their derivative in closed form
    "cos": (
        math.cos,
        lambda h: -math.sin(h),
        lambda v: (math.exp(-v / 2), (1 + math.exp(-2 * v)) / 2, (1 - math.exp(-2 * v)) / 2, -math.exp(-2 * v)),
    ),
    "fast": (
        lambda h: math.cos(5 * h),
        lambda h: -5 * math.sin(5 * h),
        lambda v: (math.exp(-12.5 * v), (1 + math.exp(-50 * v)) / 2, 12.5 * (1 - math.exp(-50 * v)), -25 * math.exp(-50 * v)),
    ),
    "snake": (
        lambda h: h + math.sin(h) ** 2,
        lambda h: 1 + math.sin(2 * h),
        lambda v: (
            (1 - math.exp(-2 * v)) / 2,
            v + 0.375 - math.exp(-2 * v) / 2 + math.exp(-8 * v) / 8,
            1.5 - math.exp(-8 * v) / 2,
            1 + math.exp(-2 * v) - math.exp(-8 * v),
        ),
    ),
    "cube": (lambda h: h**3, lambda h: 3 * h * h, lambda v: (0.0, 15 * v**3, 27 * v**2, 45 * v**2)),
}


@pytest.mark.parametrize("variance", [1e-6, 0.3, 5.0])
@pytest.mark.parametrize("name", OSCILLATING)
def test_given_functions_with_closed_forms(name, variance):
    f, df, closed = OSCILLATING[name]
    gradsim.activation(f"theory_{name}", f, df)
    check_resolved(f"theory_{name}", variance)
    expected = closed(variance)
    found = averages(continuous(f"theory_{name}"), variance)
    scale = math.sqrt(expected[1]), expected[1], expected[2], math.sqrt(expected[1] * expected[2] / variance)
    for got, wanted, size in zip(found, expected, scale, strict=True):
        assert abs(got - wanted) < 1e-9 * size


def test_a_given_function_is_refused_only_at_variances_where_it_is_not_resolved():
    gradsim.activation("theory_cosine", math.cos, lambda h: -math.sin(h))
    check_resolved("theory_cosine", 25.0)
    with pytest.raises(gradsim.RequestError, match="1e\\+06: it bends too sharply or too often"):
        check_resolved("theory_cosine", 1e6)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 0.13])
def test_kinks_and_jumps_that_are_not_named_are_found_wherever_they_are(shift):
    """Also where panels happen to end: averages of one are right there, those of pairs are not."""
    gradsim.activation(f"theory_kink_{shift * 100:.0f}", lambda h: max(h - shift, 0.0), lambda h: 1.0 if h > shift else 0.0)
    gradsim.activation(f"theory_jump_{shift * 100:.0f}", lambda h: 1.0 if h > shift else -1.0, lambda h: 0.0)
    for what in ("kink", "jump"):
        with pytest.raises(gradsim.RequestError, match="name them"):
            Layer(f"theory_{what}_{shift * 100:.0f}").single(0.0)


def test_a_given_function_that_jumps_is_refused():
    gradsim.activation("theory_sign", lambda h: 1.0 if h > 0 else -1.0, lambda h: 0.0, kinks=[0])
    with pytest.raises(gradsim.RequestError, match="jumps at 0") as error:
        Layer("theory_sign").single(0.0)
    assert "\n" not in str(error.value)


def test_a_steep_function_with_a_named_kink_does_not_jump():
    gradsim.activation(
        "theory_steep",
        lambda h: math.tanh(1e4 * h) + max(h, 0.0),
        lambda h: 1e4 / math.cosh(min(1e4 * abs(h), 300.0)) ** 2 + (1.0 if h > 0 else 0.0),
        kinks=[0],
    )
    assert continuous("theory_steep").kinks == (0.0,)


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,)])
def test_a_given_function_keeps_the_shape_of_its_argument(shape):
    gradsim.activation("theory_square", lambda h: h * h, lambda h: 2 * h)
    assert continuous("theory_square").phi(np.full(shape, 3.0)).shape == shape


@pytest.mark.parametrize(
    "name, f, df, kinks",
    [
        ("tanh", math.tanh, lambda h: 1 / math.cosh(h) ** 2 if abs(h) < 300 else 0.0, ()),
        ("leaky_relu", lambda h: h if h > 0 else 0.01 * h, lambda h: 1.0 if h > 0 else 0.01, (0.0,)),
        ("hard_tanh", lambda h: min(max(h, -1.0), 1.0), lambda h: 1.0 if abs(h) < 1 else 0.0, (-1, 1)),
    ],
)
def test_a_given_function_is_integrated_as_its_twin_in_the_table(name, f, df, kinks):
    gradsim.activation(f"theory_my_{name}", f, df, kinks)
    mine, table = Layer(f"theory_my_{name}"), Layer(name)
    for log_variance in (-2.0, 1.0):
        np.testing.assert_allclose(mine.single(log_variance), table.single(log_variance), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(mine.pair(log_variance, -0.5), table.pair(log_variance, -0.5), rtol=1e-10)
