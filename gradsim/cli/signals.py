"""Ctrl-C and its like, heard at once: a command runs in a thread of its own, and the main thread waits for signals.

Python hears a signal in the main thread only, between two of its own steps: one that compiles a kernel, or computes in
one, would be deaf for seconds.
"""

import contextvars
import signal
import threading
from concurrent.futures import Future, wait
from contextlib import contextmanager

LONGEST_DEAF = 0.1  # seconds
WORDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "terminal closed"}


class Stopped(BaseException):
    """A signal that ends the process."""

    def __init__(self, number):
        super().__init__(number)
        self.words = WORDS[signal.Signals(number).name]
        self.code = 128 + number


@contextmanager
def stoppable():
    """Within, the signals in WORDS raise Stopped, except those that the process was told to ignore (nohup)."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in WORDS if hasattr(signal, name)):
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number, frame):
    raise Stopped(number)


def in_thread(function):
    """function(), computed in another thread."""
    future, context = Future(), contextvars.copy_context()

    def work():
        try:
            future.set_result(context.run(function))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="command", daemon=True).start()
    while not future.done():  # the system may hand a signal to another thread, which does not wake this one
        wait([future], LONGEST_DEAF)
    return future.result()
