"""Where gradients vanish and where they explode, and that they do so at the rate of mean-field theory.

sigmoid with Xavier has sigma_w = 1 and vanishes; normal(0, 1) weights have sigma_w^2 = n, and tanh and ReLU explode.

Null law: the log of gradient 1 over gradient L, averaged over networks, is off from infinite width by c n^-p + O(n^-2p).
For tanh with sigma_w^2 = n p is 1/2, since of n units only about sqrt n are not saturated, else 1. With gaps d at n and at
m = 2^(1/p) n, 2 d(m) - d(n) is free of c. What is left is of higher order, and below 0.4 of a standard error here (measured
with 8 and 16 times as many networks).

False alarms: logs of ratios over eight layers and more have skewness g below 0.5 in size: g / sqrt N = 0.022 with 512
networks. Student's t with 511 degrees of freedom has 5e-15 a side beyond 8: 2e-13 for each of 120 statistics, below 1e-10 a
run.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradsim import mlp, simulate
from gradsim.theory import fixed_point, mean_field

from .null_laws import near

DEPTHS = st.integers(8, 14)
SEEDS = st.integers(0, 2**63)


def log_ratio(network, seed, replicas):
    """Mean over networks of log (gradient 1 / gradient L) less that of theory, its variance, and the verdict's word."""
    curves = simulate(network, replicas, seed, keep_samples=True)
    found = curves["gradient_log"][:, 1] - curves["gradient_log"][:, -1]
    theory = mean_field(network, input_correlation=None)["gradient_log_mean"]
    return found.mean() - (theory[1] - theory[-1]), found.var() / replicas, curves.verdict.word


def check_rate(activation, init, widths, depth, seed, word, replicas=2048):
    networks = [mlp(width=n, depth=depth, activation=activation, init=init) for n in widths]
    (gap, variance, small), (rest, less, large) = (log_ratio(network, seed, replicas) for network in networks)
    assert near(2 * rest - gap, 0.0, math.sqrt(4 * less + variance))
    assert small == large == word


@given(kind=st.sampled_from(["normal", "uniform"]), n=st.sampled_from([32, 48]), depth=DEPTHS, seed=SEEDS)
def test_sigmoid_with_xavier_vanishes(kind, n, depth, seed):
    replicas = 2048 if kind == "normal" else 512
    check_rate("sigmoid", f"xavier_{kind}", (n, 2 * n), depth, seed, "vanishing", replicas)


@given(n=st.sampled_from([64, 80, 100]), depth=DEPTHS, seed=SEEDS)
def test_relu_with_unit_normal_weights_explodes(n, depth, seed):
    check_rate("relu", "normal(0,1)", (n, 2 * n), depth, seed, "exploding")


@given(n=st.sampled_from([32, 48, 64]), depth=DEPTHS, seed=SEEDS)
def test_tanh_with_unit_normal_weights_explodes(n, depth, seed):
    check_rate("tanh", "normal(0,1)", (n, 4 * n), depth, seed, "exploding")


@pytest.mark.parametrize(
    "activation, init, weight_std",
    [
        ("sigmoid", "xavier_normal", 1.0),
        ("tanh", "normal(0,1)", None),
        ("relu", "normal(0,1)", None),
    ],
)
@given(n=st.integers(32, 4096))
def test_rate_of_theory_is_that_of_its_weights(activation, init, weight_std, n):
    """sigma_w is 1 or sqrt n; far from both ends the gradient is multiplied by chi_perp of the fixed point, layer by layer."""
    chi = fixed_point(activation, weight_std=weight_std or math.sqrt(n)).chi_perp
    network = mlp(width=n, depth=60, activation=activation, init=init)
    logs = mean_field(network, input_correlation=None)["gradient_log_mean"]
    np.testing.assert_allclose(logs[20:40] - logs[21:41], math.log(chi), rtol=0, atol=1e-9)
    assert (chi < 1) == (activation == "sigmoid") and (activation != "relu" or chi == pytest.approx(n / 2))
