"""Words, figures and sentences: of ensembles that split, of shallow networks, of what is not finite, of any logs whatever."""

import math
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradsim
from gradsim.cli.terminal import PLAIN
from gradsim.curves import CurveSet
from gradsim.results.exits import KINDS, Exit
from gradsim.results.sentence import percent, times
from gradsim.results.verdict import WORDS
from gradsim.show.picture import figure
from gradsim.show.table import text
from gradsim.statistics.precision import PRECISIONS

FLOAT16, FLOAT32 = PRECISIONS.index("float16"), PRECISIONS.index("float32")
DEPTH = 4
TWO, BASE, DEEP = (gradsim.simulate(gradsim.mlp(width=3, depth=depth, activation="tanh"), 20) for depth in (2, DEPTH, 40))


def with_gradient(first, last=(0, 0, 0), base=BASE, replicas=20, variance=0.0, **variables):
    """Curves whose gradient has these quantiles (5 %, 50 %, 95 %) in decades at layer 1, and at all others."""
    layers = base.network.depth
    logs = np.array([(math.nan,) * 3, first, *[last] * (layers - 1)], float) * 2 * math.log(10)
    size = {"gradient_log_quantile": logs, "gradient_log_variance": np.full(layers + 1, variance)}
    size["activation_log_quantile"] = np.zeros_like(logs)
    run, quantiles = base.run | {"replicas": replicas}, np.array([0.05, 0.5, 0.95])
    return replace(base, run=run, quantiles=quantiles, variables={**base.variables, **size, **variables})


INF = math.inf


@pytest.mark.parametrize(
    "first, word",
    [
        ((-0.9, 0.0, 0.9), "stable"),
        ((-1.0, 0.9, 1.0), "stable"),
        ((-1.2, 0.0, 0.9), "split"),
        ((-4.0, -0.5, 0.9), "split"),
        ((-5.8, -4.0, 1.1), "split"),  # as GELU at its balanced gain: most vanish, some explode
        ((-5.8, -4.0, 0.9), "vanishing"),
        ((-0.9, 4.0, 5.0), "exploding"),
        ((-1.1, 4.0, 5.0), "split"),
        ((-INF, -0.2, 0.3), "split"),
        ((-INF, -3.0, 0.3), "vanishing"),
        ((-1.0, 0.2, INF), "split"),
        ((-INF, -INF, 3.0), "zero"),
        ((0.0, INF, INF), "non-finite"),
    ],
)
def test_the_word_knows_the_spread(first, word):
    verdict = with_gradient(first, base=DEEP).verdict
    assert verdict.word == word
    if word in ("stable", "split"):
        assert "in the middle 90 % of networks" in verdict.sentence
        assert verdict.spread_decades == pytest.approx(first[2] - first[0])
        assert verdict.middle == pytest.approx((first[0], first[2]))


def test_a_spread_that_the_loss_brings_along_is_no_split():
    wide = (-2.0, 0.0, 2.0)
    assert with_gradient(wide, wide).verdict.word == "stable"
    assert with_gradient((-3.1, 0.0, 3.1), wide).verdict.word == "split"


@pytest.mark.parametrize("replicas, variance, word", [(1000, 0.1, "vanishing"), (20, 0.1, "vanishing"), (20, 50.0, "stable")])
def test_shallow_networks_are_judged_by_their_pace_where_it_is_known(replicas, variance, word):
    shrinking, rest = (-0.8, -0.7, -0.6), {"replicas": replicas, "variance": variance}
    verdict = with_gradient(shrinking, base=TWO, **rest).verdict
    assert verdict.word == word and verdict.decades == pytest.approx(-0.7)
    assert ("shrink by" in verdict.sentence) == (word == "vanishing")
    unequal = replace(TWO, network=gradsim.mlp(width=[8, 4], activation="tanh"))
    assert with_gradient(shrinking, base=unequal, **rest).verdict.word == "stable"  # widths, not the pace
    assert with_gradient((-0.3, -0.25, -0.2), base=TWO, **rest).verdict.word == "stable"
    assert with_gradient(shrinking, **rest).verdict.word == "stable"  # in three steps it was seen to stay


