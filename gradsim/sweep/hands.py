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
from queue import SimpleQueue

from .. import memory
from ..errors import RequestError
from ..kernels.cache import obstacle
from .batches import Order
from .crew import Lost

SIZE = struct.Struct("<Q")
READY = b"ready"
MEMORY = 2**28  # bytes of one that has loaded the kernels, and more
START = "import sys; sys.path[:] = {path!r}; from gradsim.sweep.hands import serve; serve()"


class Unable(Exception):
    """No such process comes to life here."""


class Hands:
    """So many processes: a crew (see `crew.compute_by`). With `with`: they end where it does. Raises Unable at its begin."""

    tries = 3

    def __init__(self, count, tasks, keep):
        self._order = pickle.dumps(Order.of(tasks, keep), pickle.HIGHEST_PROTOCOL)
        self._count, self._pool = count, ThreadPoolExecutor(count, "hands")
        self._idle, self._processes = SimpleQueue(), set()
        self._changing, self._closed = threading.Lock(), False
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
        process = self._idle.get()
        if process is None:
            raise Lost
        try:
            send(process.stdin, pickle.dumps(batch))
            answer = pickle.loads(receive(process.stdout))
        except (EOFError, OSError):
            self._end(process)
            self._idle.put(self._another())
            raise Lost from None
        self._idle.put(process)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _another(self):
        """A process in place of one that is gone; None where all are to end. Raises RequestError."""
        try:
            return None if self._closed else self._ready(self._begun())
        except Unable:
            if self._closed:
                return None
            self._idle.put(None)
            raise RequestError("no other process of gradsim can be begun, in place of one that ended") from None

    def _begun(self):
        with self._changing:
            if self._closed:
                raise Unable
            try:
                process = subprocess.Popen(
                    [sys.executable, "-c", START.format(path=sys.path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                raise Unable from error
            self._processes.add(process)
        return process

    def _ready(self, process):
        """The process, when it knows what is asked of it."""
        try:
            send(process.stdin, self._order)
            if receive(process.stdout) == READY:
                return process
        except (EOFError, OSError):
            pass
        self._end(process)
        raise Unable

    def _end(self, process):
        with self._changing:
            self._processes.discard(process)
        _end(process)

    def __enter__(self):
        try:
            for process in [self._begun() for _ in range(self._count)]:
                self._idle.put(self._ready(process))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        """Whatever they are at is of no use to anybody."""
        with self._changing:
            self._closed, processes = True, tuple(self._processes)
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            _end(process)
        for _ in range(self._count):
            self._idle.put(None)
        self._pool.shutdown()


def _end(process):
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):  # what was not sent yet
            stream.close()


def can_work(count):
    """Whether so many processes are of use: they load the kernels from the disk, and do not compile each, and there is room."""
    return bool(sys.executable) and obstacle() is None and memory.available() > count * MEMORY


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
    came = SimpleQueue()
    threading.Thread(target=_listen, args=(came,), daemon=True).start()
    order = pickle.loads(came.get())
    send(answers, READY)
    while True:
        try:
            answer = order.answer(pickle.loads(came.get()))
        except Exception as error:
            answer = error
        send(answers, pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))
        del answer  # not held beside the next one


def _listen(came):
    """Whoever began this process is gone where nothing more can come: at once, whatever it is at."""
    with suppress(BaseException):
        while True:
            came.put(receive(sys.stdin.buffer))
    os._exit(0)
