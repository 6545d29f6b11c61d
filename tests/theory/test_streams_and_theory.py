"""Theory beside curves of networks with blocks: every family, by the layout of its curves, by z-scores and by exits."""

import io
import math

import numpy as np
import pytest

import gradsim
from gradsim.advice.checks import check
from gradsim.advice.recommendation import idle_gain, recommend
from gradsim.curves import CurveSet
from gradsim.model.families import FAMILIES
from gradsim.model.parts import Activation, Dropout, LayerNorm, Linear, Repeat, Residual
from gradsim.show.comparison import disagreement_table, missing, show
from gradsim.statistics.quantities import PREDICTED, VARIABLES
from gradsim.theory import mean_field, precision
from gradsim.theory.comparison import disagreements, predicted_exits
from gradsim.theory.float_ranges import measured_exits

EVERY = [(block, norm) for block, family in FAMILIES.items() for norm in family.norms]
SILENT = {("post_norm", "batch"), ("resnet_v1", "batch"), ("resnet_v1", "layer"), ("resnet_v1", "rms")}
NONE = (None, None, None)


def made(block, norm, **options):
    return gradsim.mlp(
        block=block, norm=norm, **{"width": 128, "depth": 4, "init": "he_normal", "activation": "relu"} | options
    )


@pytest.mark.parametrize("block, norm", EVERY)
def test_every_family_beside_its_curves(block, norm):
    """Shapes are those of the curves; the stream, its gradient and correlations lie by them, to O(L/n) and |z| < 5."""
    batch = norm == "batch"
    curves = gradsim.simulate(made(block, norm), 100, seed=2, inputs=8 if batch else 2).with_theory()
    predicted = PREDICTED & curves.variables.keys()
    for name in predicted:
        quantity = VARIABLES[name].quantity.name
        assert curves[name].shape == curves.blocks.shape(quantity)
        assert not (np.isfinite(curves[name]) & ~curves.blocks.defined(quantity)).any(), name
    if (block, norm) in SILENT:
        assert any("not predicted everywhere" in line and "block" in line for line in missing(CurveSet([curves])))
        return
    assert not any("everywhere" in line for line in missing(CurveSet([curves])))
    rows = {row.quantity: row for row in disagreements(curves) if row.statistic != "zero_share"}
    streams = {"stream", "stream_gradient", "stream_correlation", "stream_gradient_correlation"}
    assert streams <= set(rows) if curves.network.has_stream else not streams & set(rows)
    for row in rows.values():
        assert abs(row.measured - row.predicted) < 0.12 + 5 * row.standard_error, row
        assert (row.place != "") == (len(curves.blocks.shape(row.quantity)) == 2)


def test_places_are_told():
    """Of several linear maps the last one of the block, by name."""
    curves = gradsim.simulate(made("pre_norm", "layer"), 20).with_theory()
    rows = {row.quantity: row for row in disagreements(curves) if row.theory == "mean_field"}
    assert rows["gradient"].place == "linear2" and rows["activation"].place == "activation1" and rows["stream"].place == ""
    at = 1, curves.places.index("linear2")
    assert rows["gradient"].measured == curves["gradient_log_mean"][at]
    assert rows["gradient"].predicted == curves["mean_field_gradient_log_mean"][at]
    assert rows["stream_gradient"].layer == 0 and rows["stream"].layer == 4
    table = disagreement_table(CurveSet([curves]))
    assert "gradient (linear2)" in list(table.columns[1].cells)


def test_the_exact_law_of_a_stream_is_compared():
    """pre_norm without epsilon: |z| < 5 fails once in a million seeds, and this one is fixed."""
    block = Residual((LayerNorm(0.0), Linear(20, "he_normal"), Activation("gelu"), Linear(12, "he_normal")))
    curves = gradsim.simulate(gradsim.network([Repeat((block,), 6)], input_width=12), 2000).with_theory()
    rows = [row for row in disagreements(curves) if row.theory == "exact"]
    assert [(row.quantity, row.layer) for row in rows] == [("stream", 6)] and abs(rows[0].z) < 5
    assert abs(next(row for row in disagreements(curves) if row.quantity == "stream").z) > 5  # mean field, 12 wide


