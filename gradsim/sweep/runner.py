"""Tasks become curves: small ones side by side, a thread each; large ones one after another, chunk by chunk on all threads.

Which of both a task is changes none of its numbers. Any tasks may be given: all of a sweep, or a part of it on one of many
machines.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from .. import memory
from ..errors import RequestError
from ..simulation.chunks import Desk
from ..simulation.simulate import simulate_here
from .drawn import draw, usable

SMALL_WORK = 5e8  # ns of a task that is left to one thread; one that is a single chunk always is
PAUSE_SECONDS = 2.0  # of a large task's work that a kill may take
PAUSE_SHARE = 0.05  # of the time that may go into putting aside what was drawn of it


class Stopped(Exception):
    """The run was told to stop."""


class Work:
    """What the threads of a run share: progress, and whether to go on.

    `progress(share, tasks)` is called with the share of the work that is done and how many tasks are finished. Of the `total`
    work, in ns, as much as `before` was found done, and `finished` tasks.
    """

    def __init__(self, total, progress=None, before=0.0, finished=0):
        self._total, self._progress = total, progress
        self._done, self.finished = before, finished
        self.before = self.share  # that was found done
        self._lock = threading.Lock()
        self.stopping = threading.Event()
        self.at_work = {}  # thread: number of its task
        self.failed = []  # (number, RequestError)

    def advance(self, nanoseconds, tasks=0):
        with self._lock:
            self._done += nanoseconds
            self.finished += tasks
            if self._progress is not None:
                self._progress(self.share, self.finished)
        if self.stopping.is_set():
            raise Stopped

    @property
    def share(self):
        return min(self._done / self._total, 1.0) if self._total else 1.0


def compute(tasks, threads, finish, work, draws=None, keep=False):
    """Has finish(number, task, curves) called for all of `tasks`, pairs (number, Task), from any thread.

    `draws`, a `draws.Draws`, gives what was drawn before and takes what is drawn of large tasks on the way; with `keep` of all,
    at their ends. A task whose own fault it is that it cannot be computed is listed in `work.failed`, and the others go on;
    anything else is raised, and so is Stopped.
    """
    small, large, fits = [], [], _Fits(threads)
    for number, task in tasks:
        (small if _is_small(task, fits) else large).append((number, task))
    for number, task in large:
        _one(number, task, threads, finish, work, draws, keep)
    if not small:
        return
    rest, taking = iter(small), threading.Lock()

    def go_on():
        desk = Desk()
        while True:
            with taking:
                number, task = next(rest, (None, None))
            if task is None or work.stopping.is_set():
                return
            _one(number, task, 1, finish, work, draws, keep, desk)

    def go_on_or_stop():
        try:
            go_on()
        except BaseException:
            work.stopping.set()
            raise

    with ThreadPoolExecutor(threads, "cells") as pool:
        begun = [pool.submit(go_on_or_stop) for _ in range(threads)]
    errors = [found.exception() for found in begun if found.exception() is not None]
    if errors:
        raise next((error for error in errors if not isinstance(error, Stopped)), errors[0])
    if work.stopping.is_set():
        raise Stopped


def _is_small(task, fits):
    """Whether it is left to one thread. What a user's function notes while it is computed is of one task at a time."""
    alone = task.own_activation or not (task.most <= task.chunk or (task.work < SMALL_WORK and task.precision is None))
    small = not alone and fits(task)
    task.forget()
    return small


class _Fits:
    """Whether the memory holds a task on every thread; asked once of all that are alike."""

    def __init__(self, threads):
        self._each = max(memory.available() / 2, memory.SMALL) / threads
        self._found = {}

    def __call__(self, task):
        settled = task.cell.settled  # which its plan has once for all that are alike
        if id(settled) not in self._found:
            self._found[id(settled)] = task.memory <= self._each
        return self._found[id(settled)]


def _one(number, task, threads, finish, work, draws, keep, desk=None):
    work.at_work[threading.get_ident()] = number
    each, told = task.each, 0

    def progress(replicas):
        nonlocal told
        part = min(replicas, task.least - told)  # what it is reckoned with: for a precision it may be more
        told += max(part, 0)
        work.advance(each * max(part, 0))

    try:
        curves = _curves(task, threads, progress, draws, keep, desk)
    except RequestError as error:
        work.failed.append((number, error))
        work.at_work.pop(threading.get_ident(), None)
        return
    finish(number, task, curves)
    task.forget()
    work.at_work.pop(threading.get_ident(), None)
    work.advance(each * (task.least - told), 1)


def _curves(task, threads, progress, draws, keep, desk):
    keep = keep and not task.own_activation
    if desk is not None and task.precision is None and not keep and task.work < SMALL_WORK:
        return simulate_here(task.network, task.run, desk, progress=progress)
    if draws is None or task.own_activation:
        return draw(task, None, threads, progress, desk=desk).curves(task, threads)
    before = draws.get(task)
    if before is not None and usable(task, before):
        progress(min(before.replicas[0], task.least))
    else:
        before = None
    drawn = draw(task, before, threads, progress, _Pause(task, draws), desk)
    if keep:
        draws.put(task, drawn)
    else:
        draws.drop(task)
    return drawn.curves(task, threads)


class _Pause:
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
