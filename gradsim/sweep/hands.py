"""Other processes of this machine that compute batches: Python's own part of small tasks runs on all cores.

They are started by name, and not by `multiprocessing`, which would run a user's script once more in each of them unless it is
guarded. A process reads an Order and Batches from its stdin and writes Answers, each as its size (8 bytes) and a pickle; it
ends where nothing more comes in, so that it outlives nobody. Signals of a terminal do not reach it.
"""

import os
import pickle
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ..kernels.cache import obstacle
from .batches import Order
from .crew import Lost

SIZE = struct.Struct("<Q")
START = "import sys; sys.path[:] = {path!r}; from gradsim.sweep.hands import serve; serve()"


class Hands:
    """So many processes: a crew (see `crew.compute_by`). With `with`: they end where it does."""

    tries = 3

    def __init__(self, count, tasks, keep):
        self._order = pickle.dumps(Order.of(tasks, keep), pickle.HIGHEST_PROTOCOL)
        self._pool = ThreadPoolExecutor(count, "hands")
        self._each = threading.local()
        self._processes = []
        self.places = 2 * count  # the next batch lies ready

    def submit(self, batch, done):
        self._pool.submit(self._compute, batch, done)

    def _compute(self, batch, done):
        try:
            outcome = self._answer(batch)
        except BaseException as error:
            outcome = error
        done(outcome)

    def _answer(self, batch):
        process = getattr(self._each, "process", None)
        try:
            if process is None:
                process = self._each.process = self._begun()
            send(process.stdin, pickle.dumps(batch))
            answer = pickle.loads(receive(process.stdout))
        except (EOFError, OSError):
            self._each.process = None
            _end(process)
            raise Lost from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _begun(self):
        process = subprocess.Popen(
            [sys.executable, "-c", START.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._processes.append(process)
        send(process.stdin, self._order)
        return process

    def __enter__(self):
        return self

    def __exit__(self, *error):
        """Whatever they are at is of no use to anybody."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            _end(process)
        self._pool.shutdown()


def _end(process):
    if process is None:
        return
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):  # what was not sent yet
            stream.close()


def can_work():
    """Whether processes of their own are of use: they load the kernels from the disk, and do not compile each."""
    return bool(sys.executable) and obstacle() is None


def send(stream, content):
    stream.write(SIZE.pack(len(content)))
    stream.write(content)
    stream.flush()


def receive(stream):
    """The bytes that were sent. Raises EOFError where nothing more comes."""
    head = stream.read(SIZE.size)
    content = stream.read(SIZE.unpack(head)[0]) if len(head) == SIZE.size else b""
    if len(head) < SIZE.size or len(content) < SIZE.unpack(head)[0]:
        raise EOFError
    return content


def serve():
    """What such a process does."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    with suppress(EOFError, BrokenPipeError):
        order = pickle.loads(receive(sys.stdin.buffer))
        while True:
            batch = pickle.loads(receive(sys.stdin.buffer))
            try:
                answer = order.answer(batch)
            except Exception as error:
                answer = error
            send(answers, pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))
    os._exit(0)