@pytest.mark.parametrize("depth", [2, 3, 5, 10])
def test_a_first_step_that_does_not_go_on_is_not_called_vanishing(depth):
    """tanh at its edge of chaos loses a factor 1.5 in its first step and 3.6 in ten."""
    verdict = gradsim.simulate(gradsim.mlp(activation="tanh", init="orthogonal", width=32, depth=depth), 100).verdict
    assert verdict.word == "stable" and verdict.decades < -0.1


def test_issue_networks():
    two = gradsim.simulate(gradsim.mlp(activation="sigmoid", init="xavier_normal", width=64, depth=2), 200).verdict
    assert two.word == "vanishing" and -70 < two.decades_per_100_layers < -66 and "shrink by 4.8x a layer" in two.sentence
    gelu = gradsim.simulate(gradsim.mlp(activation="gelu", weight_gain=1.03665, width=64, depth=48), 500).verdict
    assert gelu.word == "split" and -4.5 < gelu.decades < -3.5 and 6 < gelu.spread_decades < 8
    assert gelu.exits["float16"]["backward"] == (25, "underflow")


def test_half_of_the_networks_leave_at_the_layers_of_the_textbook():
    """N(0, 1) weights at width 256: squares grow by 256 a layer, so their sum leaves float32 (2^128) at layer 16 of 32."""
    network = gradsim.mlp(activation="linear", init="normal(0,1)", width=256, depth=40)
    curves = gradsim.simulate(network, 1000)
    exits = curves.verdict.exits
    assert exits["float32"]["forward"] == (32, "overflow") and exits["float32"]["forward_norm"] == (16, "overflow")
    assert exits["float16"]["forward_norm"] == (2, "overflow")
    assert exits["float16"]["forward"] == (4, "overflow") and exits["float16"]["backward"] == (35, "overflow")
    assert "float16 overflows from layer 4 up (sums of squares from 2) and from layer 35 down" in curves.verdict.sentence
    deep = gradsim.simulate(gradsim.mlp(activation="linear", init="normal(0,1)", width=256, depth=130), 200)
    reached = deep["preactivation_norm_overflow_fraction"][:, PRECISIONS.index("float64")]
    assert np.argmax(reached >= 0.5) == 128


def test_inputs_that_a_type_does_not_hold_are_layer_0():
    rows = np.random.default_rng(0).normal(3e5, 1e5, (200, 64))
    curves = gradsim.simulate(gradsim.mlp(width=64, depth=10), 100, input_file=rows)
    exits = curves.verdict.exits["float16"]
    assert exits["forward"] == exits["forward_norm"] == (0, "overflow") and exits["backward"] is None
    assert "float16 overflows from the input up" in curves.verdict.sentence and "↑0" in text(CurveSet([curves]))
    assert curves["preactivation_overflow_fraction"][1, FLOAT16] == 1.0
    one = np.full((3, 64), 1e-3)
    one[:, 7] = 7e4  # the mean square fits
    edge = gradsim.simulate(gradsim.mlp(width=64, depth=2), 5, input_file=one)
    assert edge["preactivation_overflow_fraction"][0, FLOAT16] == 1.0


@pytest.mark.parametrize(
    "options, layer",
    [
        ({"activation": "linear", "init": "normal(0,1)", "width": 128}, 37),
        ({"activation": "silu", "weight_gain": 6, "width": 64}, 50),
    ],
)
def test_what_is_not_finite_names_its_layer_and_has_left_every_type(options, layer):
    curves = gradsim.simulate(gradsim.mlp(depth=60, **options), 60, arithmetic="float32")
    verdict = curves.verdict
    assert verdict.word == "non-finite" and verdict.exits["float32"]["forward"] == (layer, "overflow")
    assert verdict.exits["float32"]["backward"] == verdict.exits["float16"]["backward"] == (60, "overflow")
    assert f"preactivations are inf or NaN from layer {layer} up, so every gradient is too" in verdict.sentence
    forward, backward = (curves[f"{q}_overflow_fraction"][1:] for q in ("preactivation", "gradient"))
    assert np.all(np.diff(forward, axis=0) >= 0) and np.all(backward == 1.0)
    assert np.all(forward[-1] == 1.0)  # of float64 too
    fault = replace(curves, run=curves.run | {"activation_fault": "f(710) is inf"}).verdict.sentence
    assert fault.startswith("f(710) is inf; ")
    drawn = figure(CurveSet([curves]))
    panel = drawn.axes[0]
    assert f"inf or NaN at every layer (preactivations from layer {layer})" in panel.get_title("right")
    assert [patch.get_hatch() for patch in panel.patches] == ["//"]
    below = figure(CurveSet([curves]), "preactivation").axes[0]
    assert below.patches[0].get_x() == layer - 0.5 and f"at layers {layer}–60" in below.get_title("right")


