"""Training step by step against PyTorch in float64: losses and all parameters, for both losses and optimizers."""

import numpy as np
import pytest

import gradsim
from gradsim.kernels import layout
from gradsim.kernels.sampling import ROLE_SAMPLE
from gradsim.program.graph import graph
from gradsim.reference.random import words_of
from gradsim.training.kernels.layout import OWN
from gradsim.training.run import Trained
from gradsim.training.settled import settle

torch = pytest.importorskip("torch")

STEPS, BATCH, SAMPLES, REPLICA = 20, 7, 40, 3
ROUNDING = 1e-7  # what Adam makes of roundings
NETWORKS = {
    "plain": {"activation": "tanh", "init": "xavier_normal", "bias_std": 0.1, "width": [9, 17, 6]},
    "orthogonal": {"activation": "relu", "init": "orthogonal", "width": 12},
    "pre_norm": {"block": "pre_norm", "activation": "gelu", "width": 12},
    "post_norm_rms": {"block": "post_norm", "norm": "rms", "activation": "silu", "init": "he_uniform", "width": 12},
    "resnet_v2": {"block": "resnet_v2", "activation": "relu", "width": 12},
}
OPTIMIZERS = {
    "sgd": {"learning_rate": 0.01, "momentum": 0.9},
    "adam": {"optimizer": "adam", "learning_rate": 0.01},
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """More wait for one another, where other work goes on."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


ACTIVATIONS = {name: getattr(torch.nn.functional, name) for name in ("tanh", "relu", "gelu", "silu")}


def trained(network, **options):
    """(Trained, inputs, targets) on random samples."""
    generator = np.random.default_rng(5)
    inputs = generator.standard_normal((SAMPLES, network.input_width))
    targets = generator.standard_normal((SAMPLES, network.outputs))
    if options["loss"] == "cross_entropy":
        targets = generator.integers(0, network.outputs, (SAMPLES, 1))
    options = {"float_type": "float64", "steps": STEPS, "batch_size": BATCH, "held_out": 0.0, "replicas": 5} | options
    return Trained(settle(network, (inputs, targets), options)), inputs, targets


def batch_of(key, step):
    """The samples of a step, by Floyd's algorithm."""
    words, rows = words_of(key, 0, REPLICA, ROLE_SAMPLE, BATCH, 1, first_block=step * BATCH)[:, 0], []
    for b, word in enumerate(words):
        newest = SAMPLES - BATCH + b
        row = (int(word) * (newest + 1)) >> 32
        rows.append(newest if row in rows else row)
    return rows


def parameters_of(training, numbers):
    """{node: its parameters in PyTorch's shapes} out of all of a network's."""
    found, weights = {}, iter(training.weights(numbers))
    for k, row in enumerate(training.code.steps[:-1]):
        operation, n = row[layout.OPERATION], row[layout.WIDTH]
        if operation == layout.LINEAR_DENSE:
            found[k] = next(weights)
        elif operation in (layout.BLOCK_OPERATIONS["norm"], layout.BLOCK_OPERATIONS["batch_norm"]):
            own = numbers[row[OWN] :]
            found[k] = own[:n].copy(), own[-(-n // 16) * 16 :][:n].copy()
    return found


def forward(nodes, parameters, x):
    from torch.nn import functional

    tape = [x]
    for k, node in list(enumerate(nodes))[1:-1]:
        first, *other = (tape[source] for source in node.sources)
        own, shape = parameters.get(k), (node.width,)
        if node.kind == "linear":
            tape.append(functional.linear(first, *own))
        elif node.kind == "activation":
            tape.append(ACTIVATIONS[node.part.name](first))
        elif node.kind == "add":
            tape.append(first + node.part.scale * other[0])
        elif node.kind == "batch_norm":
            tape.append(functional.batch_norm(first, None, None, *own, training=True, eps=node.part.epsilon))
        elif node.part.centred:
            tape.append(functional.layer_norm(first, shape, *own, eps=node.part.epsilon))
        else:
            tape.append(functional.rms_norm(first, shape, own[0], eps=node.part.epsilon))
    return tape[-1]


def by_pytorch(network, parameters, inputs, targets, key, loss, optimizer):
    """(losses, parameters) after STEPS updates."""
    parameters = {k: [torch.tensor(v, requires_grad=True) for v in own] for k, own in parameters.items()}
    flat = [v for own in parameters.values() for v in own]
    rate, momentum = optimizer["learning_rate"], optimizer.get("momentum", 0.0)
    adam = "optimizer" in optimizer
    update = torch.optim.Adam(flat, lr=rate) if adam else torch.optim.SGD(flat, lr=rate, momentum=momentum)
    losses = []
    for step in range(STEPS + 1):
        rows = batch_of(key, step)
        output, wanted = forward(graph(network), parameters, torch.tensor(inputs[rows])), torch.tensor(targets[rows])
        cross_entropy = loss == "cross_entropy"
        found = torch.nn.functional.cross_entropy(output, wanted[:, 0]) if cross_entropy else ((output - wanted) ** 2).mean()
        update.zero_grad()
        found.backward()
        update.step()
        losses.append(found.item())
    return losses, {k: [v.detach().numpy() for v in own] for k, own in parameters.items()}


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_as_pytorch_step_by_step(name, optimizer, loss):
    network = gradsim.mlp(**{"depth": 3, "input_width": 5, "outputs": 4} | NETWORKS[name])
    ours, inputs, targets = trained(network, loss=loss, **OPTIMIZERS[optimizer])
    place = ours.place()
    ours.one(REPLICA, place)
    initial, final = (parameters_of(ours.training, numbers) for numbers in (place.net.initial, place.net.weights))
    losses, parameters = by_pytorch(network, initial, inputs, targets, ours.key, loss, OPTIMIZERS[optimizer])
    np.testing.assert_allclose(ours.one(REPLICA)[1][:, 0], losses, rtol=1e-9)
    assert np.ptp(losses) > 0.1
    for k, own in final.items():
        for found, expected in zip(own, parameters[k], strict=False):
            if abs(expected).max() < ROUNDING:  # a bias before BatchNorm, whose gradient is zero
                assert abs(found).max() < ROUNDING
            else:
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * abs(expected).max())
