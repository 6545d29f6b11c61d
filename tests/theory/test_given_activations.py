"""Every activation of the table against the same function given as a user's: in theory and in simulation, small, large, deep.

The table's own ones have paths that no other function takes (closed forms of sin, homogeneous ones, straight pieces, bends, a
trapezoid rule, logarithmic forms in the kernels); a user's function has none, and must come out the same.
"""

import math

import numpy as np
import pytest

import gradsim
from gradsim.model.activations import ACTIVATIONS, find_activation
from gradsim.theory import critical_point, edge_of_chaos, fixed_point, half_stable_points, mean_field, precision
from tests.oracles.given_activations import GIVEN, given

NAMES = sorted(GIVEN)
WITHOUT_ASYMPTOTE = ("sin",)  # a user's is integrated up to a variance of about 100, and refused beyond
STEPS = ("tanh", "erf", "sigmoid")  # whose slope is e^-|h| and less


def test_the_table_is_covered():
    assert set(NAMES) == {entry.name for entry in ACTIVATIONS}


def same(found, expected, tolerance, context):
    """Equal up to the tolerance, relative above 1; infinities and NaN in the same places."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=str(context))


@pytest.mark.parametrize("name", NAMES)
def test_behaviour_at_zero_and_at_infinity(name):
    known, mine = (find_activation(text)[0] for text in (name, given(name)))
    for field in ("value_zero", "slope_zero", "slope", "intercept"):
        same(getattr(mine, field), getattr(known, field), 1e-12, field)


def both(name, **options):
    """MeanField of the table's and of the given one."""
    settings = {name: options.pop(name) for name in ("inputs", "input_correlation", "input_square") if name in options}
    return [mean_field(gradsim.mlp(activation=text, **options), **settings) for text in (name, given(name))]


def compare(name, context, known, mine):
    for variable, expected in known.variables.items():
        found, scale = mine[variable], 1.0
        if variable in ("activation_mean_mean", "activation_unit_variance_mean"):
            # beside the root mean square, and the mean square: a mean of 0 is one up to rounding
            power = 0.5 if variable == "activation_mean_mean" else 1.0
            scale = np.exp(np.clip(power * known["activation_log_mean"], -700, 700))
            inside = np.isfinite(expected) & (np.abs(expected) < 1e300)
            assert np.array_equal(inside, np.isfinite(found) & (np.abs(found) < 1e300)), (name, context, variable)
            found, expected, scale = found[inside], expected[inside], scale[inside]
        same(found / scale, expected / scale, 1e-7, (name, context, variable))
    for factor in ("chi_perp", "chi_par"):
        same(getattr(mine, factor), getattr(known, factor), 1e-6, (name, context, factor))


@pytest.mark.parametrize("depth", [10, 1000])
@pytest.mark.parametrize("name", NAMES)
def test_mean_field_far_below_and_far_above_one(name, depth):
    """Weights that shrink signals by 10^-6 a layer and less (to 10^-6000 at depth 1,000) or make them grow as fast."""
    for gain in (1e-6, 0.03, 1.0, 30.0, 1e6):
        if name in WITHOUT_ASYMPTOTE and gain > 1:
            continue
        compare(
            name,
            (depth, gain),
            *both(name, width=100, depth=depth, init="lecun_normal", weight_gain=gain, input_correlation=None),
        )


@pytest.mark.parametrize("square", [1e-300, 1e-20, 1e20, 1e300])
@pytest.mark.parametrize("name", NAMES)
def test_mean_field_of_inputs_far_below_and_far_above_one(name, square):
    if name in WITHOUT_ASYMPTOTE and square > 1:
        with pytest.raises(gradsim.RequestError, match=r"no asymptote|cannot be integrated"):
            both(name, width=100, depth=3, init="lecun_normal", input_square=square)
        return
    pairs = {"inputs": 2} if square < 1 else {"input_correlation": None}
    compare(name, square, *both(name, width=100, depth=5, init="lecun_normal", input_square=square, **pairs))


@pytest.mark.parametrize("name", NAMES)
def test_mean_field_with_biases_and_pairs(name):
    for bias in ("normal(0.3)", "constant(0.4)", "uniform(-1,0.5)"):
        options = {"width": 50, "depth": 4, "init": "lecun_normal", "bias": bias, "inputs": 2, "input_correlation": 0.3}
        compare(name, bias, *both(name, **options))


@pytest.mark.parametrize("name", NAMES)
def test_fixed_points(name):
    for weight_std, bias_std in ((0.3, 0.0), (0.9, 0.2), (2.0, 0.0)):
        known, mine = (fixed_point(text, weight_std=weight_std, bias_std=bias_std) for text in (name, given(name)))
        for field in ("q_star", "c_star", "chi_perp", "chi_par", "chi_c_star"):
            same(getattr(mine, field), getattr(known, field), 1e-6, (weight_std, bias_std, field))
        assert (mine.phase, mine.stable, len(mine.others)) == (known.phase, known.stable, len(known.others))


