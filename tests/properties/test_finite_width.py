"""The exact laws of theory.finite_width against ensembles: drawn widths, depths, gains, activations and laws of weights.

Null law: logs of networks that are alive are independent with the mean and variance that theory states, so the standard error of
their mean is exact; that of their variance has the exact fourth cumulant (a sum over independent layers); dead networks
are binomial, and a single layer's factor has theory's distribution function.

False alarms: N >= 6,500 networks are alive. The skewness of a log is at most 3 in size, 0.04 / sqrt N: 2e-14 for each of fewer
than 2,000 means. Variances are harder: a log chi-square has an exponential tail. 10 standard errors have, by Chernoff's
bound on the laws cut where no network is expected, at most 2e-11 for the widths below (one open gate out of many is rare
and far away: at width 17 it would be 3e-6), for each of 600. With counts and distributions below 2e-8 a run.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import digamma, polygamma

from gradsim import mlp, simulate
from gradsim.theory import finite_width
from gradsim.theory.log_laws import Beta, open_gates

from .null_laws import counted, follows, near

REPLICAS = 16384
ROUNDING = 1e-5  # of a log, a layer: float32 sums over up to 100 units
Z_VARIANCE = 10.0
ACTIVATIONS = ["linear", "relu", "leaky_relu", "leaky_relu(0.3)", "leaky_relu(-0.5)", "leaky_relu(2)", "abs"]
INITS = ["normal(0,0.3)", "he_normal", "he_normal(fan_out)", "lecun_normal", "xavier_normal", "orthogonal", "orthogonal(2)"]
GAINS = st.floats(0.05, 20) | st.floats(-20, -0.05)


@st.composite
def networks(draw):
    """One to six layers, one of them narrow, so that at least 0.41 of the networks are alive."""
    widths = draw(st.lists(st.sampled_from([5, 64, 100]), max_size=5))
    widths.insert(draw(st.integers(0, len(widths))), draw(st.sampled_from([1, 2, 3, 8, 64])))
    return mlp(
        width=widths, input_width=draw(st.sampled_from([1, 2, 5, 64])), activation=draw(st.sampled_from(ACTIVATIONS)),
        init=draw(st.sampled_from(INITS)), weight_gain=draw(GAINS), outputs=draw(st.sampled_from([None, 1, 10])),
    )  # fmt: skip


SEEDS = st.integers(0, 2**63)
PER_LAYER = ("preactivation", "activation", "gradient", "weight_gradient", "bias_gradient")
PER_NETWORK = ("input_gradient", "loss_gradient", "loss")


@given(network=networks(), seed=SEEDS)
def test_means_variances_and_zeros(network, seed):
    theory, curves = finite_width(network), simulate(network, REPLICAS, seed)
    rounding = ROUNDING * (network.depth + 1)
    for quantity in (*PER_LAYER, *PER_NETWORK):
        zeros, p = (of_layers(v[f"{quantity}_{name}"]) for v, name in ((curves, "zero_count"), (theory, "zero_probability")))
        assert counted(zeros, REPLICAS, p)
        mean, variance = (of_layers(theory[f"{quantity}_log_{name}"]) for name in ("mean", "variance"))
        error = np.sqrt(variance / (REPLICAS - zeros))
        assert near(of_layers(curves[f"{quantity}_log_mean"]), mean, error, rounding)
    for quantity, fourth in fourth_cumulants(theory).items():
        zeros, found = (of_layers(curves[f"{quantity}_{name}"]) for name in ("zero_count", "log_variance"))
        variance, alive = of_layers(theory[f"{quantity}_log_variance"]), REPLICAS - zeros
        error = np.sqrt(fourth / alive + 2 * variance**2 / (alive - 1))
        assert near(found, variance, error, rounding**2, Z_VARIANCE)


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
    steps = steps[~np.isnan(steps)]
    assert follows(steps, law.cdf) if law.log_variance else near(steps, law.log_mean, 0.0, ROUNDING)


def of_layers(values):
    """The entries of layers on which the quantity is defined."""
    values = np.atleast_1d(values)
    return values[values >= 0] if values.dtype.kind == "i" else values[~np.isnan(values)]


def fourth_cumulants(theory):
    """Of the logs at every layer, by quantity."""
    n, depth = theory.network.input_width, theory.network.depth
    forward = np.cumsum([polygamma(3, n / 2), *map(fourth_cumulant, theory.forward[:depth])])
    backward = np.cumsum([fourth_cumulant(law) for law in reversed(theory.backward)])
    return {
        "activation": forward,
        "gradient": backward[::-1],
        "input_gradient": backward[-1] + fourth_cumulant(theory.input_law),
    }


def fourth_cumulant(law):
    """Of the log of a LayerLaw: of the squared length and of the share that the gates let through."""
    return length_cumulants(law.length)[3] + gates_fourth_cumulant(law.gates)


def length_cumulants(law):
    """First to fourth, of the log of a ChiSquare or Beta."""
    whole = law.whole if isinstance(law, Beta) else None
    return [f(law.n / 2) - (f(whole / 2) if whole else 0.0) for f in (digamma, *(lambda x, k=k: polygamma(k, x) for k in (1, 2, 3)))]


def gates_fourth_cumulant(gates):
    if gates.trivial:
        return 0.0
    if gates.slope:
        shares, p = gates.shares()
        logs = np.log(shares)
        centred = logs - p @ logs
        return p @ centred**4 - 3 * (p @ centred**2) ** 2
    k, p = open_gates(gates.n)
    k, p = k[k > 0], p[k > 0] / p[k > 0].sum()
    mean, second, third, fourth = np.transpose([length_cumulants(Beta(int(m), gates.n)) for m in k])
    d = mean - p @ mean
    moment = p @ (fourth + 3 * second**2 + 4 * third * d + 6 * second * d**2 + d**4)
    return moment - 3 * (p @ (second + d**2)) ** 2
