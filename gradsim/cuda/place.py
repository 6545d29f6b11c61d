"""Where replicas are computed on a device: its memory, laid out for a program, and launches of as many as fit it."""

import numpy as np

from ..errors import RequestError
from ..kernels.workspace import padded_width
from .kernel import Arrays, kernel_of, sort_of
from .seam import numba_cuda, require_device, simulated
from .team import WARP
from .views import left_over

THREADS = 64  # of a block: kernels take some 190 registers, so that five blocks fit a multiprocessor
BLOCKS_A_MULTIPROCESSOR = 5
SHARE = 0.8  # of the memory that is free
LAUNCH_BYTES = 2**28  # of records at once


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


class DevicePlace:
    """What computes replicas of a program on a device; it keeps what it has computed ahead of what was asked for.

    Raises RequestError where there is no device, or not memory enough for one replica.
    """

    def __init__(self, program, team=None, slots=None, threads=THREADS):
        require_device()
        self.program, self.sort = program, sort_of(program, team or team_size(program.widest))
        team, self.cuda = self.sort.team, numba_cuda()
        self.threads = team if simulated() else max(threads, team)
        self.slots = slots or self._slots(team)
        self.batch = max(1, min(LAUNCH_BYTES // (8 * program.columns.size), 4096 * self.slots))
        self.kernel = self.cuda.jit(kernel_of(self.sort))
        self.fixed = [self._put(array) for array in (program.steps, program.parameters, program.columns.starts)]
        self.fixed.append(None)
        self.fixed += [self._put(array) for array in (*program.data, sizes_of(program))]
        self.room = [self._empty((self.slots, count), kind) for count, kind in numbers_of(program, team).values()]

    def _slots(self, team):
        """As many teams as keep the device busy, and as its memory has room for."""
        if simulated():
            return 1
        device, one = self.cuda.get_current_device(), team_bytes(self.program, team)
        free = self.cuda.current_context().get_memory_info()[0]
        fitting = int(SHARE * free - LAUNCH_BYTES) // one
        teams = self.threads // team
        if fitting < 1:
            raise RequestError(
                f"--depth: a network would take {one / 2**30:.3g} GiB of the GPU's memory, of which {free / 2**30:.3g} are "
                "free: --engine=auto runs on the CPU"
            )
        wanted = device.MULTIPROCESSOR_COUNT * BLOCKS_A_MULTIPROCESSOR * teams
        return min(wanted, fitting) // teams * teams or fitting

    def _put(self, array):
        array = np.ascontiguousarray(array)
        return array if simulated() else self.cuda.to_device(array)

    def _empty(self, shape, kind):
        return left_over(shape, kind) if simulated() else self.cuda.device_array(shape, kind)

    def compute(self, key, first, count):
        """(records float64 (count, columns), doubtful bool (count,)) of replicas first, first + 1, ...

        What is doubtful is for the CPU to compute.
        """
        records = np.full((count, self.program.columns.size), np.nan)
        doubtful = np.zeros(count, np.int32)
        fixed = [self._put(np.asarray(key)) if array is None else array for array in self.fixed]
        given = [records, doubtful] if simulated() else [self.cuda.to_device(records), self.cuda.to_device(doubtful)]
        team = self.sort.team
        blocks = max(1, self.slots * team // self.threads)
        self.kernel[blocks, self.threads](Arrays(*fixed, *self.room, *given), np.int64(first), np.int64(count))
        if not simulated():
            given[0].copy_to_host(records)
            given[1].copy_to_host(doubtful)
        return records, doubtful != 0
