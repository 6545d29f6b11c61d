"""Predicted exits from float types: against simulations, against the limits of the types, and the largest entry in closed form.

The largest of n entries is held to the median of explicit samples: the share of samples below it is binomial around a half.
"""

import math

import ml_dtypes
import numpy as np
import pytest
from scipy.special import ndtr, ndtri

import gradsim
from gradsim.statistics.precision import PRECISIONS
from gradsim.theory import finite_width, mean_field, precision
from gradsim.theory.float_ranges import Exit, _largest, exits, measured_exits
from tests.theory import quadrature

TYPES = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float32", "float64")
EVENTS = Exit._fields


def test_the_float_types():
    assert PRECISIONS == TYPES


def test_every_type_is_there_both_ways():
    found = precision(gradsim.mlp(width=30, depth=5))
    assert set(found.forward) == set(found.backward) == set(TYPES)
    assert found.log_largest_preactivation.shape == found.log_largest_gradient.shape == (6,)
    assert found.source == "exact" and precision(gradsim.mlp(width=30, depth=5, activation="tanh")).source == "mean field"


# Against simulations

MEASURED = [  # (options, layers that it may be off by)
    ({"width": 128, "depth": 60, "activation": "relu", "init": "he_normal", "weight_gain": 2.0}, 1),
    ({"width": 128, "depth": 100, "activation": "relu", "init": "he_normal", "weight_gain": 0.5}, 1),
    ({"width": 200, "depth": 40, "activation": "linear", "init": "orthogonal(3)", "outputs": 10}, 1),
    ({"width": [300, 20, 100] * 10, "activation": "leaky_relu(0.2)", "init": "normal(0,0.3)"}, 1),
    ({"width": 500, "depth": 60, "activation": "tanh", "init": "lecun_normal", "weight_gain": 0.5}, 1),
    ({"width": 500, "depth": 30, "activation": "tanh", "init": "normal(0,0.3)"}, 1),
    ({"width": 500, "depth": 60, "activation": "sigmoid", "init": "xavier_normal"}, 1),
    ({"width": 500, "depth": 60, "activation": "gelu", "init": "lecun_normal"}, 1),
    ({"width": 300, "depth": 30, "activation": "elu", "init": "normal(0,0.4)", "bias": "uniform(-3,3)"}, 1),
    ({"width": 300, "depth": 20, "activation": "hard_tanh", "init": "torch_default", "weight_gain": 0.3}, 1),
]


@pytest.mark.parametrize("options, allowance", MEASURED, ids=[f"{o['activation']} {o['init']}" for o, _ in MEASURED])
def test_exits_of_simulated_networks(options, allowance):
    """Medians of 60 networks, carried exponents: layers where the largest entry, or the root mean square, leaves each type."""
    network = gradsim.mlp(**options)
    curves, found = gradsim.simulate(network, 60), precision(network)
    happened = 0
    for way, measured in zip((found.forward, found.backward), measured_exits(curves), strict=True):
        for name in TYPES:
            for event, predicted, seen in zip(EVENTS, way[name], measured[name], strict=True):
                last = network.depth if way is found.forward else 1  # "never" is beyond it
                predicted, seen = (last + (1 if last > 1 else -1) if layer is None else layer for layer in (predicted, seen))
                assert abs(predicted - seen) <= allowance, (name, event, predicted, seen)
                happened += predicted == seen
    assert happened > 10


def test_what_really_happens_in_float16():
    """A network in NumPy's float16: overflow in its first inf, zero in its first layer without a number."""
    rng, width, depth = np.random.default_rng(0), 256, 60
    for gain, event in ((2.0, "overflow"), (0.4, "zero")):
        predicted = getattr(precision(gradsim.mlp(width=width, depth=depth, weight_gain=gain)).forward["float16"], event)
        seen = []
        for _ in range(5):
            x = rng.normal(size=width).astype(np.float16)
            for layer in range(1, depth + 1):
                w = gain * math.sqrt(2 / width) * rng.normal(size=(width, width))
                with np.errstate(over="ignore"):
                    h = (w @ x.astype(float)).astype(np.float16)
                if np.isinf(h).any() if event == "overflow" else not h.any():
                    seen.append(layer)
                    break
                x = np.maximum(h, 0)
        # the log of the mean square wanders by sqrt(5 layers / width) = 1, and a layer changes it by 1.4 or 1.8
        assert len(seen) == 5 and abs(np.median(seen) - predicted) <= 2, (event, seen, predicted)


# The definition


