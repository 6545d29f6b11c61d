"""Sums that cancel: what float32 cannot tell from zero, and what becomes of it.

A sum of float32 numbers that comes out below FAINT times the sum of their magnitudes is made of their roundings: it is
*unresolved*, and so is what is too small for the carried exponents. A row that is unresolved is held at its upper bound,
every entry as large as that, and is in doubt from there on; a row of zeros is never in doubt, so that a zero on record is one.
What is recorded of rows in doubt is marked.

A replica in which anything is held runs once more, and after every step `doubts` says what becomes of it. The others pay for
comparisons only.
"""

import math

import numpy as np

from .compilation import internal, part
from .rare import rarely_called
from .vectors import LN2, NEGLIGIBLE_LOG, largest, normalise, power_of_two, settle, sum_of

FAINT = 2.0**-22  # of what is added, two units in its last place: a sum below it is unresolved,
RESOLUTION = 2.0**-20  # and no larger than this: what is added has a few roundings of its own
FLOOR_EXPONENT = np.int64(math.floor(NEGLIGIBLE_LOG / LN2))  # where rows are held that are too small for their exponents

# Places in `state`: whether anything of this replica is in doubt, what this step recorded that is (bits, one a quantity),
# whether zeros are what the arithmetic makes of sums (plain float types), so that nothing is ever in doubt, and the addresses
# of what is compiled apart: what follows doubts, the steps of blocks, those with orthogonal weights (0 where it is not yet)
DOUBTFUL, FOUND, ROUNDED, DOUBTS, BLOCKS, HAAR = range(6)
OLD, NEW = 1, 2  # doubts about a row, as bits: it was in doubt before this step, it is since


@internal
def sum_of_sizes(v, n):
    total = 0.0
    for i in range(n):
        total += abs(np.float64(v[i]))
    return total


@internal
def mark(quantity, scratch):
    """What is recorded of `quantity` in this step is unresolved."""
    rarely_called()
    scratch.state[FOUND] |= np.int64(1) << np.int64(quantity)
    scratch.state[DOUBTFUL] = 1


@part
def hold(v, n, size, b, scratch):
    """Row b becomes `size` everywhere, and is in doubt."""
    rarely_called()
    for i in range(n):
        v[i] = size
    scratch.doubts[b] |= NEW
    scratch.state[DOUBTFUL] = 1


@internal
def may_hold(scratch):
    return scratch.state[ROUNDED] == 0


@part
def hold_at_floor(v, n, b, scratch):
    """The exponent of a row that is not zero and too small for one."""
    hold(v, n, np.float32(1.0), b, scratch)
    return FLOOR_EXPONENT


@internal
def hold_faint(source, n_source, weight, out, n, top, b, scratch):
    """Row b, out = W source with all of W about `weight`, is held if it is unresolved; its largest entry, `top` before.

    Sums of what is in doubt have no digits that could cancel.
    """
    rarely_called()
    if not top <= 32.0 * FAINT * n_source:
        return top
    size = weight * sum_of_sizes(source, n_source)
    if size > 0.0 and top <= FAINT * size and may_hold(scratch):
        top = np.float32(size if scratch.doubts[b] != 0 else RESOLUTION * size)
        hold(out, n, top, b, scratch)
    return top


@part
def held_sum(v, n, b, scratch):
    """The sum of row b, or its upper bound."""
    total = sum_of(v, n)
    return held_small_sum(total, v, n, b, scratch) if abs(total) <= 16.0 * FAINT * n else total


@part
def held_small_sum(total, v, n, b, scratch):
    rarely_called()
    size = sum_of_sizes(v, n)
    if size > 0.0 and abs(total) <= FAINT * size and may_hold(scratch):
        total = size if scratch.doubts[b] != 0 else RESOLUTION * size
        scratch.doubts[b] |= NEW
        scratch.state[DOUBTFUL] = 1
    return total


@internal
def add_scaled(u, u_exponent, n, v, exponent, b, scratch):
    """Row b, v = 2^exponent v + 2^u_exponent u, normalised; returns its exponent."""
    exponent = normalise(v, n, exponent)
    u_top, v_top = largest(u, n), largest(v, n)
    if u_top == 0.0:
        return exponent
    alive = v_top > 0.0
    top = max(exponent, u_exponent) if alive else u_exponent
    v_factor = np.float32(power_of_two(exponent - top)) if alive else np.float32(0.0)
    u_factor = np.float32(power_of_two(u_exponent - top))
    for i in range(n):
        v[i] = v_factor * v[i] + u_factor * u[i]
    size = np.float64(v_factor) * v_top + np.float64(u_factor) * u_top
    after = largest(v, n)
    if after <= FAINT * size and may_hold(scratch):
        after = np.float32(RESOLUTION * size)
        hold(v, n, after, b, scratch)
    return settle(v, n, after, top)


@internal
def clear(tape, scratch):
    """For the next replica."""
    rarely_called()
    scratch.state[DOUBTFUL] = 0
    scratch.state[FOUND] = 0
    tape.followed[0], tape.followed[1] = 0, tape.unresolved.size
    for slot in range(tape.d_doubts.shape[0]):
        for b in range(scratch.doubts.size):
            tape.d_doubts[slot, b] = 0
    for b in range(scratch.doubts.size):
        scratch.doubts[b] = 0
    for k in range(tape.unresolved.size):
        tape.unresolved[k] = 0
        for b in range(scratch.doubts.size):
            tape.doubts[k, b] = 0
