"""Exact laws at finite width: published second moments, closed forms, and networks with explicit matrices in NumPy.

The networks have narrow and unequal layers, where nothing is asymptotic. z-scores take their standard errors from the
samples; |z| < 5 has probability 6e-7 of a false alarm each, and seeds are fixed.
"""

import csv
import math
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma, polygamma

import gradsim
from gradsim.theory import finite_width, mean_field
from gradsim.theory.log_laws import Beta, ChiSquare, Gates, LayerLaw, open_gates
from tests.oracles.clock import median_seconds

REFERENCE = Path(__file__).parent / "reference"
NETWORKS = 60_000


def network(widths, activation="relu", init="he_normal", outputs=None, **options):
    """An mlp with the given widths, the input's first."""
    options |= {"activation": activation, "init": init, "outputs": outputs}
    return gradsim.mlp(width=list(widths[1:]), input_width=widths[0], **options)


with (REFERENCE / "finite_width.csv").open(newline="") as _file:
    ROWS = list(csv.DictReader(_file))
SETTINGS = {
    "linear_gaussian": ("linear", "lecun_normal"),
    "relu_he_gaussian": ("relu", "he_normal"),
    "relu_haar_gain_sqrt2": ("relu", f"orthogonal({math.sqrt(2)!r})"),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['network']} {row['width']} {row['depth']}")
def test_published_second_moments(row):
    activation, init = SETTINGS[row["network"]]
    n, depth, text = int(row["width"]), int(row["depth"]), row["second_moment_ratio"]
    found = finite_width(network([n] * (depth + 1), activation, init), input="fixed")
    ratio = math.exp(found["activation_log_second_ratio"][depth])
    assert abs(ratio - float(text)) <= 10.0 ** -len(text.partition(".")[2])
    assert found["activation_log_of_mean"][depth] == pytest.approx(0, abs=1e-12)


# Closed forms


@pytest.mark.parametrize("n", [1, 2, 7, 100, 65_536])
def test_second_moments_of_one_layer(n):
    """E M^2 / (E M)^2: (n + 2) / n linear, (n + 5) / n ReLU, (n + 5) / (n + 2) ReLU Haar, and the formula for leaky ReLU."""

    def ratio(activation, init):
        return math.exp(finite_width(network([n, n], activation, init), input="fixed")["activation_log_second_ratio"][1])

    assert ratio("linear", "normal(0,0.3)") == pytest.approx((n + 2) / n, rel=1e-12)
    assert ratio("relu", "normal(0,0.3)") == pytest.approx((n + 5) / n, rel=1e-12)
    assert ratio("relu", "orthogonal(0.7)") == pytest.approx((n + 5) / (n + 2), rel=1e-12)
    assert ratio("linear", "orthogonal(0.7)") == pytest.approx(1, rel=1e-12)
    assert ratio("abs", "normal(0,0.3)") == pytest.approx((n + 2) / n, rel=1e-12)
    for a in (0.01, 0.5, -0.3, 2.0):
        expected = 1 + (6 * (1 + a**4) / (1 + a**2) ** 2 - 1) / n
        assert ratio(f"leaky_relu({a})", "normal(0,0.3)") == pytest.approx(expected, rel=1e-12)


