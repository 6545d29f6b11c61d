"""Batches of tasks go out to other processes, and records come in: the same for those of this machine and for a cluster."""

from collections import deque
from itertools import count
from queue import Empty, SimpleQueue

from ..errors import RequestError
from .batches import Batch

SECONDS = 0.5  # of work in a batch
MOST = 128  # tasks in a batch: of small ones as many records take 10 MB
MOST_BYTES = 2**26  # of their curves
OWN = 1e6  # ns of a task beside its kernels
PATIENCE = 0.1  # s after which it is looked whether to stop


class Lost(Exception):
    """The process that had a batch is gone."""


def work_of(task):
    """About how long it takes on one core in all, in ns."""
    return task.work + OWN


def compute_by(crew, tasks, numbers, finish, work, draws=None):
    """As `runner.compute`, by a crew. Tasks are made anew where they are looked at: a hundred thousand would fill memory.

    A crew has `places`, how many batches may be out at once; `tries`, how often a task may lose its process; and
    submit(batch, done), which has done(outcome) called from any thread: with an Answer, Lost, or another exception.
    """
    batches, suspects, out = _cut(tasks, numbers, draws), deque(), {}
    answers, names = SimpleQueue(), count()

    def following():
        """A suspect is at work alone, behind all others: whatever else a process had would be blamed with it."""
        batch = next(batches, None)
        return suspects.popleft() if batch is None and suspects and not out else batch

    while True:
        while len(out) < crew.places and (batch := following()) is not None:
            name = ("batch", next(names))
            out[name], work.at_work[name] = batch, batch.numbers[0]
            crew.submit(batch, lambda outcome, name=name: answers.put((name, outcome)))
        if not out:
            return
        try:
            name, outcome = answers.get(timeout=PATIENCE)
        except Empty:
            work.go_on()
            continue
        batch = out.pop(name)
        del work.at_work[name]
        if isinstance(outcome, Lost):
            suspects.extend(_suspects(batch, crew.tries, work))
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            _take(outcome, batch, tasks, finish, work, draws)
        del outcome, batch  # records are not held until others come in


def _cut(tasks, asked, draws):
    """Yield Batches of about SECONDS of work each, of tasks by their numbers, in this order.

    A task that runs for a precision counts for as many networks as it may come to, so that it ends its batch.
    """
    numbers, drawn, total, size = [], {}, 0.0, 0
    for number in asked:
        task = tasks[number]
        numbers.append(number)
        total += work_of(task) * task.most / task.least
        size += task.cell.settled.curves
        before = None if draws is None else draws.record(task)
        if before is not None:
            drawn[number] = before
        if total >= SECONDS * 1e9 or len(numbers) == MOST or size >= MOST_BYTES:
            yield Batch(tuple(numbers), drawn)
            numbers, drawn, total, size = [], {}, 0.0, 0
    if numbers:
        yield Batch(tuple(numbers), drawn)


def _suspects(batch, most, work):
    """Batches in place of one whose process is gone: of one task each, since it may be a task that ended it.

    Only what is lost alone is blamed, and after `most` times.
    """
    lost = 0 if batch.lost is None else batch.lost + 1
    if lost >= most:
        times = "" if most == 1 else f" {most} times"
        work.failed.append((batch.numbers[0], RequestError(f"the process that computed it ended{times}")))
        return
    for number in batch.numbers:
        drawn = {number: batch.drawn[number]} if number in batch.drawn else {}
        yield Batch((number,), drawn, lost)


def _take(answer, batch, tasks, finish, work, draws):
    """Hands on what came in."""
    for found in answer.records:
        finish(found)
    if draws is not None and draws.keep:
        for found in answer.drawn:
            draws.take(found)
    work.failed += [(number, RequestError(words)) for number, words in answer.failed]
    failed = {number for number, _ in answer.failed}
    done = [tasks[number] for number in batch.numbers if number not in failed]
    if draws is not None and not draws.keep:
        for task in done:
            draws.drop(task)
    work.advance(sum(task.work for task in done), len(done))
