"""Whole networks against PyTorch's autograd with the same matrices, inputs and masks, in float64.

The modules are made from the parts of a network, not from its graph.
"""

import itertools

import numpy as np
import pytest

from gradsim import reference
from gradsim.kernels.record import LOG_QUANTITIES
from gradsim.model.parts import Activation, BatchNorm, Dropout, LayerNorm, Linear, Repeat, Residual, RMSNorm
from tests.oracles.trees import TREES, linear, tree

torch = pytest.importorskip("torch")

FUNCTIONS = {
    "tanh": torch.tanh,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "softplus": torch.nn.functional.softplus,
    "relu": torch.relu,
}
RELU = {
    "residual ReLU": tree(Residual((linear(9), Activation("relu"), linear())), Activation("relu"), times=4),
    "batch norm ReLU": tree(linear(), BatchNorm(), Activation("relu"), Dropout(0.2), times=4, readout=(linear(3),)),
}
NETWORKS = {**TREES, **RELU}


class Walk:
    """A network run by PyTorch: what is to be compared, in the order in which it is made."""

    def __init__(self, drawn):
        self.draws = zip(drawn.weights, drawn.biases, strict=True)
        self.masks = iter(drawn.own.get("dropout", ()))
        self.linears, self.activations, self.norms, self.streams = [], [], [], []

    def through(self, parts, x):
        before = None
        for part in parts:
            x = self.one(part, x, before)
            before = part
        return x

    def one(self, part, x, before):
        if isinstance(part, Repeat):
            for _ in range(part.times):
                x = self.through(part.parts, x)
        elif isinstance(part, Residual):
            branch = self.through(part.parts, x)
            x = (x if part.skip is None else self.one(part.skip, x, None)) + part.scale * branch
        elif isinstance(part, Linear):
            module = torch.nn.Linear(x.shape[1], part.width, dtype=torch.float64)
            weight, bias = next(self.draws)
            with torch.no_grad():
                module.weight.copy_(torch.from_numpy(np.array(weight)))
                module.bias.copy_(torch.from_numpy(np.array(bias)))
            x = kept(module(x))
            self.linears.append((x, module))
        elif isinstance(part, Activation):
            x = FUNCTIONS[part.name](x)
            self.activations.append(x)
        elif isinstance(part, Dropout):
            x = x * torch.from_numpy(next(self.masks))
            if isinstance(before, Activation):
                self.activations[-1] = x
        else:
            x = self.norm(part, x)
        return x

    def norm(self, part, x):
        n = x.shape[1]
        if isinstance(part, RMSNorm):
            gain = torch.ones(n, dtype=torch.float64, requires_grad=True)
            self.norms.append((gain, None))
            return torch.nn.functional.rms_norm(x, (n,), gain, part.epsilon)
        kind = torch.nn.BatchNorm1d if isinstance(part, BatchNorm) else torch.nn.LayerNorm
        assert isinstance(part, LayerNorm)
        module = kind(n, eps=part.epsilon, dtype=torch.float64).train()
        self.norms.append((module.weight, module.bias))
        if isinstance(part, BatchNorm) and not part.epsilon:  # which the module refuses
            variance, mean = torch.var_mean(x, dim=0, correction=0)
            return (x - mean) / torch.sqrt(variance) * module.weight + module.bias
        return module(x)


def kept(x):
    x.retain_grad()
    return x


def loss_of(drawn, output):
    against = torch.from_numpy(np.array(drawn.against))
    if drawn.loss == "mse":
        return torch.nn.functional.mse_loss(output, against)
    if drawn.loss == "cross_entropy":
        return torch.nn.functional.cross_entropy(output, against)
    return torch.sum(output * against) / output.shape[1] ** 0.5


def log_mean_square(v):
    return np.log(np.mean(v.detach().numpy() ** 2))


def log_largest(v):
    return np.log(np.max(v.detach().numpy() ** 2))


def mean_cosine(v):
    pairs = itertools.combinations(v.detach(), 2)
    return float(torch.stack([torch.nn.functional.cosine_similarity(a, b, dim=0, eps=0.0) for a, b in pairs]).mean())


def torch_records(network, drawn):
    """{quantity: values at its places}."""
    walk, x_0 = Walk(drawn), torch.from_numpy(np.array(drawn.inputs)).requires_grad_()
    x = walk.through(network.stem, x_0 * 1.0)
    walk.streams.append(kept(x))
    for repeat in network.blocks:
        for _ in range(repeat.times):
            x = walk.through(repeat.parts, x)
            walk.streams.append(kept(x))
    output = kept(walk.through(network.readout, x))
    loss = loss_of(drawn, output)
    loss.backward()
    h = [h for h, _ in walk.linears]
    found = {
        "preactivation": [log_mean_square(v) for v in h],
        "activation": [log_mean_square(v) for v in (x_0, *walk.activations)],
        "gradient": [log_mean_square(v.grad) for v in h],
        "weight_gradient": [log_mean_square(module.weight.grad) for _, module in walk.linears],
        "bias_gradient": [log_mean_square(module.bias.grad) for _, module in walk.linears],
        "input_gradient": [log_mean_square(x_0.grad)],
        "loss": [log_mean_square(loss)],
        "loss_gradient": [log_mean_square(output.grad)],
        "preactivation_max": [log_largest(v) for v in (x_0, *h)],
        "gradient_max": [log_largest(v.grad) for v in h],
        "norm_gain_gradient": [log_mean_square(gain.grad) for gain, _ in walk.norms],
        "norm_shift_gradient": [np.nan if shift is None else log_mean_square(shift.grad) for _, shift in walk.norms],
        "activation_mean": [float(v.detach().mean()) for v in walk.activations],
        "activation_unit_variance": [float(v.detach().var(dim=1, correction=0).mean()) for v in walk.activations],
        "correlation": [mean_cosine(v) for v in h],
        "gradient_correlation": [mean_cosine(v.grad) for v in h],
    }
    if network.has_stream:
        found["stream"] = [log_mean_square(v) for v in walk.streams]
        found["stream_gradient"] = [log_mean_square(v.grad) for v in walk.streams]
        found["stream_max"] = [log_largest(v) for v in walk.streams]
        found["stream_gradient_max"] = [log_largest(v.grad) for v in walk.streams]
        found["stream_correlation"] = [mean_cosine(v) for v in walk.streams]
        found["stream_gradient_correlation"] = [mean_cosine(v.grad) for v in walk.streams]
    return {quantity: values for quantity, values in found.items() if values}


ROUNDING = 2 * np.log(1e-14)  # of gradients of biases in front of BatchNorm, which are zero
WITHOUT = {"dead_fraction", "saturated_fraction", "log_one_minus_correlation"}  # of phi', or recorded as `correlation` too


@pytest.mark.parametrize("kind", ["probe", "mse", "cross_entropy"])
@pytest.mark.parametrize("name", NETWORKS)
def test_everything_recorded_of_whole_networks(name, kind):
    network = NETWORKS[name]
    drawn = reference.draw(network, 1, 5, seed=3, stream=name, loss=kind)
    expected = torch_records(network, drawn)
    tape = reference.forward(network, drawn)
    found = reference.records(network, drawn, tape, reference.backward(network, drawn, tape))
    assert found.keys() - WITHOUT == expected.keys()
    for quantity, values in expected.items():
        pair = (np.maximum(v, ROUNDING) if quantity in LOG_QUANTITIES else v for v in (found[quantity], values))
        np.testing.assert_allclose(*pair, rtol=1e-9, atol=1e-9, err_msg=quantity)
