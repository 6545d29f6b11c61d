"""The steps that chains have none of: sums, norms, dropout, and what is recorded of streams.

Compiled when a network first has one of them (see `later`).
"""

from .compilation import deferred, internal
from .later import ADDED, BACKWARD, FORWARD, STREAM_BACKWARD
from .layout import (
    ADD,
    BATCH_NORM,
    DROPOUT,
    FRESH,
    LAYER,
    NORM,
    OPERATION,
    OTHER,
    OTHER_FRESH,
    PLACE,
    SLOT,
    SOURCE,
    STREAM,
    VARIANT,
    WIDTH,
)
from .steps.add import add_backward, add_forward, deliver
from .steps.batch_norm import batch_norm_backward, batch_norm_forward
from .steps.dropout import dropout_backward, dropout_forward
from .steps.norm import norm_backward, norm_forward
from .steps.stream import record_stream, record_stream_gradient
from .views import cotangent, kept, spare, taped
from .windows import row
from .workspace import Draws


@internal
def block_forward(k, code, draws, tape, scratch, record):
    """Vector k from those that step k reads."""
    steps, operation, variant, p = code.steps, code.steps[k, OPERATION], code.steps[k, VARIANT], row(code.parameters, k)
    x, out = taped(steps[k, SOURCE], steps, tape), taped(k, steps, tape)
    if operation == ADD:
        add_forward(p, x, taped(steps[k, OTHER], steps, tape), out, scratch)
    elif operation == NORM:
        norm_forward(variant, p, x, out, kept(k, steps, tape), scratch)
    elif operation == BATCH_NORM:
        batch_norm_forward(p, x, out, kept(k, steps, tape), scratch)
    elif operation == DROPOUT:
        dropout_forward(p, draws, x, out, kept(k, steps, tape), steps[k, PLACE], scratch, record)


@internal
def sum_backward(k, steps, p, d, tape, scratch):
    """The cotangent of a sum goes to its branch, and unchanged to its skip, which takes over its slot if it is the first."""
    skip, branch, fresh = steps[k, SOURCE], steps[k, OTHER], steps[k, OTHER_FRESH] != 0
    g = cotangent(steps[branch, SLOT] if fresh else spare(tape), d.n, tape)
    add_backward(p, d, g)
    if not fresh:
        deliver(g, cotangent(steps[branch, SLOT], d.n, tape), False, scratch)
    if steps[k, FRESH] == 0:
        deliver(d, cotangent(steps[skip, SLOT], d.n, tape), False, scratch)


@internal
def block_backward(k, code, tape, scratch, record):
    """From the cotangent of vector k to those of the vectors that step k reads, before it is added to what is there."""
    steps, operation, variant, p = code.steps, code.steps[k, OPERATION], code.steps[k, VARIANT], row(code.parameters, k)
    source, place = steps[k, SOURCE], steps[k, PLACE]
    d = cotangent(steps[k, SLOT], steps[k, WIDTH], tape)
    g = cotangent(steps[source, SLOT] if steps[k, FRESH] != 0 else spare(tape), steps[source, WIDTH], tape)
    if operation == ADD:
        sum_backward(k, steps, p, d, tape, scratch)
    elif operation == NORM:
        norm_backward(variant, p, taped(k, steps, tape), kept(k, steps, tape), d, g, place, scratch, record)
    elif operation == BATCH_NORM:
        batch_norm_backward(p, taped(k, steps, tape), kept(k, steps, tape), d, g, place, scratch, record)
    elif operation == DROPOUT:
        dropout_backward(p, kept(k, steps, tape), d, g)


@deferred
def block_step(stage, k, code, key, replica, tape, scratch, record):
    """What step k does on its way forward or back, or what is recorded of the stream and of its gradient there."""
    steps, source = code.steps, code.steps[k, SOURCE]
    if stage == FORWARD:
        block_forward(k, code, Draws(key, steps[k, LAYER], replica), tape, scratch, record)
    elif stage == BACKWARD:
        block_backward(k, code, tape, scratch, record)
    elif stage == ADDED:
        n = steps[source, WIDTH]
        deliver(cotangent(spare(tape), n, tape), cotangent(steps[source, SLOT], n, tape), False, scratch)
    elif stage == STREAM_BACKWARD:
        record_stream_gradient(cotangent(steps[k, SLOT], steps[k, WIDTH], tape), steps[k, STREAM], scratch, record)
    else:
        record_stream(taped(k, steps, tape), steps[k, STREAM], scratch, record)
