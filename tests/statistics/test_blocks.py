"""Flat records of networks of blocks: every column has one place in the curves, and its statistics are those of NumPy."""

import numpy as np
import pytest

import gradsim
from gradsim.kernels.record import ACTIVATION, LOG_QUANTITIES, PREACTIVATION, RECORDED
from gradsim.model.parts import Activation, BatchNorm, LayerNorm, Linear, Repeat, Residual, RMSNorm
from gradsim.program.graph import ACTIVATION as ACTIVATIONS
from gradsim.program.graph import LINEAR, graph
from gradsim.statistics.blocks import blocks_of
from gradsim.statistics.precision import PRECISIONS
from gradsim.statistics.quantities import COUNTED, PREDICTED, QUANTITIES, VARIABLES
from tests.oracles.records import curves_of, drawn

DEPTH = 3
RELU = Activation("relu")
PRE_NORM = gradsim.mlp(width=6, depth=DEPTH, input_width=4, outputs=2, block="pre_norm", norm="layer", activation="relu")
PLACES = ("input", "norm1", "linear1", "activation1", "linear2")
NETWORKS = {
    "plain": gradsim.mlp(width=[5, 3], input_width=4, outputs=2),
    "batch norm": gradsim.mlp(width=4, depth=DEPTH, norm="batch"),
    "pre_norm": PRE_NORM,
    "one linear map a branch": gradsim.mlp(width=6, depth=DEPTH, input_width=4, block="residual", block_depth=1),
    "post_norm": gradsim.mlp(width=6, depth=DEPTH, block="post_norm", norm="rms", dropout=0.1, final_norm=True),
    "two maps without a stream": gradsim.network([Repeat([Linear(5), RELU, Linear(5), RMSNorm(), RELU], 2)]),
    "a projection": gradsim.network([Linear(5), Residual([RELU, Linear(3)], skip=Linear()), Residual([RELU, Linear(3)])]),
    "both norms": gradsim.network([Linear(5), Residual([LayerNorm(), Linear(5), RMSNorm(), BatchNorm(), RELU, Linear(5)])]),
}


@pytest.mark.parametrize("inputs", [1, 2])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_every_column_has_one_place(network, inputs):
    blocks = blocks_of(network, inputs)
    numbers, seen = np.arange(blocks.columns.size), []
    for name in blocks.rows:
        found = blocks.spread(name, numbers[blocks.rows[name].columns])
        assert np.shape(found) == blocks.shape(name)
        assert np.array_equal(np.atleast_1d(found) >= 0, np.atleast_1d(blocks.defined(name)))
        seen += np.atleast_1d(found)[np.atleast_1d(found) >= 0].tolist()
    largest = blocks.columns.starts[RECORDED.index("preactivation_max")]  # the input's, for the ways
    shifts = blocks.columns.placed.get("norm_shift_gradient")
    gone = {largest} | (set(numbers[shifts.columns]) if shifts else set()) - set(seen)
    assert sorted(seen) == sorted(set(numbers) - gone) and len(seen) == len(set(seen))
    assert inputs > 1 or not any(QUANTITIES[name].pairs for name in blocks.rows)


def test_names_layers_and_widths():
    blocks = blocks_of(PRE_NORM, 2)
    assert blocks.places == PLACES and blocks.depth == DEPTH and blocks.widths.tolist() == [6, 6, 6, 6, 2]
    assert blocks.shape("gradient") == (5, 5) and blocks.shape("stream") == (5,) and blocks.shape("loss") == ()
    assert blocks.defined("stream").tolist() == [True] * 4 + [False]
    where = {name: blocks.defined(name).T.tolist() for name in ("preactivation", "activation", "norm_gain_gradient")}
    no, yes, inside = [False] * 5, [True] * 5, [False, True, True, True, False]
    assert where["preactivation"] == [no, no, yes, no, inside]  # a stem and a readout of one map
    assert where["activation"] == [[True, *no[1:]], no, no, inside, no]
    assert where["norm_gain_gradient"] == [no, inside, no, no, no]


@pytest.mark.parametrize("name", ["plain", "batch norm", "one linear map a branch"])
def test_blocks_of_one_of_each_have_no_axis_of_places(name):
    blocks = blocks_of(NETWORKS[name], 2)
    assert blocks.places == () and all(len(blocks.shape(quantity)) < 2 for quantity in blocks.rows)


def test_norms_of_both_kinds_have_places_of_their_own():
    network = NETWORKS["both norms"]
    blocks = blocks_of(network, 1)
    assert {"norm1", "norm2", "batch_norm1"} <= set(blocks.places)
    assert blocks.defined("norm_gain_gradient").sum() == 3
    shift = blocks.defined("norm_shift_gradient")[1]  # an RMSNorm has none
    assert [blocks.places[k] for k in np.flatnonzero(shift)] == ["norm1", "batch_norm1"]


@pytest.mark.parametrize("kind, quantity", [(LINEAR, PREACTIVATION), (ACTIVATIONS, ACTIVATION)])
def test_a_column_lies_at_the_block_and_name_of_its_node(kind, quantity):
    blocks = blocks_of(PRE_NORM, 2)
    name = RECORDED[quantity]
    found = blocks.spread(name, np.arange(blocks.columns.size)[blocks.rows[name].columns])
    for node in graph(PRE_NORM):
        if node.kind == kind:
            column = blocks.columns.starts[quantity] + node.place
            assert found[node.block, blocks.places.index(node.name)] == column