@pytest.mark.parametrize("name", NAMES)
def test_the_edge_of_chaos(name):
    """The same branches, in number and place, with any bias; the same half-stable points."""
    for bias_std in (0.0, 0.1):
        known, mine = (critical_point(text, bias_std=bias_std).branches for text in (name, given(name)))
        assert len(mine) == len(known), (bias_std, mine, known)
        for a, b in zip(mine, known, strict=True):
            same((a.weight_std, a.q_star, a.chi_par), (b.weight_std, b.q_star, b.chi_par), 1e-6, bias_std)
            assert a.stable == b.stable
    known, mine = (half_stable_points(text) for text in (name, given(name)))
    same([p.weight_std for p in mine], [p.weight_std for p in known], 1e-6, "half stable")
    known, mine = (edge_of_chaos(text) for text in (name, given(name)))
    shared = min(len(known[0]), len(mine[0]))
    assert (shared > 1) == (name != "softplus")  # which has none
    if name not in WITHOUT_ASYMPTOTE:
        same(mine[0][:shared], known[0][:shared], 1e-6, "edge")


@pytest.mark.parametrize("name", NAMES)
def test_predicted_exits(name):
    """The same layers, both ways, where signals shrink by a decade a layer and where they keep their scale."""
    for gain in (0.1, 1.0):
        known, mine = (
            precision(gradsim.mlp(width=300, depth=60, activation=text, init="lecun_normal", weight_gain=gain), inputs=2)
            for text in (name, given(name))
        )
        assert (mine.forward, mine.backward) == (known.forward, known.backward)


def simulated(name, stream="one stream", **options):
    run = {"replicas": options.pop("replicas"), "inputs": options.pop("inputs", 1), "stream": stream}
    return [gradsim.simulate(gradsim.mlp(activation=text, **options), **run) for text in (name, given(name))]


@pytest.mark.parametrize("name", NAMES)
def test_simulation_of_few_layers(name):
    """The same random numbers through both: equal to the rounding of float32, at every scale that float32 resolves.

    Not sin far above 1, whose argument has no digit left after two layers; nor the gradients of functions whose slope
    underflows a float64 out there: as a user's it is zero then (docs/theory.md), and the table's goes on in logarithms.
    """
    for gain in (1e-30, 1e-8, 1e-3, 1.0, 1e3, 1e8, 1e30):
        if name in WITHOUT_ASYMPTOTE and gain > 1:
            continue
        known, mine = simulated(name, width=16, depth=3, init="lecun_normal", weight_gain=gain, replicas=20)
        backward = () if name in STEPS and gain > 1 else ("gradient_log_mean", "gradient_max_log_mean", "gradient_zero_count")
        for variable in ("preactivation_log_mean", "activation_log_mean", *backward):
            same(mine[variable], known[variable], 2e-4, (gain, variable))
    pairs = simulated(name, width=16, depth=3, init="lecun_normal", bias_std=0.2, inputs=2, replicas=20)
    for variable in ("correlation_mean", "gradient_correlation_mean", "weight_gradient_log_mean"):
        same(pairs[1][variable], pairs[0][variable], 2e-4, variable)


@pytest.mark.parametrize("name", NAMES)
def test_simulation_of_a_thousand_layers(name):
    """In law: mean logs within five standard errors of each other, and the rounding of float32 in every layer.

    Two networks of the same random numbers that have parted count as independent: 1 false alarm in 3,000,000 a number.
    """
    replicas = 20
    for gain in (1e-3, 1.0, 1e3):
        if name in WITHOUT_ASYMPTOTE and gain > 1:
            continue
        known, mine = simulated(name, width=32, depth=1000, init="lecun_normal", weight_gain=gain, replicas=replicas)
        for quantity, layer in (("activation", 1000), ("gradient", 1)):
            if quantity == "gradient" and name in STEPS and gain > 1:
                continue
            zeros = known[f"{quantity}_zero_count"][layer]
            assert zeros == mine[f"{quantity}_zero_count"][layer] and zeros in (0, replicas)
            if zeros:  # cut to a constant, in every network
                continue
            logs, variances = ([c[f"{quantity}_log_{what}"][layer] for c in (known, mine)] for what in ("mean", "variance"))
            allowed = 5 * math.sqrt(sum(variances) / replicas) + 1e-6 * 1000
            assert abs(logs[0] - logs[1]) <= allowed, (gain, quantity, logs, allowed)
