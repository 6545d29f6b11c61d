"""A network in training: forward along its steps and back, in plain arithmetic, one update after another."""

import math

import numpy as np

from ...kernels.bundles import bundle
from ...kernels.compilation import inlined, internal, part
from ...kernels.layout import (
    ACTIVATE,
    BLOCK_OPERATIONS,
    FRESH,
    KEPT,
    LAYER,
    LINEAR_DENSE,
    OFFSET,
    OPERATION,
    OTHER,
    OTHER_FRESH,
    SLOT,
    SOURCE,
    VARIANT,
    WIDTH,
)
from ...kernels.philox import ONE_BLOCK, fill_words
from ...kernels.sampling import ROLE_SAMPLE
from ...kernels.steps.loss import CROSS_ENTROPY
from ...kernels.vectors import copy
from ...kernels.windows import row, window
from ...steps import files
from .cached import entry_point
from .layout import ACCURACY, COLUMNS, HELD_OUT_ACCURACY, LOSS, OWN, OWN_END, Net, Step
from .optimizers import update, updates
from .record import record_backward, record_forward, record_weights
from .steps import activation, linear
from .steps.linear import add
from .steps.loss import accuracy, cross_entropy, mean_squared_error

STEPS = {LINEAR_DENSE: linear, ACTIVATE: activation}
STEPS |= {BLOCK_OPERATIONS[name]: step for name, step in files(f"{__package__}.steps").items()}
TRAINING, HELD_OUT = np.int64(0), np.int64(1)  # word 1 of the counter that draws samples of either


def _choice(operation, own, others):
    @part
    def run(chosen, step):
        if chosen == operation:
            own(step)
        else:
            others(chosen, step)

    return run


@part
def _none(chosen, step):
    pass


def _one_of(kernels):
    """A kernel (operation, step) that runs the one of {operation: kernel} that is chosen."""
    found = _none
    for operation, kernel in kernels.items():
        found = _choice(operation, kernel, found)
    return found


step_forward = _one_of({operation: step.forward for operation, step in STEPS.items()})
step_backward = _one_of({operation: step.backward for operation, step in STEPS.items()})


@internal
def draw_batch(key, kind, replica, first_row, count, words, samples, rows):
    """Different rows of `count` by Floyd's algorithm, as the simulator draws those of step 0 (see `kernels.steps.input`)."""
    for b in range(rows):
        newest = count - rows + b
        fill_words(key, kind, replica, ROLE_SAMPLE, first_row + b, ONE_BLOCK, words)
        chosen = np.int64((np.uint64(words[0, 0]) * np.uint64(newest + 1)) >> np.uint64(32))
        for a in range(b):
            if samples[a] == chosen:
                chosen = newest
        samples[b] = chosen


@inlined
def vector_of(values, k, steps, rows):
    return window(values, steps[k, OFFSET], (rows, steps[k, COLUMNS]))


@inlined
def cotangent_of(tape, slot, columns, rows):
    return window(tape.cotangents, slot * tape.cotangents.shape[1], (rows, columns))


@inlined
def step_of(k, code, net, tape, scratch, place, rows):
    """Step k; `place` is (key, replica, first row of the batch, whether in training)."""
    steps = code.steps
    source, columns, other = steps[k, SOURCE], steps[k, COLUMNS], max(steps[k, OTHER], 0)
    spare = tape.cotangents.shape[0] - 1
    lone = steps[k, OTHER] < 0
    in_slot = spare if lone and steps[k, FRESH] == 0 else steps[source, SLOT]
    begin, numbers = steps[k, OWN], steps[k, OWN_END] - steps[k, OWN]
    return Step(
        steps[k, VARIANT],
        row(code.parameters, k),
        rows,
        steps[source, WIDTH],
        steps[k, WIDTH],
        steps[source, COLUMNS],
        columns,
        vector_of(tape.values, source, steps, rows),
        vector_of(tape.values, other, steps, rows),
        vector_of(tape.values, k, steps, rows),
        window(tape.kept, steps[k, KEPT], (steps[k + 1, KEPT] - steps[k, KEPT],)),
        cotangent_of(tape, steps[k, SLOT], columns, rows),
        cotangent_of(tape, in_slot, steps[source, COLUMNS], rows),
        cotangent_of(tape, steps[other, SLOT], columns, rows),
        steps[k, FRESH] != 0,
        steps[k, OTHER_FRESH] != 0,
        source == 0,
        window(net.weights, begin, (numbers,)),
        window(net.gradients, begin, (numbers,)),
        tape.turned,
        place[0],
        steps[k, LAYER],
        place[1],
        place[2],
        place[3],
        scratch.words,
    )


