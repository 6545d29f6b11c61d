"""Ensembles of networks of any steps with explicit matrices in NumPy float64, many at a time: as `explicit`, along a graph.

Random numbers are NumPy's own, and every step is written down here once more, from its definition. A vector is an array
(replicas, inputs, units). Going back, out[parent] = out.get(parent, 0) + what its reader gives.
"""

import numpy as np

from gradsim.model.initializers import bias_law, weight_law
from gradsim.model.parts import RMSNorm
from gradsim.program.graph import ACTIVATION, LINEAR, graph

from .explicit import PHI, Explicit, weights


def _linear(node, rng, x):
    replicas, _, fan_in = x.shape
    w = weights(rng, weight_law(node.part.init, fan_in, node.width, node.part.gain), replicas, node.width, fan_in)
    law = bias_law(node.part.bias, fan_in)
    b = law.mean + law.scale * rng.normal(size=(replicas, 1, node.width))
    return x @ w.transpose(0, 2, 1) + b, lambda d: (d @ w,)


def _activation(node, rng, h):
    phi, derivative = PHI[node.part.name]
    return phi(h), lambda d: (derivative(h) * d,)


def _standardised(x, axis, centred, epsilon):
    """Over n numbers, back by the Jacobian (P - y y^T / n) / S of each row, P taking the mean off or doing nothing."""
    n = x.shape[axis]
    rows = np.moveaxis(x, axis, 2)
    off = np.eye(n) - (1.0 / n if centred else 0.0)
    u = rows @ off
    s = np.sqrt(np.mean(u * u, axis=2, keepdims=True) + epsilon)
    y = u / s

    def back(d):
        d = np.moveaxis(d, axis, 2)
        along = np.einsum("rbi,rbi->rb", d, y)[:, :, None]
        return (np.moveaxis((d @ off - along * y / n) / s, 2, axis),)

    return np.moveaxis(y, 2, axis), back


def _norm(node, rng, x):
    return _standardised(x, 2, not isinstance(node.part, RMSNorm), node.part.epsilon)


def _batch_norm(node, rng, x):
    return _standardised(x, 1, True, node.part.epsilon)


def _dropout(node, rng, x):
    kept = rng.random(x.shape) > node.part.p
    return np.where(kept, x, 0.0) / (1 - node.part.p), lambda d: (np.where(kept, d, 0.0) / (1 - node.part.p),)


def _add(node, rng, skip, branch):
    return skip + node.part.scale * branch, lambda d: (d, node.part.scale * d)


STEPS = {
    LINEAR: _linear,
    ACTIVATION: _activation,
    "norm": _norm,
    "batch_norm": _batch_norm,
    "dropout": _dropout,
    "add": _add,
}


class ExplicitGraph:
    """`values[k]` and `deltas[k]`, (replicas, inputs, units), of vector k and of its cotangent."""

    def __init__(self, network, replicas, inputs, loss, probe, seed):
        rng, nodes = np.random.default_rng(seed), graph(network)
        self.values, backs = [rng.normal(size=(replicas, inputs, network.input_width))], [lambda d: ()]
        for node in nodes[1:-1]:
            value, back = STEPS[node.kind](node, rng, *(self.values[k] for k in node.sources))
            self.values.append(value)
            backs.append(back)
        out = {len(nodes) - 2: Explicit._loss_gradient(rng, self.values[-1], loss, probe)}
        for k in range(len(nodes) - 2, -1, -1):
            for parent, d in zip(nodes[k].sources, backs[k](out[k]), strict=True):
                out[parent] = out[parent] + d if parent in out else d
        self.deltas = [out[k] for k in range(len(nodes) - 1)]
