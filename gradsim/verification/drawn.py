"""Checks of what is drawn, as networks show it: laws of weights and biases as textbooks state them, inputs, samples, probes.

An input that is one in its first place and zero elsewhere has the weights of that unit for preactivations; a layer of one
unit shows the weight itself.
"""

import math

import numpy as np
from scipy import special, stats

from ..model.data import Samples
from ..model.network import mlp
from ..simulation.chunks import record_chunks
from ..statistics.blocks import blocks_of
from .check import Check, from_p_values, from_scores, mean_score

NETWORKS = 20_000
FANS = ((5, 1), (6, 9), (9, 4))  # (fan-in, fan-out)
ENGINES = {"normal": ("dense", "matrix_free"), "orthogonal": ("dense", "matrix_free")}


def _normal(mean, std):
    return stats.norm(mean, std)


def _uniform(low, high):
    return stats.uniform(low, high - low)


def _cut(mean, std):
    return stats.truncnorm(-2, 2, mean, std)


def _between(mean, std, a, b):
    return stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)


def _scaled_to(variance):
    """A normal, a uniform and a truncated normal law of this variance."""
    std = math.sqrt(variance)
    return _normal(0, std), _uniform(-math.sqrt(3) * std, math.sqrt(3) * std), _cut(0, std / stats.truncnorm(-2, 2).std())


def _family(name, variance, suffix=""):
    kinds = ("normal", "uniform", "truncated_normal")
    return {f"{name}_{kind}{suffix}": lambda i, o, k=k: _scaled_to(variance(i, o))[k] for k, kind in enumerate(kinds)}


# The law of one weight, of fan-in and fan-out; Rademacher, sparse, orthogonal and constant ones follow
LAWS = {
    "normal(0.1,0.5)": lambda i, o: _normal(0.1, 0.5),
    "truncated_normal(0.1,0.5)": lambda i, o: _cut(0.1, 0.5),
    "corrected_truncated_normal(-0.1,0.5)": lambda i, o: _cut(-0.1, 0.5 / stats.truncnorm(-2, 2).std()),
    "trunc_normal(0.1,0.5,-0.25,0.3)": lambda i, o: _between(0.1, 0.5, -0.25, 0.3),
    "trunc_normal(0,1,-3,0.5)": lambda i, o: _between(0, 1, -3, 0.5),
    "trunc_normal(0,0.2,0.8,2)": lambda i, o: _between(0, 0.2, 0.8, 2),
    "uniform(-1,0.7)": lambda i, o: _uniform(-1, 0.7),
    "fan_in_uniform": lambda i, o: _uniform(-1 / math.sqrt(i), 1 / math.sqrt(i)),
    "torch_default": lambda i, o: _uniform(-1 / math.sqrt(i), 1 / math.sqrt(i)),
    "keras_default": lambda i, o: _uniform(-math.sqrt(6 / (i + o)), math.sqrt(6 / (i + o))),
    **_family("xavier", lambda i, o: 2 / (i + o)),
    **_family("he", lambda i, o: 2 / i),
    **_family("he", lambda i, o: 2 / 1.09 / o, "(fan_out,0.3)"),
    **_family("lecun", lambda i, o: 1 / i),
    "variance_scaling(1.5,fan_avg,uniform)": lambda i, o: _scaled_to(3 / (i + o))[1],
}
# The mean square of a weight of those that have no smooth law, or another one for each pair of fans
SQUARES = {
    "rademacher(0.4)": lambda i, o: 0.16,
    "sparse(3,0.7)": lambda i, o: 3 / i * 0.49,
    "sparse_columns(0.3,0.7)": lambda i, o: (1 - math.ceil(0.3 * o) / o) * 0.49,
    "orthogonal(1.4)": lambda i, o: 1.96 / max(i, o),
}
FIXED = {"zeros": 0.0, "ones": 1.0, "constant(0.3)": 0.3, "identity(1.3)": 1.3}
GAIN = -1.5


def first_column(scheme, fans, seed, engine="dense", bias="zeros", stream=""):
    """Records of layers whose preactivations are GAIN times the weights of the first input."""
    network = mlp(width=[fans[1]], input_width=fans[0], activation="linear", init=scheme, weight_gain=GAIN, bias=bias)
    given = Samples("one", np.eye(1, fans[0]))
    return records(network, seed, f"{scheme} {fans} {engine} {stream}", engine=engine, input_file=given)


