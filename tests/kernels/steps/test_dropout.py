"""Dropout: the laws of its masks, its values, and the same mask on the way back."""

import numpy as np
import pytest
from scipy import stats

from gradsim.kernels.philox import fill_words
from gradsim.kernels.record import ACTIVATION, ACTIVATION_MEAN, ACTIVATION_UNIT_VARIANCE
from gradsim.kernels.sampling import ROLE_DROPOUT
from gradsim.kernels.steps.dropout import dropout_parameters, kept_numbers
from gradsim.kernels.vectors import LN2
from gradsim.kernels.workspace import Draws, new_scratch
from tests.kernels.steps.definitions import (
    PLACE,
    assert_squares,
    assert_whole,
    dropout_backward,
    dropout_forward,
    empty,
    new_record,
    plain,
    recorded,
    vector,
)

KEY = np.array([3, 5], np.uint32)


def parameters(p):
    return np.array([*dropout_parameters(p), *[0.0] * 9])


def dropped(x, p, layer=1, replica=2, place=PLACE):
    """(out, kept, record)."""
    rows = len(x.exponents)
    out, kept, record = empty(rows, x.n), np.full(kept_numbers(rows, x.n), 9.0, np.float32), new_record()
    scratch = new_scratch(rows, x.n)
    dropout_forward(parameters(p), Draws(KEY, layer, replica), x, out, kept, place, scratch, record)
    return out, kept, record


def masks(p, rows, n, layer=1, replica=2):
    return plain(dropped(vector(np.ones((rows, n))), p, layer, replica)[0]) != 0


@pytest.mark.parametrize("p", [0.0, 2.0**-33, 1e-9, 0.1, 0.5, 0.75, 1 - 1e-9, 1 - 2.0**-40])
def test_parameters(p):
    threshold, factor, exponent = dropout_parameters(p)
    assert abs(threshold - p * 2**32) <= 0.5 and 1 <= factor < 2
    assert np.isclose(np.ldexp(factor, int(exponent)), 1 / (1 - p), rtol=1e-15)


@pytest.mark.parametrize("rows, n", [(1, 1), (2, 3), (1, 64), (3, 257), (2, 2051)])
@pytest.mark.parametrize("base", [-5000, 0, 5000])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_values_records_and_the_same_mask_on_the_way_back(rows, n, base, p):
    rng = np.random.default_rng(n)
    x, d = vector(rng.normal(size=(rows, n)), base), vector(rng.normal(size=(rows, n)), -base)
    out, kept, record = dropped(x, p)
    assert_whole(out)
    assert_squares(out)
    mask = masks(p, rows, n)
    assert np.allclose(plain(out, base), mask * plain(x, base) / (1 - p), rtol=2e-7, atol=0)
    g = empty(rows, n)
    dropout_backward(parameters(p), kept, d, g)
    assert_whole(g)
    assert np.allclose(plain(g, -base), mask * plain(d, -base) / (1 - p), rtol=2e-7, atol=0)
    y = mask * plain(x, base) / (1 - p)
    if y.any():
        assert np.isclose(recorded(record, ACTIVATION), np.log((y**2).mean()) + 2 * LN2 * base, atol=1e-5)
    else:
        assert recorded(record, ACTIVATION) == -np.inf
    if base == 0:
        assert np.isclose(recorded(record, ACTIVATION_MEAN), y.mean(), atol=1e-5)
        assert np.isclose(recorded(record, ACTIVATION_UNIT_VARIANCE), y.var(axis=1).mean(), rtol=1e-5)


@pytest.mark.parametrize("rows, n", [(3, 2051), (19, 64), (150, 5)])  # one row in two tiles, several rows in one
def test_a_unit_is_kept_where_its_word_says_so(rows, n):
    p, blocks = 0.3, (n + 3) // 4
    for b in range(rows):
        words = np.zeros((4, blocks), np.uint32)
        fill_words(KEY, 1, 2, ROLE_DROPOUT, b * blocks, blocks, words)
        assert np.array_equal(masks(p, rows, n)[b], words.ravel()[:n] >= round(p * 2**32))


@pytest.mark.parametrize("p", [0.02, 0.5, 0.8])
def test_law_of_the_masks(p):
    """Units kept are binomial, and so are pairs of neighbours, of inputs, of steps and of replicas: seven tests of level 1e-6
    each (and a fixed key, so that they do not fail by chance)."""
    rows, n = 64, 4099
    found = [masks(p, rows, n), masks(p, rows, n, layer=2), masks(p, rows, n, replica=3)]
    for mask in found:
        assert stats.binomtest(int(mask.sum()), mask.size, 1 - p).pvalue > 1e-6
    first = found[0]
    pairs = [(first[:, 1:], first[:, :-1]), (first[1:], first[:-1]), (first, found[1]), (first, found[2])]
    for a, b in pairs:
        assert abs(stats.pearsonr(a.ravel(), b.ravel()).statistic) < stats.norm.isf(5e-7) / np.sqrt(a.size)


def test_nothing_changes_without_dropping():
    x = vector(np.random.default_rng(1).normal(size=(2, 5)), [40, -7])
    out, kept, record = dropped(x, 0.0)
    assert np.array_equal(out.values, x.values) and np.array_equal(out.exponents, x.exponents)
    assert np.array_equal(out.squares, x.squares) and np.isnan(record.values).all()
    g = empty(2, 5)
    dropout_backward(parameters(0.0), kept, x, g)
    assert np.array_equal(g.values, x.values) and np.array_equal(g.exponents, x.exponents)


def test_everything_may_be_dropped_and_is_zero():
    out, kept, record = dropped(vector(np.ones((1, 3)), 9), 1 - 1e-15)
    assert not out.values.any() and out.exponents[0] == 0 and out.squares[0] == 0
    assert recorded(record, ACTIVATION) == -np.inf and recorded(record, ACTIVATION_MEAN) == 0
    g = empty(1, 3)
    dropout_backward(parameters(1 - 1e-15), kept, vector(np.ones((1, 3))), g)
    assert not g.values.any() and g.exponents[0] == 0


def test_dropout_that_stands_alone_leaves_no_record():
    _, _, record = dropped(vector(np.ones((2, 8))), 0.5, place=-1)
    assert np.isnan(record.values).all()