@pytest.mark.parametrize("name", TYPES)
def test_exits_by_the_limits_of_the_types(name):
    """Logs of squares on either side of each limit, at the layers where they are put."""
    limits = ml_dtypes.finfo(name)
    biggest, normal, smallest = (math.log(float(v)) for v in (limits.max, limits.smallest_normal, limits.smallest_subnormal))
    half, little = smallest - math.log(2), 1e-3

    def first(log, log_largest=None):
        """The Exit of three layers, the second of which has this log of the root mean square."""
        middle = np.array([0.0, 0.0, 2 * log, 0.0])
        top = middle if log_largest is None else np.array([0.0, 0.0, 2 * log_largest, 0.0])
        return exits(middle, top, range(1, 4))[name]

    assert first(biggest - little) == Exit(None, None, None)
    assert first(biggest - little, biggest + little) == Exit(2, None, None)
    assert first(normal + little) == Exit(None, None, None)
    assert first(normal - little) == Exit(None, 2, None)
    assert first(half + little) == Exit(None, 2, None)
    assert first(half - little) == Exit(None, 2, 2)
    assert first(half - 3, half + little) == Exit(None, 2, None)


def test_zero_is_what_rounding_makes_of_it():
    """Half the smallest number is rounded to 0 (ties to even), and what is above it is not."""
    for name in TYPES:
        smallest = float(ml_dtypes.finfo(name).smallest_subnormal)
        kind = np.dtype(getattr(ml_dtypes, name, name))
        if smallest * 0.5 > 0:  # in float64
            assert np.array(smallest * 0.5).astype(kind) == 0
        assert np.array(smallest * 0.75).astype(kind) != 0


def test_the_first_layer_on_the_way():
    """Forward from layer 1, backward from the last."""
    logs = np.array([np.nan, 100.0, 0.0, 100.0, 0.0])
    assert exits(logs, logs, range(1, 5))["float16"].overflow == 1
    assert exits(logs, logs, range(4, 0, -1))["float16"].overflow == 3
    assert exits(logs - 200, logs - 200, range(4, 0, -1))["float16"] == Exit(None, 4, 4)


BY_RANGE = ("float8_e4m3fn", "float8_e5m2", "float16", "bfloat16", "float32", "float64")


@pytest.mark.parametrize("gain, event", [(30.0, "overflow"), (0.01, "subnormal"), (0.01, "zero"), (1e-4, "zero")])
def test_types_with_a_smaller_range_are_left_earlier(gain, event):
    """Up to 400 layers: mean squares of e^+-2700 and less, beyond those that a float64 holds."""
    found = precision(gradsim.mlp(width=100, depth=400, weight_gain=gain))
    for way, sign in ((found.forward, 1), (found.backward, -1)):
        layers = [sign * getattr(way[name], event) for name in BY_RANGE]
        assert layers == sorted(layers)


def test_a_network_that_stays_in_range():
    found = precision(gradsim.mlp(width=256, depth=50))
    for name in ("bfloat16", "float32", "float64"):
        assert found.forward[name] == found.backward[name] == Exit(None, None, None)


def test_layers_of_exit_in_closed_form():
    """Linear orthogonal layers of gain 10 multiply a mean square by exactly 100, in a network of median size 1."""
    network = gradsim.mlp(width=1000, depth=400, activation="linear", init="orthogonal(10)")
    found = precision(network)
    largest = 2 * math.log(-ndtri((1 - 0.5 ** (1 / 1000)) / 2))
    start = finite_width(network)["preactivation_log_mean"][1] - math.log(100)
    for name in TYPES:
        most = 2 * math.log(float(ml_dtypes.finfo(name).max))
        assert found.forward[name].overflow == math.floor((most - largest - start) / math.log(100)) + 1


# The largest entry


@pytest.mark.parametrize("width, inputs", [(1, 1), (10, 1), (1000, 1), (65_536, 1), (100, 8)])
def test_the_largest_of_normal_numbers(width, inputs):
    """P(all |z| < t) = 1/2, whatever the bias's share of the variance as long as it is normal."""
    for bias in ("zeros", "normal(0.7)"):
        network = gradsim.mlp(width=width, depth=3, activation="tanh", bias=bias)
        found = precision(network, inputs=inputs)
        expected = -ndtri((1 - 0.5 ** (1 / (width * inputs))) / 2)
        spread = found.log_largest_preactivation[1:] - mean_field(network, inputs=inputs)["preactivation_log_mean"][1:]
        np.testing.assert_allclose(np.exp(spread / 2), expected, rtol=1e-8)


