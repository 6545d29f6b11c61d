"""Views of the tape: the vectors of a program, their cotangents, and what steps keep beside them."""

from .compilation import inlined
from .layout import KEPT, LINEAR_HAAR, OFFSET, OPERATION, WIDTH
from .windows import row, window
from .workspace import Vector, vector


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
def kept(k, steps, tape):
    """What step k keeps for the way back, from there on."""
    return window(tape.values, steps[k, KEPT], (tape.values.size - steps[k, KEPT],))


@inlined
def frames_kept(k, steps, tape, n_in, n_out):
    """What a matrix-free layer drew, and the frame of its inputs (none for one input)."""
    n, rows, start = max(n_in, n_out) if steps[k, OPERATION] == LINEAR_HAAR else n_out, tape.exponents.shape[1], steps[k, KEPT]
    drawn = vector(tape.values, start, rows, n)
    return drawn, vector(tape.values, start + rows * drawn.shape[1], rows, n_in) if rows > 1 else drawn
