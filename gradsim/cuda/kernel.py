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
from .replaced import activations_of, doubts_and_views, draws_of, scope_of
from .seam import inlined_on_device, on_device
from .team import team_of
from .twins import KERNELS as TWINNED
from .twins import Twins
from .views import registers_of, view_of

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
    """What a kernel reads and writes in the device's memory.

    A row of what is "of a team" is what a team works on. In a row of what is "of threads" every thread has numbers of its own,
    one beside those of the next thread.
    """

    steps: np.ndarray  # the program, as in `kernels.workspace`
    parameters: np.ndarray
    starts: np.ndarray
    key: np.ndarray
    inputs: np.ndarray
    input_exponents: np.ndarray
    targets: np.ndarray
    target_exponents: np.ndarray
    labels: np.ndarray
    sizes: np.ndarray  # int64 (3,): inputs, padded width of the widest vector, slots of cotangents
    values: np.ndarray  # of a team, float32: the tape
    cotangents: np.ndarray  # float32: (slots of cotangents, inputs * padded width)
    rows: np.ndarray  # float32: fresh, room
    floats: np.ndarray  # float32: (padded width,)
    wide: np.ndarray  # float64: signs, logs
    residuals: np.ndarray  # float64: (inputs, padded width)
    exponents: np.ndarray  # of threads, int64: (steps, inputs)
    squares: np.ndarray  # float64: (steps, inputs)
    ranks: np.ndarray  # int64: (steps,)
    d_exponents: np.ndarray  # int64: (slots of cotangents, inputs)
    d_squares: np.ndarray  # float64: (slots of cotangents, inputs)
    sums: np.ndarray  # float64: tops, squares, left
    products: np.ndarray  # float64: first, second
    numbers: np.ndarray  # int64: samples, labels, doubts
    state: np.ndarray  # int64
    words: np.ndarray  # uint32
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
    twins = Twins(scope_of(team), {}, {"window": view_of()})
    of = twins.of
    twins.replaced |= doubts_and_views(of) | draws_of(team, of)
    twins.replaced |= dict(_left_out(function, result) for function, result in absent(sort))
    twins.named |= activations_of(sort.activations, team, of)
    twins.named["call_haar"] = _call(of(haar_step))
    twins.named["call_blocks"] = _call(of(block_step))
    forward, backward, last, write, mean_square = map(of, (forward_step, backward_step, cotangent, put, log_mean_square))
    call_blocks, place = twins.named["call_blocks"], team.place

    view, own, one_row = view_of(), view_of(sort.team), sort.one_row
    one, two, three, four, six = (np.int64(number) for number in (1, 2, 3, 4, 6))

    @inlined_on_device
    def shared_part(array, slot, shape):
        return view(array, slot * array.shape[1], shape)

    @inlined_on_device
    def own_part(array, slot, lane, shape):
        return own(array, slot * array.shape[1] + lane, shape)

    def few(shape, kind):
        """In place of `own_part`, for numbers that are registers of a thread where there is one input."""
        return registers_of(shape, kind) if one_row else own_part

    few_sums, few_products = few((3, 1), np.float64), few((2, 1, 1), np.float64)
    few_numbers, few_states, few_words = few((3, 1), np.int64), few((6,), np.int64), few((4, 1), np.uint32)

    @inlined_on_device
    def sizes_of(arrays):
        """(inputs, padded width of the widest vector, slots of cotangents, steps); one input is known when it is compiled."""
        rows = one if one_row else np.int64(arrays.sizes[0])
        return rows, np.int64(arrays.sizes[1]), np.int64(arrays.sizes[2]), np.int64(arrays.steps.shape[0])

    @inlined_on_device
    def tape_of(arrays, slot, lane, numbers):
        rows, columns, taken, depth = sizes_of(arrays)
        values = shared_part(arrays.values, slot, (np.int64(arrays.values.shape[1]),))
        cotangents = shared_part(arrays.cotangents, slot, (taken, rows * columns))
        exponents = own_part(arrays.exponents, slot, lane, (depth, rows))
        squares = own_part(arrays.squares, slot, lane, (depth, rows))
        ranks = own_part(arrays.ranks, slot, lane, (depth,))
        d_exponents = own_part(arrays.d_exponents, slot, lane, (taken, rows))
        d_squares = own_part(arrays.d_squares, slot, lane, (taken, rows))
        samples = numbers[0]
        # Doubts and residues are not followed here: what stands in for them is not looked at
        d_doubts, doubts, unresolved, residues, d_residues, followed = (
            d_exponents,
            exponents,
            samples,
            values,
            cotangents,
            samples,
        )
        return Tape(
            values,
            exponents,
            squares,
            ranks,
            cotangents,
            d_exponents,
            d_squares,
            d_doubts,
            samples,
            doubts,
            unresolved,
            residues,
            d_residues,
            followed,
        )

    @inlined_on_device
    def scratch_of(arrays, slot, lane, numbers):
        rows, columns, _, _ = sizes_of(arrays)
        room, wide = shared_part(arrays.rows, slot, (two, rows * columns)), shared_part(arrays.wide, slot, (two, columns))
        sums = few_sums(arrays.sums, slot, lane, (three, rows))
        products = few_products(arrays.products, slot, lane, (two, rows, rows))
        words, state = few_words(arrays.words, slot, lane, (four, one)), few_states(arrays.state, slot, lane, (six,))
        for place_of_state in range(6):
            state[place_of_state] = 0
        return Scratch(
            shared_part(arrays.floats, slot, (columns,)),
            wide[0],
            wide[1],
            words,
            words,
            room[1],
            room[0],
            sums[0],
            sums[1],
            sums[2],
            products[0],
            products[1],
            shared_part(arrays.residuals, slot, (rows, columns)),
            numbers[1],
            numbers[2],
            state,
        )

    def run(arrays, first, count):
        lane, slot, slots = place()
        code = Code(arrays.steps, arrays.parameters, arrays.starts)
        data = Data(arrays.inputs, arrays.input_exponents, arrays.targets, arrays.target_exponents, arrays.labels)
        numbers = few_numbers(arrays.numbers, slot, lane, (three, sizes_of(arrays)[0]))
        tape, scratch = tape_of(arrays, slot, lane, numbers), scratch_of(arrays, slot, lane, numbers)
        steps, key, doubts, state = arrays.steps, arrays.key, scratch.doubts, scratch.state
        for r in range(slot, count, slots):
            record, replica = Record(arrays.records[r], arrays.starts), first + r
            state[DOUBTFUL] = 0
            for b in range(doubts.size):
                doubts[b] = 0
            for k in range(steps.shape[0]):
                forward(k, code, key, replica, data, tape, scratch, record)
            for k in range(steps.shape[0] - 1, 0, -1):
                backward(k, code, key, replica, data, tape, scratch, record)
            x_0 = last(steps[0, SLOT], steps[0, WIDTH], tape)
            write(record, INPUT_GRADIENT, 0, mean_square(x_0.values, x_0.exponents, x_0.n))
            if steps[0, STREAM] >= 0:
                call_blocks(0, STREAM_BACKWARD, 0, code, key, replica, tape, scratch, record)
            if state[DOUBTFUL] != 0:
                arrays.doubtful[r] = 1

    return run