def share_below(samples, predicted):
    """The number of standard deviations by which the share of samples below a median misses a half."""
    below = np.mean(samples < predicted)
    return (below - 0.5) / (0.5 / math.sqrt(samples.size))


NAMES = ["relu", "tanh", "hard_tanh", "gelu", "sigmoid", "abs", "leaky_relu"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [0.3, 5.0])
def test_the_largest_of_gradients(name, scale):
    """phi'(h) g over its root mean square, g and h independent: medians of 4,000 samples of 200 entries, |z| < 5."""
    network = gradsim.mlp(width=200, depth=2, activation=name, init=f"normal(0,{scale / math.sqrt(200)!r})")
    found, wide = precision(network), mean_field(network)
    source = finite_width(network) if found.source == "exact" else wide
    rng = np.random.default_rng([len(name), int(scale)])
    slope = quadrature.FUNCTIONS[name][1]
    for layer in (1, 2):
        size = math.exp(wide["preactivation_log_mean"][layer] / 2)
        values = slope(size * rng.normal(size=(4000, 200))) * rng.normal(size=(4000, 200))
        with np.errstate(divide="ignore"):
            largest = 2 * np.log(np.abs(values).max(axis=1))
        predicted = found.log_largest_gradient[layer] - source["gradient_log_mean"][layer]
        slope_square = quadrature.single(name, size**2)[2]
        assert abs(share_below(largest, predicted + math.log(slope_square))) < 5, (layer, predicted)


@pytest.mark.parametrize("bias, low, high", [("constant(2)", 2, 2), ("uniform(-3,1)", -3, 1), ("constant(0.1)", 0.1, 0.1)])
@pytest.mark.parametrize("outputs", [None, 150])
def test_the_largest_beside_biases_that_are_not_normal(bias, low, high, outputs):
    """b + sqrt(v) z: medians of 4,000 samples of 150 entries, |z| < 5, readouts too."""
    network = gradsim.mlp(width=150, depth=2, activation="tanh", init="normal(0,0.05)", bias=bias, outputs=outputs)
    found, wide = precision(network), mean_field(network)
    rng = np.random.default_rng(3)
    for layer in range(1, len(found.log_largest_preactivation)):
        v = 150 * 0.05**2 * math.exp(wide["activation_log_mean"][layer - 1])
        h = rng.uniform(low, high, size=(4000, 150)) + math.sqrt(v) * rng.normal(size=(4000, 150))
        largest = 2 * np.log(np.abs(h).max(axis=1))
        assert abs(share_below(largest, found.log_largest_preactivation[layer])) < 5, layer


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
@pytest.mark.parametrize("bias", ["zeros", "constant(0.1)", "uniform(-1,1)", "normal(0.1)"])
@pytest.mark.parametrize("gain", [1e-3, 0.1, 100.0])
def test_no_depth_is_too_deep(activation, bias, gain):
    """400 layers: relu with gain 100 reaches e^3700, tanh with gain 0.001 falls to e^-5500."""
    found = precision(gradsim.mlp(width=50, depth=400, activation=activation, init="he_normal", weight_gain=gain, bias=bias))
    assert np.isfinite(found.log_largest_preactivation[1:]).all() and np.isfinite(found.log_largest_gradient[1:]).all()


def test_an_entry_that_is_nearly_its_bias():
    found = precision(gradsim.mlp(width=8, depth=5, activation="tanh", bias="constant(1e9)", weight_gain=1e-9))
    np.testing.assert_allclose(found.log_largest_preactivation[1:], 2 * math.log(1e9), rtol=1e-12)


@pytest.mark.parametrize("spread", [1e-18, 1e-6, 0.01, 0.3])
def test_the_largest_beside_a_wide_uniform_bias(spread):
    """P(all of n below t) = 1/2 by brute force over the bias."""
    t = math.exp(_largest(50, spread, -1.0, 2.0) / 2)
    b = -1 + 3 * (np.arange(200_000) + 0.5) / 200_000
    inside = np.mean(ndtr((t - b) / spread) - ndtr((-t - b) / spread))
    assert inside**50 == pytest.approx(0.5, abs=1e-3)


def test_layers_in_which_half_of_the_networks_are_dead():
    """Width 3: a layer is dead with chance 1/8, so the sixth activation in more than half, as the seventh preactivation."""
    found = precision(gradsim.mlp(width=3, depth=10))
    assert all(e.zero == 7 for e in found.forward.values()) and all(e.zero == 10 for e in found.backward.values())
    assert np.isfinite(found.log_largest_preactivation[1:7]).all() and (found.log_largest_preactivation[7:] == -math.inf).all()


