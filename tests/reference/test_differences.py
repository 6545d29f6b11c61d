"""Every gradient of the reference against central differences in float64."""

from dataclasses import replace

import numpy as np
import pytest

from gradsim import mlp, reference
from gradsim.model.activations import ACTIVATIONS
from gradsim.model.parts import Linear
from gradsim.program.graph import LINEAR, graph
from tests.oracles.trees import TREES

STEP, INPUTS = 1e-4, 5
ROUNDING = 1e-19  # squared, of differences
RANDOM = np.random.default_rng(1)
PARAMETERS = ("weight_gradient", "bias_gradient", "norm_gain_gradient", "norm_shift_gradient")


def drawn(name, **options):
    return reference.draw(TREES[name], 2, INPUTS, stream=name, **options)


def loss(network, draws, given=None):
    return reference.loss(draws, reference.forward(network, draws, given))


def differences(function, shape, step=STEP):
    """d function / d entry of the array that is added to its argument, for all entries of it: error step^4 and 1e-16 / step."""
    found = np.zeros(shape)
    for place in np.ndindex(shape):
        bump = np.zeros(shape)
        bump[place] = step
        near, far = ((function(k * bump) - function(-k * bump)) / (2 * step) for k in (1, 2))
        found[place] = (4 * near - far / 2) / 3
    return found


def log_mean_square(v):
    """Biases in front of BatchNorm have gradients of zero, which are rounding on both sides."""
    return np.log(max(np.mean(v**2), ROUNDING))


def close(found, expected):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8 * scale + 1e-10)


@pytest.mark.parametrize("name", TREES)
def test_every_cotangent(name):
    """Of every vector, the input among them, whoever reads it."""
    network, draws = TREES[name], drawn(name, loss="mse")
    tape = reference.forward(network, draws)
    cotangents = reference.backward(network, draws, tape)
    assert len(cotangents) == len(tape) == len(graph(network)) - 1
    for k, (vector, cotangent) in enumerate(zip(tape, cotangents, strict=True)):
        close(differences(lambda bump, k=k, v=vector: loss(network, draws, {k: v + bump}), vector.shape), cotangent)


@pytest.mark.parametrize("name", TREES)
def test_recorded_gradients_of_parameters(name):
    """Of weights and biases, entry by entry; of gains g and shifts s of a norm y, as g y + s put in its place."""
    network, draws = TREES[name], drawn(name, loss="mse")
    nodes, tape = graph(network), reference.forward(network, draws)
    expected = {name: [] for name in PARAMETERS}

    def changed(field, number, bump):
        arrays = list(getattr(draws, field))
        arrays[number - 1] = arrays[number - 1] + bump
        return loss(network, replace(draws, **{field: tuple(arrays)}))

    for k, node in enumerate(nodes):
        if node.kind == LINEAR:
            for quantity, field in (("weight_gradient", "weights"), ("bias_gradient", "biases")):
                shape = getattr(draws, field)[node.number - 1].shape
                by = differences(lambda bump, f=field, number=node.number: changed(f, number, bump), shape)
                expected[quantity].append(log_mean_square(by))
        if node.kind in ("norm", "batch_norm"):
            y, shape = tape[k], tape[k].shape[1:]
            gains = differences(lambda bump, k=k, y=y: loss(network, draws, {k: y * (1 + bump)}), shape)
            shifts = differences(lambda bump, k=k, y=y: loss(network, draws, {k: y + bump}), shape)
            expected["norm_gain_gradient"].append(log_mean_square(gains))
            rms = type(node.part).__name__ == "RMSNorm"
            expected["norm_shift_gradient"].append(np.nan if rms else log_mean_square(shifts))
    found = reference.records(network, draws, tape, reference.backward(network, draws, tape))
    for quantity, logs in expected.items():
        at_least = np.maximum(found.get(quantity, []), np.log(ROUNDING))
        np.testing.assert_allclose(at_least, logs, rtol=0, atol=1e-6, err_msg=quantity)


@pytest.mark.parametrize("kind", ["mse", "cross_entropy"])
def test_gradients_of_losses(kind):
    draws = drawn("residual with a scale", loss=kind)
    output = reference.forward(TREES["residual with a scale"], draws)[-1]
    by = differences(lambda bump: reference.loss(draws, [output + bump]), output.shape)
    close(reference.loss_gradient(draws, output), by)
    np.testing.assert_allclose(reference.sum_of_loss_gradients(draws, output), by.sum(axis=0), rtol=0, atol=1e-9)


@pytest.mark.parametrize("activation", [entry.name for entry in ACTIVATIONS])
def test_every_activation(activation):
    """Along one direction each; kinks are away by more than a step."""
    network = mlp(width=[6, 9, 5], activation=activation, init="normal(0.1,0.5)", bias_std=0.4, input_width=7)
    draws = reference.draw(network, 3, 2)
    tape = reference.forward(network, draws)
    for k, (value, cotangent) in enumerate(zip(tape, reference.backward(network, draws, tape), strict=True)):
        way = RANDOM.normal(size=value.shape)
        up, down = (loss(network, draws, {k: value + sign * 1e-6 * way}) for sign in (1, -1))
        scale = np.linalg.norm(cotangent) * np.linalg.norm(way)
        assert abs((up - down) / 2e-6 - np.sum(cotangent * way)) < 1e-6 * scale + 1e-9


def test_the_trees_have_what_is_claimed_of_them():
    """Vectors read three times, sums within branches, projections."""
    readers = {name: [] for name in TREES}
    for name, network in TREES.items():
        nodes = graph(network)
        readers[name] = [sum(k in node.sources for node in nodes) for k in range(len(nodes) - 1)]
        assert min(readers[name]) >= 1
    assert max(readers["read three times"]) == 3 and max(readers["plain"]) == 1
    nested = graph(TREES["nested"])
    assert sum(node.kind == "add" for node in nested) == 6
    projections = [node for node in graph(TREES["projection"]) if node.name.startswith("skip")]
    assert len(projections) == 2 and all(isinstance(node.part, Linear) for node in projections)
