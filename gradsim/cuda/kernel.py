"""The kernel that runs a program on a device: the interpreter's steps forward and back, a team of threads a replica."""

import inspect
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..kernels import vectors
from ..kernels.block_steps import KERNELS, block_step
from ..kernels.cancellation import DOUBTFUL
from ..kernels.haar_steps import haar_step
from ..kernels.interpreter import backward_step, forward_step
from ..kernels.later import STREAM_BACKWARD
from ..kernels.layout import (
    ACTIVATE,
    BLOCK_OPERATIONS,
    LINEAR_DENSE,
    LINEAR_GAUSSIAN,
    LINEAR_HAAR,
    LOSS,
    OPERATION,
    SLOT,
    STREAM,
    VARIANT,
    WIDTH,
)
from ..kernels.record import INPUT_GRADIENT, Record, put
from ..kernels.steps import activation, gains, linear, linear_dense, linear_gaussian, linear_haar, loss, stream
from ..kernels.steps import input as step_input
from ..kernels.steps.input import SAMPLES
from ..kernels.steps.linear import BIAS_MEAN, BIAS_SCALE
from ..kernels.steps.loss import CROSS_ENTROPY, MEAN_SQUARED_ERROR
from ..kernels.vectors import log_mean_square
from ..kernels.views import cotangent
from ..kernels.workspace import Code, Data, Scratch, Tape
from .replaced import activations_of, doubts_and_views, draws_of, scope_of, window_of_device
from .seam import on_device
from .team import team_of
from .twins import KERNELS as TWINNED
from .twins import Twins

LINEAR = (LINEAR_DENSE, LINEAR_GAUSSIAN, LINEAR_HAAR)


class Sort(NamedTuple):
    """Programs of one sort have one kernel, in which there is no more than they need."""

    team: int
    activations: tuple  # codes
    operations: frozenset
    loss: int
    one_row: bool
    biased: bool
    samples: bool
    streams: bool


def sort_of(program, team):
    """The Sort of a Program, for teams of so many threads."""
    operations, variants = program.steps[:, OPERATION], program.steps[:, VARIANT]
    linear = np.isin(operations, LINEAR)
    return Sort(
        team,
        tuple(int(code) for code in np.unique(variants[operations == ACTIVATE])) or (0,),
        frozenset(map(int, operations)),
        int(variants[-1]),
        program.inputs == 1,
        bool(program.parameters[linear][:, [BIAS_MEAN, BIAS_SCALE]].any()),
        bool(variants[0] == SAMPLES),
        bool((program.steps[:, STREAM] >= 0).any()) or int(operations.max()) > LOSS,
    )


class Arrays(NamedTuple):
    """What a kernel reads and writes in the device's memory. A slot is a team's; numbers of which every thread has its own lie
    one after another along the last axis."""

    steps: np.ndarray  # the program, as in `kernels.workspace`
    parameters: np.ndarray
    starts: np.ndarray
    key: np.ndarray
    inputs: np.ndarray
    input_exponents: np.ndarray
    targets: np.ndarray
    target_exponents: np.ndarray
    labels: np.ndarray
    values: np.ndarray  # float32 (slots, numbers of a tape)
    cotangents: np.ndarray  # float32 (slots, slots of cotangents, inputs * padded width)
    rows: np.ndarray  # float32 (slots, 2, inputs * padded width): fresh, room
    floats: np.ndarray  # float32 (slots, padded width)
    wide: np.ndarray  # float64 (slots, 2, padded width): signs, logs
    residuals: np.ndarray  # float64 (slots, inputs, padded width)
    exponents: np.ndarray  # int64 (steps, inputs, threads)
    squares: np.ndarray  # float64 (steps, inputs, threads)
    ranks: np.ndarray  # int64 (steps, threads)
    d_exponents: np.ndarray  # int64 (slots of cotangents, inputs, threads)
    d_squares: np.ndarray  # float64 (slots of cotangents, inputs, threads)
    sums: np.ndarray  # float64 (3, inputs, threads): tops, squares, left
    products: np.ndarray  # float64 (2, inputs, inputs, threads): first, second
    numbers: np.ndarray  # int64 (3, inputs, threads): samples, labels, doubts
    state: np.ndarray  # int64 (6, threads)
    words: np.ndarray  # uint32 (4, 1, threads)
    records: np.ndarray  # float64 (replicas, columns)
    doubtful: np.ndarray  # int32 (replicas,): whether the CPU is to compute it again


def _call(step):
    """In place of a call by address: of the kernel itself."""

    @on_device
    def call(address, stage, k, code, key, replica, tape, scratch, record):
        step(stage, k, code, key, replica, tape, scratch, record)

    return call


