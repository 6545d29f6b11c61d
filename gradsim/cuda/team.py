"""A team of threads for a replica: which units a thread has, and what passes between threads, which is sums and maxima only.

Unit i is that of thread i mod T of the T threads, whatever the vector, so that a step reads what the same thread has written;
numbers from the generator, which come in blocks of four units T apart, are the one exception, and have a barrier. Sums go
through a butterfly: every thread has the same bits, which do not hang on where the team runs.

T is a power of two, up to the 32 of a warp; where it is less a warp has several teams, which go their own ways.
"""

import threading
from types import SimpleNamespace

import numpy as np

from .seam import numba_cuda, on_device, simulated

WARP = 32


def team_of(size):
    """The functions of a team of `size` threads, by name, for kernels on the GPU or in the simulator."""
    exchange, barrier, thread, place = _in_simulator(size) if simulated() else _on_device(size)

    @on_device
    def first_unit(start):
        """The first unit from `start` on that is this thread's."""
        return start + ((thread() - start) & (size - 1))

    @on_device
    def more(a, b):
        """The larger one; NaN if one is, the same to whichever thread asks."""
        return b if b > a or b != b else a

    if size == 1:

        @on_device
        def team_sum(value):
            return value

        @on_device
        def picked_unit(v, i):
            return v[i]

        team_most = team_sum
    else:

        @on_device
        def team_sum(value):
            offset = size // 2
            while offset > 0:
                value = value + exchange(value, thread() ^ offset)
                offset //= 2
            return value

        @on_device
        def team_most(value):
            offset = size // 2
            while offset > 0:
                value = more(value, exchange(value, thread() ^ offset))
                offset //= 2
            return value

        @on_device
        def picked_unit(v, i):
            return exchange(v[i], np.int64(i) & (size - 1))

    return SimpleNamespace(
        TEAM=size,
        thread=thread,
        barrier=barrier,
        place=place,
        first_unit=first_unit,
        team_sum=team_sum,
        team_most=team_most,
        picked_unit=picked_unit,
    )


def _on_device(size):
    """(exchange, barrier, thread, place): `exchange` gives the value of another thread of the team, `place` the number of this
    thread in its team, that of its team, and how many teams there are."""
    cuda = numba_cuda()

    @on_device
    def place():
        me, teams = np.int64(cuda.grid(1)), np.int64(cuda.gridsize(1)) // size
        return me & (size - 1), me // size, teams

    if size == 1:
        return None, on_device(lambda: None), on_device(lambda: np.int64(0)), place

    @on_device
    def thread():
        return np.int64(cuda.threadIdx.x & (size - 1))

    lanes = (1 << size) - 1

    @on_device
    def members():
        return np.uint32(lanes << (cuda.laneid & (WARP - size)))

    @on_device
    def exchange(value, other):
        return cuda.shfl_sync(members(), value, np.int32((cuda.laneid & (WARP - size)) + other))

    @on_device
    def barrier():
        cuda.syncwarp(members())

    return exchange, barrier, thread, place


def _in_simulator(size):
    """The same of threads of Python. Blocks run one after another there, so a list serves as the memory that they share."""
    room = [None] * size

    def thread():
        return threading.current_thread().threadIdx.x

    def barrier():
        if size > 1:
            threading.current_thread().syncthreads()

    def exchange(value, other):
        room[thread()] = value
        barrier()
        found = room[other]
        barrier()
        return found

    def place():
        me = threading.current_thread()
        return me.threadIdx.x, me.blockIdx.x, me._manager._grid_dim[0]

    return exchange, barrier, (lambda: 0) if size == 1 else thread, place
