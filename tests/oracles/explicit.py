"""Ensembles of networks with explicit matrices in NumPy float64, from NumPy's own random numbers: many at a time.

Shares nothing with the kernels, neither random numbers nor the way orthogonal matrices are made (a QR factorization).
"""

import numpy as np
from scipy import special

from gradsim.model.initializers import bias_law, weight_law

PHI = {
    "tanh": (np.tanh, lambda h: 1 / np.cosh(h) ** 2),
    "relu": (lambda h: np.maximum(h, 0), lambda h: 1.0 * (h > 0)),
    "gelu": (lambda h: h * special.ndtr(h), lambda h: special.ndtr(h) + h * np.exp(-h * h / 2) / np.sqrt(2 * np.pi)),
    "sigmoid": (special.expit, lambda h: special.expit(h) * special.expit(-h)),
    "sin": (np.sin, np.cos),
}


def haar(rng, replicas, n_out, n_in):
    """Q with the signs of R fixed: Mezzadri 2007, arXiv:math-ph/0609050."""
    q, r = np.linalg.qr(rng.normal(size=(replicas, max(n_out, n_in), min(n_out, n_in))))
    q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None]
    return q if n_out >= n_in else q.transpose(0, 2, 1)


def weights(rng, law, replicas, n_out, n_in):
    unit = haar(rng, replicas, n_out, n_in) if law.kind == "orthogonal" else rng.normal(size=(replicas, n_out, n_in))
    return law.mean + law.scale * unit


class Explicit:
    """`values[k]` and `deltas[k]` of shape (replicas, inputs, width), in the order of the interpreter's tape."""

    def __init__(self, network, replicas, inputs, loss, probe, seed):
        rng = np.random.default_rng(seed)
        phi, derivative = PHI[network.activation]
        x, fan_in = rng.normal(size=(replicas, inputs, network.input_width)), network.input_width
        self.values, matrices = [x], []
        for layer, fan_out in enumerate(network.linear_widths):
            matrices.append(
                weights(rng, weight_law(network.init, fan_in, fan_out, network.weight_gain), replicas, fan_out, fan_in)
            )
            bias = bias_law(network.bias, fan_in)
            b = bias.mean + bias.scale * rng.normal(size=(replicas, 1, fan_out))
            self.values.append(self.values[-1] @ matrices[-1].transpose(0, 2, 1) + b)
            if layer < network.depth:
                self.values.append(phi(self.values[-1]))
            fan_in = fan_out
        self.deltas = [self._loss_gradient(rng, self.values[-1], loss, probe)]
        for k in range(len(self.values) - 1, 0, -1):
            linear = k % 2 == 1
            g = self.deltas[0] @ matrices[k // 2] if linear else derivative(self.values[k - 1]) * self.deltas[0]
            self.deltas.insert(0, g)

    @staticmethod
    def _loss_gradient(rng, y, loss, probe):
        replicas, inputs, n = y.shape
        if loss == "probe":
            g = rng.normal(size=(replicas, 1 if probe == "shared" else inputs, n))
            return np.broadcast_to(g, y.shape) / np.sqrt(n)
        if loss == "mse":
            return 2 * (y - rng.normal(size=y.shape)) / (n * inputs)
        truth = np.eye(n)[rng.integers(n, size=(replicas, inputs))]
        return (special.softmax(y, axis=2) - truth) / inputs
