"""The exact laws of theory.finite_width against ensembles: drawn widths, depths, gains, activations and laws of weights.

Null law: logs of networks that are alive are independent with the mean and variance that theory states, so the standard
error of their mean is exact; that of their variance has the exact fourth cumulant (a sum over independent layers); dead
networks are binomial, and a single layer's factor has theory's distribution function. Means of the squares themselves are
compared where their relative variance, which is exact too, is below SMALL.

False alarms: N >= 6,500 networks are alive. The skewness of logs and squares is at most g = 4 in size, g / sqrt N < 0.05:
5e-14 for each of fewer than 3,000 means. Variances are harder: a log chi-square has an exponential tail. 10 standard errors
have, by Chernoff's bound on the laws cut where no network is expected, at most 2e-11 for the widths below (one open gate
out of many is rare and far away: at width 17 it would be 3e-6), for each of 600. With counts and distributions below 2e-8 a
run.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import polygamma

from gradsim import mlp, simulate
from gradsim.theory import finite_width

from .null_laws import counted, follows, near

REPLICAS = 16384
ROUNDING = 1e-5  # of a log, a layer: float32 sums over up to 100 units
Z_VARIANCE = 10.0
SMALL = 0.6
FLUKES = 1e-6  # a float32 normal is exactly 0 once in 2e7, and some layers are one unit wide
ACTIVATIONS = ["linear", "relu", "leaky_relu", "leaky_relu(0.3)", "leaky_relu(-0.5)", "leaky_relu(2)", "abs"]
INITS = ["normal(0,0.3)", "he_normal", "he_normal(fan_out)", "lecun_normal", "xavier_normal", "orthogonal", "orthogonal(2)"]
GAINS = st.floats(0.05, 20) | st.floats(-20, -0.05)


@st.composite
def networks(draw):
    """One to six layers, one of them narrow, so that at least 0.41 of the networks are alive."""
    widths = draw(st.lists(st.sampled_from([5, 64, 100]), max_size=5))
    widths.insert(draw(st.integers(0, len(widths))), draw(st.sampled_from([1, 2, 3, 8, 64])))
    return mlp(
        width=widths,
        input_width=draw(st.sampled_from([1, 2, 5, 64])),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        init=draw(st.sampled_from(INITS)),
        weight_gain=draw(GAINS),
        outputs=draw(st.sampled_from([None, 1, 10])),
    )


SEEDS = st.integers(0, 2**63)
PER_LAYER = ("preactivation", "activation", "gradient", "weight_gradient", "bias_gradient")
PER_NETWORK = ("input_gradient", "loss_gradient", "loss")
FOUND = ("zero_count", "log_mean", "log_variance", "log_of_mean")
TOLD = ("zero_probability", "log_mean", "log_variance", "log_of_mean", "log_second_ratio")


@given(network=networks(), seed=SEEDS)
def test_means_variances_and_zeros(network, seed):
    theory, curves = finite_width(network), simulate(network, REPLICAS, seed)
    fourth, rounding = fourth_cumulants(theory), ROUNDING * (network.depth + 1)
    for quantity in (*PER_LAYER, *PER_NETWORK):
        found, told = of_layers(curves, quantity, FOUND), of_layers(theory, quantity, TOLD)
        alive, variance = REPLICAS - found["zero_count"], told["log_variance"]
        assert counted(found["zero_count"], REPLICAS, told["zero_probability"], FLUKES)
        assert near(found["log_mean"], told["log_mean"], np.sqrt(variance / alive), rounding)
        excess = np.expm1(told["log_second_ratio"])
        small, ratio = excess < SMALL, np.exp(found["log_of_mean"] - told["log_of_mean"])
        assert near(ratio[small], 1.0, np.sqrt(excess[small] / REPLICAS), rounding)
        if quantity in fourth:
            error = np.sqrt(fourth[quantity] / alive + 2 * variance**2 / (alive - 1))
            assert near(found["log_variance"], variance, error, rounding**2, Z_VARIANCE)


@given(network=networks(), layer=st.integers(0, 5), seed=SEEDS)
def test_a_layer_has_its_law(network, layer, seed):
    theory, curves = finite_width(network), simulate(network, 1000, seed, keep_samples=True)
    x, layer = curves["activation_log"], layer % network.depth
    delta = np.column_stack([curves["input_gradient_log"], curves["gradient_log"][:, 1:]])
    check_law(x[:, layer + 1], x[:, layer], theory.forward[layer])
    check_law(delta[:, layer], delta[:, layer + 1], (theory.input_law, *theory.backward)[layer])
    check_law(delta[:, -1], 0.0, theory.backward[-1])


def check_law(after, before, law):
    """Of the step between logs, in networks that it leaves alive."""
    steps = np.subtract(after, before, where=np.isfinite(after), out=np.full(after.shape, np.nan))
    assert follows(steps[~np.isnan(steps)], law.cdf, ROUNDING)


def of_layers(variables, quantity, names):
    """Arrays by name, over the layers on which the quantity is defined."""
    arrays = {name: np.atleast_1d(variables[f"{quantity}_{name}"]) for name in names}
    return {name: v[v >= 0] if v.dtype.kind == "i" else v[~np.isnan(v)] for name, v in arrays.items()}


def fourth_cumulants(theory):
    """Of the logs at every layer, by quantity: sums over independent layers, and the input's."""
    start = polygamma(3, theory.network.input_width / 2)
    forward = np.cumsum([start, *(law.log_fourth for law in theory.forward[: theory.network.depth])])
    backward = np.cumsum([law.log_fourth for law in reversed(theory.backward)])
    return {
        "activation": forward,
        "gradient": backward[::-1],
        "input_gradient": backward[-1] + theory.input_law.log_fourth,
    }
