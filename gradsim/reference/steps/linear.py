"""h = W x + b."""

import numpy as np

from ..measures import log_largest_square, log_mean_square, one_minus_cosine
from .loss import sum_of_loss_gradients


def forward(node, drawn, x):
    return x @ drawn.weights[node.number - 1].T + drawn.biases[node.number - 1]


def backward(node, drawn, cotangent, x):
    return (cotangent @ drawn.weights[node.number - 1],)


def recorded(nodes, k, drawn, tape, cotangents):
    """Gradients of weights and biases are sums over the inputs."""
    (source,) = nodes[k].sources
    x, h, delta = tape[source], tape[k], cotangents[k]
    summed = sum_of_loss_gradients(drawn, h) if nodes[-1].sources == (k,) else delta.sum(axis=0)
    found = {
        "preactivation": log_mean_square(h),
        "gradient": log_mean_square(delta),
        "weight_gradient": log_mean_square(delta.T @ x),
        "bias_gradient": log_mean_square(summed),
        "preactivation_max": log_largest_square(h),
        "gradient_max": log_largest_square(delta),
    }
    if len(h) > 1:
        gap = one_minus_cosine(h)
        found["correlation"] = 1 - gap
        found["log_one_minus_correlation"] = np.log(gap) if gap else -np.inf
        found["gradient_correlation"] = 1 - one_minus_cosine(delta)
    return found
