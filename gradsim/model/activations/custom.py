"""Activations that the user gives as Python functions.

Each function is compiled by itself into a C function double f(double), and the kernels call it by its address: they
need not be compiled again. It is evaluated in float64 and rounded to float32, so it is as accurate as a float32 can be
wherever the user's own formula is accurate in float64. What underflows a float64 in it counts as zero.
"""

import inspect
import math
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread

import numpy as np

from ...errors import RequestError, shown
from ...kernels.activations.entry import Activation
from .digest import digest
from .faults import FUNCTIONS, Faults

GRID = np.concatenate([-np.geomspace(20, 1e-3, 60), np.geomspace(1e-3, 20, 60)])
TINY, TINIER, FAR, FARTHER = 1e-20, 1e-25, 1e25, 1e30
_WIDE = np.concatenate([np.geomspace(TINIER, 1e-4, 30), np.geomspace(21, 1000, 60), np.geomspace(1100, FARTHER, 60)])
WIDE = np.concatenate([[0.0], _WIDE, -_WIDE])  # where a function need not be finite, but must give something
DIFFERENCE = 1e-5  # step of the numerical derivative
MOST_KINKS = 0.1  # share of the grid on which it may disagree: next to kinks
SECONDS = 5.0  # for all that is evaluated here, about a thousand calls


def _compiled(name, which, function, faults):
    """`function` as a C function of one float64. Raises RequestError."""
    what = FUNCTIONS[which]
    if not callable(function):
        raise RequestError(f"activation {name!r}: {what} is {shown(function)}, not a function of one number")
    python = getattr(function, "py_func", function)
    if not inspect.isfunction(python):  # math.sin and its like

        def python(h):
            return function(h)

    try:
        return faults.guarded(python, which)
    except Exception as error:  # Numba's own errors, and what it trips over
        reason = " ".join(str(error).split())[:200]
        raise RequestError(
            f"activation {name!r}: Numba cannot compile {what}; write it for one number with math or numpy functions ({reason})"
        ) from None


def _within(seconds, name, job, doing):
    """What job() gives. Raises RequestError if it takes longer, naming what it was `doing`: (function, h).

    The job goes on in a thread of its own, which nothing but the end of the process can stop.
    """
    outcome = SimpleQueue()

    def work():
        try:
            outcome.put((job(), None))
        except Exception as error:
            outcome.put((None, error))

    Thread(target=work, daemon=True).start()
    try:
        result, error = outcome.get(timeout=seconds)
    except Empty:
        what, h = doing
        raise RequestError(f"activation {name!r}: {what}({h:.6g}) does not come to an end ({seconds:g} s)") from None
    if error is not None:
        raise error
    return result


def _check(name, f, df):
    """That f is finite and df its derivative, up to kinks. Gives the values of both on GRID."""
    if not math.isfinite(f(0.0)):
        raise RequestError(f"activation {name!r}: f(0) is not finite")
    values, slopes = (np.array([g(h) for h in GRID]) for g in (f, df))
    for what, found in (("f", values), ("df", slopes)):
        if not np.isfinite(found).all():
            at = GRID[~np.isfinite(found)][0]
            raise RequestError(f"activation {name!r}: {what}({at:.3g}) is not finite")
    differences = np.array([(f(h + DIFFERENCE) - f(h - DIFFERENCE)) / (2 * DIFFERENCE) for h in GRID])
    wrong = abs(differences - slopes) > 1e-4 * np.maximum(1, abs(slopes)) + 1e-9 * abs(values)
    if wrong.mean() > MOST_KINKS:
        k = np.flatnonzero(wrong)[len(np.flatnonzero(wrong)) // 2]
        raise RequestError(
            f"activation {name!r}: df is not the derivative of f: at {GRID[k]:.3g} it gives {slopes[k]:.4g}, and f"
            f" has the slope {differences[k]:.4g}"
        )
    return values, slopes


def _slope_at_zero(f, df, side):
    """One-sided; NaN where phi vanishes faster than linearly but not at once, as h^2 does."""
    near, nearer = df(side * TINY), df(side * TINIER)
    straight = abs(near - nearer) <= 1e-6 * abs(near)
    return near if straight and (near != 0 or f(side * TINY) == f(0.0)) else math.nan


def _asymptote(f, df, side):
    """(slope, intercept) towards side * infinity; (NaN, NaN) where there is none."""
    near, far = df(side * FAR), df(side * FARTHER)
    values = f(side * FAR), f(side * FARTHER)
    if not all(map(math.isfinite, (near, far, *values))):
        return math.nan, math.nan
    if abs(far) < 1e-12 and abs(near) < 1e-12:
        settled = abs(values[0] - values[1]) <= 1e-6 * abs(values[1])
        return (0.0, values[1]) if settled else (math.nan, math.nan)
    straight = abs(near - far) <= 1e-6 * abs(far) and abs(values[1] / (side * FARTHER) - far) <= 1e-6 * abs(far)
    return (far, 0.0) if straight else (math.nan, math.nan)


def _examined(name, f, df, check_raised):
    """What is stated of the functions: fields of an Activation, and their values on GRID."""
    for h in (*GRID, *WIDE):
        f(h), df(h)
        check_raised()
    grid_values = _check(name, f, df)
    sides = [_asymptote(f, df, side) for side in (-1.0, 1.0)]
    return {
        "value_zero": f(0.0),
        "slope_zero": tuple(_slope_at_zero(f, df, side) for side in (-1.0, 1.0)),
        "slope": tuple(side[0] for side in sides),
        "intercept": tuple(side[1] for side in sides),
        "largest_derivative": float(max(abs(slope) for slope in grid_values[1])),
    }, grid_values


def custom_entry(name, f, df, kinks=()):
    """The Activation of a user's f and its derivative df. Raises RequestError for what cannot be."""
    from ...kernels.external import call

    points, faults = _points(name, kinks), Faults()
    compiled = tuple(_compiled(name, which, function, faults) for which, function in enumerate((f, df)))
    addresses = tuple(c.address for c in compiled)
    doing = [FUNCTIONS[0], math.nan]

    def called(which, h):
        doing[:] = FUNCTIONS[which], h
        return call(addresses[which], h)

    stated, grid_values = _within(
        SECONDS,
        name,
        lambda: _examined(name, partial(called, 0), partial(called, 1), lambda: faults.check(name, (f, df))),
        doing,
    )
    return Activation(
        name,
        f,
        df,
        None,
        None,
        **stated,
        addresses=addresses,
        compiled=compiled,
        faults=faults,
        kinks=points,
        digest=digest((f, df), points, grid_values),
        summary="given by the user",
    )


def _points(name, kinks):
    try:
        points = tuple(sorted(float(k) for k in kinks))
    except (OverflowError, TypeError, ValueError):
        points = (math.nan,)
    if not all(map(math.isfinite, points)):
        raise RequestError(f"activation {name!r}: kinks are a list of finite numbers, not {shown(kinks)}")
    return points