def test_statistics_are_those_of_numpy():
    records = drawn(PRE_NORM, 2, 30)
    blocks = blocks_of(PRE_NORM, 2)
    at = blocks.rows["gradient"].columns.start
    records[:4, at], records[5, at + 1], records[6, at + 2] = -np.inf, np.nan, np.inf
    curves = curves_of(PRE_NORM, records, 2, keep_samples=True)
    names = {name for name, v in VARIABLES.items() if v.quantity.name in blocks.rows} - PREDICTED - COUNTED
    assert set(curves.variables) == names
    for name in blocks.rows:
        samples = np.moveaxis(blocks.of(name, records), 0, -1)
        finite, defined = np.where(np.isfinite(samples), samples, np.nan), blocks.defined(name)
        prefix = f"{name}_log" if QUANTITIES[name].log else name
        for statistic, expected in (("mean", np.nanmean), ("variance", lambda a, axis: np.nanvar(a, axis, ddof=1))):
            found = curves[f"{prefix}_{statistic}"]
            assert np.allclose(found[defined], expected(finite[defined], axis=-1)) and np.isnan(found[~defined]).all(), name
        if QUANTITIES[name].log:
            expected = np.quantile(np.where(np.isnan(samples), np.inf, samples)[defined], 0.5, axis=-1)
            assert np.allclose(curves.quantile(name, 0.5)[defined], expected), name
            assert np.array_equal(np.moveaxis(curves[f"{name}_log"], 0, -1)[defined], samples[defined], equal_nan=True)
            zeros = (samples == -np.inf).sum(axis=-1)
            assert np.array_equal(curves[f"{name}_zero_count"], np.where(defined, zeros, -1))
        broken = (np.isnan(samples) | (samples == np.inf)).sum(axis=-1)
        if QUANTITIES[name].log:
            assert np.array_equal(curves[f"{name}_nonfinite_count"], np.where(defined, broken, -1)), name
    assert curves["gradient_zero_count"].max() == 4 and curves["gradient_nonfinite_count"].max() == 1


def test_what_is_not_resolved_is_counted_where_it_is():
    records, blocks = drawn(PRE_NORM, 2, 9), blocks_of(PRE_NORM, 2)
    flags = np.zeros((9, blocks.columns.places), np.int64)
    expected = {}
    for number, name in enumerate(LOG_QUANTITIES):
        rows = blocks.rows[name]
        column = np.arange(blocks.columns.size)[rows.columns][-1]
        flags[: number % 9 + 1, column - blocks.columns.starts[RECORDED.index(name)]] |= 1 << RECORDED.index(name)
        expected[name] = number % 9 + 1
    curves = curves_of(PRE_NORM, records, 2, flags)
    for name, count in expected.items():
        found = np.atleast_1d(curves[f"{name}_unresolved_count"])
        assert found.max() == count and (found > 0).sum() == 1, name
    assert curves.unresolved == LOG_QUANTITIES


def test_a_network_leaves_a_type_in_the_order_of_the_program():
    """Of two linear maps in a block the first is the first going forward, and the last going back."""
    records, blocks = np.zeros((4, blocks_of(PRE_NORM, 1).columns.size)), blocks_of(PRE_NORM, 1)
    huge, two = 2 * np.log(1e6), blocks.places.index("linear2")
    one, kept = blocks.places.index("linear1"), PRECISIONS.index("float16")

    def put(name, replica, layer, place):
        rows = blocks.rows[name]
        column = np.flatnonzero((rows.layers == layer) & (rows.names == place if place is not None else True))[0]
        records[replica, rows.columns.start + column] = huge

    for name in ("preactivation_max", "gradient_max"):
        put(name, 0, 2, one)
        put(name, 1, 2, two)
    for name in ("stream_max", "stream_gradient_max"):
        put(name, 2, 1, None)
    curves = curves_of(PRE_NORM, records)
    forward, back = (curves[f"{name}_overflow_fraction"][..., kept] for name in ("preactivation", "gradient"))
    assert forward[:, one].tolist() == [0, 0, 0.25, 0.5, 0.5] and forward[0, blocks.places.index("input")] == 0
    assert forward[1:4, two].tolist() == [0, 0.5, 0.5]
    assert back[:, one].tolist() == [0.5, 0.5, 0.5, 0, 0] and back[1:4, two].tolist() == [0.5, 0.25, 0]
    assert curves["stream_overflow_fraction"][:4, kept].tolist() == [0, 0.25, 0.25, 0.25]
    assert curves["stream_gradient_overflow_fraction"][:4, kept].tolist() == [0.25, 0.25, 0, 0]
    assert np.isnan(forward[1:, 0]).all() and np.isnan(forward[0, two])


def test_of_a_stem_and_the_input_the_layer_is_left_with_the_stem():
    """Without places both lie in layer 0: what has left by the end of it counts."""
    network = NETWORKS["one linear map a branch"]
    records, blocks = np.zeros((4, blocks_of(network, 1).columns.size)), blocks_of(network, 1)
    start = blocks.columns.starts[RECORDED.index("preactivation_max")]
    records[0, start] = records[1, start + 1] = records[2, start + 2] = 2 * np.log(1e6)
    shares = curves_of(network, records)["preactivation_overflow_fraction"][:, PRECISIONS.index("float16")]
    assert shares.tolist() == [0.5, 0.75, 0.75, 0.75]
    assert blocks.ways[0].log_entries.tolist() == np.log([4, 6, 6, 6, 6]).tolist()
