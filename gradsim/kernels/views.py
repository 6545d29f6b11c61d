"""Views of the tape: the vectors of a program, their cotangents, and what steps keep beside them."""

from .compilation import inlined
from .layout import FRESH, KEPT, LAYER, LINEAR_HAAR, OFFSET, OPERATION, PLACE, SLOT, SOURCE, VARIANT, WIDTH
from .windows import row, window
from .workspace import Draws, Step, Vector, vector


@inlined
def taped(k, steps, tape):
    """Vector k."""
    n, rows = steps[k, WIDTH], tape.exponents.shape[1]
    return Vector(vector(tape.values, steps[k, OFFSET], rows, n), row(tape.exponents, k), row(tape.squares, k), n)


@inlined
def cotangent(slot, n, tape):
    """The cotangent in a slot, of a vector of n units."""
    rows = tape.exponents.shape[1]
    return Vector(vector(row(tape.cotangents, slot), 0, rows, n), row(tape.d_exponents, slot), row(tape.d_squares, slot), n)


@inlined
def spare(tape):
    """The slot of what is added to another cotangent: the last one."""
    return tape.cotangents.shape[0] - 1


@inlined
def frames_kept(k, steps, tape, n_in, n_out):
    """What a matrix-free layer drew, and the frame of its inputs (none for one input)."""
    n, rows, start = max(n_in, n_out) if steps[k, OPERATION] == LINEAR_HAAR else n_out, tape.exponents.shape[1], steps[k, KEPT]
    drawn = vector(tape.values, start, rows, n)
    return drawn, vector(tape.values, start + rows * drawn.shape[1], rows, n_in) if rows > 1 else drawn


@inlined
def room_for(source, fresh, steps, tape):
    """Where a step puts a cotangent of vector `source`: into its slot if that is `fresh`, else into the one to spare."""
    return cotangent(steps[source, SLOT] if fresh != 0 else spare(tape), steps[source, WIDTH], tape)


@inlined
def step_of(k, code, key, replica, tape):
    """The Step of number k."""
    steps, x = code.steps, taped(code.steps[k, SOURCE], code.steps, tape)
    start, d = steps[k, KEPT], cotangent(steps[k, SLOT], steps[k, WIDTH], tape)
    kept, g = window(tape.values, start, (tape.values.size - start,)), room_for(steps[k, SOURCE], steps[k, FRESH], steps, tape)
    draws, p = Draws(key, steps[k, LAYER], replica), row(code.parameters, k)
    return Step(k, steps, steps[k, VARIANT], p, steps[k, PLACE], draws, x, taped(k, steps, tape), kept, d, g)
