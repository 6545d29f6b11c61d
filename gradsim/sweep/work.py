"""How far the computation of a sweep is: shared by all that take part in it."""

import threading
from contextlib import contextmanager


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
        self.at_work = {}  # whoever is at work: number of its task, the first of a batch
        self.failed = []  # (number, RequestError)

    def advance(self, nanoseconds, tasks=0):
        with self._lock:
            self._done += nanoseconds
            self.finished += tasks
            if self._progress is not None:
                self._progress(self.share, self.finished)
        self.go_on()

    def go_on(self):
        """Raises Stopped where it was told to stop."""
        if self.stopping.is_set():
            raise Stopped

    @contextmanager
    def at(self, number):
        """Meanwhile the calling thread is at work on task `number`."""
        self.at_work[threading.get_ident()] = number
        try:
            yield
        finally:
            self.at_work.pop(threading.get_ident(), None)

    @property
    def share(self):
        return min(self._done / self._total, 1.0) if self._total else 1.0
