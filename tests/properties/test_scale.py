"""He keeps E[mean square] through ReLU at every width, Xavier through linear layers, both exactly in mean.

Standard errors are exact (docs/theory.md): given the input, one layer of n units has relative second moment
1 + (5 + 2 k4 r)/n for ReLU and 1 + (2 + k4 r)/n for linear units, k4 the weights' excess kurtosis and r <= 1; for
uniform weights k4 < 0, and leaving it out errs on the safe side. |z| < 7 has probability 2.6e-12; a chi-square mean
over R n >= 4,000 terms has skewness below 0.1, which makes it at most 300 times more: 120 examples, one in 2e7 runs.
"""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gradsim import mlp, simulate

REPLICAS = 4096
WIDTHS = st.sampled_from([1, 2, 3, 8, 33, 100])
SEEDS = st.integers(0, 2**63)


def z_score(network, seed, factor, excess):
    """Of the mean over networks of M_L / M_0 against `factor`, `excess` its relative variance."""
    curves = simulate(network, REPLICAS, seed, keep_samples=True)
    ratio = np.exp(curves["activation_log"][:, network.depth] - curves["activation_log"][:, 0]) / factor
    return (ratio.mean() - 1) / math.sqrt(excess / REPLICAS)


@given(scheme=st.sampled_from(["he_normal", "he_uniform"]), fan_in=WIDTHS, width=WIDTHS, seed=SEEDS)
def test_he_keeps_relu(scheme, fan_in, width, seed):
    network = mlp(width=[width], input_width=fan_in, init=scheme, activation="relu")
    assert abs(z_score(network, seed, 1.0, 5 / width)) < 7


@given(scheme=st.sampled_from(["xavier_normal", "xavier_uniform"]), fan_in=WIDTHS, width=WIDTHS, seed=SEEDS)
def test_xavier_keeps_linear_up_to_the_fans(scheme, fan_in, width, seed):
    network = mlp(width=[width], input_width=fan_in, init=scheme, activation="linear")
    assert abs(z_score(network, seed, 2 * fan_in / (fan_in + width), 2 / width)) < 7


@given(
    widths=st.lists(st.sampled_from([33, 64, 100]), min_size=2, max_size=4), kind=st.sampled_from(["normal", "uniform"]),
    relu=st.booleans(), seed=SEEDS,
)  # fmt: skip
def test_layer_after_layer(widths, kind, relu, seed):
    """Relative second moments multiply over layers: 1 + 5/n or 1 + 2/n each (uniform weights: less)."""
    network = mlp(
        width=widths, input_width=50, init=f"{'he' if relu else 'xavier'}_{kind}", activation="relu" if relu else "linear"
    )
    fans = list(zip([50, *widths], widths, strict=False))
    factor = 1.0 if relu else math.prod(2 * i / (i + o) for i, o in fans)
    excess = math.prod(1 + (5 if relu else 2) / n for n in widths) - 1
    assert abs(z_score(network, seed, factor, excess)) < 7
