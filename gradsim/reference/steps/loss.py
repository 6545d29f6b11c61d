"""The loss of a network's output (B, n), by `drawn.loss`: probes, a mean squared error, or the cross-entropy of labels."""

import math

import numpy as np

from ..measures import log_mean_square


def forward(node, drawn, output):
    """A number."""
    return _loss_and_gradient(drawn, output)[0]


def backward(node, drawn, cotangent, output):
    return (cotangent * _loss_and_gradient(drawn, output)[1],)


def recorded(nodes, k, drawn, tape, cotangents):
    (source,) = nodes[k].sources
    return {
        "loss": log_mean_square(forward(nodes[k], drawn, tape[source])),
        "loss_gradient": log_mean_square(cotangents[source]),
    }


def _loss_and_gradient(drawn, output):
    inputs, n = output.shape
    if drawn.loss == "probe":
        gradient = drawn.against / math.sqrt(n)
        return float(np.sum(gradient * output)), gradient
    if drawn.loss == "mse":
        residual = output - drawn.against
        return float(np.mean(residual**2)), 2 * residual / residual.size
    logits = output - output.max(axis=1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    truth = np.eye(n)[drawn.against]
    return float(-np.sum(truth * logs) / inputs), (np.exp(logs) - truth) / inputs


def sum_of_loss_gradients(drawn, output):
    """The gradient summed over the inputs, without the cancellation of softmax - onehot where softmax is nearly even.

    Of cross-entropy: sum_b (1/n - onehot_b), which may be zero, and sum_b (softmax_b - 1/n), which is of the logits' size.
    """
    if drawn.loss != "cross_entropy":
        return _loss_and_gradient(drawn, output)[1].sum(axis=0)
    inputs, n = output.shape
    logits = output - output.max(axis=1, keepdims=True)
    gaps = np.expm1(logits)
    uneven = (n * gaps - gaps.sum(axis=1, keepdims=True)) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.bincount(drawn.against, minlength=n)
    return ((inputs - n * labels) + uneven.sum(axis=0)) / (n * inputs)