def test_an_overflow_on_the_way_back_is_told_as_one():
    count = np.array([0, 20, 20, 0, 0])
    overflow, infinite = np.zeros((DEPTH + 1, len(PRECISIONS))), (INF, INF, INF)
    curves = with_gradient(infinite, infinite, gradient_nonfinite_count=count, gradient_overflow_fraction=overflow)
    assert curves.verdict.sentence.startswith("gradients are inf or NaN from layer 2 down")
    assert curves.verdict.exits["float32"]["backward"] == Exit(2, "overflow")  # as a file of before NaN was counted


def test_half_of_the_networks_is_enough_and_ways_may_differ():
    def share(*leaving):
        return np.repeat(np.array(leaving)[:, None], len(PRECISIONS), axis=1)

    never, late, early = share(0, 0, 0, 0, 0), share(0, 0, 0.499, 0.5, 0.5), share(0, 0.5, 0.5, 1, 1)
    variables = {f"{quantity}_{s}": never for quantity, statistics in KINDS.values() for s in statistics}
    left = {"preactivation_underflow_fraction": late, "preactivation_norm_overflow_fraction": early}
    verdict = with_gradient((-0.1, 0, 0.1), **variables | left).verdict
    assert verdict.exits["float16"]["forward"] == (3, "underflow")
    assert "float32 underflow from layer 3 up (sums of squares overflow from 1)" in verdict.sentence


def test_a_minority_is_told():
    zero, broken = np.array([-1, 3, 1, 0, 0]), np.array([0, 2, 1, 0, 0])
    counts = {"gradient_zero_count": zero, "gradient_nonfinite_count": broken}
    verdict = with_gradient((-INF, 0, 0.1), (-INF, 0, 0.1), **counts).verdict
    assert verdict.word == "split"
    assert "the gradient of 15 % of networks is exactly zero at layer 1; that of 10 % is inf or NaN" in verdict.sentence
    curves = with_gradient((-INF, 0, 0.1), **counts)
    told = replace(curves, run=curves.run | {"activation_fault": "f(710) is inf"}).verdict.sentence
    assert told.count("f(710) is inf") == 1 and told.startswith("networks part ways")


def test_units_that_never_differ_are_not_units_whose_variance_float64_does_not_hold():
    for gain in (1e-320, 1e300):
        verdict = gradsim.simulate(gradsim.mlp(width=8, depth=10, weight_gain=gain), 300).verdict
        assert verdict.word == ("vanishing" if gain < 1 else "exploding")
    assert gradsim.simulate(gradsim.mlp(width=3, depth=2, activation="tanh", init="zeros"), 9).verdict.word == "zero"


@pytest.mark.parametrize("name", ["schema_1.h5", "schema_1_custom.h5"])
def test_files_without_norms_are_judged_and_printed(name):
    curve_set = gradsim.open(Path(__file__).parent / "store" / "golden" / name)
    assert all(curves.verdict.word in WORDS for curves in curve_set)
    assert all(set(kinds) == {"forward", "backward"} for kinds in curve_set[0].verdict.exits.values())
    assert curve_set.table() and figure(curve_set)


@pytest.mark.parametrize("depth, where", [(5, "at layer 4 and below"), (2, "at layer 1 and below")])
def test_gradients_that_are_zero_name_their_layer(depth, where):
    """Zero weights stop a gradient at the last layer's own; of dead units in every layer nothing is left at all."""
    verdict = gradsim.simulate(gradsim.mlp(width=4, depth=depth, init="zeros", activation="tanh"), 5).verdict
    assert verdict.word == "zero" and verdict.sentence.startswith(f"the gradient is exactly zero {where}")
    dead = gradsim.simulate(gradsim.mlp(width=4, depth=depth, init="zeros"), 5).verdict
    assert dead.word == "zero" and dead.sentence.startswith("the gradient is exactly zero at every layer")


