import math
import re

import pytest

from gradsim.errors import RequestError
from gradsim.model.cut_normal import moments
from gradsim.model.initializers import INITIALIZERS, bias_law, weight_law
from gradsim.model.network import mlp


@pytest.mark.parametrize(
    "scheme, kind, mean, variance",
    [
        ("zeros", "constant", 0, 0),
        ("ones", "constant", 1, 0),
        ("constant(0.1)", "constant", 0.1, 0),
        ("normal(0.5, 2)", "normal", 0.5, 4),
        ("uniform(-1,3)", "uniform", 1, 16 / 12),
        ("fan_in_uniform", "uniform", 0, 1 / 30),
        ("xavier_normal", "normal", 0, 2 / 40),
        ("glorot_uniform", "uniform", 0, 2 / 40),
        ("he_normal", "normal", 0, 2 / 10),
        ("Kaiming_uniform", "uniform", 0, 2 / 10),
        ("lecun_uniform", "uniform", 0, 1 / 10),
        ("kaiming_normal_", "normal", 0, 2 / 10),
        ("orthogonal", "orthogonal", 0, 1 / 30),
        ("orthogonal(2)", "orthogonal", 0, 4 / 30),
        ("sparse(4)", "sparse", 0, 0.4),
        ("sparse(4, 0.5)", "sparse", 0, 0.1),
        ("sparse(0)", "constant", 0, 0),
        ("sparse_columns(0.1)", "sparse_columns", 0, 0.9),
        ("sparse_columns(0.35,0.5)", "sparse_columns", 0, 19 / 30 / 4),
        ("sparse_columns(1)", "constant", 0, 0),
        ("sparse_columns(0,0)", "constant", 0, 0),
        ("trunc_normal(0,1,-4,4)", "cut_normal", 0, 0.9989292903724737),
        ("trunc_normal(0.5,2,0.5,90)", "cut_normal", 0.5 + 2 * math.sqrt(2 / math.pi), 4 - 8 / math.pi),
        ("eye", "identity", 0, 0),
    ],
)
def test_claimed_mean_and_variance(scheme, kind, mean, variance):
    law = weight_law(scheme, 10, 30, gain=1.5)
    assert (law.kind, law.mean) == (kind, pytest.approx(1.5 * mean))
    assert law.variance == pytest.approx(1.5**2 * variance)


@pytest.mark.parametrize(
    "scheme, words",
    [
        ("he_norml", "did you mean he_normal"),
        ("normal(0)", "should be written normal(mean, std)"),
        ("normal(0,-1)", "std >= 0"),
        ("uniform(2,1)", "min <= max"),
        ("constant(nan)", "not finite"),
        ("he_normal(fan)", "'fan' is no fan: fan_in or fan_out"),
        ("he_normal(0.1)", "should be written he_normal([fan], [slope])"),
        ("normal(fan_in,1)", "should be written normal(mean, std)"),
        ("truncated_normal(0,-1)", "std >= 0"),
        ("constant(a)", "not a number"),
        ("normal(0,1", "cannot read"),
        ("sparse(9)", "from 0 to fan-in, here 4, not 9"),
        ("sparse(1.5)", "whole number"),
        ("sparse(2,-1)", "std >= 0"),
        ("sparse_columns(1.1)", "a share of zeros from 0 to 1, not 1.1"),
        ("sparse_columns(0.1,-1)", "std >= 0"),
        ("trunc_normal(0,1,31,33)", "nothing of a normal is left between cuts at 31 and 33 standard deviations"),
        ("trunc_normal(0,1,-33,-31)", "each on its own side of it"),
        ("trunc_normal(0,1,2,2.001)", "too close to each other for float32; they must be 0.002 apart"),
    ],
)
def test_what_cannot_be_is_one_clear_line(scheme, words):
    with pytest.raises(RequestError, match=re.escape(words)) as error:
        weight_law(scheme, 4, 4)
    assert "\n" not in str(error.value)


def test_scales_up_to_the_largest_float_and_not_beyond():
    assert weight_law("uniform(-1e308,1e308)", 4, 4).scale == 1e308
    with pytest.raises(RequestError, match="beyond the largest float64"):
        weight_law("normal(0,1e300)", 4, 4, gain=1e10)


def test_constant_has_no_kurtosis():
    assert math.isnan(weight_law("zeros", 3, 3).excess_kurtosis)


def test_excess_kurtosis_of_the_truncated_normal():
    from scipy import stats

    assert weight_law("he_truncated_normal", 3, 3).excess_kurtosis == pytest.approx(stats.truncnorm(-2, 2).stats("k"))


