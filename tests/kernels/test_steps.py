"""The linear and activation steps against explicit float64 matrices made from the same random numbers."""

import numpy as np
import pytest

from gradsim.kernels import activation, linear_dense, workspace
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
)
from gradsim.kernels.sampling import ROLE_BIAS, ROLE_WEIGHT, sample_row
from gradsim.model.activations import ACTIVATIONS, CODES
from gradsim.model.activations.exact import exact

dense_forward, dense_backward = for_python(linear_dense.dense_forward), for_python(linear_dense.dense_backward)
activation_forward = for_python(activation.activation_forward)
activation_backward = for_python(activation.activation_backward)
new_scratch = workspace.new_scratch
KEY = np.array([11, 12], np.uint32)
LN2 = np.log(2)


def array(law, rows, columns, layer=1, replica=2, role=ROLE_WEIGHT):
    out, words = np.zeros((rows, 4 * -(-columns // 4)), np.float32), np.zeros((4, 4096), np.uint32)
    for row in range(rows):
        sample_row(law, KEY, layer, replica, role, row, columns, words, out[row])
    return out[:, :columns].astype(float)


def padded(v):
    return np.pad(v, ((0, 0), (0, -v.shape[1] % 4))).astype(np.float32)


def true(v, exponents, n):
    return v[:, :n] * 2.0 ** exponents[:, None]


@pytest.mark.parametrize("law, mean, scale", [(1, 0, 1.3), (2, 0.4, 0.7), (0, 0.5, 0.0)])
@pytest.mark.parametrize("n_in, n_out, rows", [(1, 1, 1), (5, 9, 3), (33, 8, 2), (300, 40, 1)])
def test_linear_is_the_explicit_matrix_both_ways(law, mean, scale, n_in, n_out, rows):
    rng = np.random.default_rng(1)
    x, d = padded(rng.normal(size=(rows, n_in))), padded(rng.normal(size=(rows, n_out)))
    x_exponents, d_exponents = rng.integers(-9, 9, rows), rng.integers(-9, 9, rows)
    h, g = np.zeros_like(d), np.zeros_like(x)
    h_exponents, g_exponents = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    record = np.full((len(RECORDED), 3), np.nan)
    p = np.array([mean, scale, -3.0, 0.25, 0.8, 1.0, 1.0, 0.0])
    scratch = new_scratch(rows, max(n_in, n_out))
    matrix = 2.0**-3 * (mean + scale * array(law, n_out, n_in) if scale else np.full((n_out, n_in), mean))
    bias = 2.0 * (0.25 + 0.8 * array(1, 1, n_out, role=ROLE_BIAS)[0])
    dense_forward(law, p, KEY, 1, 2, x, x_exponents, n_in, n_out, h, h_exponents, scratch, record)
    expected = true(x, x_exponents, n_in) @ matrix.T + bias
    for b in range(rows):
        assert np.allclose(true(h, h_exponents, n_out)[b], expected[b], rtol=1e-5, atol=3e-6 * abs(expected[b]).max())
    assert np.isclose(record[PREACTIVATION, 1], np.log((expected**2).mean()), atol=1e-5)
    assert np.isclose(record[PREACTIVATION_MAX, 1], np.log((expected**2).max()), atol=1e-5)
    dense_backward(law, p, KEY, 1, 2, x, x_exponents, d, d_exponents, n_in, n_out, g, g_exponents, scratch, record)
    delta = true(d, d_exponents, n_out)
    expected = delta @ matrix
    for b in range(rows):
        assert np.allclose(true(g, g_exponents, n_in)[b], expected[b], rtol=1e-5, atol=3e-6 * abs(expected[b]).max())
    weight = delta.T @ true(x, x_exponents, n_in)
    for row, value in ((GRADIENT, delta), (WEIGHT_GRADIENT, weight), (BIAS_GRADIENT, delta.sum(0))):
        assert np.isclose(record[row, 1], np.log((value**2).mean()), atol=1e-5)


@pytest.mark.parametrize("exponent", [-60, -3, 0, 3])
@pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)
@pytest.mark.parametrize("shift", [0.0, -1.5])
def test_activation_and_its_chain_rule(entry, exponent, shift):
    n, rng = 6, np.random.default_rng(3)
    h, g = padded(rng.uniform(1, 2, (2, n)) * rng.choice([-1, 1], (2, n)) + shift), padded(rng.normal(size=(2, n)))
    exponents, zeros = np.full(2, exponent), np.zeros(2, np.int64)
    x, d, x_exponents, d_exponents = np.zeros_like(h), np.zeros_like(h), zeros.copy(), zeros.copy()
    record, scratch = np.full((len(RECORDED), 3), np.nan), new_scratch(2, n)
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
    slopes, squares = np.zeros_like(h), np.zeros(2)
    activation_forward(CODES[entry.name], p, h, exponents, n, x, x_exponents, squares, slopes, scratch, 1, record)
    activation_backward(CODES[entry.name], p, h, exponents, slopes, g, zeros, n, d, d_exponents, scratch)
    phi, derivative = exact(entry.name).phi, exact(entry.name).derivative
    real = true(h, exponents, n)
    assert np.allclose(squares, (x[:, :n].astype(float) ** 2).sum(axis=1), rtol=1e-6)
    top = abs(phi(real)).max(axis=1, keepdims=True)
    assert np.all(abs(true(x, x_exponents, n) - phi(real)) <= 3e-6 * top)
    expected = derivative(real) * g[:, :n]
    assert np.all(abs(true(d, d_exponents, n) - expected) <= 5e-6 * abs(expected).max(axis=1, keepdims=True))
    assert np.isclose(record[ACTIVATION, 1], np.log((phi(real) ** 2).mean()), atol=1e-5)
    assert record[DEAD_FRACTION, 1] == (derivative(real) == 0).all(axis=0).mean()


def test_saturated_tanh_gradient_is_not_a_false_zero():
    entry = next(a for a in ACTIVATIONS if a.name == "tanh")
    h, g = np.full((1, 4), 1.0, np.float32), np.ones((1, 4), np.float32)
    d = np.zeros_like(h)
    exponents, out = np.array([10]), np.zeros(1, np.int64)
    p = np.array([0, 0, 1, 1, 0, 0, -1, 1, 1, 0, 0, 0], float)
    slopes = np.zeros_like(h)  # as float32 has them
    activation_backward(CODES[entry.name], p, h, exponents, slopes, g, np.zeros(1, np.int64), 4, d, out, new_scratch(1, 4))
    assert np.isclose(np.log(d[0, 0]) + LN2 * out[0], np.log(4) - 2048, atol=1e-6)
