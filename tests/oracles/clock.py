"""What a call takes on a machine that others use too, in seconds of the one that limits were set on.

scripts/verify.py holds the same limits against the clock, on a quiet machine; tests against the time of the processor alone,
and against how fast that is meanwhile.
"""

import statistics
import time

import numpy as np

WORK_SECONDS = 0.02  # of `_work`, where the limits were set
POINTS = np.linspace(-3.0, 3.0, 20_000)


def median_seconds(call, runs):
    """The median of so many runs."""
    return statistics.median(_at_pace(call) for _ in range(runs))


def _at_pace(call):
    """Seconds of one run, over how slow the machine is just before and after it."""
    before = _seconds(_work)
    taken = _seconds(call)
    slowness = (before + _seconds(_work)) / (2 * WORK_SECONDS)
    return taken / max(slowness, 1.0)


def _seconds(call):
    start = time.process_time()
    call()
    return time.process_time() - start


def _work():
    """Of NumPy and of Python, about alike."""
    for _ in range(100):
        np.tanh(POINTS) * np.exp(-POINTS * POINTS)
    total = 0.0
    for k in range(300_000):
        total += k * 0.5
