"""Where a function of one number is zero, and the smooth curve through values and slopes.

SciPy has both, in packages of which no more is used here: importing them took a sixth of the time of `gradsim theory`.
"""

import math

import numpy as np

FINEST = 2.0**-50  # relative: a root is not found more closely


def root(function, low, high, xtol=1e-300, rtol=FINEST):
    """A number between `low` and `high` within xtol + rtol |x| of a change of sign of `function`.

    Inverse quadratic interpolation where the last three points let it be trusted, bisection elsewhere (Chandrupatla 1997,
    Advances in Engineering Software 28, 145). Infinite values count by their sign. Raises ValueError where there is no
    change of sign, and where a value is NaN.
    """
    a, b = float(low), float(high)
    at_a, at_b = _value(function, a), _value(function, b)
    if at_a * at_b > 0:
        raise ValueError(f"no change of sign from {low!r} to {high!r}")
    share = 0.5
    while True:
        x, at_x = (a, at_a) if abs(at_a) < abs(at_b) else (b, at_b)
        least = 0.5 * (xtol + max(rtol, FINEST) * abs(x)) / abs(b - a) if a != b else 1.0
        if at_x == 0 or least >= 0.5:
            return x
        x = a + min(max(share, least), 1 - least) * (b - a)
        at_x = _value(function, x)
        if (at_x > 0) == (at_a > 0):
            c, at_c = a, at_a
        else:
            c, at_c, b, at_b = b, at_b, a, at_a
        a, at_a = x, at_x
        share = _share((a, at_a), (b, at_b), (c, at_c))


def _value(function, x):
    value = float(function(x))
    if math.isnan(value):
        raise ValueError(f"not a number at {x!r}")
    return value


def _share(a, b, c):
    """How far from a to b, between which the sign changes, the root is looked for next; c lies beyond a, or is where b was."""
    (a, at_a), (b, at_b), (c, at_c) = a, b, c
    place, height = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
    if not (height**2 < place and (1 - height) ** 2 < 1 - place):  # NaN of infinite values too
        return 0.5
    straight = at_a / (at_b - at_a) * at_c / (at_b - at_c)
    return straight + (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)


class Hermite:
    """The cubic Hermite spline through values and slopes on a grid of even steps; beyond it, its first and last pieces."""

    def __init__(self, grid, values, slopes):
        self.first, self.step = grid[0], (grid[-1] - grid[0]) / (grid.size - 1)
        rise, start, end = np.diff(values), self.step * slopes[:-1], self.step * slopes[1:]
        self.pieces = np.stack([values[:-1], start, 3 * rise - 2 * start - end, start + end - 2 * rise])

    def __call__(self, x):
        """At numbers x: an array of their shape."""
        place = (np.asarray(x, float) - self.first) / self.step
        k = np.clip(place.astype(int), 0, self.pieces.shape[1] - 1)
        t, (value, slope, square, cube) = place - k, self.pieces[:, k]
        return value + t * (slope + t * (square + t * cube))
