"""One task becomes curves, wherever that is: on all threads here, on one of them, or in another process."""

import time

from ..simulation.simulate import simulate_here
from .drawn import draw, usable

SMALL_WORK = 5e8  # ns of a task that is left to one thread; one that is a single chunk always is
PAUSE_SECONDS = 2.0  # of a large task's work that a kill may take
PAUSE_SHARE = 0.05  # of the time that may go into putting aside what was drawn of it


def is_small(task):
    """Whether it is left to one thread, if the memory allows it. What a user's function notes while it is computed is of one
    task at a time."""
    return not task.own_activation and (task.most <= task.chunk or (task.work < SMALL_WORK and task.precision is None))


def curves_of(task, threads, progress, draws, desk=None):
    """The Curves of a Task. Raises RequestError.

    `progress(n)` is called after every n more replicas. `draws`, a `draws.Draws` or None, gives what was drawn before and takes
    what is drawn on the way, and at the end if it keeps that. With a `desk` the calling thread alone computes it, of a task
    that is known to fit the memory.
    """
    keep = draws is not None and draws.keep and not task.own_activation
    if desk is not None and task.precision is None and not keep and task.work < SMALL_WORK:
        return simulate_here(task.network, task.run, desk, progress=progress)
    if draws is None or task.own_activation:
        return draw(task, None, threads, progress, desk=desk).curves(task, threads)
    before = draws.get(task)
    if before is not None and usable(task, before):
        progress(min(before.replicas[0], task.least))
    else:
        before = None
    drawn = draw(task, before, threads, progress, Pause(task, draws), desk)
    if keep:
        draws.put(task, drawn)
    found = drawn.curves(task, threads)  # where units are counted that is most of the work
    if not keep:
        draws.drop(task)
    return found


class Pause:
    """Puts aside what is drawn of a task now and then."""

    def __init__(self, task, draws):
        self._task, self._draws = task, draws
        self._next = time.monotonic() + PAUSE_SECONDS

    def __call__(self, drawn):
        start = time.monotonic()
        if start >= self._next:
            self._draws.put(self._task, drawn, at_once=True)
            end = time.monotonic()
            self._next = end + max(PAUSE_SECONDS, (end - start) / PAUSE_SHARE)