def records(network, seed, stream, scale=1, **options):
    """{quantity: samples of shape (replicas, layers), or (replicas,) of the network}."""
    found = record_chunks(network, replicas=NETWORKS * scale, seed=seed, stream=f"drawn, {stream}", **options)
    found, blocks = np.concatenate(list(found)), blocks_of(network, options.get("inputs", 1))
    return {name: blocks.of(name, found) for name in blocks.rows}


def engines(scheme):
    return ENGINES.get(scheme.split("(")[0].split("_")[-1] if "trunc" not in scheme else "", ("dense",))


def whole_laws(scale, seed):
    """Of single weights, signs and all; biases with weights of zero."""
    p = []
    for scheme, law in LAWS.items():
        for engine in engines(scheme):
            found = first_column(scheme, FANS[0], seed, engine)["activation_mean"][:, 1] / GAIN
            p.append(stats.kstest(found, law(*FANS[0]).cdf).pvalue)
    for engine in ENGINES["orthogonal"]:  # a coordinate of a point on the sphere has Student's law, transformed
        found = first_column("orthogonal(1.4)", FANS[0], seed, engine)["activation_mean"][:, 1] / GAIN / 1.4
        n = max(FANS[0])
        with np.errstate(invalid="ignore"):
            student = math.sqrt(n - 1) * found / np.sqrt(1 - found**2)
        p.append(stats.kstest(student, stats.t(n - 1).cdf).pvalue if np.isfinite(student).all() else 0.0)
    found = first_column("sparse(3,0.7)", FANS[0], seed)["activation_mean"][:, 1] / GAIN
    p.append(stats.kstest(found[found != 0], stats.norm(0, 0.7).cdf).pvalue)
    p.append(stats.binomtest(int((found != 0).sum()), found.size, 3 / FANS[0][0]).pvalue)
    o = FANS[1][1]  # the sum of a column of so many weights, of which a share is zero
    found = first_column("sparse_columns(0.3,0.7)", FANS[1], seed)["activation_mean"][:, 1] * o / GAIN
    p.append(stats.kstest(found, stats.norm(0, 0.7 * math.sqrt(o - math.ceil(0.3 * o))).cdf).pvalue)
    found = first_column("rademacher(0.4)", FANS[0], seed)["activation_mean"][:, 1] / GAIN
    p += [stats.binomtest(int((found > 0).sum()), found.size).pvalue, float(np.allclose(np.abs(found), 0.4, rtol=1e-6))]
    for scheme, value in FIXED.items():
        for engine in ("dense",) if scheme.startswith("identity") else ("dense", "matrix_free"):
            found = first_column(scheme, FANS[0], seed, engine)["activation_mean"][:, 1] / GAIN
            p.append(float(np.allclose(found, value, rtol=1e-6)))
    for bias, law in (
        ("normal(0.4)", _normal(0, 0.4)),
        ("uniform(-0.6,0.3)", _uniform(-0.6, 0.3)),
        ("fan_in_uniform", _uniform(-1 / math.sqrt(5), 1 / math.sqrt(5))),
    ):
        found = first_column("zeros", FANS[0], seed, bias=bias, stream=bias)["activation_mean"][:, 1]
        p.append(stats.kstest(found, law.cdf).pvalue)
    found = first_column("zeros", FANS[0], seed, bias="constant(0.2)")["activation_mean"][:, 1]
    p.append(float(np.allclose(found, 0.2, rtol=1e-6)))
    p.append(float(mlp(init="torch_default").bias == "fan_in_uniform"))
    return from_p_values(p)


def score(samples, expected):
    """The z-score of a mean, in a list; of what is the same in all networks, nothing if it is right."""
    if np.ptp(samples) > 1e-5 * abs(expected):
        return [mean_score(samples, expected)]
    return [] if np.allclose(samples, expected, rtol=1e-5) else [np.inf]


def moments(scale, seed):
    """Means and mean squares, of different networks; a layer of many units shows what fans do to both."""
    scores = []
    known = {scheme: lambda i, o, law=law: (law(i, o).mean(), law(i, o).moment(2)) for scheme, law in LAWS.items()}
    known |= {scheme: lambda i, o, square=square: (0.0, square(i, o)) for scheme, square in SQUARES.items()}
    for fans in FANS:
        for scheme, law in known.items():
            mean, square = law(*fans)
            for engine in engines(scheme):
                found = first_column(scheme, fans, seed, engine, stream="moments")
                half = NETWORKS // 2
                scores += score(found["activation_mean"][:half, 1], GAIN * mean)
                scores += score(np.exp(found["preactivation"][half:, 1]), GAIN**2 * square)
    return from_scores(scores)


