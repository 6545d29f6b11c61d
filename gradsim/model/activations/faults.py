"""Where a user's functions fail while compiled code calls them: notes that it leaves and that Python reads afterwards.

Compiled code can neither raise through a kernel nor say anything. So each function is wrapped: where it raises, or is not
finite at a finite h, the wrapper lowers one of eight words in memory to the bits of |h| (those of positive floats are ordered
as the floats are). That is atomic, so that the smallest |h| remains whatever the threads.
"""

import math
import threading
from contextlib import contextmanager

import numpy as np
from llvmlite import ir
from numba import cfunc, float64, types
from numba.core.registry import CPUDispatcher
from numba.extending import intrinsic

from ...errors import RequestError

NOTHING = 2**64 - 1
RAISED, NOT_FINITE = 0, 16  # bytes: two words a kind, for h >= 0 and h < 0
FUNCTIONS = ("f", "df")
BISECTIONS = 200  # of the place where a function stops being finite: floats have fewer bits
ORDINARY = 20.0  # |h| beyond which it is the size of h that a formula fails at


@intrinsic
def _lower(typing_context, address, h):
    """The word at `address` becomes the bits of h >= 0, if these are less."""

    def generate(context, builder, signature, arguments):
        word = ir.IntType(64)
        place = builder.inttoptr(arguments[0], word.as_pointer())
        builder.atomic_rmw("umin", place, builder.bitcast(arguments[1], word), "monotonic")
        return context.get_dummy_value()

    return types.none(types.int64, types.float64), generate


class Faults:
    """The notes of one activation's f and df."""

    def __init__(self):
        self._words = np.full((len(FUNCTIONS), 2, 2), NOTHING, np.uint64)  # function, kind, side
        self._lock, self._watchers = threading.Lock(), 0

    def guarded(self, python, which):
        """`python` as a C function double f(double) that notes its faults and gives NaN where it raises."""
        address, function = self._words[which].ctypes.data, CPUDispatcher(python, targetoptions=dict(_OPTIONS))

        def call(h):
            try:
                value = float(function(h))
            except Exception:
                _lower(address + RAISED + 8 * (h < 0.0), abs(h))
                return math.nan
            if not math.isfinite(value) and math.isfinite(h):
                _lower(address + NOT_FINITE + 8 * (h < 0.0), abs(h))
            return value

        compiled = cfunc(float64(float64), error_model="numpy")(call)
        compiled.notes = self._words  # it knows their address only: they must live as long
        return compiled

    @contextmanager
    def watched(self):
        """From here on. Runs of one activation side by side read each other's notes: true of the function all the same."""
        with self._lock:
            if not self._watchers:
                self._words[:] = NOTHING
            self._watchers += 1
        try:
            yield
        finally:
            with self._lock:
                self._watchers -= 1

    def _noted(self, kind):
        """(which function, h) of the notes of a kind."""
        for which, words in enumerate(self._words[:, kind]):
            for word, sign in zip(words, (1.0, -1.0), strict=True):
                if word != NOTHING:
                    yield which, sign * float(word.view(np.float64))

    def check(self, name, functions):
        """Raises RequestError if f or df, the Python `functions`, raised."""
        for which, h in self._noted(0):
            reason = "raises when it is compiled"
            try:
                functions[which](h)
            except Exception as error:
                reason = f"raises {type(error).__name__}: {error}"
            where = f"activation {name!r}: {FUNCTIONS[which]}({h:.6g})"
            raise RequestError(f"{where} {' '.join(reason.split())[:200]}; a network may meet any h")

    def sentence(self, name, compiled):
        """In words, where f or df stopped being finite; None where they did not."""
        places = {}
        for which, h in self._noted(1):
            places.setdefault(which, []).append(_edge(compiled[which], h))
        if not places:
            return None
        words = [f"{FUNCTIONS[which]}(h) is not finite {' and '.join(_reach(h) for h in hs)}" for which, hs in places.items()]
        formula = "overflows" if all(abs(h) > ORDINARY for hs in places.values() for h in hs) else "is not defined"
        return f"{name}: {', '.join(words)}: the formula {formula} there, not the network"


_OPTIONS = {"nopython": True, "nogil": True, "error_model": "numpy"}


def _edge(compiled, h):
    """The first place on the way from 0 to h, as far as bisection finds it, where the function is not finite."""
    inside, outside = 0.0, h
    for _ in range(BISECTIONS):
        middle = (inside + outside) / 2
        if middle in (inside, outside):
            break
        inside, outside = (middle, outside) if math.isfinite(compiled(middle)) else (inside, middle)
    return outside


def _reach(h):
    return f"from h = {h:.4g} {'on' if h >= 0 else 'down'}"
