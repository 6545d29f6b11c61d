"""LayerNorm, RMSNorm and BatchNorm against float64, at exponents far beyond it, and where they are not defined."""

import numpy as np
import pytest

from gradsim.kernels.cancellation import DOUBTFUL, FOUND, NEW, RESOLUTION, ROUNDED
from gradsim.kernels.record import NORM_GAIN_GRADIENT, NORM_SHIFT_GRADIENT
from gradsim.kernels.workspace import new_scratch
from tests.kernels.steps.definitions import (
    BATCH,
    KINDS,
    LAYER,
    RMS,
    assert_close,
    assert_squares,
    assert_whole,
    backward,
    centred,
    forward,
    log_mean_square,
    normed,
    normed_and_back,
    plain,
    recorded,
    vector,
)

SHAPES = [(LAYER, 1, 3), (LAYER, 1, 257), (LAYER, 4, 64), (RMS, 1, 3), (RMS, 3, 257), (RMS, 1, 64)]
SHAPES += [(BATCH, 3, 5), (BATCH, 4, 64), (BATCH, 8, 33), (BATCH, 40, 3)]


@pytest.mark.parametrize("exponent", [-5000, -30, -8, 0, 30, 5000])
@pytest.mark.parametrize("epsilon", [0.0, 1e-5, 0.3, 1e-300])
@pytest.mark.parametrize("kind, rows, n", SHAPES)
def test_values_gradients_and_records(kind, rows, n, epsilon, exponent):
    rng = np.random.default_rng(n + rows)
    shifts, d_shifts = rng.integers(-3, 4, rows), rng.integers(-3, 4, rows)
    x, d = (vector(rng.normal(0.4, 1, (rows, n)), exponent + shifts), vector(rng.normal(size=(rows, n)), d_shifts - 2000))
    y, g, y_base, g_base = normed_and_back(kind, plain(x, exponent), plain(d, -2000), epsilon, exponent)
    out, kept, scratch = forward(kind, x, epsilon)
    assert_whole(out)
    assert_squares(out)
    assert_close(plain(out, y_base), y, 2e-6)
    found, record = backward(kind, out, kept, d, epsilon, scratch)
    assert_whole(found)
    scale = np.maximum(abs(g).max(axis=1, keepdims=True), 0.1 * abs(g).max())
    assert np.all(abs(plain(found, g_base - 2000) - g) <= 4e-6 * scale)
    gain, shift = (plain(d, -2000) * y).sum(0), plain(d, -2000).sum(0)
    assert np.isclose(recorded(record, NORM_GAIN_GRADIENT), log_mean_square(gain, y_base - 2000), atol=1e-5)
    if kind == RMS:
        assert np.isnan(recorded(record, NORM_SHIFT_GRADIENT))
    else:
        assert np.isclose(recorded(record, NORM_SHIFT_GRADIENT), log_mean_square(shift, -2000), atol=1e-5)
    assert not scratch.state.any() and not scratch.doubts.any()


@pytest.mark.parametrize("kind, rows, n", [(LAYER, 1, 2), (LAYER, 3, 2), (RMS, 2, 1), (BATCH, 2, 1), (BATCH, 2, 65)])
@pytest.mark.parametrize("epsilon", [0.0, 1e-12, 1e-5, 10.0])
def test_where_only_epsilon_leaves_a_gradient(kind, rows, n, epsilon):
    """Two units less their mean, one unit, two inputs: g = (d - mean d) epsilon / S^3, to all digits and exactly zero."""
    rng = np.random.default_rng(7)
    x, d = vector(rng.normal(size=(rows, n)), 3), vector(rng.normal(size=(rows, n)), rng.integers(-2, 3, rows))
    out, kept, scratch = forward(kind, x, epsilon)
    assert_close(plain(out), normed(kind, plain(x), epsilon), 1e-6)
    g, _ = backward(kind, out, kept, d, epsilon, scratch)
    over, true = 0 if kind == BATCH else 1, plain(x)
    root = np.sqrt((centred(kind, true) ** 2).mean(over, keepdims=True) + epsilon)
    assert np.allclose(plain(g), centred(kind, plain(d)) * epsilon / root**3, rtol=2e-6, atol=0)
    assert_whole(g)
    assert not scratch.state.any() and not scratch.doubts.any()


