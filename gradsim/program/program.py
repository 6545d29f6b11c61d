"""A network's graph becomes a Program: the flat arrays of steps and parameters that the interpreter runs."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..errors import RequestError
from ..kernels import layout
from ..kernels.cancellation import BLOCKS, HAAR
from ..kernels.later import blocks, haar
from ..kernels.layout import PARAMETERS
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
from ..kernels.steps.input import GAUSSIAN, SAMPLES
from ..kernels.steps.linear import BALANCED, BIAS_MEAN, BIAS_SCALE, MEAN
from ..kernels.steps.loss import CROSS_ENTROPY, INDEPENDENT_PROBES, MEAN_SQUARED_ERROR, SHARED_PROBE
from ..kernels.workspace import Code, Data, padded_width
from ..model.initializers import bias_law
from .columns import Columns, columns
from .engine import Layers
from .graph import ACTIVATION, ADD, BATCH_NORM, INPUT, LINEAR, LOSS, graph
from .slots import assign_slots
from .steps import STEPS

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
OPERATIONS = {INPUT: layout.INPUT, LOSS: layout.LOSS}
PLAIN_KINDS = (INPUT, LINEAR, ACTIVATION, LOSS)  # that have a step in plain arithmetics
OFFSETS = (MEAN, BIAS_MEAN, BIAS_SCALE)  # parameters of a linear step that are zero where h = s G x


@dataclass(frozen=True)
class Program:
    """`steps` int64 (steps, columns of kernels/layout.py) and `parameters` float64 (steps, 12), made from `nodes`."""

    nodes: list
    steps: np.ndarray
    parameters: np.ndarray
    columns: Columns
    data: Data
    inputs: int
    tape_size: int  # float32 numbers
    slots: int  # cotangents that are alive at once, and one to spare where some are added
    widest: int
    nanoseconds: float  # a replica takes about, on one core

    @property
    def layers(self):
        """Places that something is recorded at, at most."""
        return self.columns.places

    @property
    def apart(self):
        """Kernels that its steps need beside the interpreter: (place of their address in a scratch space's state, Later)."""
        operations, streams = self.steps[:, layout.OPERATION], self.steps[:, layout.STREAM]
        if np.any(operations == layout.LINEAR_HAAR):
            yield HAAR, haar
        if np.any(operations > layout.LOSS) or np.any(streams >= 0):
            yield BLOCKS, blocks

    @property
    def code(self):
        """What the kernels want of it."""
        return Code(self.steps, self.parameters, self.columns.starts)


def _scaled(law):
    """[mean, scale, exponent]: mean and scale share one power of two, so that any gain keeps float32 accuracy."""
    exponent = math.frexp(max(abs(law.mean), abs(law.scale)))[1]
    return [math.ldexp(law.mean, -exponent), math.ldexp(law.scale, -exponent), exponent]


@lru_cache(4096)
def _linear_parameters(bias, weights, fan_in):
    """(variant, parameters) of a linear step."""
    biases = bias_law(bias, fan_in)
    nonzero = round(weights.density * fan_in)  # of a row of a sparse matrix
    return LAW_CODES[weights.kind], (*_scaled(weights), *_scaled(biases), LAW_CODES[biases.kind], nonzero)


def _data(nodes, samples, targets, labelled):
    """The kernels' Data; `targets` are labels if `labelled`."""

    def rows(given, width):
        if given is None:
            return np.zeros((0, 0), np.float32), np.zeros(0, np.int64)
        return given.normalised(padded_width(width))

    labels = np.zeros(0, np.int64)
    if labelled and targets is not None:
        targets, labels = None, targets.values[:, 0].astype(np.int64)
    inputs, input_exponents = rows(samples, nodes[0].width)
    return Data(inputs, input_exponents, *rows(targets, nodes[-1].width), labels)


def linear_kept(operation, inputs, n_in, n_out, scaled_draw):
    """Float32 numbers that a linear map keeps on the tape behind its vector: what was drawn and the inputs' frame.

    `scaled_draw` says that h is what was drawn, up to a factor (see kernels/steps/linear.py): nothing then for one input.
    """
    if operation == layout.LINEAR_DENSE:
        return 0
    n = max(n_in, n_out) if operation == layout.LINEAR_HAAR else n_out
    if inputs == 1 and n == n_out and scaled_draw:
        return 0
    return inputs * (padded_width(n) + (padded_width(n_in) if inputs > 1 else 0))


class _Assembler:
    """Steps and parameters, node by node."""

    def __init__(self, nodes, layers, inputs):
        self.nodes, self.inputs, self.offset = nodes, inputs, 0
        self.linear = zip(layers.laws, layers.operations, strict=True)
        self.steps, self.parameters = [], []

    def add(self, node, variant_of):
        """The step of a node; `variant_of` gives the variant and the parameters of the input and of the loss."""
        n_in = self.nodes[node.sources[0]].width if node.sources else node.width
        operation, variant, row, kept = self._step(node, n_in, variant_of)
        vector, (source, other) = self.inputs * padded_width(node.width), (*node.sources, -1, -1)[:2]
        aside = self.offset + (vector if kept else 0)
        self.steps.append(
            (
                operation,
                node.number,
                node.width,
                self.offset,
                variant,
                source,
                other,
                aside,
                0,
                1,
                1,
                node.place,
                node.stream,
            )
        )
        self.parameters.append((*row, *(0.0,) * (PARAMETERS - len(row))))
        self.offset += vector + kept

    def _step(self, node, n_in, variant_of):
        """(operation, variant, parameters, numbers kept)."""
        if node.kind == LINEAR:
            law, operation = next(self.linear)
            variant, row = _linear_parameters(node.part.bias, law, n_in)
            scaled_draw = not any(row[k] for k in OFFSETS)
            return operation, variant, row, linear_kept(operation, self.inputs, n_in, node.width, scaled_draw)
        if node.kind in STEPS:
            kind = STEPS[node.kind]
            return kind.operation, *kind.parameters(node.part), kind.kept(self.inputs, node.width)
        return OPERATIONS[node.kind], *variant_of[node.kind], 0


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
    linear layers are computed (see `engine`); plain arithmetics need their weights. Raises RequestError for a part that
    has no step in plain arithmetic.
    """
    nodes, layers = graph(network), Layers(network, engine, inputs, arithmetic)
    strange = {node.kind for node in nodes} - set(PLAIN_KINDS) if arithmetic != "carried" else ()
    if strange:
        parts = ", ".join(sorted(kind.replace("_", " ") for kind in strange))
        raise RequestError(f"--arithmetic: {arithmetic} is for plain networks; this one has {parts}: --arithmetic carried")
    assembler = _Assembler(nodes, layers, inputs)
    variant_of = {
        INPUT: (GAUSSIAN if samples is None else SAMPLES, (correlation,)),
        LOSS: (LOSS_CODES[loss, probe if loss == "probe" else None], ()),
    }
    for node in nodes:
        assembler.add(node, variant_of)
    steps = np.array(assembler.steps, np.int64)
    parameters = np.array(assembler.parameters, np.float64)
    parameters[_balanced(nodes), BALANCED] = 1.0
    slots = _with_slots(steps, nodes)
    return Program(
        nodes=nodes,
        steps=steps,
        parameters=parameters,
        columns=columns(nodes, inputs),
        data=_data(nodes, samples, targets, loss == "cross_entropy"),
        inputs=inputs,
        tape_size=assembler.offset,
        slots=slots,
        widest=max(node.width for node in nodes),
        nanoseconds=layers.nanoseconds,
    )


def _with_slots(steps, nodes):
    """Fill in where cotangents live; how many slots there are."""
    slots, fresh, count = assign_slots([node.sources for node in nodes])
    steps[:, layout.SLOT] = slots
    for column, edge in ((layout.FRESH, 0), (layout.OTHER_FRESH, 1)):
        steps[:, column] = [uses[edge] if edge < len(uses) else True for uses in fresh]
    return count


def _balanced(nodes):
    """Numbers of linear maps whose gradients add up to zero over the inputs, in rounding too: only BatchNorms read what they
    make, it may be through sums and other linear maps."""
    balanced = {}
    for k in reversed(range(len(nodes))):
        own = nodes[k].kind == BATCH_NORM or (nodes[k].kind in (ADD, LINEAR) and balanced.get(k, False))
        for source in nodes[k].sources:
            balanced[source] = balanced.get(source, True) and own
    return [k for k, alone in balanced.items() if alone and nodes[k].kind == LINEAR]
