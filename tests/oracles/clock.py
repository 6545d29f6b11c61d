"""What a call takes on a machine that others use too, in seconds of the one that limits were set on.

Claims about time are proved by scripts/verify.py and bench/ on a quiet machine; tests hold the same figures against the time of
the processor alone, and against how fast that is meanwhile.
"""

import time

import numpy as np

WORK_SECONDS = 0.02  # of `_work`, where the limits were set
POINTS = np.linspace(-3.0, 3.0, 20_000)


def least_seconds(call, limit, tries=5):
    """The least of several tries; they end where one is below the limit: the first may have to load and to keep things."""
    found = []
    while len(found) < tries and not (found and found[-1] < limit):
        before = _seconds(_work)
        taken = _seconds(call)
        slowness = (before + _seconds(_work)) / (2 * WORK_SECONDS)
        found.append(taken / max(slowness, 1.0))
    return min(found)


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
