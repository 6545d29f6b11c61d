"""Roots and the smooth curve, against closed forms and SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq

from gradsim.theory.roots import Hermite, root

SHAPES = {
    "straight": lambda d: 3.0 * d,
    "steep": lambda d: math.expm1(40.0 * d),
    "flat": lambda d: d**3,
    "saturated": lambda d: math.tanh(50.0 * d),
    "kinked": lambda d: d if d < 0 else 1e9 * d,
    "leaping": lambda d: -math.inf if d < 0 else 1e-30 + d,
}


@given(st.sampled_from(sorted(SHAPES)), st.floats(-1e3, 1e3), st.floats(1e-6, 10.0), st.floats(1e-6, 10.0))
def test_a_root_is_as_close_as_was_asked(shape, place, before, behind):
    seen = []

    def function(x):
        seen.append(x)
        return SHAPES[shape](x - place)

    found = root(function, place - before, place + behind, xtol=1e-12, rtol=1e-13)
    # What the shape itself resolves around its root: a difference x - place is rounded to that of place
    assert abs(found - place) <= 1e-12 + 1e-13 * abs(place) + 2 * math.ulp(place)
    assert len(seen) < 250 and min(seen) >= place - before and max(seen) <= place + behind


def test_smooth_functions_take_as_few_steps_as_brent():
    steps = {}
    for name, finder in {"ours": root, "brent": brentq}.items():
        seen = steps[name] = []
        for k in range(1, 40):
            finder(lambda x, k=k, seen=seen: seen.append(x) or math.exp(x) - k, -1.0, 4.0, rtol=1e-14)
    assert len(steps["ours"]) <= 1.1 * len(steps["brent"])


def test_ends_that_are_roots_and_those_without_one():
    assert root(lambda x: x, 0.0, 5.0) == 0.0 and root(lambda x: x - 5, 0.0, 5.0) == 5.0 and root(lambda x: x, 0.0, 0.0) == 0.0
    assert root(lambda x: x, -1.0, 1e300) == pytest.approx(0, abs=1e-290)
    with pytest.raises(ValueError, match="no change of sign"):
        root(lambda x: x * x + 1, -1.0, 1.0)
    with pytest.raises(ValueError, match=r"not a number at 0\.5"):
        root(lambda x: math.nan if x == 0.5 else x - 0.3, 0.0, 1.0)


@pytest.mark.parametrize("size", [2, 3, 421])
def test_the_curve_is_that_of_scipy(size):
    random = np.random.default_rng(size)
    grid = np.linspace(-18.0, 24.0, size)
    values, slopes = random.normal(size=(2, size))
    x = np.concatenate([grid, random.uniform(-20.0, 26.0, 1000)])
    assert Hermite(grid, values, slopes)(x[:, None])[:, 0] == pytest.approx(
        CubicHermiteSpline(grid, values, slopes)(x), rel=1e-9, abs=1e-9
    )
