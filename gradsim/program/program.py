"""A network's graph becomes a Program: the flat arrays of steps and parameters that the interpreter runs."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from ..errors import RequestError
from ..kernels import layout
from ..kernels.cancellation import BLOCKS, HAAR
from ..kernels.later import blocks, haar
from ..kernels.layout import PARAMETERS, STEP_COLUMNS
from ..kernels.sampling import (
    LAW_CONSTANT,
    LAW_CUT,
    LAW_IDENTITY,
    LAW_NORMAL,
    LAW_ORTHOGONAL,
    LAW_RADEMACHER,
    LAW_SPARSE,
    LAW_SPARSE_COLUMNS,
    LAW_TRUNCATED,
    LAW_UNIFORM,
)
from ..kernels.steps.input import GAUSSIAN, SAMPLES
from ..kernels.steps.linear import BALANCED, BIAS_MEAN, BIAS_SCALE, MEAN
from ..kernels.steps.loss import CROSS_ENTROPY, INDEPENDENT_PROBES, MEAN_SQUARED_ERROR, SHARED_PROBE
from ..kernels.workspace import Code, Data, padded_width
from ..model.cut_normal import moments
from ..model.form import once_a_form
from ..model.initializers import bias_law
from .columns import Columns, columns_of
from .engine import layers_of
from .graph import INPUT, LINEAR, LOSS, PLAIN_KINDS, outline
from .slots import assign_slots
from .steps import STEPS

LAW_CODES = {
    "constant": LAW_CONSTANT,
    "normal": LAW_NORMAL,
    "uniform": LAW_UNIFORM,
    "truncated_normal": LAW_TRUNCATED,
    "rademacher": LAW_RADEMACHER,
    "cut_normal": LAW_CUT,
    "sparse": LAW_SPARSE,
    "sparse_columns": LAW_SPARSE_COLUMNS,
    "identity": LAW_IDENTITY,
    "orthogonal": LAW_ORTHOGONAL,
}
LOSS_CODES = {
    ("probe", "independent"): INDEPENDENT_PROBES,
    ("probe", "shared"): SHARED_PROBE,
    ("mse", None): MEAN_SQUARED_ERROR,
    ("cross_entropy", None): CROSS_ENTROPY,
}
OFFSETS = (MEAN, BIAS_MEAN, BIAS_SCALE)  # parameters of a linear step that are zero where h = s G x


@dataclass(frozen=True)
class Program:
    """`steps` int64 (steps, columns of kernels/layout.py) and `parameters` float64 (steps, 12).

    Programs of one `layout` differ in their parameters alone.
    """

    layout: tuple
    steps: np.ndarray
    parameters: np.ndarray
    columns: Columns
    data: Data
    inputs: int
    tape_size: int  # float32 numbers
    slots: int  # cotangents that are alive at once, and one to spare where some are added
    widest: int
    apart: tuple  # kernels that it needs beside the interpreter: (place of their address in a scratch space's state, Later)
    linear_nanoseconds: float  # that the linear maps of a replica take about, on one core: what a chunk's size hangs on

    @property
    def layers(self):
        """Places that something is recorded at, at most."""
        return self.columns.places

    @cached_property
    def code(self):
        """What the kernels want of it."""
        return Code(self.steps, self.parameters, self.columns.starts)


class Sort(NamedTuple):
    """Nodes that become the same step at other places: of the part `number` (-1: none), with so many units in and out.

    `linear` is the number of the first of them among the linear maps, from 0 on; -1 for what is none.
    """

    kind: str
    number: int
    n_in: int
    n_out: int
    linear: int


@dataclass(frozen=True)
class Frame:
    """What the programs of a form have in common: `steps`, but for what hangs on laws and engines; `of` says of each step
    which of the `sorts` it is, `units` how many numbers a row of its vector takes."""

    steps: np.ndarray
    sorts: tuple
    of: np.ndarray
    units: np.ndarray
    slots: int
    widest: int
    balanced: list  # numbers of linear maps whose gradients add up to zero over the inputs (see `_balanced`)
    has_stream: bool


@once_a_form
def frame_of(form):
    """The Frame of a Form."""
    nodes, sorts, found, maps, rows = outline(form), {}, [], 0, []
    for node in nodes:
        n_in = nodes[node.sources[0]].width if node.sources else node.width
        at = node.kind, -1 if node.part is None else node.part.number, n_in, node.width
        sort = sorts.setdefault(at, (len(sorts), Sort(*at, maps if node.kind == LINEAR else -1)))
        found.append(sort[0])
        maps += node.kind == LINEAR
        source, other = (*node.sources, -1, -1)[:2]
        rows.append((node.number, node.width, source, other, node.place, node.stream))
    steps = np.zeros((len(nodes), len(STEP_COLUMNS)), np.int64)
    steps[:, [layout.LAYER, layout.WIDTH, layout.SOURCE, layout.OTHER, layout.PLACE, layout.STREAM]] = rows
    slots = _with_slots(steps, nodes)
    units = np.array([padded_width(node.width) for node in nodes], np.int64)
    sorts = tuple(sort for _, sort in sorts.values())
    has_stream = bool((steps[:, layout.STREAM] >= 0).any())
    widest = max(node.width for node in nodes)
    return Frame(steps, sorts, np.array(found, np.int64), units, slots, widest, _balanced(nodes), has_stream)


def _scaled(law):
    """[mean, scale, exponent]: mean and scale share one power of two, so that any gain keeps float32 accuracy."""
    exponent = math.frexp(max(abs(law.mean), abs(law.scale)))[1]
    return [math.ldexp(law.mean, -exponent), math.ldexp(law.scale, -exponent), exponent]


def _shape(law, fan_in, fan_out):
    """What the kernels want of a law of weights besides mean and scale."""
    if law.kind == "cut_normal":
        mean, variance, _ = moments(*law.cuts)
        return (*law.cuts, mean, 1 / math.sqrt(variance))
    return (round(law.density * (fan_out if law.kind == "sparse_columns" else fan_in)),)


@lru_cache(4096)
def _linear_parameters(bias, weights, fan_in, fan_out):
    """(variant, parameters) of a linear step."""
    biases = bias_law(bias, fan_in)
    row = (*_scaled(weights), *_scaled(biases), LAW_CODES[biases.kind], False, *_shape(weights, fan_in, fan_out))
    return LAW_CODES[weights.kind], row


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


class Step(NamedTuple):
    """What hangs on laws and engines: the operation, its variant and parameters, and the numbers kept behind its vector."""

    operation: int
    variant: int
    parameters: tuple
    kept: int


def _linear_step(part, law, operation, inputs, n_in, n_out):
    variant, row = _linear_parameters(part.bias, law, n_in, n_out)
    scaled_draw = not any(row[k] for k in OFFSETS)
    return Step(operation, variant, row, linear_kept(operation, inputs, n_in, n_out, scaled_draw))


def _steps(frame, parts, layers, ends):
    """The Step of each sort of a Frame, for a network's `parts` and its Layers; `ends` are those of the input and the loss."""
    result = []
    for kind, number, n_in, n_out, linear in frame.sorts:
        if kind == LINEAR:
            law, operation = layers.laws[linear], layers.operations[linear]
            result.append(_linear_step(parts[number], law, operation, layers.inputs, n_in, n_out))
        elif kind in STEPS:
            step = STEPS[kind]
            result.append(Step(step.operation, *step.parameters(parts[number]), step.kept(layers.inputs, n_out)))
        else:
            result.append(ends[kind])
    return result


