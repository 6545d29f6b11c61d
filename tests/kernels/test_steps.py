"""The linear and activation steps against explicit float64 matrices made from the same random numbers."""

import numpy as np
import pytest

from gradsim.kernels import sampling, workspace
from gradsim.kernels.compilation import for_python
from gradsim.kernels.record import (
    ACTIVATION,
    BIAS_GRADIENT,
    DEAD_FRACTION,
    GRADIENT,
    PREACTIVATION,
    PREACTIVATION_MAX,
    RECORDED,
    WEIGHT_GRADIENT,
    Record,
)
from gradsim.kernels.sampling import ROLE_BIAS, ROLE_WEIGHT
from gradsim.kernels.steps import activation, linear_dense
from gradsim.kernels.workspace import Draws, Vector
from gradsim.model.activations import ACTIVATIONS, CODES
from gradsim.model.activations.exact import exact

dense_forward, dense_backward = for_python(linear_dense.dense_forward), for_python(linear_dense.dense_backward)
activation_forward = for_python(activation.activation_forward)
activation_backward = for_python(activation.activation_backward)
sample_row, new_scratch = for_python(sampling.sample_row), workspace.new_scratch
KEY = np.array([11, 12], np.uint32)
LN2 = np.log(2)


def array(law, rows, columns, layer=1, replica=2, role=ROLE_WEIGHT):
    out, words = np.zeros((rows, 4 * -(-columns // 4)), np.float32), np.zeros((4, 4096), np.uint32)
    for row in range(rows):
        sample_row(law, KEY, layer, replica, role, row, columns, words, out[row])
    return out[:, :columns].astype(float)


def padded(v):
    return np.pad(v, ((0, 0), (0, -v.shape[1] % 4))).astype(np.float32)


def vector(values, n, exponents=0):
    """A Vector of padded rows, all with these exponents."""
    rows = len(values)
    squares = np.square(values.astype(float)).sum(axis=1)
    return Vector(values, np.broadcast_to(exponents, (rows,)).astype(np.int64), squares, n)


def empty(rows, n):
    return vector(np.zeros((rows, 4 * -(-n // 4)), np.float32), n)


def true(v):
    return v.values[:, : v.n] * 2.0 ** v.exponents[:, None]


def new_record(places=3):
    """Every quantity at so many places; `read(quantity, place)` gives what is there."""
    starts = places * np.arange(len(RECORDED))
    record = Record(np.full(places * len(RECORDED), np.nan), starts)
    return record, lambda quantity, place: record.values[starts[quantity] + place]


@pytest.mark.parametrize("law, mean, scale", [(1, 0, 1.3), (2, 0.4, 0.7), (0, 0.5, 0.0)])
@pytest.mark.parametrize("n_in, n_out, rows", [(1, 1, 1), (5, 9, 3), (33, 8, 2), (300, 40, 1)])
def test_linear_is_the_explicit_matrix_both_ways(law, mean, scale, n_in, n_out, rows):
    rng = np.random.default_rng(1)
    x, d = padded(rng.normal(size=(rows, n_in))), padded(rng.normal(size=(rows, n_out)))
    x, d = vector(x, n_in, rng.integers(-9, 9, rows)), vector(d, n_out, rng.integers(-9, 9, rows))
    h, g, draws = empty(rows, n_out), empty(rows, n_in), Draws(KEY, 1, 2)
    record, read = new_record()
    p = np.array([mean, scale, -3.0, 0.25, 0.8, 1.0, 1.0, 0.0, 0.0])
    scratch = new_scratch(rows, max(n_in, n_out))
    matrix = 2.0**-3 * (mean + scale * array(law, n_out, n_in) if scale else np.full((n_out, n_in), mean))
    bias = 2.0 * (0.25 + 0.8 * array(1, 1, n_out, role=ROLE_BIAS)[0])
    dense_forward(law, p, draws, x, h, scratch, record)
    expected = true(x) @ matrix.T + bias
    for b in range(rows):
        assert np.allclose(true(h)[b], expected[b], rtol=1e-5, atol=3e-6 * abs(expected[b]).max())
    assert np.isclose(read(PREACTIVATION, 1), np.log((expected**2).mean()), atol=1e-5)
    assert np.isclose(read(PREACTIVATION_MAX, 1), np.log((expected**2).max()), atol=1e-5)
    dense_backward(law, p, draws, x, d, g, scratch, record)
    delta = true(d)
    expected = delta @ matrix
    for b in range(rows):
        assert np.allclose(true(g)[b], expected[b], rtol=1e-5, atol=3e-6 * abs(expected[b]).max())
    weight = delta.T @ true(x)
    for row, value in ((GRADIENT, delta), (WEIGHT_GRADIENT, weight), (BIAS_GRADIENT, delta.sum(0))):
        assert np.isclose(read(row, 1), np.log((value**2).mean()), atol=1e-5)


@pytest.mark.parametrize("exponent", [-60, -3, 0, 3])
@pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)
@pytest.mark.parametrize("shift", [0.0, -1.5])
def test_activation_and_its_chain_rule(entry, exponent, shift):
    n, rng = 6, np.random.default_rng(3)
    h, d = padded(rng.uniform(1, 2, (2, n)) * rng.choice([-1, 1], (2, n)) + shift), padded(rng.normal(size=(2, n)))
    h, d, x, g = vector(h, n, exponent), vector(d, n), empty(2, n), empty(2, n)
    (record, read), scratch = new_record(), new_scratch(2, n)
    a = 0.0 if entry.parameter is None else entry.parameter
    p = np.array(
        [
            a,
            entry.value_zero,
            *entry.slope_zero,
            *entry.slope,
            *entry.intercept,
            entry.largest_derivative,
            entry.homogeneous,
            0,
            0,
        ],
        float,
    )
    slopes = np.zeros_like(h.values)
    activation_forward(CODES[entry.name], p, h, x, slopes, 1, scratch, record)
    activation_backward(CODES[entry.name], p, h, slopes, d, g, scratch)
    phi, derivative = exact(entry.name).phi, exact(entry.name).derivative
    real = true(h)
    assert np.allclose(x.squares, (x.values.astype(float) ** 2).sum(axis=1), rtol=1e-6)
    top = abs(phi(real)).max(axis=1, keepdims=True)
    assert np.all(abs(true(x) - phi(real)) <= 3e-6 * top)
    expected = derivative(real) * true(d)
    assert np.all(abs(true(g) - expected) <= 5e-6 * abs(expected).max(axis=1, keepdims=True))
    assert np.isclose(read(ACTIVATION, 1), np.log((phi(real) ** 2).mean()), atol=1e-5)
    assert read(DEAD_FRACTION, 1) == (derivative(real) == 0).all(axis=0).mean()


def test_saturated_tanh_gradient_is_not_a_false_zero():
    entry = next(a for a in ACTIVATIONS if a.name == "tanh")
    h, d, g = vector(np.ones((1, 4), np.float32), 4, 10), vector(np.ones((1, 4), np.float32), 4), empty(1, 4)
    p = np.array([0, 0, 1, 1, 0, 0, -1, 1, 1, 0, 0, 0], float)
    slopes = np.zeros_like(h.values)  # as float32 has them
    activation_backward(CODES[entry.name], p, h, slopes, d, g, new_scratch(1, 4))
    assert np.isclose(np.log(g.values[0, 0]) + LN2 * g.exponents[0], np.log(4) - 2048, atol=1e-6)
