"""LayerNorm and RMSNorm: over the units of each input (Ba et al. 2016, arXiv:1607.06450; Zhang & Sennrich 2019,
arXiv:1910.07467), with gain 1 and shift 0.

With root = sqrt(mean u^2 + epsilon) and y = u / root, u = x for RMSNorm, du = (d - y mean(y d)) / root. LayerNorm is the
same of u = x - mean x, whose backward is to take the mean off again.
"""

import numpy as np

from ..measures import log_mean_square


def centred(v, axis):
    return v - v.mean(axis=axis, keepdims=True)


def scaled(u, epsilon, axis):
    """(y, root) of u, over an axis."""
    root = np.sqrt(np.mean(u**2, axis=axis, keepdims=True) + epsilon)
    return u / root, root


def scaled_backward(u, epsilon, d, axis):
    """The cotangent of u from d, that of y."""
    y, root = scaled(u, epsilon, axis)
    return (d - y * np.mean(y * d, axis=axis, keepdims=True)) / root


def forward(node, drawn, x):
    return scaled(centred(x, 1) if node.part.centred else x, node.part.epsilon, 1)[0]


def backward(node, drawn, cotangent, x):
    if not node.part.centred:
        return (scaled_backward(x, node.part.epsilon, cotangent, 1),)
    return (centred(scaled_backward(centred(x, 1), node.part.epsilon, cotangent, 1), 1),)


def recorded(nodes, k, drawn, tape, cotangents):
    """Gradients of gain and shift are sums over the inputs."""
    found = {"norm_gain_gradient": log_mean_square(np.sum(cotangents[k] * tape[k], axis=0))}
    if nodes[k].part.centred:
        found["norm_shift_gradient"] = log_mean_square(cotangents[k].sum(axis=0))
    return found