def identity(width, **more):
    return mlp(width=[width], input_width=width, activation="linear", init="identity", **more)


def cosine(n, c):
    """E of the cosine of two vectors of n standard normal pairs with correlation c (Hotelling 1953)."""
    gamma = math.exp(2 * (special.gammaln((n + 1) / 2) - special.gammaln(n / 2)))
    return 2 / n * gamma * c * special.hyp2f1(0.5, 0.5, n / 2 + 1, c * c)


def inputs(scale, seed):
    """Normal inputs, their correlation, and which rows of a data set are taken."""
    found = records(identity(1), seed, "input")["activation_mean"][:, 1]
    p = [stats.kstest(found, stats.norm.cdf).pvalue]
    for count, c in ((2, 0.6), (2, -0.4), (3, 0.3), (2, 1.0)):
        found = records(identity(6), seed, f"{count} {c}", inputs=count, input_correlation=c)["correlation"][:, 1]
        if c == 1:
            p.append(float(np.all(found == 1)))
        else:
            p.append(2 * stats.norm.sf(abs(mean_score(found, cosine(6, c)))))
    powers = Samples("powers", 2.0 ** np.arange(5)[:, None])
    for count in (1, 2):
        found = records(identity(1), seed, f"rows {count}", inputs=count, input_file=powers)["activation_mean"][:, 1]
        sums = [2.0**k for k in range(5)] if count == 1 else [2.0**k + 2.0**j for k in range(5) for j in range(k)]
        seen = [int((np.rint(count * found) == s).sum()) for s in sums]
        p.append(stats.chisquare(seen).pvalue if sum(seen) == found.size else 0.0)
    return from_p_values(p)


def losses(scale, seed):
    """Probes, targets and labels."""
    n, p = 3, []
    ones = Samples("ones", np.ones((2, n)))
    for probe, free in (("independent", 2 * n), ("shared", n)):
        found = records(identity(n), seed, probe, inputs=2, probe=probe, input_file=ones)
        p.append(stats.kstest(np.exp(found["loss_gradient"]) * n * free, stats.chi2(free).cdf).pvalue)
        # L is normal: the variance of a probe's sum over n units is 1, and shared probes add up first
        p.append(stats.kstest(np.exp(found["loss"]) / (2 if probe == "independent" else 4), stats.chi2(1).cdf).pvalue)
        alike = np.abs(found["gradient_correlation"][:, 1] - 1) < 1e-6
        p.append(float(alike.all() if probe == "shared" else not alike.any()))
    zero = mlp(width=[n], input_width=n, activation="linear", init="zeros")
    found = records(zero, seed, "targets", inputs=2, loss="mse")["loss"]
    p.append(stats.kstest(2 * n * np.exp(found / 2), stats.chi2(2 * n).cdf).pvalue)
    logits = np.arange(4.0)
    options = {"loss": "cross_entropy", "input_file": Samples("logits", logits[None])}
    found = np.exp(records(identity(4, outputs=4), seed, "labels", **options)["loss"] / 2)
    seen = [int(np.isclose(found, loss, rtol=1e-5).sum()) for loss in special.logsumexp(logits) - logits]
    p.append(stats.chisquare(seen).pvalue if sum(seen) == found.size else 0.0)
    return from_p_values(p)


TEXTBOOK = "Glorot & Bengio 2010, He et al. 2015, LeCun et al. 1998, Saxe et al. 2014"
CHECKS = (
    Check("weights: whole laws", "exact", "every initializer, weight by weight; every law of biases", TEXTBOOK, whole_laws),
    Check(
        "weights: moments", "exact", "E W and E W^2 of every initializer, fans 5-1, 6-9, 9-4, both engines", TEXTBOOK, moments
    ),
    Check("drawn: inputs", "exact", "normal; correlation; every set of rows equally likely", "Hotelling 1953", inputs),
    Check("drawn: losses", "exact", "probes and targets chi2, labels uniform", "docs/theory.md", losses),
)
