"""Layers without their matrices, step by step from the same tape, against their slow twins in float64."""

import numpy as np
import pytest

import gradsim
from gradsim import reference
from gradsim.model.data import Samples
from gradsim.model.initializers import weight_law
from gradsim.model.network import mlp
from gradsim.model.streams import stream_key
from gradsim.program.columns import columns
from gradsim.program.graph import LINEAR, graph
from gradsim.program.program import lower
from gradsim.verification.twins import Gaussian, Haar
from tests.oracles.stepwise import check_record
from tests.oracles.tapes import Tapes

CLOSE = 6e-6  # float32 rounding of rows of up to 300 units, relative to the lengths that enter
NETWORKS = [
    mlp(width=[6, 9, 5], activation="tanh", init="normal(0.1,0.5)", bias_std=0.4, input_width=7),
    mlp(width=[6, 9, 5], activation="gelu", init="he_normal", input_width=7, outputs=3),
    mlp(width=[300, 40], activation="relu", init="normal(0,0.1)", input_width=33),
    mlp(width=8, depth=3, activation="sigmoid", init="xavier_normal", weight_gain=-2.5, bias="constant(0.2)"),
    mlp(width=1, depth=3, activation="tanh", init="normal(0.5,1)"),
    mlp(width=4, depth=2, activation="sigmoid", init="constant(0.5)", bias_std=0.2, outputs=1),
    mlp(width=[9, 6, 6, 14], activation="gelu", init="orthogonal", weight_gain=-1.7, bias_std=0.2, input_width=7),
    mlp(width=[1, 5, 1], activation="linear", init="orthogonal(2)"),
    mlp(width=[2, 2, 2], activation="tanh", init="orthogonal", weight_gain=0.0, bias_std=0.3),
    mlp(width=16, depth=2, activation="relu", init="he_normal", outputs=1),
    mlp(width=[130, 40, 40], activation="erf", init="orthogonal", input_width=40),
]
IDS = [f"{n.activation}-{n.init}-{n.widths}" for n in NETWORKS]


def tapes(network, inputs, samples=None, replicas=1):
    program = lower(network, inputs, samples=samples, engine="matrix_free")
    return Tapes(program, stream_key(0, network.to_json()), replicas)


def check(network, found, replica=0):
    """A plain network: what goes into a linear map is read by it alone."""
    key, nodes = stream_key(0, network.to_json()), graph(network)
    values, deltas = ([v[replica] for v in vectors] for vectors in (found.values, found.deltas))
    drawn = reference.draw(network, replica, len(values[0]))
    for k, node in enumerate(nodes):
        if node.kind != LINEAR:
            continue
        (source,) = node.sources
        x, h, d, g = values[source], values[k], deltas[k], deltas[source]
        law = weight_law(node.part.init, x.shape[1], node.width, node.part.gain)
        twin = (Haar if law.kind == "orthogonal" else Gaussian)(law, key, node.number, replica, x.shape[1], node.width)
        up, down = twin.forward(x), twin.backward(d)
        size = abs(law.scale) + abs(law.mean) * np.sqrt(x.shape[1])
        length = np.linalg.norm(x, axis=1, keepdims=True)
        bias = drawn.biases[node.number - 1]
        assert np.all(abs(h - up - bias) <= CLOSE * (4 * size * length + abs(bias)) + 1e-300)
        assert np.all(abs(g - down) <= CLOSE * 4 * size * np.linalg.norm(d, axis=1, keepdims=True) + 1e-300)
        assert found.ranks[replica, k] == (len(twin.q) if law.scale and x.any() else len(x) == 1)
    if not all(v.any(axis=1).all() for v in (*values, *deltas)):
        return  # the reference knows no cosine with zero
    check_record(network, drawn, values, deltas, found.records[replica])


@pytest.mark.parametrize("inputs", [1, 2, 3, 7])
@pytest.mark.parametrize("network", NETWORKS, ids=IDS)
def test_every_step_from_the_same_tape(network, inputs):
    """Seven inputs are as many as some widths, and more than others."""
    found = tapes(network, inputs, replicas=2)
    for replica in range(2):
        check(network, found, replica)


