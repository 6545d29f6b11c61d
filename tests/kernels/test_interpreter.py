"""Whole programs through the interpreter."""

import numba
import numpy as np
import pytest
from scipy.special import digamma, polygamma
from scipy.stats import binom

from gradsim.activations import ACTIVATIONS, CODES
from gradsim.kernels import record as rec
from gradsim.kernels.interpreter import ACTIVATE, INPUT, LINEAR, LOSS, run_chunk
from gradsim.kernels.sampling import LAW_CONSTANT, LAW_NORMAL
from gradsim.network import mlp
from gradsim.program import lower

ENTRIES = {entry.name: entry for entry in ACTIVATIONS}
DATA = lower(mlp(width=1, depth=1)).data
KEY = np.array([5, 6], np.uint32)


def run(width, depth, activation, law, mean, scale, replicas, rows=1, first=0):
    entry = ENTRIES[activation]
    asymptotes = [0.0, entry.value_zero, *entry.slope_zero, *entry.slope, *entry.intercept,
                  entry.largest_derivative, entry.homogeneous, 0, 0]  # fmt: skip
    steps, parameters, padded = [(INPUT, 0, width, 0, 0)], [[0.0] * 12], -(-width // 4) * 4
    for layer in range(1, depth + 1):
        for operation, variant, p in ((LINEAR, law, [mean, scale] + [0] * 10), (ACTIVATE, CODES[activation], asymptotes)):
            steps.append((operation, layer, width, len(steps) * rows * padded, variant))
            parameters.append(p)
    steps.append((LOSS, 0, width, 0, 0))
    parameters.append([0.0] * 12)
    size = len(steps) * rows * padded
    return run_chunk(
        np.array(steps), np.array(parameters, float), KEY, DATA, first, replicas, rows, size, width, depth + 1
    )


def test_textbook_product_of_tenths():
    records = run(1, 6, "linear", LAW_CONSTANT, 0.1, 0.0, 3)
    activation, gradient = records[:, rec.ACTIVATION], records[:, rec.GRADIENT, 1:]
    assert np.allclose(activation - activation[:, :1], 2 * np.log(0.1) * np.arange(7), atol=1e-6)
    assert np.allclose(gradient - gradient[:, -1:], 2 * np.log(0.1) * np.arange(5, -1, -1), atol=1e-6)


@pytest.mark.parametrize("std", [3.0, 0.1 * np.sqrt(2 / 32)])
def test_depth_10000_keeps_the_exact_finite_width_law(std):
    """Log increments are log(std^2 chi^2_K), K ~ Binomial(32, 1/2) given K > 0: digamma and trigamma sums.

    Forward and backward, 8 networks each; |z| < 5 fails by chance once in 1.7 million (the key is fixed besides).
    """
    width, depth, replicas = 32, 10_000, 8
    k = np.arange(1, width + 1)
    p = binom.pmf(k, width, 0.5) / (1 - 0.5**width)
    means = digamma(k / 2) + np.log(2 * std**2)
    mean = p @ means
    variance = p @ (polygamma(1, k / 2) + (means - mean) ** 2)
    records = run(width, depth, "relu", LAW_NORMAL, 0.0, std, replicas)
    for quantity, sign in ((rec.ACTIVATION, 1), (rec.GRADIENT, -1)):
        curve = records[:, quantity, 1:]
        assert np.isfinite(curve).all()
        increments = sign * np.diff(curve, axis=1)
        z = (increments.mean() - mean) / np.sqrt(variance / increments.size)
        assert abs(z) < 5


@pytest.mark.parametrize("activation", ENTRIES)
def test_bits_do_not_depend_on_threads_or_chunks(activation):
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = run(7, 5, activation, LAW_NORMAL, 0.1, 0.6, 20, rows=2)
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
        many = run(7, 5, activation, LAW_NORMAL, 0.1, 0.6, 20, rows=2)
        late = run(7, 5, activation, LAW_NORMAL, 0.1, 0.6, 9, rows=2, first=11)
    finally:
        numba.set_num_threads(before)
    assert one.tobytes() == many.tobytes()
    assert one[11:].tobytes() == late.tobytes()


def test_zeros_give_a_gradient_that_is_zero_below_the_last_layer():
    records = run(4, 3, "sigmoid", LAW_CONSTANT, 0.0, 0.0, 2)
    assert np.all(records[:, rec.GRADIENT, 1:3] == -np.inf) and np.isfinite(records[:, rec.GRADIENT, 3]).all()
    assert np.all(records[:, rec.ACTIVATION_UNIT_VARIANCE, 1:] == 0)
    assert np.allclose(records[:, rec.ACTIVATION_MEAN, 1:], 0.5)
