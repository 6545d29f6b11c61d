"""Whole programs through the interpreter."""

import numpy as np
import pytest
from scipy.special import digamma, polygamma
from scipy.stats import binom

from gradsim.kernels import record as rec
from gradsim.model.activations import ACTIVATIONS
from gradsim.model.network import mlp
from gradsim.program.program import lower
from gradsim.simulation.chunks import Workplace
from tests.oracles.places import by_place

KEY = np.array([5, 6], np.uint32)


def run(network, replicas, rows=1, first=0, engine="auto"):
    """Records by quantity and layer, in one call of the kernel."""
    program = lower(network, rows, engine=engine)
    return by_place(network, rows, Workplace(program, "carried", replicas).fill(program, KEY, first, replicas))


@pytest.mark.parametrize("engine", ["dense", "matrix_free"])
def test_textbook_product_of_tenths(engine):
    records = run(mlp(width=1, depth=6, activation="linear", init="constant(0.1)"), 3, engine=engine)
    activation, gradient = records[:, rec.ACTIVATION], records[:, rec.GRADIENT, 1:]
    assert np.allclose(activation - activation[:, :1], 2 * np.log(0.1) * np.arange(7), atol=1e-6)
    assert np.allclose(gradient - gradient[:, -1:], 2 * np.log(0.1) * np.arange(5, -1, -1), atol=1e-6)


@pytest.mark.parametrize("engine", ["dense", "matrix_free"])
@pytest.mark.parametrize("std", [3.0, 0.1 * np.sqrt(2 / 32)])
def test_depth_10000_keeps_the_exact_finite_width_law(std, engine):
    """Log increments are log(std^2 chi^2_K), K ~ Binomial(32, 1/2) given K > 0: digamma and trigamma sums.

    Forward and backward, 8 networks each; |z| < 5 fails by chance once in 1.7 million (the key is fixed besides).
    """
    width, depth, replicas = 32, 10_000, 8
    k = np.arange(1, width + 1)
    p = binom.pmf(k, width, 0.5) / (1 - 0.5**width)
    means = digamma(k / 2) + np.log(2 * std**2)
    mean = p @ means
    variance = p @ (polygamma(1, k / 2) + (means - mean) ** 2)
    records = run(mlp(width=width, depth=depth, init=f"normal(0,{std})"), replicas, engine=engine)
    for quantity, sign in ((rec.ACTIVATION, 1), (rec.GRADIENT, -1)):
        curve = records[:, quantity, 1:]
        assert np.isfinite(curve).all()
        increments = sign * np.diff(curve, axis=1)
        z = (increments.mean() - mean) / np.sqrt(variance / increments.size)
        assert abs(z) < 5


@pytest.mark.parametrize("init", ["normal(0.1,0.6)", "orthogonal", "uniform(-0.7,0.9)"])
@pytest.mark.parametrize("activation", [entry.name for entry in ACTIVATIONS])
def test_bits_do_not_depend_on_where_a_chunk_begins(activation, init):
    network = mlp(width=7, depth=5, activation=activation, init=init, bias_std=0.1)
    assert run(network, 20, rows=2)[11:].tobytes() == run(network, 9, rows=2, first=11).tobytes()


def test_zeros_give_a_gradient_that_is_zero_below_the_last_layer():
    records = run(mlp(width=4, depth=3, activation="sigmoid", init="zeros"), 2)
    assert np.all(records[:, rec.GRADIENT, 1:3] == -np.inf) and np.isfinite(records[:, rec.GRADIENT, 3]).all()
    assert np.all(records[:, rec.ACTIVATION_UNIT_VARIANCE, 1:] == 0)
    assert np.allclose(records[:, rec.ACTIVATION_MEAN, 1:], 0.5)
