import math
import re

import pytest

from gradsim.errors import RequestError
from gradsim.initializers import INITIALIZERS, bias_law, weight_law
from gradsim.network import mlp


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
        ("he_normal(fan)", "not a number"),
        ("he_normal(0.1)", "should be written he_normal([fan], [slope])"),
        ("normal(fan_in,1)", "should be written normal(mean, std)"),
        ("truncated_normal(0,-1)", "std >= 0"),
        ("constant(a)", "not a number"),
        ("normal(0,1", "cannot read"),
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
