"""Lowers a Network to a Program: the flat arrays of steps and parameters that the interpreter runs."""

import math
from dataclasses import dataclass

import numpy as np

from .activations import CODES, find_activation
from .initializers import bias_law, weight_law
from .kernels.interpreter import ACTIVATE, INPUT, LINEAR, PROBE
from .kernels.sampling import LAW_CONSTANT, LAW_NORMAL, LAW_RADEMACHER, LAW_TRUNCATED, LAW_UNIFORM

LAW_CODES = {
    "constant": LAW_CONSTANT,
    "normal": LAW_NORMAL,
    "uniform": LAW_UNIFORM,
    "truncated_normal": LAW_TRUNCATED,
    "rademacher": LAW_RADEMACHER,
}
PARAMETERS = 10


@dataclass(frozen=True)
class Program:
    """`steps` int64 (steps, 5) and `parameters` float64 (steps, 10), as in kernels/interpreter.py."""

    steps: np.ndarray
    parameters: np.ndarray
    tape_size: int  # float32 numbers
    widest: int
    layers: int  # layer 0 (the input) included


def _scaled(law):
    """[mean, scale, exponent]: mean and scale share one power of two, so that any gain keeps float32 accuracy."""
    exponent = math.frexp(max(abs(law.mean), abs(law.scale)))[1]
    return [math.ldexp(law.mean, -exponent), math.ldexp(law.scale, -exponent), exponent]


def _linear_parameters(network, fan_in, fan_out):
    weights = weight_law(network.init, fan_in, fan_out, network.weight_gain)
    biases = bias_law(network.bias, fan_in)
    return LAW_CODES[weights.kind], [*_scaled(weights), *_scaled(biases), LAW_CODES[biases.kind]]


def _activation_parameters(network):
    entry, parameter = find_activation(network.activation)
    row = [parameter, entry.value_zero, *entry.slope_zero, *entry.slope, *entry.intercept, entry.largest_derivative,
           entry.homogeneous]  # fmt: skip
    return CODES[entry.name], row


def lower(network, inputs=1):
    """The Program that carries `inputs` inputs side by side through `network`, ending in the probe loss."""
    steps, parameters, offset = [], [], 0

    def add(operation, layer, width, variant=0, row=()):
        nonlocal offset
        steps.append((operation, layer, width, offset, variant))
        parameters.append([*row, *[0.0] * (PARAMETERS - len(row))])
        offset += inputs * 4 * ((width + 3) // 4)

    add(INPUT, 0, network.input_width)
    fan_in = network.input_width
    code, asymptotes = _activation_parameters(network)
    for layer, fan_out in enumerate(network.linear_widths, start=1):
        add(LINEAR, layer, fan_out, *_linear_parameters(network, fan_in, fan_out))
        if layer <= network.depth:
            add(ACTIVATE, layer, fan_out, code, asymptotes)
        fan_in = fan_out
    add(PROBE, 0, fan_in)
    widest = max(network.input_width, *network.linear_widths)
    layers = len(network.linear_widths) + 1
    return Program(np.array(steps, np.int64), np.array(parameters, np.float64), offset, widest, layers)
