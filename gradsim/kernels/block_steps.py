"""The steps that chains have none of, those of `gradsim.steps`, and what is recorded of streams.

Compiled when a network first has one of them (see `later`).
"""

from ..steps import files
from .compilation import deferred, part
from .later import ADDED, BACKWARD, FORWARD, STREAM_BACKWARD
from .layout import BLOCK_OPERATIONS, OPERATION, SLOT, SOURCE, STREAM, WIDTH
from .steps.add import deliver
from .steps.stream import record_stream, record_stream_gradient
from .views import cotangent, spare, step_of, taped

KERNELS = files(f"{__package__}.steps")


def _choice(operation, own, others):
    """A kernel that runs `own` for steps of this operation, `others` else."""

    @part
    def run(step, tape, scratch, record):
        if step.steps[step.k, OPERATION] == operation:
            own(step, tape, scratch, record)
        else:
            others(step, tape, scratch, record)

    return run


def _one_of(kernels):
    """A kernel (step, tape, scratch, record) that runs that one of {name: kernel} which is the step's own."""
    names = list(kernels)
    chosen = kernels[names.pop()]
    for name in reversed(names):
        chosen = _choice(BLOCK_OPERATIONS[name], kernels[name], chosen)
    return chosen


forward = _one_of({name: step.forward for name, step in KERNELS.items()})
backward = _one_of({name: step.backward for name, step in KERNELS.items()})


@deferred
def block_step(stage, k, code, key, replica, tape, scratch, record):
    """What step k does on its way forward or back, or what is recorded of the stream and of its gradient there."""
    steps, source = code.steps, code.steps[k, SOURCE]
    if stage == FORWARD or stage == BACKWARD:
        step = step_of(k, code, key, replica, tape)
        if stage == FORWARD:
            forward(step, tape, scratch, record)
        else:
            backward(step, tape, scratch, record)
    elif stage == ADDED:
        n = steps[source, WIDTH]
        deliver(cotangent(spare(tape), n, tape), cotangent(steps[source, SLOT], n, tape), False, scratch)
    elif stage == STREAM_BACKWARD:
        record_stream_gradient(cotangent(steps[k, SLOT], steps[k, WIDTH], tape), steps[k, STREAM], scratch, record)
    else:
        record_stream(taped(k, steps, tape), steps[k, STREAM], scratch, record)