def _room(frame, steps, inputs):
    """(numbers of each vector on the tape, numbers kept behind it): int64 (steps,) both."""
    return inputs * frame.units, np.array([step.kept for step in steps], np.int64)[frame.of]


def tape_numbers(network, layers):
    """Numbers on the tape of the network's program, for its Layers."""
    frame = frame_of(network.form)
    steps = _steps(frame, network.form.parts, layers, _ends(GAUSSIAN, 0.0, INDEPENDENT_PROBES))
    return int(sum(room.sum() for room in _room(frame, steps, layers.inputs)))


def nanoseconds(network, layers):
    """About how long a replica takes on one core, forward and back and on record, for the network's Layers."""
    frame = frame_of(network.form)
    each = [STEPS[sort.kind].nanoseconds(layers.inputs, sort.n_out) if sort.kind in STEPS else 0.0 for sort in frame.sorts]
    return layers.nanoseconds + float(np.array(each)[frame.of].sum())


def _ends(source, correlation, loss):
    return {INPUT: Step(layout.INPUT, source, (correlation,), 0), LOSS: Step(layout.LOSS, loss, (), 0)}


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
    form, layers = network.form, layers_of(network, engine, inputs, arithmetic)
    frame, nodes = frame_of(form), outline(form)
    strange = {sort.kind for sort in frame.sorts} - set(PLAIN_KINDS) if arithmetic != "carried" else ()
    if strange:
        parts = ", ".join(sorted(kind.replace("_", " ") for kind in strange))
        raise RequestError(f"--arithmetic: {arithmetic} is for plain networks; this one has {parts}: --arithmetic=carried")
    ends = _ends(GAUSSIAN if samples is None else SAMPLES, correlation, LOSS_CODES[loss, probe if loss == "probe" else None])
    found = _steps(frame, form.parts, layers, ends)
    vectors, kept = _room(frame, found, inputs)
    behind = np.cumsum(vectors + kept)
    steps, parameters = frame.steps.copy(), np.zeros((len(found), PARAMETERS))
    for row, step in zip(parameters, found, strict=True):
        row[: len(step.parameters)] = step.parameters
    steps[:, layout.OPERATION] = np.array([step.operation for step in found])[frame.of]
    steps[:, layout.VARIANT] = np.array([step.variant for step in found])[frame.of]
    steps[:, layout.OFFSET] = behind - vectors - kept
    steps[:, layout.KEPT] = behind - kept
    steps[kept == 0, layout.KEPT] = steps[kept == 0, layout.OFFSET]
    parameters = parameters[frame.of]
    parameters[frame.balanced, BALANCED] = 1.0
    return Program(
        layout=(form, inputs, tuple((step.operation, step.variant, step.kept) for step in found)),
        steps=steps,
        parameters=parameters,
        columns=columns_of(form, inputs),
        data=_data(nodes, samples, targets, loss == "cross_entropy"),
        inputs=inputs,
        tape_size=int(behind[-1]),
        slots=frame.slots,
        widest=frame.widest,
        apart=_apart({step.operation for step in found}, frame.has_stream),
        linear_nanoseconds=layers.nanoseconds,
    )


def _with_slots(steps, nodes):
    """Fill in where cotangents live; how many slots there are."""
    slots, fresh, count = assign_slots([node.sources for node in nodes])
    steps[:, layout.SLOT] = slots
    for column, edge in ((layout.FRESH, 0), (layout.OTHER_FRESH, 1)):
        steps[:, column] = [uses[edge] if edge < len(uses) else True for uses in fresh]
    return count


def _apart(operations, has_stream):
    """What Program says of the kernels beside the interpreter, for the operations of its steps."""
    found = ((HAAR, haar),) if layout.LINEAR_HAAR in operations else ()
    return (*found, (BLOCKS, blocks)) if max(operations) > layout.LOSS or has_stream else found


def _balanced(nodes):
    """Numbers of linear maps whose gradients add up to zero over the inputs, in rounding too: only BatchNorms read what they
    make, it may be through sums and other linear maps."""
    balanced = {}
    for k in reversed(range(len(nodes))):
        family = nodes[k].family
        own = family.balances or (family.keeps_balance and balanced.get(k, False))
        for source in nodes[k].sources:
            balanced[source] = balanced.get(source, True) and own
    return [k for k, alone in balanced.items() if alone and nodes[k].kind == LINEAR]