BASE = np.random.default_rng(3).normal(size=(3, 7))
DEGENERATE = {
    "equal": np.repeat(BASE[:1], 4, axis=0),
    "collinear": np.outer([1.0, -3.0, 1e-3, 7.0], BASE[0]),
    "one zero": np.array([BASE[0], 0 * BASE[0], BASE[1], BASE[2]]),
    "all zero": np.zeros((4, 7)),
    "a plane": np.array([BASE[0], BASE[1], BASE[0] + BASE[1], BASE[0] - 2 * BASE[1]]),
    "of very different size": np.array([BASE[0], 1e-30 * BASE[1], 1e30 * BASE[2], BASE[0] + BASE[2]]),
}


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("init", ["normal(0.1,0.5)", "orthogonal", "he_normal"])
def test_inputs_that_span_less(name, init):
    """No NaN, no jitter: the rank is found, and what W does to the inputs is consistent with their relations."""
    rows = DEGENERATE[name]
    network = mlp(width=[7, 9], activation="tanh", init=init, input_width=7)
    found = tapes(network, 4, Samples(name, rows))
    expected = np.linalg.matrix_rank(rows / np.maximum(abs(rows).max(axis=1, keepdims=True), 1e-300), tol=1e-6)
    assert found.ranks[0, 1] == expected
    x, h = found.values[0][0], found.values[1][0]
    assert np.isfinite(h).all() and all(np.isfinite(d).all() for d in found.deltas)
    for v in np.linalg.svd(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300))[0].T[expected:]:
        # a combination of inputs that vanishes, vanishes for h as well
        unit = h / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)
        if np.linalg.norm(x, axis=1).min() > 0:
            assert np.all(abs(v @ unit) < 2e-6 * abs(unit).max())
    if name != "of very different size":
        check(network, found)


def test_equal_inputs_stay_equal_and_are_reported():
    network = mlp(width=16, depth=5, activation="tanh", init="lecun_normal", input_width=7)
    for engine in ("matrix_free", "dense"):
        given = np.outer([1.0, 1.7], BASE[0]) if engine == "matrix_free" else np.repeat(BASE[:1], 2, axis=0)
        curves = gradsim.simulate(
            mlp(width=16, depth=1, init="lecun_normal", input_width=7), 20, inputs=2, input_file=given, engine=engine
        )
        assert np.all(curves["correlation_mean"][1:] == 1) and curves.merged_layer == 1
        curves = gradsim.simulate(network, 20, inputs=2, input_file=np.repeat(BASE[:1], 2, axis=0), engine=engine)
        assert np.all(curves["correlation_mean"][1:] == 1) and curves.merged_layer == 1
        assert "1 - correlation is not resolved below 3e-14" in gradsim.CurveSet([curves]).table()


def test_dead_inputs_are_not_taken_for_equal_ones():
    curves = gradsim.simulate(
        mlp(width=7, depth=3, activation="relu"), 50, inputs=2, input_file=np.array([BASE[0], 0 * BASE[0]])
    )
    assert np.all(curves["correlation_nonfinite_count"][1:] == 50) and curves.merged_layer is None


def test_the_floor_of_the_correlation():
    """Ordered networks: inputs draw together until float32 cannot tell them apart; above the floor both engines agree."""
    network = mlp(width=64, depth=60, activation="tanh", init="lecun_normal", weight_gain=0.5, bias_std=0.3)
    free, dense = (
        gradsim.simulate(network, 200, inputs=2, engine=e)["log_one_minus_correlation_mean"] for e in ("matrix_free", "dense")
    )
    above = free[1:] > -25
    assert above.sum() > 5 and np.allclose(free[1:][above], dense[1:][above], atol=0.5)


@pytest.mark.parametrize("inputs", [1, 2])
def test_orthogonal_keeps_the_length_of_every_gradient(inputs):
    """Also where little of what is drawn is across the input: in two dimensions, one layer in 5,000 is within 1e-3 of it."""
    found = tapes(mlp(width=2, depth=2000, activation="linear", init="orthogonal"), inputs, replicas=20)
    for k in range(1, len(found.values) - 1, 2):
        before, after = (np.linalg.norm(v, axis=2) for v in (found.deltas[k - 1], found.deltas[k]))
        assert np.allclose(before, after, rtol=2e-5)
        assert np.allclose(*(np.linalg.norm(v, axis=2) for v in (found.values[k - 1], found.values[k])), rtol=2e-5)


@pytest.mark.parametrize("row", ["weight_gradient", "gradient_correlation", "correlation"])
def test_pairs_and_weight_gradients_are_recorded(row):
    network = mlp(width=[9, 6], activation="gelu", init="he_normal")
    records = tapes(network, 3).records
    assert np.isfinite(records[0, columns(graph(network), 3).placed[row].columns]).all()