@pytest.mark.parametrize("kind, rows, n", [(LAYER, 2, 1), (BATCH, 1, 5)])
def test_one_unit_or_input_less_its_mean_is_exactly_zero(kind, rows, n):
    x, d = vector(np.full((rows, n), 1.7)), vector(np.full((rows, n), -0.3))
    out, kept, scratch = forward(kind, x, 1e-5)
    g, record = backward(kind, out, kept, d, 1e-5, scratch)
    assert not out.values.any() and not out.squares.any() and not g.values.any()
    assert recorded(record, NORM_GAIN_GRADIENT) == -np.inf
    assert not scratch.state.any() and not scratch.doubts.any()
    with np.errstate(invalid="ignore"):
        assert np.isnan(forward(kind, x, 0.0)[0].values[:, :n]).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exponent", [0, -5000])
def test_zeros_are_damped_by_epsilon_and_are_not_in_doubt(kind, exponent):
    rng = np.random.default_rng(2)
    x, d = vector(np.zeros((4, 6))), vector(rng.normal(size=(4, 6)), exponent)
    out, kept, scratch = forward(kind, x, 1e-4)
    g, _ = backward(kind, out, kept, d, 1e-4, scratch)
    assert not out.values.any() and not out.exponents.any()
    assert_close(plain(g, exponent), centred(kind, plain(d, exponent)) * 100, 2e-6)
    assert not scratch.state.any() and not scratch.doubts.any()
    with np.errstate(invalid="ignore"):
        assert np.isnan(forward(kind, x, 0.0)[0].values[:, :6]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_cotangent_of_zeros_is_zero(kind):
    x, d = vector(np.random.default_rng(2).normal(size=(4, 6))), vector(np.zeros((4, 6)))
    out, kept, scratch = forward(kind, x, 0.0)
    g, record = backward(kind, out, kept, d, 0.0, scratch)
    assert not g.values.any() and not g.exponents.any()
    assert recorded(record, NORM_GAIN_GRADIENT) == -np.inf
    assert not scratch.state.any() and not scratch.doubts.any()


def nearly_equal(kind, steps):
    """Eight units, or inputs, that differ by so many steps of float32, and others that do not."""
    rng = np.random.default_rng(1)
    v = 1.25 + 2.0**-23 * np.arange(8) % (steps + 1) * np.ones((8, 1))
    return v.T if kind == BATCH else np.where(np.arange(8)[:, None] < 4, v, rng.normal(size=(8, 8)))


@pytest.mark.parametrize("kind", [LAYER, BATCH])
@pytest.mark.parametrize("epsilon", [0.0, 1e-20, 1e-5])
@pytest.mark.parametrize("steps", [0, 1])
def test_units_that_differ_by_rounding_are_held_at_a_bound(kind, epsilon, steps):
    """What they may have been before they were rounded gives less, forward and back."""
    rng = np.random.default_rng(3)
    x, d = vector(nearly_equal(kind, steps), 2), vector(rng.normal(size=(8, 8)))
    out, kept, scratch = forward(kind, x, epsilon)
    held = 8 if kind == BATCH else 4
    assert np.array_equal(scratch.doubts, [NEW] * held + [0] * (8 - held)) and scratch.state[DOUBTFUL] == 1
    assert_whole(out)
    assert_squares(out)
    g, _ = backward(kind, out, kept, d, epsilon, scratch)
    assert_whole(g)
    for _ in range(20):
        before = plain(x) * (1 + rng.uniform(-1, 1, (8, 8)) * 2.0**-23)
        y, back, _, _ = normed_and_back(kind, before, plain(d), epsilon, 0)
        assert np.all(abs(y)[:held] <= abs(plain(out))[:held] * (1 + 1e-6))
        if epsilon:
            assert np.all(abs(back)[:held] <= abs(plain(g))[:held] * (1 + 1e-6))


@pytest.mark.parametrize("kind", [LAYER, BATCH])
@pytest.mark.parametrize("count", [2, 5])
def test_a_gradient_is_sure_where_epsilon_is_all_that_divides(kind, count):
    """Units that are alike have a y of rounding, far below one, and the gradient (d - mean d) / sqrt(epsilon)."""
    rng = np.random.default_rng(4)
    x, d = rng.normal(size=(count, 6)), rng.normal(size=(count, 6))
    if kind == BATCH:
        x[:, :2] = 0.7, -1.3  # as biases of units whose weights are zero
    else:
        x[0] = 0.7
    out, kept, scratch = forward(kind, vector(x), 1e-5)
    _, back, _, _ = normed_and_back(kind, plain(vector(x)), d, 1e-5, 0)
    g, _ = backward(kind, out, kept, vector(d), 1e-5, scratch)
    assert np.all(abs(plain(g) - back) <= 1e-4 * np.maximum(abs(back), 1.0))
    assert np.allclose(plain(g).mean(0 if kind == BATCH else 1), 0.0, atol=2e-5 * abs(back).max())
    assert not scratch.doubts.any() or kind == LAYER  # a row of LayerNorm has nothing else to go on with


@pytest.mark.parametrize("kind", [LAYER, BATCH])
def test_units_that_differ_by_more_than_rounding_are_not_in_doubt(kind):
    v = nearly_equal(kind, 7)
    v = 1.25 + 64 * (v - 1.25)
    out, _, scratch = forward(kind, vector(v), 0.0)
    assert_close(plain(out)[:4], normed(kind, v, 0.0)[:4], 1e-5)
    assert not scratch.doubts.any()


@pytest.mark.parametrize("kind", [LAYER, BATCH])
def test_plain_arithmetic_has_the_digits_that_it_computes(kind):
    scratch = new_scratch(8, 8)
    scratch.state[ROUNDED] = 1
    v = np.full((8, 8), 1.25)
    out, kept, _ = forward(kind, vector(v), 1e-5, scratch)
    assert not out.values.any() and not scratch.doubts.any()
    g, _ = backward(kind, out, kept, vector(v), 1e-5, scratch)
    assert not scratch.doubts.any() and abs(plain(g)).max() < 1e-3 and not scratch.state[FOUND]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(20))
