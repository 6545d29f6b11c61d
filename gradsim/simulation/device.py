"""Replicas that a GPU computes: many chunks in a launch, handed over a chunk at a time."""

from functools import cached_property

import numpy as np

from ..cuda.seam import require_device


class OnDevice:
    """What a GPU computes of some Replicas, ahead of what is asked for. Raises RequestError where there is none."""

    def __init__(self, replicas):
        require_device()
        self.program, self.key, self.count = replicas.program, replicas.key, replicas.count
        self._begin = 0
        self._records, self._doubtful = np.empty((0, self.program.columns.size)), np.zeros(0, bool)

    @cached_property
    def device(self):
        """Its memory, taken when the first replicas are asked for."""
        from ..cuda.place import DevicePlace  # and with it kernels that other engines have no use for

        return DevicePlace(self.program)

    def chunk(self, first, count, place):
        """(records, unresolved) of `count` replicas from `first` on, as a Workplace fills them: good until the next call.

        What is in doubt is not followed on the GPU: such a replica is computed again, by the Workplace `place`.
        """
        if not self._begin <= first <= first + count <= self._begin + len(self._records):
            self._begin, wanted = first, max(count, min(self.device.batch, self.count - first))
            self._records, self._doubtful = self.device.compute(self.key, first, wanted)
        part = slice(first - self._begin, first - self._begin + count)
        records, unresolved = self._records[part], np.zeros((count, self.program.columns.places), np.int64)
        for r in np.flatnonzero(self._doubtful[part]):
            records[r] = place.fill(self.program, self.key, first + int(r), 1)[0]
            unresolved[r] = place.unresolved[0]
        return records, unresolved
