"""Sums of a residual, and of cotangents, against float64."""

import numpy as np
import pytest

from gradsim.kernels.cancellation import DOUBTFUL, NEW, RESOLUTION, ROUNDED
from gradsim.kernels.steps.add import scale_parameters
from gradsim.kernels.workspace import new_scratch
from tests.kernels.steps.definitions import (
    add_backward,
    add_forward,
    assert_close,
    assert_squares,
    assert_whole,
    deliver,
    empty,
    plain,
    vector,
)


def parameters(scale):
    return np.array([*scale_parameters(scale), *[0.0] * 10])


def added(skip, branch, scale, scratch=None):
    out, scratch = empty(len(skip.exponents), skip.n), scratch or new_scratch(len(skip.exponents), skip.n)
    add_forward(parameters(scale), skip, branch, out, scratch)
    assert_whole(out)
    assert_squares(out)
    return out, scratch


@pytest.mark.parametrize("scale", [1.0, -0.3, 1e-300, -1e300, 5e-324, 1.7e308, 0.0])
def test_scale_has_a_power_of_two_of_its_own(scale):
    fraction, exponent = scale_parameters(scale)
    assert np.ldexp(fraction, int(exponent)) == scale
    assert 1 <= abs(fraction) < 2 or scale == 0


@pytest.mark.parametrize("rows, n", [(1, 1), (3, 3), (1, 64), (4, 257)])
@pytest.mark.parametrize("base", [-5000, 0, 5000])
@pytest.mark.parametrize("scale", [1.0, 0.0, -2.7, 1 / 32])
def test_sum_and_cotangent_of_the_branch(rows, n, base, scale):
    rng = np.random.default_rng(n)
    skip, branch = (vector(rng.normal(size=(rows, n)), base + rng.integers(-9, 10, rows)) for _ in range(2))
    out, scratch = added(skip, branch, scale)
    assert_close(plain(out, base), plain(skip, base) + scale * plain(branch, base), 1e-6)
    g = empty(rows, n)
    add_backward(parameters(scale), branch, g)
    assert_whole(g)
    assert_close(plain(g, base), scale * plain(branch, base), 2e-7)
    assert not scratch.doubts.any() and not scratch.state.any()


@pytest.mark.parametrize("scale, shift", [(1e-300, 997), (-1e300, -996), (5e-324, 1074)])
def test_tiny_and_huge_scales(scale, shift):
    rng = np.random.default_rng(1)
    skip, branch = vector(rng.normal(size=(2, 5)), 0), vector(rng.normal(size=(2, 5)), shift)
    out, _ = added(skip, branch, scale)
    expected = plain(skip) + np.ldexp(scale * 2.0**20, shift - 20) * plain(branch, shift)
    if abs(shift) < 1000:
        expected = plain(skip) + scale * 2.0**shift * plain(branch, shift)
    assert_close(plain(out), expected, 1e-6)


@pytest.mark.parametrize("far", [-5000, -50, 5000])
def test_a_row_of_zeros_has_no_exponent(far):
    rng = np.random.default_rng(2)
    values, zeros = vector(rng.normal(size=(2, 6)), far), vector(np.zeros((2, 6)))
    for out, scratch in (added(values, zeros, 1.0), added(zeros, values, 1.0), added(values, values, 0.0)):
        assert np.array_equal(plain(out, far), plain(values, far)) and not scratch.doubts.any()
    out, scratch = added(zeros, zeros, 3.0)
    assert not out.values.any() and not out.exponents.any() and not scratch.doubts.any()


def test_the_larger_hides_the_smaller():
    rng = np.random.default_rng(3)
    large, small = vector(rng.normal(size=(1, 6)), 300), vector(rng.normal(size=(1, 6)), -300)
    assert np.array_equal(plain(added(large, small, 1.0)[0], 300), plain(large, 300))
    assert np.array_equal(plain(added(small, large, 1.0)[0], 300), plain(large, 300))


@pytest.mark.parametrize("digits", [0, 1])
def test_a_sum_that_cancels_is_held(digits):
    v = np.random.default_rng(4).normal(size=(3, 8))
    branch = vector(-v * np.array([1, 1 + digits * 2.0**-23, 2])[:, None], [700, 700, 700])
    out, scratch = added(vector(v, 700), branch, 1.0)
    assert np.array_equal(scratch.doubts, [NEW, NEW, 0]) and scratch.state[DOUBTFUL] == 1
    tops = abs(v).max(axis=1)[:2]
    assert np.allclose(plain(out, 700)[:2], 2 * RESOLUTION * tops[:, None], rtol=1e-6)
    again, _ = added(vector(v, 700), branch, 1.0, scratch)  # what is in doubt has no digits
    assert np.allclose(plain(again, 700)[:2], 2 * tops[:, None], rtol=1e-6)


def test_plain_arithmetic_has_the_zero():
    v, scratch = vector(np.ones((2, 4))), new_scratch(2, 4)
    scratch.state[ROUNDED] = 1
    out, _ = added(v, v, -1.0, scratch)
    assert not out.values.any() and not scratch.doubts.any()


def test_ten_thousand_doublings():
    x = vector(np.random.default_rng(5).normal(size=(1, 16)))
    start, scratch = plain(x), new_scratch(1, 16)
    for _ in range(10_000):
        out = empty(1, 16)
        add_forward(parameters(1.0), x, x, out, scratch)
        x = out
    assert np.array_equal(plain(x, 10_000), start)


@pytest.mark.parametrize("exponents", [(0, 0), (-5000, -5003), (4000, 0), (0, 4000), (12, -70)])
def test_cotangents_are_copied_first_and_added_then(exponents):
    rng = np.random.default_rng(6)
    first, second = (vector(rng.normal(size=(3, 7)), e + np.arange(3)) for e in exponents)
    g, scratch, base = empty(3, 7), new_scratch(3, 7), max(exponents)
    deliver(first, g, True, scratch)
    assert np.array_equal(plain(g, exponents[0]), plain(first, exponents[0]))
    assert_whole(g)
    deliver(second, g, False, scratch)
    assert_whole(g)
    assert_close(plain(g, base), plain(first, base) + plain(second, base), 1e-6)
    assert not scratch.doubts.any()


@pytest.mark.parametrize("far", [-5000, -65, 0, 5000])
def test_zeros_add_nothing_to_cotangents(far):
    values, zeros = vector(np.random.default_rng(7).normal(size=(2, 6)), far), vector(np.zeros((2, 6)))
    for first, second in ((values, zeros), (zeros, values)):
        g, scratch = empty(2, 6), new_scratch(2, 6)
        deliver(first, g, True, scratch)
        deliver(second, g, False, scratch)
        assert np.array_equal(plain(g, far), plain(values, far)) and not scratch.doubts.any()
    deliver(zeros, g := empty(2, 6), True, scratch)
    deliver(zeros, g, False, scratch)
    assert not g.values.any() and not scratch.doubts.any()


def test_cotangents_that_cancel_are_held():
    v = np.random.default_rng(8).normal(size=(2, 6))
    g, scratch = empty(2, 6), new_scratch(2, 6)
    deliver(vector(v, -900), g, True, scratch)
    deliver(vector(v * [[-1], [-1 - 2.0**-23]], -900), g, False, scratch)
    assert np.all(scratch.doubts == NEW) and scratch.state[DOUBTFUL] == 1
    assert np.allclose(plain(g, -900), 2 * RESOLUTION * abs(v).max(axis=1, keepdims=True), rtol=1e-6)