def test_a_cotangent_along_y_is_held(kind, seed):
    """Scaling x changes nothing: what is left of d = y is roundings, but for epsilon's part."""
    rng = np.random.default_rng(seed)
    rows, n = (64, 7) if kind == BATCH else (5, 64 + 40 * seed)
    x = vector(rng.normal(0.5, 1, (rows, n)))
    out, kept, scratch = forward(kind, x, 0.0)
    d = vector(plain(out) * (2 if kind != BATCH else 1), rng.integers(-40, 40))
    g, record = backward(kind, out, kept, d, 0.0, scratch)
    assert np.all(scratch.doubts == NEW) and scratch.state[DOUBTFUL] == 1
    size = np.ldexp(abs(d.values).max(), d.exponents[0])
    assert np.all(plain(g) >= 0.3 * RESOLUTION * size) and np.all(plain(g) <= 20 * RESOLUTION * size)
    assert np.isfinite(recorded(record, NORM_GAIN_GRADIENT))


def test_epsilons_part_of_a_cotangent_along_y_is_not_lost():
    rng = np.random.default_rng(0)
    x = vector(rng.normal(size=(1, 256)), -8)
    out, kept, scratch = forward(LAYER, x, 1e-5)
    _, g, _, _ = normed_and_back(LAYER, plain(x, -8), plain(out), 1e-5, -8)
    found, _ = backward(LAYER, out, kept, vector(plain(out)), 1e-5, scratch)
    assert_close(plain(found), g, 1e-5)
    assert not scratch.doubts.any()


@pytest.mark.parametrize("kind", [LAYER, BATCH])
def test_equal_cotangents_are_held_and_marked_where_they_cancel(kind):
    rng = np.random.default_rng(4)
    out, kept, scratch = forward(kind, vector(rng.normal(size=(6, 9))), 0.0)
    constant = rng.normal(size=(1, 9) if kind == BATCH else (6, 1)) * np.ones((6, 9))
    backward(kind, out, kept, vector(constant), 0.0, scratch)
    assert np.all(scratch.doubts == NEW)
    signs, (out, kept, scratch) = np.array([1, -1, 1, -1, 1, -1])[:, None], forward(kind, vector(rng.normal(size=(6, 9))), 0.0)
    d = vector(rng.normal(size=9) * signs)
    _, record = backward(kind, out, kept, d, 0.0, scratch)
    assert scratch.state[FOUND] == 1 << NORM_SHIFT_GRADIENT
    assert np.isclose(
        recorded(record, NORM_SHIFT_GRADIENT), log_mean_square(6 * RESOLUTION * plain(d)[0], 0), atol=1e-5
    )  # the bound


def test_what_was_in_doubt_before_has_no_digits():
    out, kept, scratch = forward(LAYER, vector(np.ones((2, 8))), 1.0)
    first = plain(out)[0, 0]
    out, kept, _ = forward(LAYER, vector(np.ones((2, 8))), 1.0, scratch)
    assert plain(out)[0, 0] > 1e5 * first
    d = vector(np.ones((2, 8)))
    g, _ = backward(LAYER, out, kept, d, 1.0, scratch)
    assert np.all(plain(g) >= 1)


