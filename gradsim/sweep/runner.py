"""Tasks become records: small ones side by side, large ones one after another, chunk by chunk on all threads.

Small ones are computed by a thread each, or by other processes where they are many: Python's own part of a small network's
work holds its lock. Nor does that change any number, nor which of both a task is. Any tasks may be given: all of a sweep, or a
part of it on one of many machines.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from .. import memory
from ..errors import RequestError
from ..simulation.chunks import Desk
from .cells import record
from .crew import compute_by, work_of
from .hands import Hands, Unable, can_work
from .single import curves_of, is_small
from .work import Stopped

HANDS_SECONDS = 1.0  # of work on small tasks for each process of its own, which takes a second or two to start


def compute(tasks, numbers, threads, finish, work, draws=None):
    """Has finish(record) called with the bytes of a record of each of Tasks that has one of `numbers`, from any thread.

    `draws`, a `draws.Draws`, gives what was drawn before and takes what is drawn of large tasks on the way, and of all at their
    ends if it keeps that. A task whose own fault it is that it cannot be computed is listed in `work.failed`, and the others go
    on; anything else is raised, and so is Stopped.
    """
    small, large, fits = [], [], _Fits(threads)
    for number in numbers:
        task = tasks[number]
        (small if is_small(task) and fits(task) else large).append(number)
    for number in large:
        _one(number, tasks[number], threads, finish, work, draws)
    if (count := _hands(tasks, small, threads)) > 1:
        with suppress(Unable), Hands(count, tasks, draws is not None and draws.keep) as hands:
            compute_by(hands, tasks, small, finish, work, draws)
            return
    if small:
        _side_by_side(tasks, small, threads, finish, work, draws)


def _hands(tasks, small, threads):
    """How many processes small tasks are given to; with one or none threads compute them."""
    seconds = sum(work_of(tasks[number]) for number in small) / 1e9
    count = threads if seconds >= threads * HANDS_SECONDS else int(seconds / HANDS_SECONDS)
    return count if count > 1 and can_work(count) else 0


def _side_by_side(tasks, small, threads, finish, work, draws):
    rest, taking = iter(small), threading.Lock()

    def go_on():
        desk = Desk()
        while True:
            with taking:
                number = next(rest, None)
            if number is None or work.stopping.is_set():
                return
            _one(number, tasks[number], 1, finish, work, draws, desk)

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


def _one(number, task, threads, finish, work, draws, desk=None):
    each, told = task.each, 0

    def progress(replicas):
        nonlocal told
        part = min(replicas, task.least - told)  # what it is reckoned with: for a precision it may be more
        told += max(part, 0)
        work.advance(each * max(part, 0))

    with work.at(number):
        try:
            found = record(number, task.identity, curves_of(task, threads, progress, draws, desk))
        except RequestError as error:
            work.failed.append((number, error))
            return
        finish(found)
        task.forget()
    work.advance(task.work - each * told, 1)
