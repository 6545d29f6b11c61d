"""What each step is, and what it records, on small arrays; the places of records in a network."""

from types import SimpleNamespace

import numpy as np
import pytest

from gradsim import reference
from gradsim.kernels.record import RECORDED
from gradsim.model.parts import BatchNorm, Dropout, LayerNorm, Linear, Residual, RMSNorm
from gradsim.model.streams import stream_key
from gradsim.program.columns import columns
from gradsim.program.graph import graph
from tests.oracles.trees import GELU, TANH, TREES, linear, tree

X = np.random.default_rng(1).normal(size=(5, 8)) * np.array([[1.0], [2.0], [0.5], [3.0], [1.0]]) + 0.7


def step(part):
    return reference.STEPS[part.kind], SimpleNamespace(part=part)


@pytest.mark.parametrize("epsilon", [0.0, 1e-5, 4.0])
def test_norms_by_their_definitions(epsilon):
    """Epsilon is within the root: what is left of a variance v is v / (v + epsilon)."""
    for part, axis in ((LayerNorm(epsilon), 1), (BatchNorm(epsilon), 0)):
        family, node = step(part)
        y = family.forward(node, None, X)
        variance = X.var(axis=axis)
        assert np.allclose(y.mean(axis=axis), 0, atol=1e-15)
        assert np.allclose(y.var(axis=axis), variance / (variance + epsilon), rtol=1e-13)
    family, node = step(RMSNorm(epsilon))
    y, square = family.forward(node, None, X), np.mean(X**2, axis=1)
    assert np.allclose(np.mean(y**2, axis=1), square / (square + epsilon), rtol=1e-13)
    assert np.allclose(y / X, (y / X)[:, :1])


@pytest.mark.parametrize("part", [LayerNorm(0.0), RMSNorm(0.0), BatchNorm(0.0)])
def test_gradients_of_norms_are_across_what_norms_forget(part):
    """Without epsilon: the length of a row (of a column for BatchNorm), and its mean where it is taken off."""
    family, node = step(part)
    axis = 0 if isinstance(part, BatchNorm) else 1
    (g,) = family.backward(node, None, np.cos(X), X)
    assert np.allclose(np.sum(g * X, axis=axis), 0, atol=1e-13)
    assert isinstance(part, RMSNorm) or np.allclose(g.sum(axis=axis), 0, atol=1e-13)
    (scaled,) = family.backward(node, None, np.cos(X), 1e-30 * X)
    assert np.allclose(scaled, 1e30 * g, rtol=1e-9, atol=1e17)


def test_epsilon_damps_what_is_far_below_it():
    family, node = step(RMSNorm(1e-5))
    assert np.allclose(family.forward(node, None, 1e-30 * X), 1e-30 * X / np.sqrt(1e-5), rtol=1e-12)


def test_batch_norm_of_two_inputs_has_no_gradient():
    family, node = step(BatchNorm(0.0))
    assert np.abs(family.backward(node, None, np.cos(X[:2]), X[:2])[0]).max() < 1e-14
    assert np.abs(family.backward(node, None, np.cos(X[:3]), X[:3])[0]).max() > 1e-3


def test_masks_are_fixed_by_the_counter():
    """Row b has words of its own; a unit is kept if its word is p 2^32 or more, and is divided by 1 - p."""
    p, key = 0.3, stream_key(4, "masks")
    mask = reference.dropout_mask(p, key, 7, 2, 400, 30)
    assert set(np.unique(mask)) == {0.0, 1 / (1 - p)}
    words = reference.words_of(key, 7, 2, 10, 400, 30).astype(float)
    assert np.array_equal(mask == 0, words < p * 2**32)
    assert abs((mask == 0).mean() - p) < 5 * np.sqrt(p * (1 - p) / mask.size)
    assert np.array_equal(mask[:3], reference.dropout_mask(p, key, 7, 2, 3, 30))
    for layer, replica in ((8, 2), (7, 3)):
        assert not np.array_equal(mask, reference.dropout_mask(p, key, layer, replica, 400, 30))
    assert np.all(reference.dropout_mask(0.0, key, 7, 2, 400, 30) == 1)
    # Philox block 0 of (layer 7, replica 2, role 10), word 0: unit 0 of row 0
    block = reference.philox(np.array([[0, 7, 2, 10]], np.uint64), key)[0]
    assert (mask[0, 0] == 0) == (block[0] < p * 2**32)


def test_dropouts_draw_by_their_number():
    network = TREES["dropout of the input and of the stream"]
    drawn, key = reference.draw(network, 3, 4, stream="d"), stream_key(0, "d")
    nodes = [node for node in graph(network) if node.kind == "dropout"]
    assert [node.number for node in nodes] == list(range(1, 11)) and len(drawn.own["dropout"]) == 10
    for node, mask in zip(nodes, drawn.own["dropout"], strict=True):
        assert np.array_equal(mask, reference.dropout_mask(node.part.p, key, node.number, 3, 4, node.width))


