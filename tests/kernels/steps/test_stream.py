"""The mean cosine of a stream's rows, from sums over the rows, against all pairs of them."""

import numpy as np
import pytest

from gradsim.kernels.compilation import for_python
from gradsim.kernels.steps import stream
from gradsim.kernels.workspace import new_scratch
from gradsim.reference.measures import one_minus_cosine
from tests.kernels.steps.definitions import vector

mean_cosine = for_python(stream.mean_cosine)


def found(v):
    rows, n = v.values.shape[0], v.n
    scratch = new_scratch(rows, n + 3)
    scratch.squares[:], scratch.signs[:], scratch.logs[:] = v.squares, 7.0, 7.0  # used before
    return mean_cosine(v, scratch)


@pytest.mark.parametrize("rows, n", [(2, 1), (2, 64), (3, 5), (7, 37), (17, 100), (33, 257)])
@pytest.mark.parametrize("apart", [1.0, 1e-3, 1e-6])
def test_of_all_pairs(rows, n, apart):
    rng = np.random.default_rng(rows)
    values = rng.normal(size=n) + apart * rng.normal(size=(rows, n))
    v = vector(values * 4.0 ** rng.uniform(-1, 1, (rows, 1)))
    assert found(v) == pytest.approx(1 - one_minus_cosine(v.values.astype(float)), rel=0, abs=4e-15)


def test_rows_that_agree_to_rounding_are_one_direction():
    row = np.random.default_rng(1).normal(size=65)
    assert found(vector(np.outer([1.0, 1.7, -0.3, 5.0], row)[[0, 1, 3]])) == 1.0
    opposite = found(vector(np.outer([1.0, -1.7], row)))
    assert opposite == pytest.approx(-1.0, abs=1e-13)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
@pytest.mark.parametrize("b", [0, 1, 4])
def test_a_row_without_direction_leaves_none(b, value):
    values = np.random.default_rng(2).normal(size=(5, 20))
    values[b] = value
    with np.errstate(invalid="ignore"):
        assert np.isnan(found(vector(values)))
