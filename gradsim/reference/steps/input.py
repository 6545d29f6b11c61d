"""The input x_0 of a network."""

from ..measures import log_largest_square, log_mean_square


def forward(node, drawn):
    return drawn.inputs


def backward(node, drawn, cotangent):
    return ()


def recorded(nodes, k, drawn, tape, cotangents):
    return {
        "activation": log_mean_square(tape[k]),
        "preactivation_max": log_largest_square(tape[k]),
        "input_gradient": log_mean_square(cotangents[k]),
    }
