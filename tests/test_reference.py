"""The kernels against the reference, step by step from the same tape; the reference against finite differences.

Whole curves part ways in chaotic networks (float32 against float64), single steps never do.
"""

import numpy as np
import pytest

from gradsim import reference
from gradsim.kernels.record import INPUT_GRADIENT, RECORDED
from gradsim.model.activations import ACTIVATIONS
from gradsim.model.data import Samples
from gradsim.model.network import mlp
from gradsim.model.request import checked
from gradsim.model.streams import stream_key
from gradsim.program.program import lower
from gradsim.simulation.chunks import record_chunks
from tests.oracles.tapes import Tapes

NETWORKS = [
    *(mlp(width=[6, 9, 5], activation=a.name, init="normal(0.1,0.5)", bias_std=0.4, input_width=7) for a in ACTIVATIONS),
    mlp(width=40, depth=4, activation="gelu", init="he_normal"),
    mlp(width=33, depth=3, activation="tanh", init="uniform(-1,2)", outputs=3),
    mlp(width=8, depth=2, activation="leaky_relu(0.3)", init="xavier_uniform", weight_gain=-2.5, bias_std=1.0),
    mlp(width=4, depth=3, activation="sigmoid", init="constant(0.5)", bias_std=0.2, outputs=1),
    mlp(width=300, depth=1, activation="erf", init="lecun_uniform"),
    mlp(width=9, depth=2, activation="relu", init="torch_default"),
    mlp(width=10, depth=2, activation="tanh", init="he_truncated_normal(fan_out)", bias="uniform(-1,0.5)"),
    mlp(width=[5, 7], activation="gelu", init="rademacher(0.4)", bias="constant(-0.3)"),
    mlp(width=1, depth=2, activation="tanh", init="fan_in_uniform"),
    mlp(width=[9, 6, 6, 14], activation="gelu", init="orthogonal", weight_gain=-1.7, bias_std=0.2, input_width=7),
    mlp(width=[1, 5, 1], activation="linear", init="orthogonal(2)"),
    mlp(width=[5, 9, 9], activation="tanh", init="identity(1.3)", bias_std=0.1, input_width=6),
    mlp(width=[6, 40, 7], activation="leaky_relu", init="sparse(3,0.7)"),
]
IDS = [f"{n.activation}-{n.init}" for n in NETWORKS]
CLOSE = 4e-6  # float32 rounding in sums of up to 300 terms, relative to the largest entry's magnitude sum


def tapes(network, replica, inputs, engine="dense", **options):
    """What the interpreter leaves of one replica."""
    options = checked(inputs=inputs, engine=engine, **options)
    program = lower(
        network,
        inputs,
        options["input_correlation"],
        options["loss"],
        options["probe"],
        options["input_file"],
        options["target_file"],
        engine,
    )
    return Tapes(program, stream_key(0, network.to_json()), 1, replica)


def close(found, expected, magnitude):
    assert np.all(abs(found - expected) <= CLOSE * magnitude.max(axis=1, keepdims=True) + 1e-300)