def test_a_comparison_is_printed_and_drawn():
    curves = gradsim.simulate(made("pre_norm", "layer", dropout=0.2), 20)
    told = io.StringIO()
    show(CurveSet([curves.with_theory()]), told)
    assert "stream gradient" in told.getvalue() and "gradient (linear2)" in told.getvalue()
    for quantity in (None, "gradient"):
        lines = [line.get_label() for line in curves.plot(quantity=quantity, theory=True).axes[0].get_lines()]
        assert lines.count("theory: mean field (infinite width)") == (1 if quantity is None else 2)


# Float ranges


@pytest.mark.parametrize(
    "options",
    [
        {"block": "residual", "depth": 60, "weight_gain": 1.2},
        {"block": "pre_norm", "depth": 300, "weight_gain": 60.0},
        {"block": "resnet_v2", "norm": "layer", "depth": 300, "weight_gain": 250.0},
        {"block": "residual", "depth": 30, "input_width": 40, "outputs": 7, "weight_gain": 2.0},
    ],
)
def test_exits_of_streams_against_simulated_ones(options):
    network = gradsim.mlp(width=128, init="he_normal", **options)
    predicted, happened = precision(network), 0
    for way, measured in zip(
        (predicted.forward, predicted.backward), measured_exits(gradsim.simulate(network, 60)), strict=True
    ):
        for name, found in way.items():
            for p, m in zip(found, measured[name], strict=True):
                assert (p is None) == (m is None) or (p or m) in (1, network.depth), (name, found, measured[name])
                assert p is None or m is None or abs(p - m) <= 1 + 0.1 * network.depth, (name, found, measured[name])
                happened += p is not None
    assert happened and predicted.known == (True, True)


def test_a_stream_leaves_before_its_branches():
    """pre_norm with a gain of 60: a branch adds 3,600 in root mean square, and only the sum of many leaves float16."""
    network = gradsim.mlp(block="pre_norm", width=128, depth=300, init="he_normal", weight_gain=60.0)
    wide = mean_field(network)
    assert wide["preactivation_log_mean"].max() < 2 * math.log(65504 / 10)
    layer = precision(network).forward["float16"].overflow
    assert 10 < layer < 200
    largest = wide["stream_log_mean"] / 2 + math.log(2.8)  # the largest of 128 normal numbers: its median is 2.77
    assert abs(layer - int(np.argmax(largest > math.log(65504)))) <= 2


