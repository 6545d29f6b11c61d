"""Where replicas are computed on a device: its memory, laid out for a program, and launches of as many as fit it."""

from threading import Lock

import numpy as np

from .kernel import Arrays, kernel_of, sort_of
from .seam import numba_cuda, require_device, simulated
from .size import LAUNCH_BYTES, numbers_of, sizes_of, team_bytes, team_size, teams_and_threads
from .views import left_over

TURN = Lock()  # of threads that compute networks of a sweep, on one device


class DevicePlace:
    """What computes replicas of a program on a device. Raises RequestError where there is none, or not memory for one."""

    def __init__(self, program, team=None, teams=1):
        """With as many `teams` as fit; in the simulator, with as many as are said."""
        require_device()
        self.program, self.cuda = program, numba_cuda()
        self.sort = sort_of(program, team or team_size(program.widest))
        self.teams, self.threads = (teams, self.sort.team) if simulated() else self._fitting()
        self.batch = max(1, LAUNCH_BYTES // (8 * program.columns.size))
        self.kernel = self.cuda.jit(kernel_of(self.sort))
        self._program = [self._put(array) for array in (program.steps, program.parameters, program.columns.starts)]
        self._data = [self._put(array) for array in (*program.data, sizes_of(program))]
        self._room = [self._empty((self.teams, count), kind) for count, kind in numbers_of(program, self.sort.team).values()]

    def _fitting(self):
        free = self.cuda.current_context().get_memory_info()[0]
        one, device = team_bytes(self.program, self.sort.team), self.cuda.get_current_device()
        return teams_and_threads(self.sort.team, one, free, device.MULTIPROCESSOR_COUNT)

    def _put(self, array):
        array = np.ascontiguousarray(array)
        return array if simulated() else self.cuda.to_device(array)

    def _empty(self, shape, kind):
        return left_over(shape, kind) if simulated() else self.cuda.device_array(shape, kind)

    def compute(self, key, first, count):
        """(records float64 (count, columns), doubtful bool (count,)) of replicas first, first + 1, ...

        What is doubtful is for the CPU to compute.
        """
        records, doubtful = np.full((count, self.program.columns.size), np.nan), np.zeros(count, np.int32)
        on_device = [self._put(array) for array in (np.asarray(key), records, doubtful)]
        arrays = Arrays(*self._program, on_device[0], *self._data, *self._room, *on_device[1:])
        blocks = self.teams * self.sort.team // self.threads
        with TURN:
            self.kernel[blocks, self.threads](arrays, np.int64(first), np.int64(count))
            if not simulated():
                on_device[1].copy_to_host(records)
                on_device[2].copy_to_host(doubtful)
        return records, doubtful != 0