def check_steps(network, inputs, **options):
    found, drawn = tapes(network, 5, inputs, **options), reference.draw(network, 5, inputs, **options)
    length = reference.tape_length(network)
    tape, deltas, record = [v[0] for v in found.values], [d[0] for d in found.deltas], found.records[0]
    close(tape[0], drawn.inputs, abs(drawn.inputs) + 0.1 * ("input_file" not in options))  # sine near its zero
    end = reference.loss_gradient(drawn, tape[-1])
    close(deltas[-1], end, abs(end) + {"probe": 0.1, "mse": abs(tape[-1]).max() / end.size}.get(drawn.loss, 0.0))
    for k in range(1, length):
        x, d = tape[k - 1], deltas[k]
        after, before = reference.step_forward(network, drawn, k, x), reference.step_backward(network, drawn, k, x, d)
        up = down = 0.0
        if k % 2:
            weights = abs(drawn.weights[k // 2])
            up, down = abs(x) @ weights.T + abs(drawn.biases[k // 2]), abs(d) @ weights
        close(tape[k], after, np.maximum(abs(after), up))
        close(deltas[k - 1], before, np.maximum(abs(before), down))
    expected = reference.records(network, drawn, tape, deltas)
    record[INPUT_GRADIENT, 0] = expected[INPUT_GRADIENT, 0]  # written by run_chunk
    np.testing.assert_allclose(record, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("inputs", [1, 3])
@pytest.mark.parametrize("network", NETWORKS, ids=IDS)
def test_every_step_from_the_same_tape(network, inputs):
    check_steps(network, inputs)


ROWS = Samples("rows", np.random.default_rng(4).normal(size=(9, 7)) * 10.0 ** np.arange(-4, 5)[:, None])
LABELS = Samples("labels", np.arange(9.0)[:, None] % 5)
TARGETS = Samples("targets", np.random.default_rng(5).normal(size=(9, 5)))


@pytest.mark.parametrize("inputs", [1, 4])
@pytest.mark.parametrize(
    "options",
    [
        {"input_correlation": 0.7},
        {"probe": "shared"},
        {"loss": "mse"},
        {"loss": "cross_entropy"},
        {"input_file": ROWS},
        {"input_file": ROWS, "loss": "mse", "target_file": TARGETS},
        {"input_file": ROWS, "loss": "cross_entropy", "target_file": LABELS},
    ],
    ids=lambda options: "-".join(options),
)
def test_inputs_and_losses_from_the_same_tape(options, inputs):
    check_steps(mlp(width=[9, 6], activation="gelu", input_width=7, outputs=5, bias_std=0.3), inputs, **options)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_gradients_of_losses_are_finite_differences(loss):
    network = mlp(width=[4, 5], activation="tanh", outputs=3)
    drawn, eps = reference.draw(network, 1, inputs=3, loss=loss), 1e-6
    output = reference.forward(network, drawn)[-1]
    gradient = reference.loss_gradient(drawn, output)
    for index in np.ndindex(output.shape):
        up, down = (
            reference.loss(drawn, [output + sign * eps * (np.arange(9).reshape(3, 3) == 3 * index[0] + index[1])])
            for sign in (1, -1)
        )
        assert (up - down) / (2 * eps) == pytest.approx(gradient[index], abs=1e-8)


def test_whole_records_of_a_shallow_network():
    network = mlp(width=12, depth=3, activation="gelu", bias_std=0.1)
    found = np.concatenate(list(record_chunks(network, replicas=4, inputs=2, engine="dense")))
    expected = [reference.run(network, replica, inputs=2) for replica in range(4)]
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("network", NETWORKS, ids=IDS)
def test_gradients_are_finite_differences(network):
    """Central differences in float64: error eps^2 from curvature, 1e-16/eps from rounding."""
    drawn = reference.draw(network, 3, inputs=2)
    tape = reference.forward(network, drawn)
    cotangents = reference.backward(network, drawn, tape)
    rng, eps = np.random.default_rng(1), 1e-6
    for k, (value, cotangent) in enumerate(zip(tape, cotangents, strict=True)):
        direction = rng.normal(size=value.shape)
        up, down = (
            reference.loss(drawn, reference.forward(network, drawn, value + sign * eps * direction, k)) for sign in (1, -1)
        )
        scale = np.linalg.norm(cotangent) * np.linalg.norm(direction)
        assert abs((up - down) / (2 * eps) - np.sum(cotangent * direction)) < 1e-6 * scale + 1e-9


def test_weight_and_bias_gradients_are_finite_differences():
    network = mlp(width=[3, 4, 3], activation="tanh", bias_std=0.3)
    drawn, eps = reference.draw(network, 0, inputs=2), 1e-6
    tape = reference.forward(network, drawn)
    recorded = reference.records(network, drawn, tape, reference.backward(network, drawn, tape))
    for layer in (1, 2, 3):
        for name, arrays in (("weight_gradient", drawn.weights), ("bias_gradient", drawn.biases)):
            array, differences = arrays[layer - 1], []
            for index in np.ndindex(array.shape):
                losses = []
                for sign in (1, -1):
                    before = array[index]
                    array[index] = before + sign * eps
                    losses.append(reference.loss(drawn, reference.forward(network, drawn)))
                    array[index] = before
                differences.append((losses[0] - losses[1]) / (2 * eps))
            found = recorded[RECORDED.index(name), layer]
            assert found == pytest.approx(np.log(np.mean(np.square(differences))), abs=1e-6)