@pytest.mark.parametrize("block", ["plain", "residual"])
def test_exits_are_the_first_on_the_way(block):
    """Both ways the numbers grow until they leave: upwards from the first such block on, downwards from the last one."""
    found = precision(gradsim.mlp(block=block, width=64, depth=60, weight_gain=1.3, init="he_normal"))
    most = 2 * math.log(65504)
    forward, backward = (
        np.flatnonzero(largest > most) for largest in (found.log_largest_preactivation, found.log_largest_gradient)
    )
    block_of = (lambda place: place) if block == "plain" else (lambda place: place // 2 + 1)
    assert len(forward) > 5 < len(backward)
    assert abs(found.forward["float16"].overflow - block_of(forward[0])) <= (block == "residual")
    assert abs(found.backward["float16"].overflow - block_of(backward[-1])) <= (block == "residual")


def test_an_input_that_leaves_is_block_0():
    """A stem shrinks what goes in: x_0 is behind it."""
    network = gradsim.mlp(block="rezero", width=32, depth=5, input_width=8, init="normal(0,1e-7)")
    assert precision(network).forward["float16"].subnormal == 0
    assert measured_exits(gradsim.simulate(network, 30))[0]["float16"].subnormal == 0


@pytest.mark.parametrize("block", ["rezero", "skipinit", "fixup"])
def test_branches_that_are_zero_leave_no_type(block):
    """The stream's identity: predicted, measured, in the verdict and in what advice is checked by."""
    network = gradsim.mlp(block=block, width=16, depth=8, init="he_normal")
    predicted, curves = precision(network), gradsim.simulate(network, 100)
    for way in (predicted.forward, predicted.backward, *measured_exits(curves)):
        assert set(way.values()) == {NONE}
    assert {kind: exit for kinds in curves.verdict.exits.values() for kind, exit in kinds.items() if exit} == {}
    assert "underflow" not in curves.verdict.sentence
    found = check(network, 100, 0, "some stream", {})
    assert set(found.forward.values()) == set(found.backward.values()) == {1.0} and found.decades == pytest.approx(0, abs=1e-6)


def test_what_theory_does_not_know_is_no_promise():
    network = gradsim.mlp(width=32, depth=5, norm="batch", activation="tanh", init="he_normal")
    curves = gradsim.simulate(network, 20, inputs=4)
    assert predicted_exits(curves).known == (False, False)
    told = io.StringIO()
    show(CurveSet([curves.with_theory()]), told)
    assert "? / –" in told.getvalue() and "no closed form" in told.getvalue()
    relu = gradsim.mlp(width=32, depth=5, norm="batch", init="he_normal")
    assert predicted_exits(gradsim.simulate(relu, 20, inputs=4)).known == (True, True)
    assert precision(gradsim.mlp(width=8, depth=3), loss="mse").known == (True, False)


# Advice


def test_no_gain_is_looked_for_where_none_balances():
    """x + f(x) grows at every gain: a scale of 1/sqrt(depth) keeps the gradient within a decade, and so does a norm."""
    network = gradsim.mlp(block="residual", width=32, depth=50, init="he_normal")
    found = recommend(network)
    assert list(found.rows) == ["as asked"] and found.found is None and "no gain balances" in found.reason
    assert found.rows["as asked"].decades == pytest.approx(49 * math.log10(3) / 2, rel=0.1)  # 2 a linear map, 1/2 a ReLU
    assert {remedy.kind: remedy.helps for remedy in found.remedies} == {"scale": True, "block": True}
    scaled = gradsim.mlp(block="residual", width=32, depth=50, init="he_normal", residual_scale="1/sqrt(depth)")
    assert found.remedies[0].checked.network == scaled and abs(gradsim.simulate(scaled, 300, seed=5).verdict.decades) < 1


def test_what_makes_a_gain_idle():
    def idle(*parts, **options):
        return bool(idle_gain(gradsim.network([Repeat(parts, 3)], input_width=8, readout=(), **options)))

    linear, relu, norm = Linear(8, "he_normal"), Activation("relu"), LayerNorm()
    branch = (linear, relu, linear)
    assert idle(Residual(branch)) and idle(Residual(branch), norm) and idle(Residual(branch), norm, Dropout(0.1))
    assert idle(linear, norm, relu) and idle(Residual((linear, norm, relu, linear, norm)), relu)
    assert not idle(linear, relu) and not idle(linear, relu, norm) and not idle(linear, relu, Dropout(0.1))
    assert not idle(Residual(branch), relu) and not idle(Linear(8, "he_normal", bias="normal(0.3)"), norm, relu)


def test_a_norm_divides_the_gain_out():
    """What the reason says: gains of 1/4 and 4 leave the same median."""
    network = gradsim.mlp(norm="layer", width=32, depth=20, init="he_normal")
    found = recommend(network, gains={"small": 0.25, "large": 4.0})
    assert "divides its gain out" in found.reason and set(found.rows) == {"as asked", "small", "large"}
    medians = [row.decades for row in found.rows.values()]
    assert max(medians) - min(medians) < 0.01


def test_a_gain_with_dropout_is_looked_for():
    """ReLU is critical at sigma_w^2 = 2 (1 - p): a gain of sqrt(1 - p), a little more at width 64."""
    found = recommend(gradsim.mlp(width=64, depth=30, dropout=0.4, init="he_normal"))
    assert found.reason == "" and abs(found.rows["balanced"].decades) < 0.2
    assert found.rows["balanced"].network.usual_gain == pytest.approx(math.sqrt(0.6), rel=0.1)


@pytest.mark.parametrize("block, factor", [("deepnorm", 80**-0.25), ("fixup", 20**-0.5)])
def test_the_gain_that_is_told_is_the_one_that_is_typed(block, factor):
    network = gradsim.mlp(block=block, width=32, depth=20, init="xavier_normal", weight_gain=1.1)
    assert network.usual_gain == pytest.approx(1.1 * factor)
    found = recommend(network)
    assert found.weight_gain == 1.1 and found.to_json()["checked"]["as asked"]["weight_gain"] == 1.1