def absent(sort):
    """Yield (kernel, what it would give) for all that programs of a sort never call: it takes registers and time to compile."""
    one_row, has = sort.one_row, sort.operations.__contains__
    pairs = ((LINEAR_GAUSSIAN, linear_gaussian, "gaussian"), (LINEAR_DENSE, linear_dense, "dense"))
    for operation, module, name in pairs:
        if not has(operation):
            yield getattr(module, f"{name}_forward"), 1 if name == "gaussian" else None
            yield getattr(module, f"{name}_backward"), None
    if not has(LINEAR_HAAR):
        yield haar_step, None
    for name, operation in BLOCK_OPERATIONS.items():
        if not has(operation):
            yield KERNELS[name].forward, None
            yield KERNELS[name].backward, None
    if not sort.streams:
        yield block_step, None
    for kind, function in ((MEAN_SQUARED_ERROR, loss.mean_squared_error), (CROSS_ENTROPY, loss.cross_entropy)):
        if sort.loss != kind:
            yield function, 0.0
    if sort.loss in (MEAN_SQUARED_ERROR, CROSS_ENTROPY):
        yield loss.probe, 0.0
    if not sort.biased:
        yield linear.has_bias, False
    if not sort.samples:
        yield step_input.draw_samples, None
    if one_row:
        yield from ((function, 1) for function in (linear_gaussian.many_forward, linear_haar.many_forward))
        yield from ((function, None) for function in (linear_gaussian.many_backward, linear_haar.many_backward))
        yield from ((vectors.mean_cosine, (1.0, 0.0)), (stream.mean_cosine, 1.0), (activation.count_dead, 0))
        yield from ((gains.record_sums, None), (step_input.correlate, None), (linear.held_weight_gradient, 0.0))


def _left_out(function, result):
    """A device function of as many arguments that gives `result`."""
    plain = getattr(function, "py_func", function)
    scope = {}
    exec(f"def absent({', '.join(inspect.signature(plain).parameters)}):\n    return {result!r}", scope)
    return (plain.__module__.removeprefix(TWINNED), plain.__name__), on_device(scope["absent"])


@lru_cache(64)
def kernel_of(sort):
    """The function (arrays, first replica, replicas) of a Sort, for `cuda.jit`."""
    team = team_of(sort.team)
    twins = Twins(scope_of(team), {}, {"window": window_of_device()})
    of = twins.of
    twins.replaced |= doubts_and_views(of) | draws_of(team, of)
    twins.replaced |= dict(_left_out(function, result) for function, result in absent(sort))
    twins.named |= activations_of(sort.activations, team, of)
    twins.named["call_haar"] = _call(of(haar_step))
    twins.named["call_blocks"] = _call(of(block_step))
    forward, backward, view, write, mean_square = map(of, (forward_step, backward_step, cotangent, put, log_mean_square))
    call_blocks, place = twins.named["call_blocks"], team.place

    def run(arrays, first, count):
        thread, slot, slots = place()
        code = Code(arrays.steps, arrays.parameters, arrays.starts)
        data = Data(arrays.inputs, arrays.input_exponents, arrays.targets, arrays.target_exponents, arrays.labels)
        exponents, doubts, state = arrays.exponents[:, :, thread], arrays.numbers[2, :, thread], arrays.state[:, thread]
        values, cotangents = arrays.values[slot], arrays.cotangents[slot]
        d_exponents, samples = arrays.d_exponents[:, :, thread], arrays.numbers[0, :, thread]
        tape = Tape(
            values,
            exponents,
            arrays.squares[:, :, thread],
            arrays.ranks[:, thread],
            cotangents,
            d_exponents,
            arrays.d_squares[:, :, thread],
            d_exponents,  # doubts are not followed here
            samples,
            exponents,
            samples,
            values,
            cotangents,
            samples,
        )
        words, signs = arrays.words[:, :, thread], arrays.wide[slot, 0]
        scratch = Scratch(
            arrays.floats[slot],
            signs,
            arrays.wide[slot, 1],
            words,
            words,
            arrays.rows[slot, 1],
            arrays.rows[slot, 0],
            arrays.sums[0, :, thread],
            arrays.sums[1, :, thread],
            arrays.sums[2, :, thread],
            arrays.products[0, :, :, thread],
            arrays.products[1, :, :, thread],
            arrays.residuals[slot],
            arrays.numbers[1, :, thread],
            doubts,
            state,
        )
        steps, key = arrays.steps, arrays.key
        for r in range(slot, count, slots):
            record, replica = Record(arrays.records[r], arrays.starts), first + r
            state[DOUBTFUL] = 0
            for b in range(doubts.size):
                doubts[b] = 0
            for k in range(steps.shape[0]):
                forward(k, code, key, replica, data, tape, scratch, record)
            for k in range(steps.shape[0] - 1, 0, -1):
                backward(k, code, key, replica, data, tape, scratch, record)
            x_0 = view(steps[0, SLOT], steps[0, WIDTH], tape)
            write(record, INPUT_GRADIENT, 0, mean_square(x_0.values, x_0.exponents, x_0.n))
            if steps[0, STREAM] >= 0:
                call_blocks(0, STREAM_BACKWARD, 0, code, key, replica, tape, scratch, record)
            if state[DOUBTFUL] != 0:
                arrays.doubtful[r] = 1

    return run