def test_what_the_next_part_reads_is_the_activation():
    """Dropout behind an activation records in its place; other dropout has none."""
    network = tree(linear(20), GELU, Dropout(0.4), linear(20), TANH, linear(20), Dropout(0.4), times=2)
    drawn = reference.draw(network, 0, 3, stream="d")
    tape = reference.forward(network, drawn)
    found = reference.records(network, drawn, tape, reference.backward(network, drawn, tape))
    read = [tape[0]]
    for k, node in enumerate(graph(network)[:-1]):
        if node.kind == "activation":
            after = graph(network)[k + 1]
            read.append(tape[k + 1] if after.kind == "dropout" else tape[k])
    assert np.allclose(found["activation"], [np.log(np.mean(x**2)) for x in read], rtol=1e-14)
    assert np.allclose(found["activation_mean"], [x.mean() for x in read[1:]], rtol=1e-14)
    assert np.allclose(found["activation_unit_variance"], [x.var(axis=1).mean() for x in read[1:]], rtol=1e-14)
    assert np.isfinite(found["dead_fraction"]).all()  # that of phi', whatever is dropped


def test_streams_are_recorded_whoever_makes_them():
    for name in ("residual", "post_norm", "dropout of the input and of the stream", "residual with a scale"):
        network = TREES[name]
        drawn = reference.draw(network, 1, 3, stream=name)
        tape = reference.forward(network, drawn)
        cotangents = reference.backward(network, drawn, tape)
        found = reference.records(network, drawn, tape, cotangents)
        where = [k for number in range(4) for k, node in enumerate(graph(network)) if node.stream == number]
        assert len(where) == 4
        for quantity, arrays in (("stream", tape), ("stream_gradient", cotangents)):
            of = [arrays[k] for k in where]
            assert np.allclose(found[quantity], [np.log(np.mean(v**2)) for v in of], rtol=1e-13)
            assert np.allclose(found[f"{quantity}_max"], [np.log(np.max(v**2)) for v in of], rtol=1e-13)
            cosines = [mean_cosine(v) for v in of]
            assert np.allclose(found[f"{quantity}_correlation"], cosines, atol=1e-12)


def mean_cosine(v):
    unit = v / np.linalg.norm(v, axis=1, keepdims=True)
    return (unit @ unit.T)[np.triu_indices(len(v), 1)].mean()


def test_without_a_branch_the_jacobian_is_the_identity():
    network = tree(Residual((linear(), TANH, linear()), scale=0.0), times=4)
    drawn = reference.draw(network, 0, 2, stream="i")
    tape = reference.forward(network, drawn)
    cotangents = reference.backward(network, drawn, tape)
    assert np.array_equal(tape[-1], tape[0]) and np.array_equal(cotangents[-1], cotangents[0])


def test_a_stream_of_linear_branches_is_a_product_of_matrices():
    """x + s W x: the gradient with respect to the input is that of the loss through the product of I + s W."""
    network = tree(Residual((linear(bias="zeros"),), scale=0.5), times=4)
    drawn = reference.draw(network, 0, 2, stream="p")
    product = np.linalg.multi_dot([np.eye(6) + 0.5 * w for w in reversed(drawn.weights)])
    tape = reference.forward(network, drawn)
    cotangents = reference.backward(network, drawn, tape)
    assert np.allclose(tape[-1], tape[0] @ product.T, rtol=1e-12)
    assert np.allclose(cotangents[0], cotangents[-1] @ product, rtol=1e-12)


@pytest.mark.parametrize("name, inputs", [(n, b) for n in TREES for b in (1, 3) if b > TREES[n].has_batch_norm])
def test_records_stand_in_the_columns_of_the_program(name, inputs):
    network = TREES[name]
    drawn = reference.draw(network, 0, inputs, stream=name)
    tape = reference.forward(network, drawn)
    cotangents = reference.backward(network, drawn, tape)
    row, found = (f(network, drawn, tape, cotangents) for f in (reference.record_row, reference.records))
    placed = columns(graph(network), inputs)
    assert row.shape == (placed.size,) and list(found) == [q for q in RECORDED if q in placed.placed]
    assert np.array_equal(np.concatenate(list(found.values())), row, equal_nan=True)
    rms = [isinstance(node.part, RMSNorm) for node in graph(network) if node.kind in ("norm", "batch_norm")]
    for quantity, values in found.items():
        missing = rms if quantity == "norm_shift_gradient" else [False] * len(values)
        assert np.array_equal(np.isnan(values), missing), quantity


def test_a_bias_in_front_of_batch_norm_has_no_gradient_and_that_is_known():
    """What rounding leaves of it is below what float32 tells from zero; other sums are above."""
    network = tree(linear(), BatchNorm(), TANH, linear(), GELU)
    drawn = reference.draw(network, 0, 5, stream="b", loss="mse")
    tape = reference.forward(network, drawn)
    cotangents = reference.backward(network, drawn, tape)
    row, least = (f(network, drawn, tape, cotangents) for f in (reference.record_row, reference.unresolved_sums))
    placed = columns(graph(network), 5).placed
    below = {name: (row < least)[at.columns] for name, at in placed.items()}
    assert np.array_equal(below["bias_gradient"], [True, False] * 3)
    assert not any(found.any() for name, found in below.items() if name != "bias_gradient")


def test_each_linear_map_has_its_own_law():
    drawn = reference.draw(TREES["each part its own"], 5, stream="own")
    first, second, last = drawn.weights[0], drawn.weights[2], drawn.weights[-1]
    assert set(np.abs(first).ravel()) == {0.4}
    assert np.allclose(second @ second.T, 0.64 * np.eye(6), atol=1e-12) and np.all(drawn.biases[2] == 0.2)
    assert np.all(drawn.biases[-1] == 0) and np.abs(last).max() < 0.3
    fresh = reference.draw(tree(Linear(6, "rademacher(0.4)"), TANH, input_width=4), 5, stream="own")
    assert np.array_equal(fresh.weights[0], first)  # by the number of the map, whatever follows it