@internal
def forward(code, net, tape, scratch, samples, place, rows, record):
    """All vectors from the rows of the samples that the tape names; on record unless that has no room."""
    out = vector_of(tape.values, 0, code.steps, rows)
    for b in range(rows):
        copy(row(samples.inputs, tape.samples[b]), out.shape[1], row(out, b))
    for k in range(code.steps.shape[0] - 1):
        step = bundle(step_of(k, code, net, tape, scratch, place, rows))
        if k > 0:
            step_forward(code.steps[k, OPERATION], step)
        if record.size > 0:
            record_forward(code, k, step, scratch.logs, record)


@inlined
def own_of(k, code, net):
    """The part of a network that are the parameters of step k."""
    start, size = code.steps[k, OWN], (code.steps[k, OWN_END] - code.steps[k, OWN],)
    return Net(
        window(net.weights, start, size),
        window(net.gradients, start, size),
        window(net.initial, start, size),
        window(net.first, start, size),
        window(net.second, start, size),
    )


@internal
def add_to_source(step, k, code, tape):
    """What step k gives to the cotangent of a vector that others have given to before."""
    target = cotangent_of(tape, code.steps[code.steps[k, SOURCE], SLOT], step.in_columns, step.rows)
    for b in range(step.rows):
        add(row(step.g, b), row(target, b), step.in_columns)


@internal
def backward(code, net, tape, scratch, place, rows, optimizer, record):
    """From the loss's gradient of the last vector to the first layer; each step's parameters are updated on the way, when
    nobody needs what they were. `optimizer` is (kind, options, updates that were made)."""
    kind, options, count = optimizer
    for k in range(code.steps.shape[0] - 2, 0, -1):
        step = bundle(step_of(k, code, net, tape, scratch, place, rows))
        step_backward(code.steps[k, OPERATION], step)
        if code.steps[k, OTHER] < 0 and code.steps[k, FRESH] == 0:
            add_to_source(step, k, code, tape)
        own = bundle(own_of(k, code, net))
        if record.size > 0:
            record_backward(code, k, step, record)
        updates(kind, options, count, own)
        if record.size > 0:
            record_weights(code, k, step, own, record)
        update(own)


@internal
def loss_of(code, tape, scratch, samples, rows):
    """(loss, accuracy) of the last vector, whose cotangent is written."""
    steps, last = code.steps, code.steps.shape[0] - 2
    x, n = vector_of(tape.values, last, steps, rows), steps[last, WIDTH]
    g = cotangent_of(tape, steps[last, SLOT], steps[last, COLUMNS], rows)
    g[:] = 0.0
    right = accuracy(x, n, samples, tape.samples, rows)
    if steps[last + 1, VARIANT] == CROSS_ENTROPY:
        return cross_entropy(x, n, samples, tape.samples, rows, g, scratch.logs), right
    return mean_squared_error(x, n, samples, tape.samples, rows, g), right


@internal
def look_at_held_out(code, net, tape, scratch, held_out, place, rows, record):
    """The accuracy on a batch of what is held out."""
    count = held_out.inputs.shape[0]
    if count == 0:
        return np.nan
    rows = min(rows, count)
    draw_batch(place[0], HELD_OUT, place[1], place[2], count, scratch.words, tape.samples, rows)
    forward(code, net, tape, scratch, held_out, (place[0], place[1], place[2], False), rows, record)
    last = code.steps.shape[0] - 2
    x = vector_of(tape.values, last, code.steps, rows)
    return accuracy(x, code.steps[last, WIDTH], held_out, tape.samples, rows)


@entry_point
def train(code, key, replica, samples, held_out, net, tape, scratch, kind, options, first, curve, record):
    """Steps first, first + 1, ... of a network, a row of `curve` each: float64 (steps, 3), NaN where nothing comes to be.

    `record`, float64, takes what is recorded of the last of them, if it has any room. Returns how many steps were made: none
    behind one whose loss is not a number, since no weight is one from there on.
    """
    code, samples, held_out = bundle(code), bundle(samples), bundle(held_out)
    net, tape, scratch = bundle(net), bundle(tape), bundle(scratch)
    rows, nothing = tape.samples.shape[0], window(record, 0, (0,))
    for t in range(curve.shape[0]):
        place = key, replica, (first + t) * rows, True
        wanted = record if t == curve.shape[0] - 1 else nothing
        curve[t, HELD_OUT_ACCURACY] = look_at_held_out(code, net, tape, scratch, held_out, place, rows, nothing)
        draw_batch(key, TRAINING, replica, place[2], samples.inputs.shape[0], scratch.words, tape.samples, rows)
        forward(code, net, tape, scratch, samples, place, rows, wanted)
        curve[t, LOSS], curve[t, ACCURACY] = loss_of(code, tape, scratch, samples, rows)
        if math.isnan(curve[t, LOSS]):
            return t + 1
        backward(code, net, tape, scratch, place, rows, (kind, options, first + t), wanted)
    return curve.shape[0]
