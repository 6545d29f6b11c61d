"""What is taken off the weights after a step: written over the gradients."""

import math

import numpy as np

from ...kernels.compilation import elementary
from .layout import ADAM, EPSILON, LEARNING_RATE, MOMENTUM, SECOND


@elementary
def descend(rate, momentum, net):
    """Stochastic gradient descent: v = momentum v + g, w -= rate v (Sutskever et al. 2013, as PyTorch has it)."""
    gradients, first = net.gradients, net.first
    if momentum == 0.0:
        for i in range(gradients.size):
            gradients[i] *= rate
        return
    for i in range(gradients.size):
        first[i] = momentum * first[i] + gradients[i]
        gradients[i] = rate * first[i]


@elementary
def adapt(rate, beta, second_beta, epsilon, count, net):
    """Adam after `count` updates (Kingma & Ba 2015, arXiv:1412.6980)."""
    kind = net.weights.dtype.type
    own, second_own = kind(1.0 - beta), kind(1.0 - second_beta)
    step = kind(rate / (1.0 - beta ** (count + 1)))
    root = kind(1.0 / math.sqrt(1.0 - second_beta ** (count + 1)))
    beta, second_beta, epsilon = kind(beta), kind(second_beta), kind(epsilon)
    gradients, first, second = net.gradients, net.first, net.second
    for i in range(gradients.size):
        g = gradients[i]
        first[i] = beta * first[i] + own * g
        second[i] = second_beta * second[i] + second_own * (g * g)
        gradients[i] = step * first[i] / (np.sqrt(second[i]) * root + epsilon)


@elementary
def updates(kind, options, count, net):
    """Gradients become what is taken off the weights, after `count` updates."""
    if kind == ADAM:
        adapt(options[LEARNING_RATE], options[MOMENTUM], options[SECOND], options[EPSILON], count, net)
    else:
        number = net.weights.dtype.type
        descend(number(options[LEARNING_RATE]), number(options[MOMENTUM]), net)


@elementary
def update(net):
    weights, taken = net.weights, net.gradients
    for i in range(weights.size):
        weights[i] -= taken[i]
