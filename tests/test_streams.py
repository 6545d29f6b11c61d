"""Verdicts, sentences, exits and pictures of networks with skip connections, on records made by hand."""

import math

import numpy as np
import pytest

import gradsim
from gradsim.curves import CurveSet
from gradsim.errors import RequestError
from gradsim.model.parts import Activation, Linear, Repeat
from gradsim.results.exits import Exit, Lost, lost
from gradsim.show.picture import figure
from gradsim.statistics.blocks import blocks_of
from tests.oracles.records import curves_of

DEPTH = 5
PRE_NORM = gradsim.mlp(width=6, depth=DEPTH, input_width=4, outputs=2, block="pre_norm", norm="layer", activation="relu")
PLAIN = gradsim.mlp(width=6, depth=DEPTH, activation="relu")
TEN = 2 * math.log(10)  # a decade of the root mean square


def made(network=PRE_NORM, replicas=20, **logs):
    """Curves of records that are zero but for `logs`, each over columns (or replicas and columns); units differ."""
    blocks = blocks_of(network, 1)
    records = np.zeros((replicas, blocks.columns.size))
    for name, values in ({"activation_unit_variance": 1.0} | logs).items():
        records[:, blocks.rows[name].columns] = values
    return curves_of(network, records)


def test_the_verdict_is_that_of_the_stream():
    """Block 1 over block L, whatever the linear maps get, and x_0 too."""
    stream = np.array([9, 2, 1.5, 1, 0.5, 0]) * TEN
    found = made(stream_gradient=stream, gradient=-np.arange(2 * DEPTH + 2) * TEN).verdict
    assert found.word == "exploding" and found.decades == pytest.approx(2)
    assert found.decades_per_100_layers == pytest.approx(50)
    assert found.sentence.startswith(
        "gradients of the stream grow by 10x every 2 blocks; block 1 gets 100 times the last block's"
    )
    assert made(gradient=-np.arange(2 * DEPTH + 2) * TEN).verdict.word == "stable"
    plain = made(PLAIN, gradient=np.arange(DEPTH) * TEN).verdict
    assert plain.word == "vanishing" and "layer 1 gets" in plain.sentence and "stream" not in plain.sentence


def test_zeros_and_what_is_not_finite_are_those_of_the_stream():
    zeros = made(stream_gradient=[-math.inf] * 4 + [0, 0])
    assert zeros.verdict.word == "zero" and "exactly zero at block 3 and below" in zeros.verdict.sentence
    broken = made(stream=[0, 0, 0, math.nan, math.nan, math.nan], stream_gradient=math.nan)
    assert lost(broken) == (Lost("stream", 3), Lost("stream_gradient", DEPTH))
    sentence = broken.verdict.sentence
    assert broken.verdict.word == "non-finite" and "the stream's entries are inf or NaN from block 3 up" in sentence
    some = np.zeros((20, DEPTH + 1))
    some[:3, 1] = -math.inf
    assert "the gradient of 15 % of networks is exactly zero at block 1" in made(stream_gradient=some).verdict.sentence


def test_float_types_are_left_by_the_stream_or_by_a_linear_map_whichever_is_first():
    huge, stream = 2 * math.log(1e6), np.zeros(DEPTH + 1)
    stream[3:] = huge
    maps = np.zeros(2 * DEPTH + 2)
    maps[8:] = huge  # from the second map of block 4 on
    both = made(stream_max=stream, preactivation_max=maps).verdict.exits["float16"]
    assert both["forward"] == Exit(3, "overflow") and both["backward"] is None
    assert "overflows from block 3 up" in made(stream_max=stream).verdict.sentence
    assert made(preactivation_max=maps).verdict.exits["float16"]["forward"] == Exit(4, "overflow")
    back = made(stream_gradient=-100 * np.arange(DEPTH, -1, -1.0)).verdict.exits["float16"]
    assert back["backward"] == Exit(DEPTH - 1, "underflow")


def test_units_that_never_differ():
    same = made(activation_unit_variance=0.0)
    assert same.verdict.word == "symmetric"
    differ = np.zeros(DEPTH)
    differ[2] = 1e-3
    assert made(activation_unit_variance=differ).verdict.word == "stable"


def test_of_several_maps_without_a_stream_the_last_one_counts():
    network = gradsim.network([Repeat([Linear(5), Activation("relu"), Activation("tanh")], 3)])
    blocks = blocks_of(network, 1)
    assert blocks.places == ("input", "linear1", "activation1", "activation2")
    assert made(network, gradient=np.array([3, 2, 0]) * TEN).verdict.decades == pytest.approx(3)


def lines_of(drawn):
    return [line.get_label() for ax in drawn.axes for line in ax.lines]


def test_what_a_picture_shows():
    streams, plain = made(stream_gradient=np.arange(DEPTH + 1.0)), made(PLAIN, gradient=np.arange(float(DEPTH)))
    drawn = figure(CurveSet(streams))
    assert "stream" in drawn.get_suptitle() and len(drawn.axes[0].lines) == 1
    assert drawn.axes[0].get_xlabel() == "block"
    assert np.allclose(drawn.axes[0].lines[0].get_ydata() * TEN, np.arange(DEPTH + 1))
    both = figure(CurveSet([plain, streams]))
    assert "or dL/dx of a stream" in both.get_suptitle() and sum(len(ax.lines) for ax in both.axes) == 2
    maps = figure(CurveSet([plain, streams]), "gradient")
    assert [label.split(", ")[-1] for label in lines_of(maps)][1:] == ["linear1", "linear2"]
    xs = [line.get_xdata().tolist() for ax in maps.axes for line in ax.lines]
    assert xs[1] == list(range(DEPTH + 2)) and xs[2] == list(range(1, DEPTH + 1))
    norms = figure(CurveSet([plain, streams]), "norm_gain_gradient")
    assert len(lines_of(norms)) == 1  # plain networks have none
    with pytest.raises(RequestError, match=r"^quantity: stream is of networks with other parts; none of these"):
        figure(CurveSet(plain), "stream")


def test_the_table_says_what_its_layers_are():
    streams, plain = made(), made(PLAIN)
    assert "skip connections: layers are blocks" in CurveSet([streams, plain]).table()
    assert "blocks" not in CurveSet(plain).table().split("float types:")[0]


@pytest.mark.parametrize("block", ["rezero", "fixup", "skipinit"])
def test_a_branch_that_is_zero_leaves_no_float_type(block):
    """No gradient comes to its matrices, or no signal from them; the stream goes on as it was."""
    curves = gradsim.simulate(gradsim.mlp(block=block, width=8, depth=4), 20)
    assert (curves["gradient_zero_count"] == 20).any()
    assert all(exit is None for kinds in curves.verdict.exits.values() for exit in kinds.values())
    assert curves.verdict.word == "stable" and "flow" not in curves.verdict.sentence
