"""The exact law of pre_norm streams: against reference moments, a law in closed form, and networks drawn in NumPy."""

import math

import numpy as np
import pytest
from scipy.special import polygamma, psi

import gradsim
from gradsim.model.parts import Activation, BatchNorm, LayerNorm, Linear, Residual, RMSNorm
from gradsim.theory import exact_stream, mean_field
from gradsim.theory.averages import panels
from tests.theory.blocks import branch, linear, network, rows


def pre_norm(activation, s1, s2, n, m, blocks, scale, norm=RMSNorm, **options):
    inner = (norm(0.0), linear(s1, m), Activation(activation), linear(s2, n))
    return network(((Residual(inner, scale),), blocks), input_width=options.pop("input_width", n), **options)


def label(row):
    return f"{row['activation']} {row['s1']:g} {row['n']:g}x{row['blocks']:g}"


@pytest.mark.parametrize("row", rows("preln_forward_exact"), ids=label)
def test_moments_against_the_reference(row):
    sizes = (int(row[name]) for name in ("n", "m", "blocks"))
    of = pre_norm(row["activation"], row["s1"], row["s2"], *sizes, math.sqrt(row["a2"]))
    found = exact_stream(of, input="fixed", input_square=row["q0"])
    assert found.mean[-1] == pytest.approx(row["mean_q"], rel=2e-9)
    assert found.variance[-1] == pytest.approx(row["variance_q"], rel=2e-9)
    assert "stream_log_mean" not in found


def draws(activation, n, m, blocks, scale, number, norm, stem=None):
    """log of |x_L|^2 / n of `number` dense networks in NumPy."""
    rng = np.random.default_rng(7)

    def through(x, width):
        """W x over the root of x's width, a matrix for each network."""
        return np.einsum("rij,rj->ri", rng.standard_normal((number, width, x.shape[1])), x) / math.sqrt(x.shape[1])

    x = rng.standard_normal((number, n)) if stem is None else through(rng.standard_normal((number, stem)), n)
    for _ in range(blocks):
        y = x - x.mean(axis=1, keepdims=True) if norm is LayerNorm else x
        y = y / np.sqrt((y * y).mean(axis=1, keepdims=True))
        x = x + scale * through(activation(through(y, m)), n)
    return np.log((x * x).mean(axis=1))


@pytest.mark.parametrize(
    "name, phi, norm, stem",
    [("tanh", np.tanh, RMSNorm, None), ("relu", lambda h: np.maximum(h, 0), LayerNorm, None), ("tanh", np.tanh, RMSNorm, 3)],
)
def test_logs_against_drawn_networks(name, phi, norm, stem):
    """Width 4, 3 units in the branch, 3 blocks of scale 1.5; 20,000 networks: z-scores of mean and variance below 4.5."""
    logs = draws(phi, 4, 3, 3, 1.5, 20_000, norm, stem)
    options = {} if stem is None else {"stem": (linear(1.0, 4),), "input_width": stem}
    found = exact_stream(pre_norm(name, 1.0, 1.0, 4, 3, 3, 1.5, norm, **options))
    mean, variance = found["stream_log_mean"][-1], found["stream_log_variance"][-1]
    assert abs(logs.mean() - mean) < 4.5 * math.sqrt(variance / logs.size)
    error = math.sqrt((np.mean((logs - logs.mean()) ** 4) - logs.var() ** 2) / logs.size)
    assert abs(logs.var() - variance) < 4.5 * error
    assert abs(np.exp(logs).mean() - found.mean[-1]) < 4.5 * math.sqrt(found.variance[-1] / logs.size)


@pytest.mark.parametrize("units, blocks", [(1, 1), (3, 5), (64, 200)])
def test_logs_of_linear_branches(units, blocks):
    """phi linear: X_L = 1 + (a^2 / m) chi-square with m L degrees, whose log is averaged by quadrature over the chi-square."""
    found = exact_stream(pre_norm("linear", 1.0, 1.0, 8, units, blocks, 0.7))
    k = units * blocks
    low, high = math.log(k) - min(60.0, 12 * math.sqrt(2 / k) + 60 / k), math.log(k) + min(6.0, 12 * math.sqrt(2 / k))
    t, weights = panels(np.linspace(low, high, 101), *np.polynomial.legendre.leggauss(20))
    log_density = k / 2 * t - np.exp(t) / 2
    p = weights * np.exp(log_density - log_density.max())
    logs = np.log1p(0.49 / units * np.exp(t))
    mean = (p @ logs) / p.sum()
    variance = (p @ (logs - mean) ** 2) / p.sum()
    assert found["stream_log_mean"][-1] == pytest.approx(mean + psi(4) - math.log(4), abs=1e-9)
    assert found["stream_log_variance"][-1] == pytest.approx(variance + polygamma(1, 4), abs=1e-9)
    assert found["stream_log_mean"][0] == pytest.approx(psi(4) - math.log(4), abs=1e-12)


def test_mean_field_is_its_limit():
    gaps = []
    for width in (16, 128, 1024):
        of = pre_norm("gelu", 2.0, 1.0, width, 4 * width, 20, 0.3)
        gaps.append(abs(exact_stream(of)["stream_log_mean"][-1] - mean_field(of)["stream_log_mean"][-1]))
    assert gaps[0] > 6 * gaps[1] > 36 * gaps[2] and gaps[2] < 2 / 1024


def test_thousands_of_blocks_that_grow():
    found = exact_stream(pre_norm("relu", 2.0, 1.0, 64, 64, 2000, 1.0))
    assert found.mean[-1] == pytest.approx(2001, rel=1e-9)
    np.testing.assert_array_less(found["stream_log_mean"], found["stream_log_of_mean"])
    assert np.isfinite(found["stream_log_variance"]).all()


@pytest.mark.parametrize(
    "of, words",
    [
        (network(((Residual(branch("relu")),), 2)), "known of pre_norm blocks"),
        (network(((linear(), Activation("relu")), 2)), "stream of one width"),
        (network(((Residual((LayerNorm(), *branch("relu"))),), 2)), "epsilon 0"),
        (network(((Residual((BatchNorm(0.0), *branch("relu"))),), 2)), "known of pre_norm blocks"),
        (network(((Residual((LayerNorm(0.0), *branch("relu")), skip=linear()),), 2)), "known of pre_norm blocks"),
        (network(((Residual((RMSNorm(0.0), linear(), Activation("relu"), Linear(64, "he_uniform"))),), 2)), "is not normal"),
        (network(((Residual((RMSNorm(0.0), linear(bias="normal(1)"), *branch("relu")[1:])),), 2)), "needs none"),
    ],
)
def test_networks_without_this_law(of, words):
    with pytest.raises(gradsim.RequestError, match=words) as error:
        exact_stream(of)
    assert "\n" not in str(error.value)