def test_one_unit_in_closed_form():
    """ReLU of one normal number: half of the networks are dead, the others have the log of a chi-square of one degree."""
    found = finite_width(network([1, 1, 1], "relu", "normal(0,1)"), input="fixed")
    one = digamma(0.5) + math.log(2)
    np.testing.assert_allclose(found["activation_log_mean"], [0, one, 2 * one], rtol=1e-12)
    np.testing.assert_allclose(found["activation_log_variance"], [0, polygamma(1, 0.5), 2 * polygamma(1, 0.5)], rtol=1e-12)
    np.testing.assert_allclose(found["activation_log_of_mean"], [0, math.log(0.5), math.log(0.25)], rtol=1e-12)
    np.testing.assert_allclose(found.death_probability, [0, 0.5, 0.75], rtol=1e-12)
    np.testing.assert_allclose(found["activation_zero_probability"], [0, 0.5, 0.75], rtol=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_second_moments_of_networks_that_die(depth):
    """One unit a layer: k squares of normal numbers that are zero but with probability p have E M^2 / E M^2 = 3^k / p."""
    found = finite_width(network([1] * (depth + 1), "relu", "normal(0,1)"))
    alive, layers = np.log(0.5), np.arange(1, depth + 1)
    k = {"activation": layers + 1, "gradient": depth + 1 - layers, "bias_gradient": depth + 1 - layers}
    k["weight_gradient"], k["input_gradient"] = np.full(depth, depth + 1), depth + 1
    for name, squares in k.items():
        closed = layers if name == "activation" else depth  # of the gates that all must be open
        expected = squares * math.log(3) - closed * alive
        ratio = found[f"{name}_log_second_ratio"]
        np.testing.assert_allclose(ratio[1:] if np.ndim(ratio) else ratio, expected, rtol=1e-12)


@pytest.mark.parametrize("widths", [[2, 2], [3, 1, 4], [8, 5, 2, 9]])
def test_death(widths):
    """1 - prod (1 - 2^-n); the gradient of a hidden layer is dead wherever any layer is, a readout's never."""
    dead = 1 - np.cumprod([1.0, *(1 - 0.5**n for n in widths[1:])])
    for init in ("he_normal", "orthogonal"):
        found = finite_width(network(widths, "relu", init, outputs=3))
        np.testing.assert_allclose(found.death_probability, [*dead, dead[-1]], rtol=1e-12)
        np.testing.assert_allclose(found["activation_zero_probability"][:-1], dead, rtol=1e-12)
        np.testing.assert_allclose(found["preactivation_zero_probability"][1:], dead, rtol=1e-12)
        np.testing.assert_allclose(found["gradient_zero_probability"][1:-1], dead[-1], rtol=1e-12)
        assert found["gradient_zero_probability"][-1] == 0
        np.testing.assert_allclose(found["weight_gradient_zero_probability"][1:], dead[-1], rtol=1e-12)
        assert found["input_gradient_zero_probability"] == pytest.approx(dead[-1])
    assert (finite_width(network(widths, "leaky_relu")).death_probability == 0).all()


def test_death_of_wide_networks_keeps_its_digits():
    """1 - prod (1 - 2^-60) over 1,000 layers is 1000 2^-60."""
    found = finite_width(network([60] * 1001))
    assert found["activation_zero_probability"][1000] == pytest.approx(1000 * 2.0**-60, rel=1e-9, abs=0)


@pytest.mark.parametrize("init", ["he_normal", "orthogonal(1.2)"])
def test_gain_and_biases_of_zero(init):
    """A weight gain g adds log g^2 a layer and changes nothing else."""
    plain, scaled = (finite_width(network([5, 8, 3], "relu", init, weight_gain=g)) for g in (1.0, 3.0))
    for name, layers in (("activation", np.arange(3)), ("gradient", 2 - np.arange(3))):
        for suffix in ("log_mean", "log_of_mean"):
            change = scaled[f"{name}_{suffix}"] - plain[f"{name}_{suffix}"]
            np.testing.assert_allclose(change[name == "gradient" :], (layers * math.log(9))[name == "gradient" :], atol=1e-12)
        np.testing.assert_allclose(scaled[f"{name}_log_variance"], plain[f"{name}_log_variance"], rtol=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("init", ["normal(0,1)", "orthogonal(1)"])
def test_leaky_slopes_have_their_limits(slope, init):
    """Continuous in the slope, to the order of its change: at 0 in moments, and in logs once no layer can die (n = 40)."""
    limit = {0.0: "relu", 1.0: "linear"}.get(slope, f"leaky_relu({slope})")
    near = finite_width(network([40, 40, 25], f"leaky_relu({slope + 1e-6})", init))
    at = finite_width(network([40, 40, 25], limit, init))
    for name, values in at.variables.items():
        if not name.endswith("zero_probability"):
            np.testing.assert_allclose(near[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_slope_next_to_zero_keeps_dead_layers_in_the_law():
    """n = 1: half of the networks have a^2 chi-square, so the mean log falls by log(1/a), and the variance is exact too."""
    a = 1e-30
    found = finite_width(network([1, 1], f"leaky_relu({a})", "normal(0,1)"), input="fixed")
    assert found["activation_log_mean"][1] == pytest.approx(digamma(0.5) + math.log(2) + math.log(a), rel=1e-12)
    assert found["activation_log_variance"][1] == pytest.approx(polygamma(1, 0.5) + math.log(a) ** 2, rel=1e-12)


@pytest.mark.parametrize("slope", [0.01, 0.5, -0.8, 3.0, 1e-6, 1e5])
@pytest.mark.parametrize("n", [1, 2, 3, 10, 200])
def test_shares_of_leaky_gates_against_beta_laws(slope, n):
    """E log and variance of log of a^2 + (1 - a^2) B, binomially mixed, with scipy's quadrature of the beta density."""
    a = slope**2
    k, p = open_gates(n)
    mean = square = 0.0
    for m, weight in zip(k, p, strict=True):
        if weight < 1e-12:
            continue
        if m in (0, n):
            values = [math.log(a) if m == 0 else 0.0]
            values.append(values[0] ** 2)
        else:  # quantiles of the beta law: uniform u, graded towards both ends
            t, w = _graded()
            logs = np.log(a + (1 - a) * stats.beta.ppf(t, m / 2, (n - m) / 2))
            values = w @ logs, w @ logs**2
        mean, square = mean + weight * values[0], square + weight * values[1]
    found = Gates(n, slope).log_moments
    size = max(abs(mean), math.sqrt(square))
    assert found[0] == pytest.approx(mean, rel=1e-6, abs=1e-7 * size)
    assert found[1] == pytest.approx(square - mean**2, rel=1e-5, abs=1e-6 * square)


def _graded():
    """Nodes and weights on (0, 1) that double in distance from both ends."""
    at, weights = np.polynomial.legendre.leggauss(12)
    ends = 0.5 ** np.arange(40, 0, -1)
    edges = np.concatenate([[0.0], ends, 1 - ends[::-1][1:], [1.0]])
    half = 0.5 * np.diff(edges)[:, None]
    return (edges[:-1, None] + half + half * at).ravel(), (half * weights).ravel()


# Explicit matrices


def haar(rng, replicas, n_out, n_in):
    """Rows or columns orthonormal: Mezzadri 2007, arXiv:math-ph/0609050."""
    q, r = np.linalg.qr(rng.normal(size=(replicas, max(n_out, n_in), min(n_out, n_in))))
    q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None]
    return q if n_out >= n_in else q.transpose(0, 2, 1)


def ensemble(widths, slope, scale, orthogonal, outputs, seed):
    """{quantity: mean squares of shape (networks, layers)} with explicit matrices; a standard normal input and probe."""
    rng, fans = np.random.default_rng(seed), [*widths, *([] if outputs is None else [outputs])]
    x = rng.normal(size=(NETWORKS, widths[0]))
    found = {"activation": [x], "preactivation": [], "gradient": [], "weight_gradient": []}
    matrices, slopes = [], []
    for k, (i, o) in enumerate(pairwise(fans)):
        w = scale * (haar(rng, NETWORKS, o, i) if orthogonal else rng.normal(size=(NETWORKS, o, i)))
        h = np.einsum("roi,ri->ro", w, x)
        hidden = k < len(widths) - 1
        slopes.append(np.where(h > 0, 1.0, slope) if hidden else np.ones_like(h))
        x = h * slopes[-1]
        matrices.append(w)
        found["preactivation"].append(h)
        if hidden:
            found["activation"].append(x)
    probe = rng.normal(size=x.shape) / math.sqrt(fans[-1])
    found["loss_gradient"], found["loss"] = [probe], [np.sum(probe * x, axis=1, keepdims=True)]
    inputs = [*found["activation"]]
    g = probe
    for k in range(len(fans) - 2, -1, -1):
        g = g * slopes[k]
        found["gradient"].insert(0, g)
        found["weight_gradient"].insert(0, np.einsum("ro,ri->roi", g, inputs[k]).reshape(NETWORKS, -1))
        g = np.einsum("roi,ro->ri", matrices[k], g)
    found["input_gradient"] = [g]
    return {name: np.array([np.mean(v * v, axis=1) for v in layers]).T for name, layers in found.items()}


CASES = [
    # (widths, outputs, activation, slope, scale, orthogonal)
    ((4, 3, 5, 2), None, "linear", 1.0, 0.5, False),
    ((3, 4, 4), 2, "relu", 0.0, 0.7, False),
    ((2, 6, 1, 3), None, "relu", 0.0, 1.0, False),
    ((3, 2, 4), 3, "leaky_relu(0.2)", 0.2, 0.6, False),
    ((3, 3, 2), None, "leaky_relu(-0.6)", -0.6, 0.6, False),
    ((2, 3), None, "abs", -1.0, 1.0, False),
    ((4, 2, 5, 3), None, "linear", 1.0, 1.3, True),
    ((3, 5, 2, 2), 4, "relu", 0.0, 1.4, True),
    ((4, 4, 4), None, "relu", 0.0, 1.4, True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[2]} {'haar' if case[5] else 'normal'} {case[0]}")
def test_networks_with_explicit_matrices(case):
    """Mean and variance of logs, log of the mean, and share of zeros of every quantity at every layer, forward and backward."""
    widths, outputs, activation, slope, scale, orthogonal = case
    init = f"orthogonal({scale})" if orthogonal else f"normal(0,{scale})"
    found = finite_width(network(widths, activation, init, outputs))
    measured = ensemble(widths, slope, scale, orthogonal, outputs, seed=[len(activation), orthogonal, *widths])
    for name, squares in measured.items():
        columns = np.atleast_1d(found[f"{name}_log_mean"])
        layers = np.flatnonzero(~np.isnan(columns))
        assert squares.shape[1] == layers.size
        for column, layer in zip(squares.T, layers, strict=True):
            expected = {s: np.atleast_1d(found[f"{name}_{s}"])[layer] for s in STATISTICS}
            for statistic, (z, text) in z_scores(column, expected).items():
                assert abs(z) < 5, (name, layer, statistic, text)


STATISTICS = ("log_mean", "log_variance", "log_of_mean", "log_second_ratio", "zero_probability")


def z_scores(squares, expected):
    """{statistic: (z, what was compared)} of mean squares, zeros among them."""
    alive, total = squares[squares > 0], squares.size
    logs, result = np.log(alive), {}
    p = expected["zero_probability"]
    count = total - alive.size
    if p > 0:
        result["zeros"] = (count - total * p) / math.sqrt(total * p * (1 - p)), (count / total, p)
    else:
        assert count == 0
    centred = logs - logs.mean()
    variance = centred.var()
    if expected["log_variance"] < 1e-20:  # a length that is kept
        assert np.ptp(logs) < 1e-9
        assert abs(logs.mean() - expected["log_mean"]) < 1e-9
        return result
    error = math.sqrt(variance / alive.size)
    result["log_mean"] = (logs.mean() - expected["log_mean"]) / error, (logs.mean(), expected["log_mean"])
    error = math.sqrt((np.mean(centred**4) - variance**2) / alive.size)
    result["log_variance"] = (variance - expected["log_variance"]) / error, (variance, expected["log_variance"])
    mean = math.exp(expected["log_of_mean"])
    # the exact standard error: a sample of heavy-tailed numbers understates its own
    error = mean * math.sqrt(math.expm1(expected["log_second_ratio"]) / total)
    result["mean"] = (squares.mean() - mean) / error, (squares.mean(), mean)
    return result


@pytest.mark.parametrize(
    "activation, init, n_in, n",
    [
        ("relu", "he_normal", 3, 4),
        ("linear", "lecun_normal", 2, 3),
        ("relu", "orthogonal(1.4)", 4, 4),
        ("relu", "orthogonal", 2, 5),
    ],
)
def test_second_moments_of_networks_with_explicit_matrices(activation, init, n_in, n):
    """One layer and a fixed input, where the fourth moment is small enough for its sample's error to be trusted."""
    rng = np.random.default_rng([n_in, n])
    law = finite_width(network([n_in, n], activation, init), input="fixed")
    scale = gradsim.model.initializers.weight_law(init, n_in, n).scale
    w = scale * (haar(rng, NETWORKS, n, n_in) if init.startswith("orthogonal") else rng.normal(size=(NETWORKS, n, n_in)))
    h = w @ np.ones(n_in)
    squares = np.mean((np.maximum(h, 0) if activation == "relu" else h) ** 2, axis=1) ** 2
    expected = math.exp(law["activation_log_second_ratio"][1] + 2 * law["activation_log_of_mean"][1])
    assert abs(squares.mean() - expected) < 5 * squares.std() / math.sqrt(NETWORKS)


def test_other_fixed_inputs_have_the_same_law():
    """The law depends on the input's length only, however it points: one unit vector."""
    rng = np.random.default_rng(1)
    h = rng.normal(size=(NETWORKS, 4, 3))[:, :, 0] * math.sqrt(3)
    logs = np.log(np.mean(np.where(h > 0, h, 0.3 * h) ** 2, axis=1))
    law = finite_width(network([3, 4], "leaky_relu(0.3)", "normal(0,1)"), input="fixed")
    z = (logs.mean() - law["activation_log_mean"][1]) / math.sqrt(law["activation_log_variance"][1] / NETWORKS)
    assert abs(z) < 5


# The whole law of one layer

LAWS = [
    ("relu", "he_normal", 5, 5),
    ("relu", "he_normal", 2, 3),
    ("linear", "lecun_normal", 4, 6),
    ("leaky_relu(0.2)", "he_normal", 4, 3),
    ("leaky_relu(-2)", "normal(0,1)", 2, 4),
    ("abs", "he_normal", 3, 3),
    ("relu", "orthogonal(1.4)", 6, 6),
    ("relu", "orthogonal", 6, 3),
    ("linear", "orthogonal", 7, 3),
    ("relu", "orthogonal(2)", 3, 6),
]


def wide_grid(law, step=0.01):
    """Logs, in standard deviations about the mean, from where nothing is below to where nothing is above; (x, step).

    The mean is half a step from its neighbours: P(below) on one side and P(above) on the other are integrated by midpoints.
    """
    spread = math.sqrt(law.log_variance) + 1e-3
    k = np.arange(round(-60 / step), round(12 / step)) + 0.5
    return law.log_mean + k * step * spread, step * spread


@pytest.mark.parametrize("activation, init, n_in, n", LAWS)
def test_a_distribution_function_and_its_moments(activation, init, n_in, n):
    """Increasing from 0 to 1, with the mean, variance and fourth cumulant that are stated: by parts, integrals of F, 1 - F."""
    found = finite_width(network([n_in, n, n_in], activation, init, outputs=4))
    for law in (*found.forward, *found.backward, found.input_law):
        x, step = wide_grid(law)
        f = law.cdf(x)
        assert f.shape == x.shape and (np.diff(f) >= -1e-13).all()
        assert abs(f[0]) < 1e-6 and abs(f[-1] - 1) < 1e-9
        if law.log_variance < 1e-20:  # a step
            assert law.cdf(law.log_mean + 1e-9) == 1 and law.cdf(law.log_mean - 1e-9) == 0
            continue
        shift = x - law.log_mean
        tail = np.where(shift < 0, f, f - 1)
        # the midpoint rule is off by step^2 / 24 of the slopes at the cut, and by half a step where F jumps: orthogonal layers
        # with all gates open. What is below 60 standard deviations is e^-30 where F falls as slowly as sqrt(M), for one unit
        room = step if isinstance(law.length, Beta) else step**2
        assert abs(step * tail.sum()) < room
        assert -2 * step * np.sum(shift * tail) == pytest.approx(law.log_variance, rel=1e-4, abs=2 * room)
        fourth = -4 * step * np.sum(shift**3 * tail) - 3 * law.log_variance**2
        assert fourth == pytest.approx(law.log_fourth, rel=1e-3, abs=4 * room * max(1, law.log_variance**1.5))


@pytest.mark.parametrize("activation, init, n_in, n", LAWS)
def test_the_law_of_one_layer_against_explicit_matrices(activation, init, n_in, n):
    """Kolmogorov-Smirnov of log M_1 / M_0 and, from a probe on the output, of the gradient and of the input gradient over it.

    p > 1e-5 each: a false alarm in 3,000 seeds. Atoms (all gates open, orthogonal weights) make the test conservative.
    """
    slope = {"relu": 0.0, "linear": 1.0, "abs": -1.0}.get(activation)
    slope = float(activation[11:-1]) if slope is None else slope
    law = gradsim.model.initializers.weight_law(init, n_in, n)
    found = finite_width(network([n_in, n], activation, init))
    rng = np.random.default_rng([7, n_in, n])
    size = 8_000
    w = law.scale * (haar(rng, size, n, n_in) if law.kind == "orthogonal" else rng.normal(size=(size, n, n_in)))
    x = rng.normal(size=(size, n_in))
    h = np.einsum("roi,ri->ro", w, x)
    gates = np.where(h > 0, 1.0, slope)
    delta = gates * rng.normal(size=h.shape) / math.sqrt(n)
    into = np.einsum("roi,ro->ri", w, delta)
    m = [np.mean(v * v, axis=1) for v in (x, gates * h, delta, into)]
    alive = m[1] > 0
    for sample, exact in (
        (np.log(m[1][alive] / m[0][alive]), found.forward[0]),
        (np.log(m[2][m[2] > 0]), found.backward[0]),
        (np.log(m[3][m[2] > 0] / m[2][m[2] > 0]), found.input_law),
    ):
        if exact.log_variance < 1e-20:
            assert np.abs(sample - exact.log_mean).max() < 1e-9
            continue
        rounded = np.round(sample, 9) + 1e-9  # what is one value in exact arithmetic lies beyond the step, all of it
        assert stats.kstest(rounded, exact.cdf).pvalue > 1e-5, exact


def test_chi_square_and_beta():
    for n in (1, 5, 40):
        chi, exact = ChiSquare(n), stats.chi2(n)
        r = np.array([0.1, 1.0, n, 3.0 * n])
        np.testing.assert_allclose(chi.cdf(r), exact.cdf(r), rtol=1e-10)
        assert chi.log_mean == pytest.approx(digamma(n / 2) + math.log(2))
        assert chi.log_variance == pytest.approx(polygamma(1, n / 2)) and chi.log_fourth == pytest.approx(polygamma(3, n / 2))
        for whole in (n, n + 1, 3 * n):
            beta = Beta(n, whole)
            assert beta.log_of_mean == pytest.approx(math.log(n / whole))
            if whole > n:
                exact = stats.beta(n / 2, (whole - n) / 2)
                np.testing.assert_allclose(beta.cdf([0.1, 0.5, 0.9, 2.0]), exact.cdf([0.1, 0.5, 0.9, 2.0]), rtol=1e-10)
                assert beta.log_second_ratio == pytest.approx(math.log(exact.moment(2) / exact.mean() ** 2))


# Wide and deep


def test_wide_layers_are_quick_and_have_their_asymptotes():
    """n = 65,536, 10,000 layers: mean log -5 / 2 n and variance 5 / n a layer, -1 / n and 2 / n linear, to order 1 / n^2."""
    n, depth = 65_536, 10_000
    cases = ("relu", "he_normal", 5), ("linear", "lecun_normal", 2), ("leaky_relu(0.1)", "he_normal", None)
    for activation, init, slope in cases:
        mlp = gradsim.mlp(width=n, depth=depth, activation=activation, init=init)
        start = time.process_time()
        found = finite_width(mlp)
        assert time.process_time() - start < 5
        beta = (slope or 6 * (1 + 0.1**4) / (1 + 0.1**2) ** 2 - 1) / n
        growth = 0 if slope else math.log(1.01)
        for name in ("activation", "gradient"):
            steps = np.diff(found[f"{name}_log_mean"])[1:] * (1 if name == "activation" else -1)
            np.testing.assert_allclose(steps, growth - beta / 2, atol=20 / n**2)
            spread = np.abs(np.diff(found[f"{name}_log_variance"])[1:])
            np.testing.assert_allclose(spread, beta, atol=20 / n**2)


def test_laws_of_wide_layers_have_no_step():
    """Between the sums over all of K and those over ten standard deviations of it."""
    for a in (0.0, 0.3):
        widths, limit = np.arange(100, 3000, 50)[:, None], (math.log((1 + a * a) / 2), 0)
        values = np.array([n * np.subtract(Gates(int(n), a).log_moments[:2], limit) for n in widths[:, 0]])
        # n E log T, less its limit, and n Var log T tend to constants as 1 / n
        fitted = values[-1] + (values[0] - values[-1]) * (1 / widths - 1 / 2950) / (1 / 100 - 1 / 2950)
        np.testing.assert_allclose(values, fitted, atol=50 / 100**2)


@pytest.mark.parametrize("activation", ["linear", "relu", "leaky_relu(1e-30)", "leaky_relu(1e30)"])
@pytest.mark.parametrize("init", ["he_normal", "orthogonal"])
def test_distribution_functions_end_at_zero_and_one(activation, init):
    found = finite_width(gradsim.mlp(width=8, depth=2, activation=activation, init=init))
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        for law in (*found.forward, *found.backward):
            np.testing.assert_allclose(law.cdf(np.array([-1e4, 1e4])), [0, 1], atol=1e-12)
        assert not np.signbit(found["gradient_zero_probability"][1:]).any()


@pytest.mark.parametrize("a", [1e-30, 1e-15, 0.01, 0.9, 30.0, 1e15, 1e30])
def test_two_gates_in_closed_form(a):
    """E log(sin^2 t + a^2 cos^2 t) over the circle is 2 log((1 + |a|) / 2); all are open or closed with chance 1/4 each."""
    assert Gates(2, a).log_moments[0] == pytest.approx(0.5 * math.log(a) + math.log((1 + a) / 2), rel=1e-12, abs=1e-14)


def test_sums_over_gates_are_probabilities():
    for n in (1, 2, 30, 1000, 65_536):
        k, p = open_gates(n)
        rounding = 1e-13 + 2.2e-16 * n * math.log(n)  # of log n!
        assert p.sum() == pytest.approx(1, abs=rounding) and k[0] >= 0 and k[-1] <= n
        assert p @ k == pytest.approx(n / 2, rel=2 * rounding)
        assert p @ (k - n / 2) ** 2 == pytest.approx(n / 4, rel=2 * rounding)


def test_the_time_for_a_usual_network():
    assert median_seconds(lambda: finite_width(gradsim.mlp(width=256, depth=1000)), 5) < 1


# Requests


@pytest.mark.parametrize(
    "options, words",
    [
        ({"activation": "tanh"}, "activation: no exact law is known for 'tanh'"),
        ({"activation": "gelu"}, "no exact law is known"),
        ({"activation": "hard_tanh"}, "no exact law is known"),
        ({"activation": "relu6"}, "no exact law is known"),
        ({"init": "he_uniform"}, "init: no exact law is known for the uniform weights"),
        ({"init": "he_truncated_normal"}, "truncated normal weights"),
        ({"init": "rademacher"}, "rademacher weights"),
        ({"init": "sparse(3)"}, "3 weights of"),
        ({"init": "sparse_columns(0.3)"}, "sparse columns weights"),
        ({"init": "trunc_normal(0,1,-3,3)"}, "cut normal weights"),
        ({"init": "trunc_normal(0,1,-3,2)"}, "gives weights with mean -0.0508; an exact law needs mean zero"),
        ({"init": "zeros"}, "zero weights"),
        ({"init": "torch_default"}, "no exact law is known"),
        ({"bias_std": 0.1}, "bias: no exact law is known"),
        ({"bias": "constant(0.1)"}, "bias: no exact law is known"),
        ({"bias": "uniform(-1,1)"}, "bias: no exact law is known"),
        ({"init": "normal(0.1,1)"}, "needs mean zero"),
        ({"init": "identity"}, "needs random weights"),
    ],
)
def test_where_no_exact_law_is_known(options, words):
    with pytest.raises(gradsim.RequestError, match=words.replace("(", r"\(")) as error:
        finite_width(gradsim.mlp(width=10, depth=2, **options))
    assert "\n" not in str(error.value)


def test_slopes_that_a_float64_cannot_square():
    with pytest.raises(gradsim.RequestError, match="1e-30"):
        finite_width(gradsim.mlp(width=5, depth=2, activation="leaky_relu(1e-200)"))
    assert mean_field(gradsim.mlp(width=5, depth=2, activation="leaky_relu(1e-200)")).chi_perp[1] == pytest.approx(1.0)


def test_a_given_activation_has_no_exact_law_even_where_it_is_relu():
    gradsim.activation("theory_my_relu", lambda h: max(h, 0.0), lambda h: 1.0 if h > 0 else 0.0, kinks=[0])
    with pytest.raises(gradsim.RequestError, match="no exact law is known"):
        finite_width(gradsim.mlp(width=10, depth=2, activation="theory_my_relu"))


def test_other_inputs():
    with pytest.raises(gradsim.RequestError, match="is not gaussian or fixed") as error:
        finite_width(gradsim.mlp(width=10, depth=2), input="file")
    assert "\n" not in str(error.value)
    assert isinstance(finite_width(gradsim.mlp(width=10, depth=2)).forward[0], LayerLaw)
