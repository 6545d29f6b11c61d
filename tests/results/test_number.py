"""One number a network: what the verdict says of the gradient, the same of other quantities, and what has no number."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gradsim import RequestError, mlp, simulate
from gradsim.results.number import Number
from gradsim.results.verdict import DECADES


@pytest.fixture(scope="module", params=[{}, {"block": "residual"}, {"block": "pre_norm", "block_depth": 2}], ids=str)
def curves(request):
    return simulate(mlp(width=8, depth=6, activation="tanh", outputs=3, **request.param), 50, inputs=2)


def test_the_rate_of_the_gradient_is_the_verdicts(curves):
    number, verdict = Number.checked(), curves.verdict
    assert number.middle(curves) == pytest.approx(verdict.decades_per_100_layers, rel=1e-12)
    low, middle, high = number.band(curves)
    assert middle == number.middle(curves)
    assert (low, high) == pytest.approx(tuple(20.0 * decades for decades in verdict.middle), rel=1e-12)


def test_a_rate_follows_the_way_of_the_numbers():
    """A signal that grows is one that explodes, and so is a gradient that grows on its way back."""
    curves = simulate(mlp(width=8, depth=6, activation="linear", init="xavier_normal", weight_gain=10.0), 50)
    for quantity in ("gradient", "preactivation"):
        low, middle, high = Number.checked(quantity).band(curves)
        assert 90 < middle < 110 and low < middle < high


def test_a_number_at_a_layer(curves):
    quantity = curves.gradient
    values = curves.blocks.last(quantity, curves.quantile(quantity, 0.5)) * DECADES
    assert Number.checked(None, 2).middle(curves) == values[2]
    defined = np.flatnonzero(np.isfinite(values))
    for back in (-1, -3):
        assert Number.checked(None, back).middle(curves) == values[defined[back]]
    for outside in (99, -99):
        assert math.isnan(Number.checked(None, outside).middle(curves))
    band = Number.checked(None, 2).band(curves)
    assert band == tuple(curves.blocks.last(quantity, curves.quantile(quantity, q))[2] * DECADES for q in (0.05, 0.5, 0.95))


def test_what_has_no_logarithm_is_a_mean_with_its_deviation(curves):
    number = Number.checked("correlation")
    mean, variance = (curves.blocks.last("correlation", curves[f"correlation_{part}"]) for part in ("mean", "variance"))
    last = np.flatnonzero(np.isfinite(mean))[-1]
    expected = [mean[last] + sign * math.sqrt(variance[last]) for sign in (-1, 0, 1)]
    assert number.at == -1 and number.band(curves) == pytest.approx(expected) and number.middle(curves) == mean[last]


def test_what_a_network_has_once(curves):
    number = Number.checked("loss")
    assert number.middle(curves) == curves.quantile("loss", 0.5) * DECADES


def test_zero_and_not_finite_are_infinities():
    zero = simulate(mlp(width=3, depth=4, init="zeros"), 3)
    assert Number.checked().middle(zero) == -math.inf
    broken = simulate(mlp(width=3, depth=12, weight_gain=3e30, activation="linear"), 9, arithmetic="float32")
    assert Number.checked().middle(broken) == math.inf
    assert math.isnan(Number.checked().middle(simulate(mlp(width=3, depth=1), 3)))


def test_theory_is_measured_alike():
    curves = simulate(mlp(width=64, depth=12, activation="tanh", weight_gain=0.5), 50).with_theory()
    number = Number.checked()
    predicted = curves["mean_field_gradient_log_mean"]
    assert number.predicted(curves, "mean_field") == pytest.approx((predicted[1] - predicted[12]) * DECADES * 100 / 11)
    assert number.predicted(curves, "mean_field") == pytest.approx(number.middle(curves), rel=0.1)
    assert math.isnan(number.predicted(replace(curves, variables={}), "mean_field"))


@pytest.mark.parametrize(
    "quantity, at, words",
    [
        ("gardient", None, "did you mean gradient?"),
        ("loss", 3, "at: loss is one number a network"),
        ("correlation", "rate", "at: correlation has no rate"),
        ("gradient", "fast", "at: neither rate, nor a layer: 'fast'"),
        ("gradient", 1.5, "at: neither rate, nor a layer: 1.5"),
    ],
)
def test_refusals(quantity, at, words):
    with pytest.raises(RequestError) as error:
        Number.checked(quantity, at)
    assert words in str(error.value)