def test_no_weights_at_all():
    found = precision(gradsim.mlp(width=10, depth=3, activation="tanh", init="zeros", bias="constant(0.5)"))
    assert found.log_largest_preactivation[1] == pytest.approx(2 * math.log(0.5))
    assert all(e == Exit(None, None, None) for e in found.forward.values())
    assert all(e.zero == 2 for e in found.backward.values())  # the last layer has the probe's own gradient
    found = precision(gradsim.mlp(width=10, depth=3, activation="relu", init="zeros"))
    assert all(e == Exit(None, 1, 1) for e in found.forward.values())


def test_other_losses_say_nothing_of_gradients():
    found = precision(gradsim.mlp(width=10, depth=200, weight_gain=100.0), loss="mse")
    assert found.source == "mean field" and np.isnan(found.log_largest_gradient).all()
    assert all(e == Exit(None, None, None) for e in found.backward.values()) and found.forward["float64"].overflow


@pytest.mark.parametrize("init", ["constant(0.1)", "identity"])
def test_weights_without_a_theory(init):
    with pytest.raises(gradsim.RequestError) as error:
        precision(gradsim.mlp(width=10, depth=2, init=init))
    assert "\n" not in str(error.value)


# What is predicted of which arithmetic

ROUNDED = ("float16", "float8_e4m3fn", "float8_e5m2")


def _layers_to_zero(name, factor, depth, seed=0):
    """(predicted, seen, root mean square in units of the smallest subnormal at the end): 128 linear units, by NumPy.

    Predicted of the same random matrices in float64; seen where every layer is rounded to the type. None: never.
    """
    rng, width, kind = np.random.default_rng(seed), 128, np.dtype(getattr(ml_dtypes, name, name))
    smallest = float(ml_dtypes.finfo(name).smallest_subnormal)
    exact = rng.normal(size=width) * smallest * 50
    rounded, predicted, seen = exact.astype(kind), None, None
    for layer in range(1, depth + 1):
        w = rng.normal(size=(width, width)) * factor / math.sqrt(width)
        exact, rounded = w @ exact, (w @ rounded.astype(float)).astype(kind)
        if predicted is None and np.abs(exact).max() <= 0.5 * smallest:
            predicted = layer
        if seen is None and not rounded.astype(float).any():
            seen = layer
    return predicted, seen, math.sqrt(np.mean(rounded.astype(float) ** 2)) / smallest


@pytest.mark.parametrize("name", ROUNDED)
def test_a_network_that_is_rounded_in_every_layer(name):
    """It dies close to where it is predicted to if a layer loses a third; about the smallest number it is held at 5 %."""
    predicted, seen, _ = _layers_to_zero(name, 0.65, 60)
    assert predicted is not None and 0 <= seen - predicted <= 3
    predicted, seen, size = _layers_to_zero(name, 0.95, 250)
    assert predicted is not None and seen is None and 0.4 < size < 2


@pytest.mark.parametrize("name", TYPES)
def test_what_rounding_does_above_the_largest_number(name):
    """Half a step above it still rounds down to it; beyond, inf, and NaN in the type that has no inf."""
    info, kind = ml_dtypes.finfo(name), np.dtype(getattr(ml_dtypes, name, name))
    if name == "float64":
        return  # nothing wider to round from
    most = float(info.max)
    step = most - float(np.nextafter(kind.type(info.max), kind.type(0)))
    with np.errstate(over="ignore"):
        held, lost = (float(np.array(most + part * step).astype(kind)) for part in (0.49, 0.51))
    assert held == most
    assert math.isnan(lost) if name == "float8_e4m3fn" else lost == math.inf


def test_exits_of_a_narrow_network_are_marked(capsys):
    """Depth/width above 1: mean field is a guess there, and says so; not an exact law, nor a wide network."""
    deep, wide = (gradsim.mlp(width=w, depth=60, activation="gelu", init="he_normal") for w in (20, 300))
    assert not precision(deep).trusted and precision(wide).trusted
    assert precision(deep).depth_over_width == pytest.approx(3.0)
    assert precision(gradsim.mlp(width=20, depth=60)).trusted  # exact
    from gradsim.show.comparison import show

    for network, marked in ((deep, True), (wide, False)):
        show(gradsim.curves.CurveSet([gradsim.simulate(network, 20).with_theory()]))
        printed = capsys.readouterr().out
        assert ("no more than a guess" in printed) == marked and ("~4" in printed) == marked
        assert "stored in the type" in printed
