"""Networks with explicit matrices in NumPy, forward and backward along the graph: what mean field of blocks is held against.

Vectors are (units, inputs). Cotangents are added by the rule of autograd: out[parent] = out.get(parent, 0) + into[parent].
"""

import numpy as np

from gradsim.model.activations.exact import exact
from gradsim.model.initializers import bias_law, weight_law
from gradsim.model.parts import RMSNorm
from gradsim.program.graph import graph


def _linear(node, x, rng):
    weights, biases = weight_law(node.part.init, len(x), node.width, node.part.gain), bias_law(node.part.bias, len(x))
    assert weights.kind in ("normal", "constant") and not weights.mean
    w = weights.scale * rng.standard_normal((node.width, len(x)))
    noise = {"normal": rng.standard_normal, "uniform": lambda n: rng.uniform(-1, 1, n), "constant": np.zeros}[biases.kind]
    b = biases.mean + biases.scale * noise(node.width)
    return w @ x + b[:, None], lambda g: (w.T @ g,)


def _activation(node, x, rng):
    phi = exact(node.part.name)
    return phi.phi(x), lambda g: (phi.derivative(x) * g,)


def _normalised(x, axis, centred, epsilon):
    def centre(v):
        return v - v.mean(axis=axis, keepdims=True) if centred else v

    scale = np.sqrt((centre(x) ** 2).mean(axis=axis, keepdims=True) + epsilon)
    y = centre(x) / scale
    return y, lambda g: (centre(g - y * (g * y).mean(axis=axis, keepdims=True)) / scale,)


def _norm(node, x, rng):
    return _normalised(x, 0, not isinstance(node.part, RMSNorm), node.part.epsilon)


def _batch_norm(node, x, rng):
    return _normalised(x, 1, True, node.part.epsilon)


def _dropout(node, x, rng):
    mask = (rng.random(x.shape) >= node.part.p) / (1 - node.part.p)
    return mask * x, lambda g: (mask * g,)


def _add(node, skip, branch, rng):
    return skip + node.part.scale * branch, lambda g: (g, node.part.scale * g)


STEPS = {
    "linear": _linear,
    "activation": _activation,
    "norm": _norm,
    "batch_norm": _batch_norm,
    "dropout": _dropout,
    "add": _add,
}


def record(network, rng, inputs=1, correlation=0.0, shared=False):
    """{quantity: array over places} of one network with a probe: logs of mean squares, and mean cosines of pairs."""
    nodes = graph(network)
    noise = rng.standard_normal((network.input_width, inputs))
    values, backs = (
        [np.sqrt(1 - correlation) * noise + np.sqrt(correlation) * rng.standard_normal((network.input_width, 1))],
        [],
    )
    backs.append(lambda g: ())
    for node in nodes[1:-1]:
        value, back = STEPS[node.kind](node, *(values[k] for k in node.sources), rng)
        values.append(value)
        backs.append(back)
    n = nodes[-1].width
    probe = rng.standard_normal((n, 1 if shared else inputs)) * np.ones((1, inputs)) / np.sqrt(n)
    out = {nodes[-1].sources[0]: probe}
    for k in range(len(nodes) - 2, -1, -1):
        for parent, g in zip(nodes[k].sources, backs[k](out[k]), strict=True):
            out[parent] = out[parent] + g if parent in out else g
    return _recorded(nodes, values, out, inputs)


def _recorded(nodes, values, out, inputs):
    maps = [k for k, node in enumerate(nodes) if node.kind == "linear"]
    stream = sorted((k for k, node in enumerate(nodes) if node.stream >= 0), key=lambda k: nodes[k].stream)
    read = {0: 0} | {
        node.place: k for k, node in enumerate(nodes) if node.kind in ("activation", "dropout") and node.place >= 0
    }
    bends = [node.place for node in nodes if node.kind == "activation"]
    found = {
        "preactivation_log_mean": [_log(values[k]) for k in maps],
        "activation_log_mean": [_log(values[read[place]]) for place in (0, *bends)],
        "gradient_log_mean": [_log(out[k]) for k in maps],
        "weight_gradient_log_mean": [_log(out[k] @ values[nodes[k].sources[0]].T) for k in maps],
        "bias_gradient_log_mean": [_log(out[k].sum(axis=1)) for k in maps],
        "input_gradient_log_mean": [_log(out[0])],
        "activation_mean_mean": [values[k].mean() for k, node in enumerate(nodes) if node.kind == "activation"],
    }
    if inputs > 1:
        found["correlation_mean"] = [_cosine(values[k]) for k in maps]
        found["gradient_correlation_mean"] = [_cosine(out[k]) for k in maps]
    if stream:
        found["stream_log_mean"] = [_log(values[k]) for k in stream]
        found["stream_gradient_log_mean"] = [_log(out[k]) for k in stream]
    if stream and inputs > 1:
        found["stream_correlation_mean"] = [_cosine(values[k]) for k in stream]
        found["stream_gradient_correlation_mean"] = [_cosine(out[k]) for k in stream]
    return {name: np.array(value) for name, value in found.items()}


def _log(values):
    return np.log((values * values).mean())


def _cosine(x):
    units = x / np.sqrt((x * x).sum(axis=0))
    pairs = np.triu_indices(x.shape[1], 1)
    return (units.T @ units)[pairs].mean()
