"""He keeps E[mean square] through ReLU at every width, Xavier through linear layers up to the fans, both exactly in mean.

Standard errors are exact (docs/theory.md): given its input, one layer of n units has relative second moment 1 + (2 + k4
r)/n for linear units, 1 + (5 + 2 k4 r)/n for ReLU and 1 + ((6 + 2 k4 r)(1 + a^4)/(1 + a^2)^2 - 1)/n for leaky ReLU with
slope a, k4 the weights' excess kurtosis and r <= 1; uniform and truncated weights have k4 < 0, and leaving it out errs on
the safe side. A linear layer backward is one forward with the fans exchanged.

False alarms: 4,096 networks; the skewness of a mean square, which is largest at width 1, is g < 4, and so is that of
products of up to four layers 33 wide or wider: g / sqrt N < 0.065, 2e-13 beyond 8 standard errors, 400 times, and 120
counts: below 1e-9 a run.
"""

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gradsim import mlp, simulate

from .null_laws import counted, near

REPLICAS = 4096
WIDTHS = st.sampled_from([1, 2, 3, 8, 33, 100])
WIDE = st.lists(st.sampled_from([33, 64, 100]), min_size=2, max_size=4)
HE = st.sampled_from(["he_normal", "he_uniform", "he_truncated_normal"])
XAVIER = st.sampled_from(["xavier_normal", "xavier_uniform", "xavier_truncated_normal"])
SEEDS = st.integers(0, 2**63)


def mean_is(logs, expected, excess):
    """Whether the mean of e^logs is what is expected, `excess` its relative variance."""
    return near(np.exp(logs).mean() / expected, 1.0, math.sqrt(excess / REPLICAS))


def forward(network, seed):
    """log of M_L / M_0 of every network."""
    logs = simulate(network, REPLICAS, seed, keep_samples=True)["activation_log"]
    return logs[:, network.depth] - logs[:, 0]


def backward(network, seed):
    """log of the mean square of dL/dx_0 over that of dL/dx_L of every network."""
    curves = simulate(network, REPLICAS, seed, keep_samples=True)
    return curves["input_gradient_log"] - curves["loss_gradient_log"]


@given(scheme=HE, fan_in=WIDTHS, width=WIDTHS, seed=SEEDS)
def test_he_keeps_relu(scheme, fan_in, width, seed):
    network = mlp(width=[width], input_width=fan_in, init=scheme, activation="relu")
    assert mean_is(forward(network, seed), 1.0, 5 / width)


@given(kind=st.sampled_from(["normal", "uniform"]), a=st.floats(-1.5, 1.5), fan_in=WIDTHS, width=WIDTHS, seed=SEEDS)
def test_he_with_a_slope_keeps_leaky_relu(kind, a, fan_in, width, seed):
    scheme, activation = f"he_{kind}(fan_in,{a!r})", f"leaky_relu({a!r})"
    network = mlp(width=[width], input_width=fan_in, init=scheme, activation=activation)
    assert mean_is(forward(network, seed), 1.0, (6 * (1 + a**4) / (1 + a**2) ** 2 - 1) / width)


@given(scheme=XAVIER, fan_in=WIDTHS, width=WIDTHS, seed=SEEDS)
def test_xavier_keeps_linear_up_to_the_fans(scheme, fan_in, width, seed):
    """2 n_in / (n_in + n_out) forward and 2 n_out / (n_in + n_out) backward: 1 where the fans are equal."""
    network = mlp(width=[width], input_width=fan_in, init=scheme, activation="linear")
    assert mean_is(forward(network, seed), 2 * fan_in / (fan_in + width), 2 / width)
    assert mean_is(backward(network, seed), 2 * width / (fan_in + width), 2 / fan_in)


@given(widths=WIDE, kind=st.sampled_from(["normal", "uniform"]), relu=st.booleans(), seed=SEEDS)
def test_layer_after_layer(widths, kind, relu, seed):
    """Relative second moments multiply over layers: 1 + 5/n or 1 + 2/n each (uniform weights: less)."""
    scheme, activation = f"{'he' if relu else 'xavier'}_{kind}", "relu" if relu else "linear"
    network = mlp(width=widths, input_width=50, init=scheme, activation=activation)
    factor = 1.0 if relu else math.prod(2 * i / (i + o) for i, o in pairwise([50, *widths]))
    assert mean_is(forward(network, seed), factor, math.prod(1 + (5 if relu else 2) / n for n in widths) - 1)


@given(widths=WIDE, scheme=XAVIER, seed=SEEDS)
def test_xavier_backward_layer_after_layer(widths, scheme, seed):
    network = mlp(width=widths, input_width=50, init=scheme, activation="linear")
    factor = math.prod(2 * o / (i + o) for i, o in pairwise([50, *widths]))
    assert mean_is(backward(network, seed), factor, math.prod(1 + 2 / n for n in [50, *widths[:-1]]) - 1)


@given(
    below=st.lists(st.sampled_from([1, 2, 3, 8]), max_size=2),
    above=st.lists(st.sampled_from([33, 64, 100]), min_size=1, max_size=3),
    fan_in=WIDTHS,
    seed=SEEDS,
)
def test_he_fan_out_keeps_the_gradient_of_networks_that_are_alive(below, above, fan_in, seed):
    """E|delta|^2 at any layer k above is that of the probe through half of the gates, 1/2n_L, if all layers below k are alive.

    That they are has probability prod (1 - 2^-n), independently; the gates are fair coins, independent of the weights (Hanin
    & Nica 2018). A death at k or above is in the mean of the gates already.
    """
    widths, first = [*below, *above], len(below) + 1
    network = mlp(width=widths, input_width=fan_in, init="he_normal(fan_out)", activation="relu")
    curves = simulate(network, REPLICAS, seed, keep_samples=True)
    for k in range(first, len(widths) + 1):
        alive = math.prod(1 - 0.5**n for n in widths[: k - 1])
        excess = math.prod(1 + 5 / n for n in widths[k - 1 :]) / alive - 1
        assert mean_is(curves["gradient_log"][:, k], alive / (2 * widths[-1]), excess)
        assert counted(curves["gradient_zero_count"][k], REPLICAS, 1 - math.prod(1 - 0.5**n for n in widths))
