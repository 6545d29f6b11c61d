"""Activations that the user gives as Python functions.

Each function is compiled by itself into a C function double f(double), and the kernels call it by its address: they
need not be compiled again. It is evaluated in float64 and rounded to float32, so it is as accurate as a float32 can be
wherever the user's own formula is accurate in float64. What underflows a float64 in it counts as zero.
"""

import inspect
import math

import numpy as np

from ..errors import RequestError
from .digest import digest
from .entry import Activation

GRID = np.concatenate([-np.geomspace(20, 1e-3, 60), np.geomspace(1e-3, 20, 60)])
TINY, TINIER, FAR, FARTHER = 1e-20, 1e-25, 1e25, 1e30
DIFFERENCE = 1e-5  # step of the numerical derivative
MOST_KINKS = 0.1  # share of the grid on which it may disagree: next to kinks


def _compiled(name, what, function):
    """`function` as a C function of one float64. Raises RequestError."""
    import numba
    from numba.core.errors import NumbaError

    if not callable(function):
        raise RequestError(f"activation {name!r}: {what} is {function!r}, not a function of one number")
    python = getattr(function, "py_func", function)
    if not inspect.isfunction(python):  # math.sin and its like

        def python(h):
            return function(h)

    try:
        return numba.cfunc(numba.float64(numba.float64), error_model="numpy")(python)
    except (NumbaError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RequestError(
            f"activation {name!r}: Numba cannot compile {what}; write it for one number with math or numpy functions ({reason})"
        ) from None


def _check(name, f, df):
    """That f is finite and df its derivative, up to kinks."""
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


def custom_entry(name, f, df, kinks=()):
    """The Activation of a user's f and its derivative df. Raises RequestError for what cannot be."""
    from ..kernels.external import call

    compiled = _compiled(name, "f", f), _compiled(name, "df", df)
    addresses = tuple(c.address for c in compiled)
    value, slope = ((lambda h, a=a: call(a, h)) for a in addresses)
    _check(name, value, slope)
    points = _points(name, kinks)
    grid_values = [np.array([g(h) for h in GRID]) for g in (value, slope)]
    sides = [_asymptote(value, slope, side) for side in (-1.0, 1.0)]
    return Activation(
        name,
        f,
        df,
        None,
        None,
        value_zero=value(0.0),
        slope_zero=tuple(_slope_at_zero(value, slope, side) for side in (-1.0, 1.0)),
        slope=tuple(side[0] for side in sides),
        intercept=tuple(side[1] for side in sides),
        largest_derivative=float(max(abs(slope(h)) for h in GRID)),
        addresses=addresses,
        compiled=compiled,
        kinks=points,
        digest=digest((f, df), points, grid_values),
        summary="given by the user",
    )


def _points(name, kinks):
    try:
        points = tuple(sorted(float(k) for k in kinks))
    except (TypeError, ValueError):
        points = (math.nan,)
    if not all(map(math.isfinite, points)):
        raise RequestError(f"activation {name!r}: kinks are a list of finite numbers, not {kinks!r}")
    return points
