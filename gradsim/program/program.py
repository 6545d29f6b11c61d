"""Lowers a Network to a Program: the flat arrays of steps and parameters that the interpreter runs."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..kernels.inputs import GAUSSIAN, SAMPLES
from ..kernels.interpreter import ACTIVATE, INPUT, LINEAR_GAUSSIAN, LINEAR_HAAR, LOSS
from ..kernels.linear import BIAS_MEAN, BIAS_SCALE, MEAN
from ..kernels.loss import CROSS_ENTROPY, INDEPENDENT_PROBES, MEAN_SQUARED_ERROR, SHARED_PROBE
from ..kernels.sampling import (
    LAW_CONSTANT,
    LAW_IDENTITY,
    LAW_NORMAL,
    LAW_ORTHOGONAL,
    LAW_RADEMACHER,
    LAW_SPARSE,
    LAW_TRUNCATED,
    LAW_UNIFORM,
)
from ..kernels.workspace import Data, padded_width
from ..model.activations import CODES, CUSTOM, find_activation
from ..model.initializers import bias_law
from .engine import Layers

LAW_CODES = {
    "constant": LAW_CONSTANT,
    "normal": LAW_NORMAL,
    "uniform": LAW_UNIFORM,
    "truncated_normal": LAW_TRUNCATED,
    "rademacher": LAW_RADEMACHER,
    "sparse": LAW_SPARSE,
    "identity": LAW_IDENTITY,
    "orthogonal": LAW_ORTHOGONAL,
}
LOSS_CODES = {
    ("probe", "independent"): INDEPENDENT_PROBES,
    ("probe", "shared"): SHARED_PROBE,
    ("mse", None): MEAN_SQUARED_ERROR,
    ("cross_entropy", None): CROSS_ENTROPY,
}
PARAMETERS = 12
OFFSETS = (MEAN, BIAS_MEAN, BIAS_SCALE)  # parameters of a linear step that are zero where h = s G x


@dataclass(frozen=True)
class Program:
    """`steps` int64 (steps, 5) and `parameters` float64 (steps, 12), as in kernels/interpreter.py."""

    steps: np.ndarray
    parameters: np.ndarray
    data: Data
    inputs: int
    tape_size: int  # float32 numbers
    widest: int
    layers: int  # layer 0 (the input) included
    nanoseconds: float  # a replica takes about, on one core


def _scaled(law):
    """[mean, scale, exponent]: mean and scale share one power of two, so that any gain keeps float32 accuracy."""
    exponent = math.frexp(max(abs(law.mean), abs(law.scale)))[1]
    return [math.ldexp(law.mean, -exponent), math.ldexp(law.scale, -exponent), exponent]


@lru_cache(4096)
def _linear_parameters(bias, weights, fan_in):
    """(variant, parameters) of a linear step."""
    biases = bias_law(bias, fan_in)
    nonzero = round(weights.density * fan_in)  # of a row of a sparse matrix
    return LAW_CODES[weights.kind], [*_scaled(weights), *_scaled(biases), LAW_CODES[biases.kind], nonzero]


def _activation_parameters(network):
    entry, parameter = find_activation(network.activation)
    row = [
        parameter,
        entry.value_zero,
        *entry.slope_zero,
        *entry.slope,
        *entry.intercept,
        entry.largest_derivative,
        entry.homogeneous,
        *entry.addresses,
    ]
    return CODES.get(entry.name, CUSTOM), row


def _data(network, samples, targets, labelled):
    """The kernels' Data; `targets` are labels if `labelled`."""

    def rows(given, width):
        if given is None:
            return np.zeros((0, 0), np.float32), np.zeros(0, np.int64)
        return given.normalised(padded_width(width))

    labels = np.zeros(0, np.int64)
    if labelled and targets is not None:
        targets, labels = None, targets.values[:, 0].astype(np.int64)
    inputs, input_exponents = rows(samples, network.input_width)
    return Data(inputs, input_exponents, *rows(targets, network.linear_widths[-1]), labels)


def room_behind(operation, inputs, n_in, n_out, scaled_draw):
    """Float32 numbers that a step keeps on the tape behind its vector: slopes, or what was drawn and the inputs' frame.

    `scaled_draw` says that h is what was drawn, up to a factor (see kernels/linear.py).
    """
    if operation == ACTIVATE:
        return inputs * padded_width(n_out)
    if operation in (LINEAR_GAUSSIAN, LINEAR_HAAR):
        n = max(n_in, n_out) if operation == LINEAR_HAAR else n_out
        if inputs == 1 and n == n_out and scaled_draw:
            return 0
        drawn = padded_width(n)
        return inputs * (drawn + (padded_width(n_in) if inputs > 1 else 0))
    return 0


def lower(
    network,
    inputs=1,
    correlation=0.0,
    loss="probe",
    probe="independent",
    samples=None,
    targets=None,
    engine="auto",
    arithmetic="carried",
):
    """The Program that carries `inputs` inputs side by side through `network` to the loss.

    The inputs are Gaussian with the given correlation, or rows of `samples`; `targets` go with these. `engine` says how
    linear layers are computed (see `engine`); plain arithmetics need their weights.
    """
    steps, parameters, offset, layers = [], [], 0, Layers(network, engine, inputs, arithmetic)

    def add(operation, layer, width, variant=0, row=()):
        nonlocal offset
        steps.append((operation, layer, width, offset, variant))
        parameters.append([*row, *[0.0] * (PARAMETERS - len(row))])
        n_in = steps[-2][2] if len(steps) > 1 else width
        offset += inputs * padded_width(width) + room_behind(
            operation, inputs, n_in, width, not any(parameters[-1][k] for k in OFFSETS)
        )

    add(INPUT, 0, network.input_width, GAUSSIAN if samples is None else SAMPLES, [correlation])
    fan_in = network.input_width
    code, asymptotes = _activation_parameters(network)
    for layer, (law, operation) in enumerate(zip(layers.laws, layers.operations, strict=True), start=1):
        fan_out = network.linear_widths[layer - 1]
        add(operation, layer, fan_out, *_linear_parameters(network.bias, law, fan_in))
        if layer <= network.depth:
            add(ACTIVATE, layer, fan_out, code, asymptotes)
        fan_in = fan_out
    add(LOSS, 0, fan_in, LOSS_CODES[loss, probe if loss == "probe" else None])
    return Program(
        steps=np.array(steps, np.int64),
        parameters=np.array(parameters, np.float64),
        data=_data(network, samples, targets, loss == "cross_entropy"),
        inputs=inputs,
        tape_size=offset,
        widest=max(network.input_width, *network.linear_widths),
        layers=len(network.linear_widths) + 1,
        nanoseconds=layers.nanoseconds,
    )
