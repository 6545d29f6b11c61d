"""What a program takes of a device: threads, memory, and how many replicas are computed at once."""

import numpy as np

from ..errors import RequestError
from ..kernels.workspace import padded_width
from .team import WARP

THREADS = 64  # of a block: kernels take some 160 registers, so that six blocks fit a multiprocessor
BLOCKS_A_MULTIPROCESSOR = 6
SHARE = 0.8  # of the memory that is free
LAUNCH_BYTES = 2**28  # of the records of a launch


def team_size(widest):
    """Threads of a team for vectors of so many units: each has eight or more, where there are more than a warp's."""
    team = 1
    while team < WARP and 8 * team < widest:
        team *= 2
    return team


def team_numbers(program):
    """{name: (numbers, their type)} of what a team has of its own, in the order of Arrays."""
    rows, columns = program.inputs, padded_width(program.widest)
    return {
        "values": (program.tape_size, np.float32),
        "cotangents": (program.slots * rows * columns, np.float32),
        "rows": (2 * rows * columns, np.float32),
        "floats": (columns, np.float32),
        "wide": (2 * columns, np.float64),
        "residuals": (rows * columns, np.float64),
    }


def thread_numbers(program):
    """The same of what each thread has of its own."""
    steps, rows = len(program.steps), program.inputs
    return {
        "exponents": (steps * rows, np.int64),
        "squares": (steps * rows, np.float64),
        "ranks": (steps, np.int64),
        "d_exponents": (program.slots * rows, np.int64),
        "d_squares": (program.slots * rows, np.float64),
        "sums": (3 * rows, np.float64),
        "products": (2 * rows * rows, np.float64),
        "numbers": (3 * rows, np.int64),
        "state": (6, np.int64),
        "words": (4, np.uint32),
    }


def numbers_of(program, team):
    """{name: (numbers, their type)} of all that a team takes."""
    own = {name: (team * count, kind) for name, (count, kind) in thread_numbers(program).items()}
    return team_numbers(program) | own


def team_bytes(program, team):
    """Bytes of the device's memory that a team takes."""
    return sum(count * np.dtype(kind).itemsize for count, kind in numbers_of(program, team).values())


def sizes_of(program):
    return np.array([program.inputs, padded_width(program.widest), program.slots])


def launch_bytes(columns, replicas):
    """Bytes of the records that so many replicas leave at once, at most."""
    return min(max(LAUNCH_BYTES, 8 * columns), 8 * columns * replicas)


def teams_and_threads(team, one, free, multiprocessors):
    """(teams that work at once, threads of a block) for teams of so many threads, of which each takes `one` byte count of the
    `free` ones: as many as keep the device busy, and fit. Raises RequestError where not one does."""
    fitting = int(SHARE * free - LAUNCH_BYTES) // one
    if fitting < 1:
        raise RequestError(
            f"--depth: a network would take {one / 2**30:.3g} GiB of the GPU's memory, of which {free / 2**30:.3g} are free: "
            "--engine=auto runs on the CPU"
        )
    of_block = min(max(THREADS // team, 1), fitting)
    wanted = multiprocessors * BLOCKS_A_MULTIPROCESSOR * of_block
    return min(wanted, fitting) // of_block * of_block, of_block * team