def test_what_is_missing_is_not_called_never():
    variables = {name: array for name, array in BASE.variables.items() if "flow_fraction" not in name}
    printed = text(CurveSet([replace(BASE, variables=variables)]))
    assert "?" in printed.splitlines()[2] and "this file does not tell" in printed
    assert "this file does not tell" not in text(CurveSet([BASE]))


@pytest.mark.parametrize(
    "decades, words",
    [
        (0, "1"),
        (-0.1, "0.79"),
        (2.3, "200"),
        (-28.0000001, "1e-28"),
        (99.9999999, "1e+100"),
        (150.9999999, "1e+151"),
        (3000.0, "1e+3000"),
        (-2880.79, "1.6e-2881"),
        (-INF, "0"),
        (INF, "inf"),
        (math.nan, "?"),
    ],
)
def test_powers_of_ten_in_words(decades, words):
    assert times(decades) == words


@pytest.mark.parametrize(
    "share, words", [(0, "0 %"), (1, "100 %"), (0.999, "over 99 %"), (0.004, "0.4 %"), (1e-9, "under 0.1 %")]
)
def test_shares_in_words(share, words):
    assert percent(share) == words


EXTREMES = st.sampled_from([0.0, -INF, INF, 1e300, -1e300, 1e9, -1e9, 744.0, 1e-300])
LOGS = st.one_of(EXTREMES, st.floats(-1e6, 1e6))
FRACTIONS = st.sampled_from([0.0, 0.3, 0.5, 1.0])


@st.composite
def any_curves(draw, logs=LOGS):
    """Curves with any quantiles in order, shares and counts."""

    def array(element, *shape):
        return np.array(draw(st.lists(element, min_size=math.prod(shape), max_size=math.prod(shape)))).reshape(shape)

    variables, count = dict(BASE.variables), st.sampled_from([0, 1, 10, 20])
    for name in ("gradient", "preactivation", "activation"):
        variables[f"{name}_log_quantile"] = np.sort(array(logs, DEPTH + 1, 3), axis=1)
        for what in ("zero", "nonfinite"):
            variables[f"{name}_{what}_count"] = array(count, DEPTH + 1)
    for quantity, statistics in KINDS.values():
        for statistic in statistics:
            variables[f"{quantity}_{statistic}"] = np.repeat(array(FRACTIONS, DEPTH + 1, 1), len(PRECISIONS), axis=1)
    variables["gradient_log_variance"] = array(st.sampled_from([0.0, 1.0, 1e300, math.nan, INF]), DEPTH + 1)
    return replace(BASE, quantiles=np.array([0.05, 0.5, 0.95]), variables=variables)


@given(any_curves(), st.integers(40, 200))
def test_any_logs_are_judged_and_printed(curves, columns):
    verdict = curves.verdict
    assert verdict.word in WORDS and "\n" not in verdict.sentence and "nan" not in verdict.sentence
    if verdict.word == "stable":
        assert abs(verdict.decades) <= 1 or math.isnan(verdict.decades)
    with patch("gradsim.show.table.WIDTH", columns):
        printed = text(CurveSet([curves, BASE]))
    assert "nan" not in printed and "…" not in printed
    assert "".join(verdict.sentence.split()) in "".join(printed.split())  # where lines end hangs on the terminal
    assert {c for c in printed if not c.isascii()} <= PLAIN.keys()


@given(any_curves(st.one_of(st.sampled_from([0.0, -INF, INF, 1e12, -1e12]), st.floats(-1e6, 1e6))))
def test_any_logs_are_drawn(curves):
    for quantity in ("gradient", "preactivation"):
        drawn = figure(CurveSet([curves, BASE]), quantity)
        low, high = drawn.axes[0].get_ylim()
        assert math.isfinite(low) and math.isfinite(high) and low < high
    drawn.canvas.draw()