@pytest.mark.parametrize("low, high", [(-2, 2), (-0.7, 0.4), (0, math.inf), (-8, 3), (1, 1.5), (2, 3)])
def test_moments_of_cut_normals(low, high):
    """Against scipy's closed forms, which keep their digits where the cuts are neither far out nor close."""
    from scipy import stats

    expected = stats.truncnorm(low, high).stats("mvk")
    assert moments(low, high) == pytest.approx(tuple(map(float, expected)), rel=1e-8, abs=1e-8)
    assert moments(-high, -low) == pytest.approx([-expected[0], *expected[1:]], rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("low", [-1e-20, 0.5, 2.0])
def test_moments_between_close_cuts_are_those_of_a_uniform_law(low):
    high = low + max(abs(low), 1e-20) * 1e-3
    mean, variance, kurtosis = moments(low, high)
    assert mean == pytest.approx((low + high) / 2, rel=1e-5)
    assert variance == pytest.approx((high - low) ** 2 / 12, rel=1e-5) and kurtosis == pytest.approx(-1.2, rel=1e-5)


def test_moments_far_out_are_those_of_an_exponential_law():
    """From 30 on: 30 (x - 30) has mean 1 - 2/900, to leading orders, and excess kurtosis 6 - 48/900."""
    mean, variance, kurtosis = moments(30.0, 1e300)
    assert 30 * (mean - 30) == pytest.approx(1 - 2 / 900, abs=2e-5) and 900 * variance == pytest.approx(1 - 6 / 900, abs=1e-4)
    assert kurtosis == pytest.approx(6 - 48 / 900, abs=5e-3)


def test_symmetric_cuts_leave_a_mean_of_zero():
    assert weight_law("trunc_normal(0,0.3,-0.4,0.4)", 5, 5).mean == 0
    assert weight_law("trunc_normal(0,0.3,-0.4,0.5)", 5, 5, gain=-2.0).mean < 0


def test_biases():
    assert mlp(init="torch_default").bias == "fan_in_uniform" and mlp().bias == "zeros"
    assert (mlp(bias_std=0.5).bias, mlp(bias="normal(0.5)").bias_std) == ("normal(0.5)", 0.5)
    assert bias_law("fan_in_uniform", 16).scale == 0.25 and bias_law("constant(2)", 3).mean == 2
    for options, words in (
        ({"bias": "normal(-1)"}, "std >= 0"),
        ({"bias": "unform(0,1)"}, "did you mean uniform"),
        ({"bias": "uniform(1,0)"}, "min <= max"),
        ({"bias": "normal(0,1)"}, "normal(std)"),
        ({"bias": "zeros", "bias_std": 1.0}, "give one"),
    ):
        with pytest.raises(RequestError, match=re.escape(words)):
            mlp(**options)


def test_names_are_unique():
    names = [name for entry in INITIALIZERS for name in (entry.name, *entry.aliases)]
    assert len(names) == len(set(names))


def test_every_layer_must_be_able_to_have_the_law():
    with pytest.raises(RequestError, match="fan-in, here 3, not 5"):
        mlp(width=[8, 3, 8], init="sparse(5)")


# PyTorch's function and arguments, and the same thing here
TORCH = [
    ("xavier_normal_", {}, "xavier_normal"),
    ("xavier_uniform_", {}, "glorot_uniform"),
    ("kaiming_normal_", {"nonlinearity": "relu"}, "kaiming_normal"),
    ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "relu"}, "he_normal(fan_out)"),
    ("kaiming_uniform_", {"a": 0.3}, "he_uniform(fan_in, 0.3)"),
    ("kaiming_uniform_", {"a": math.sqrt(5)}, "torch_default"),
    ("normal_", {"mean": 0.5, "std": 0.2}, "normal(0.5, 0.2)"),
    ("uniform_", {"a": -1.0, "b": 2.0}, "uniform(-1, 2)"),
    ("trunc_normal_", {}, "truncated_normal(0, 1)"),
    ("trunc_normal_", {"std": 0.02}, "trunc_normal_(std=0.02)"),
    ("trunc_normal_", {"std": 0.02, "a": -0.04, "b": 0.04}, "trunc_normal_(std=0.02, a=-0.04, b=0.04)"),
    ("trunc_normal_", {"std": 0.5}, "trunc_normal_(std=0.5)"),
    ("trunc_normal_", {"mean": 0.1, "std": 0.5, "a": -0.2, "b": 0.9}, "trunc_normal(0.1,0.5,-0.2,0.9)"),
    ("trunc_normal_", {"mean": 0.0, "std": 1.0, "a": 0.5, "b": 9.0}, "trunc_normal_(0,1,0.5,9)"),
    ("sparse_", {"sparsity": 0.1}, "torch.sparse_(0.1)"),
    ("sparse_", {"sparsity": 0.57, "std": 0.3}, "sparse_columns(0.57,0.3)"),
    ("kaiming_normal_", {"nonlinearity": "tanh"}, "kaiming_normal_(nonlinearity=tanh)"),
    ("xavier_uniform_", {"gain": 1.5}, "xavier_uniform_(gain=1.5)"),
    ("orthogonal_", {"gain": 1.5}, "orthogonal(1.5)"),
    ("constant_", {"val": 0.3}, "constant(0.3)"),
    ("eye_", {}, "identity"),
    ("zeros_", {}, "zeros"),
    ("ones_", {}, "ones"),
]


@pytest.mark.parametrize("name, arguments, scheme", TORCH)
@pytest.mark.parametrize("fan_in, fan_out", [(60, 90), (90, 40)])
def test_the_same_law_as_pytorch(name, arguments, scheme, fan_in, fan_out):
    """Entries of 30 matrices each, Kolmogorov-Smirnov at 1e-7; both are independent within a matrix, or nearly."""
    torch = pytest.importorskip("torch")
    import numpy as np
    from scipy.stats import ks_2samp

    from gradsim.reference import matrix_of

    torch.manual_seed(1)
    law = weight_law(scheme, fan_in, fan_out)
    theirs = np.stack([getattr(torch.nn.init, name)(torch.empty(fan_out, fan_in), **arguments).numpy() for _ in range(5)])
    ours = np.stack([matrix_of(law, np.array([1, 2], np.uint32), 1, r, fan_out, fan_in) for r in range(5)])
    if law.kind in ("constant", "identity"):
        assert np.allclose(theirs, ours)
    else:
        assert np.array_equal((ours == 0).sum(axis=1), (theirs == 0).sum(axis=1))  # zeros of each column
        assert ks_2samp(theirs[theirs != 0], ours[ours != 0]).pvalue > 1e-7
        assert ours.var() == pytest.approx(theirs.var(), rel=0.05) and law.variance == pytest.approx(theirs.var(), rel=0.05)