def test_the_first_unit_may_be_far_from_the_others():
    rng = np.random.default_rng(5)
    v = 0.01 * rng.normal(size=(1, 1000))
    v[0, 0] = 12
    out, _, scratch = forward(LAYER, vector(v), 0.0)
    y = normed(LAYER, vector(v).values.astype(float)[:, :1000], 0.0)
    assert np.all(abs(plain(out) - y)[0, 1:] < 1e-6 * abs(y)[0, 1:].max())
    assert not scratch.doubts.any()


@pytest.mark.parametrize("kind, rows, n", [(LAYER, 1, 5001), (RMS, 1, 5001), (BATCH, 1024, 64), (BATCH, 2, 4099)])
def test_large(kind, rows, n):
    rng = np.random.default_rng(6)
    x, d = vector(rng.normal(2, 1, (rows, n))), vector(rng.normal(size=(rows, n)))
    out, kept, scratch = forward(kind, x, 1e-5)
    y, over = normed(kind, plain(x), 1e-5), 0 if kind == BATCH else 1
    assert_close(plain(out), y, 2e-6)
    found, _ = backward(kind, out, kept, d, 1e-5, scratch)
    root = np.sqrt((centred(kind, plain(x)) ** 2).mean(over, keepdims=True) + 1e-5)
    g = (centred(kind, plain(d)) - y * (plain(d) * y).mean(over, keepdims=True)) / root
    assert_close(plain(found), g, 5e-6)


@pytest.mark.parametrize("epsilon", [0.0, 1e-5])
def test_batch_norm_aligns_rows_of_any_exponents(epsilon):
    """Rows of zeros have exponent 0, which is far above those of the others; one row is far below."""
    rng = np.random.default_rng(8)
    values = rng.normal(size=(5, 6))
    values[1] = 0
    x = vector(values, [-5000, 0, -5000, -9000, -5001])
    out, _, scratch = forward(BATCH, x, epsilon)
    y, _, y_base, _ = normed_and_back(BATCH, plain(x, -5000), np.ones((5, 6)), epsilon, -5000)
    assert_close(plain(out, y_base), y, 2e-6)
    assert not scratch.doubts.any()


def test_batch_norm_of_units_of_very_different_sizes():
    """Each is brought to order one by itself, over 100 orders of magnitude of 1/S."""
    rng = np.random.default_rng(9)
    v = rng.normal(size=(6, 8))
    v[0] *= 1e-8 ** np.arange(8)[::-1] * 1e8
    x = vector(np.where(np.arange(8) < 2, v * 1e-30, v), 0)
    out, kept, scratch = forward(BATCH, x, 0.0)
    assert_close(plain(out), normed(BATCH, plain(x), 0.0), 2e-6)
    d = vector(rng.normal(size=(6, 8)))
    g, _ = backward(BATCH, out, kept, d, 0.0, scratch)
    expected = normed_and_back(BATCH, plain(x), plain(d), 0.0, 0)[1]
    assert_close(plain(g), expected, 4e-6)
    assert abs(expected).max() > 1e28


def test_units_that_are_dead_for_all_inputs():
    rng = np.random.default_rng(10)
    v = np.maximum(rng.normal(size=(8, 20)), 0)
    v[:, 3] = 0
    out, kept, scratch = forward(BATCH, vector(v), 1e-5)
    assert not out.values[:, 3].any() and not scratch.doubts.any()
    d = rng.normal(size=(8, 20))
    g, _ = backward(BATCH, out, kept, vector(d), 1e-5, scratch)
    assert np.allclose(plain(g)[:, 3], (d[:, 3] - d[:, 3].mean()) / np.sqrt(1e-5), rtol=1e-4)
    with np.errstate(invalid="ignore"):
        assert np.array_equal(np.isnan(forward(BATCH, vector(v), 0.0)[0].values).any(axis=0)[:20], (v == 0).all(axis=0))


def test_an_unresolved_unit_beside_others_does_not_put_rows_in_doubt_unless_it_counts():
    v = np.random.default_rng(11).normal(size=(8, 20))
    v[:, 3] = 1.5
    out, kept, scratch = forward(BATCH, vector(v), 1e-5)
    assert not scratch.doubts.any() and np.all(abs(out.values[:, 3]) < 1e-2)
    g, _ = backward(BATCH, out, kept, vector(v), 1e-5, scratch)
    assert np.isfinite(g.values).all()
    out, _, scratch = forward(BATCH, vector(v), 0.0)
    assert np.all(scratch.doubts == NEW) and np.allclose(plain(out)[:, 3], np.sqrt(7))
