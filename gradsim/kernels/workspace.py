"""The arrays that the interpreter works on, in named bundles."""

from typing import NamedTuple

import numpy as np

from .compilation import inlined, internal
from .sampling import TILE
from .windows import window

CACHE_LINE = 64  # bytes, and what the widest vectors take


class Code(NamedTuple):
    """What a program says to the kernels."""

    steps: np.ndarray  # int64 (steps, columns of `layout`)
    parameters: np.ndarray  # float64 (steps, 12)
    starts: np.ndarray  # int64: where the columns of a quantity start (see `record`)


class Data(NamedTuple):
    """Samples given by the user, normalised row by row; arrays without rows where there are none."""

    inputs: np.ndarray  # float32 (samples, input width padded to a multiple of 4)
    input_exponents: np.ndarray  # int64 (samples,)
    targets: np.ndarray  # float32 (samples, width of the network's output, padded)
    target_exponents: np.ndarray  # int64 (samples,)
    labels: np.ndarray  # int64 (samples,)


class Vector(NamedTuple):
    """A vector of the tape, or a cotangent: row b is 2^exponents[b] values[b, :n], its entries of order one."""

    values: np.ndarray  # float32 (inputs, width padded to a multiple of 4), zeros behind column n
    exponents: np.ndarray  # int64 (inputs,)
    squares: np.ndarray  # float64 (inputs,): |v|^2 of the rows without their exponents; not kept of cotangents
    n: int  # units


class Draws(NamedTuple):
    """Where the random numbers of a step come from: the counter, but for role and block."""

    key: np.ndarray  # uint32 (2,)
    layer: int  # the number of the step among its kind
    replica: int


class Step(NamedTuple):
    """A step of a block, and what it reads and writes: x and out going forward, d and g going back.

    One that reads another vector too finds it by `views`, and adds what it gives both to what is there itself (see `add`).
    """

    k: int
    steps: np.ndarray  # int64 (steps, columns of `layout`)
    variant: int
    p: np.ndarray  # float64 (12,): its parameters
    place: int  # of what it records, -1: none
    draws: Draws
    x: Vector  # what it reads, the first of two
    out: Vector
    kept: np.ndarray  # float32: room for what it keeps for the way back, and more behind that
    d: Vector  # the cotangent of `out`
    g: Vector  # that of x, before it is added to what others give


class Tape(NamedTuple):
    """What a replica leaves behind on its way: every vector going forward, cotangents in slots going back (see `layout`).

    Behind a vector stands what its step needs again on the way back: slopes behind activations, frames behind
    matrix-free layers.
    """

    values: np.ndarray  # float32, the vectors one after another
    exponents: np.ndarray  # int64 (steps, inputs)
    squares: np.ndarray  # float64 (steps, inputs): |v|^2 of what goes into layers, without exponents
    ranks: np.ndarray  # int64 (steps,): of what went into a matrix-free layer
    cotangents: np.ndarray  # float32 (slots, inputs * padded width)
    d_exponents: np.ndarray  # int64 (slots, inputs)
    d_squares: np.ndarray  # float64 (slots, inputs)
    d_doubts: np.ndarray  # int64 (slots, inputs): which rows going back are unresolved
    samples: np.ndarray  # int64 (inputs,): which rows of the data
    doubts: np.ndarray  # int64 (steps, inputs): which rows going forward are unresolved (see `cancellation`)
    unresolved: np.ndarray  # int64 (steps,), of which places count: a bit for each quantity of a place that is
    residues: np.ndarray  # int32, as `values` (see `residues`)
    d_residues: np.ndarray  # int32, as `cotangents`
    followed: np.ndarray  # int64 (2,): from which vector on there are no residues, and down to which cotangent there are


class Scratch(NamedTuple):
    """Room for intermediate results, good until the next call."""

    floats: np.ndarray  # float32 (padded width,)
    signs: np.ndarray  # float64 (padded width,), and so is `logs`
    logs: np.ndarray
    words: np.ndarray  # uint32 (4, blocks): what a tile of random numbers takes
    numbers: np.ndarray  # float32 of the same shape
    room: np.ndarray  # float32 (inputs * padded width,), and so is `fresh`
    fresh: np.ndarray
    tops: np.ndarray  # float64 (inputs,): largest entries of rows, their sums of squares, and what is left of these
    squares: np.ndarray
    left: np.ndarray
    first: np.ndarray  # float64 (inputs, inputs): coefficients of rows, and so is `second`
    second: np.ndarray
    residuals: np.ndarray  # float64 (inputs, padded width)
    labels: np.ndarray  # int64 (inputs,), and so is `doubts`: which rows are unresolved
    doubts: np.ndarray
    state: np.ndarray  # int64 (6,): see `cancellation`


def padded_width(width):
    """Rows of vectors are as long as the blocks of four numbers that fill them."""
    return 4 * ((width + 3) // 4)


padded = internal(padded_width)  # the same for kernels


@inlined
def vector(buffer, offset, rows, width):
    """View of a padded vector: shape (rows, width padded to a multiple of 4)."""
    return window(buffer, offset, (np.int64(rows), np.int64(padded(width))))


def new_tape(steps, rows, tape_size, widest, slots=2):
    return Tape(
        np.zeros(tape_size, np.float32),
        np.zeros((steps, rows), np.int64),
        np.zeros((steps, rows)),
        np.zeros(steps, np.int64),
        np.zeros((slots, rows * padded_width(widest)), np.float32),
        np.zeros((slots, rows), np.int64),
        np.zeros((slots, rows)),
        np.zeros((slots, rows), np.int64),
        np.zeros(rows, np.int64),
        np.zeros((steps, rows), np.int64),
        np.zeros(steps, np.int64),
        np.zeros(tape_size, np.int32),  # pages of it that are not written to take no memory
        np.zeros((slots, rows * padded_width(widest)), np.int32),
        np.array([0, steps]),
    )


def tile_blocks(widest):
    """Blocks that a tile of random numbers has room for: rows 4 KiB apart would share their places in the cache."""
    return max(TILE, padded_width(widest) // 4) + 16


def zeros(shape, kind=np.float64):
    """They begin at a cache line: BatchNorm takes up to a fifth less time where no vector of its sums lies across two."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    room = np.zeros(size + CACHE_LINE, np.uint8)
    start = -room.ctypes.data % CACHE_LINE
    return room[start : start + size].view(kind).reshape(shape)


def new_scratch(rows, widest):
    columns, tile = padded_width(widest), tile_blocks(widest)
    return Scratch(
        zeros(columns, np.float32),
        zeros(columns),
        zeros(columns),
        zeros((4, tile), np.uint32),
        zeros((4, tile), np.float32),
        zeros(rows * columns, np.float32),
        zeros(rows * columns, np.float32),
        zeros(rows),
        zeros(rows),
        zeros(rows),
        zeros((rows, rows)),
        zeros((rows, rows)),
        zeros((rows, columns)),
        zeros(rows, np.int64),
        zeros(rows, np.int64),
        zeros(6, np.int64),
    )
