"""x = phi(h), unit by unit."""

import numpy as np

from ...model.activations import find_activation
from ...model.activations.exact import exact
from ..measures import log_mean_square


def forward(node, drawn, h):
    return exact(node.part.name).phi(h)


def backward(node, drawn, cotangent, h):
    return (exact(node.part.name).derivative(h) * cotangent,)


def recorded(nodes, k, drawn, tape, cotangents):
    name, (source,) = nodes[k].part.name, nodes[k].sources
    slope, largest = exact(name).derivative(tape[source]), find_activation(name)[0].largest_derivative
    return {
        **of_output(tape[k]),
        "dead_fraction": np.mean((slope == 0).all(axis=0)),
        "saturated_fraction": np.mean(np.abs(slope) < 0.01 * largest),
    }


def of_output(x):
    """What is recorded of what the next part reads."""
    return {
        "activation": log_mean_square(x),
        "activation_mean": x.mean(),
        "activation_unit_variance": x.var(axis=1).mean(),
    }
