"""Checks of exact laws at finite width: whole laws of one layer, and the increments of every layer of a deep network."""

from dataclasses import replace
from functools import partial

import numpy as np
from scipy import stats
from scipy.interpolate import CubicSpline

from ..model.network import mlp
from ..simulation.simulate import simulate
from ..theory import finite_width
from .check import Check, from_p_values, from_scores, mean_score, variance_score

HANIN = "Hanin & Nica 2018 (arXiv:1812.05994)"
DEPTH = 60
ONE_LAYER = ((1, 1), (1, 3), (4, 4), (9, 4), (4, 9), (33, 33))  # (fan-in, fan-out)
SHOWN = 4  # laws in the picture
GRID = 1500  # points at which a law that takes long is computed: between them a spline is good to 1e-9


def samples(network, replicas, seed, stream, engine="auto", **options):
    """Curves with every network's logs."""
    return simulate(network, replicas, seed, engine=engine, keep_samples=True, stream=stream, **options)


def increments(network, replicas, seed, stream, engine):
    """(forward, backward) log increments, of shape (layers, networks), of separate networks, all alive at every layer."""
    forward = samples(network, replicas, seed, f"{stream}, forward", engine)["activation_log"][:, : network.depth + 1]
    backward = samples(network, replicas, seed, f"{stream}, backward", engine)["gradient_log"][:, 1:]
    forward, backward = (logs[np.isfinite(logs).all(axis=1)] for logs in (forward, backward))
    ahead = np.diff(forward, axis=1).T
    behind = -np.diff(backward, axis=1, append=0.0).T
    return ahead, behind


def deep(activation, init, widths, engine, scale, seed):
    """Mean and variance of each layer's increments; means and variances are of different networks, so all are independent."""
    network = mlp(width=list(widths), input_width=widths[-1], activation=activation, init=init)
    law = finite_width(network)
    scores = []
    for found, laws in zip(
        increments(network, 8000 * scale, seed, f"deep {activation} {init} {engine}", engine),
        (law.forward, law.backward),
        strict=True,
    ):
        half = found.shape[1] // 2
        moving = np.array([one.log_variance > 0 for one in laws])
        names = ("log_mean", "log_variance", "log_fourth")
        means, variances, fourths = (np.array([getattr(one, name) for one in laws])[moving] for name in names)
        scores += [mean_score(found[moving, :half], means), variance_score(found[moving, half:], variances, fourths)]
    titles = ("forward means", "forward variances", "backward means", "backward variances")
    panels = tuple((f"{activation}, {init}, {engine}\n{t}", "layers", (z,)) for t, z in zip(titles, scores, strict=True))
    return from_scores(np.concatenate(scores), panels)


def splined(cdf, found):
    """`cdf` over the range of `found`, through GRID of its points."""
    grid = np.linspace(found.min(), found.max(), GRID)
    return CubicSpline(grid, cdf(grid))


def one_layer(activation, init, scale, seed):
    """The laws of one layer, a layer a network: forward, gradient, and from the gradient to the input's."""
    p, panels = [], []
    for fan_in, fan_out in ONE_LAYER:
        network = mlp(width=[fan_out], input_width=fan_in, activation=activation, init=init)
        law = finite_width(network)
        stream = f"one layer {activation} {init} {fan_in} {fan_out}"
        curves = samples(network, 10_000 * scale, seed, stream)
        x, delta, inner = curves["activation_log"], curves["gradient_log"][:, 1], curves["input_gradient_log"]
        alive = np.isfinite(x[:, 1]) & np.isfinite(delta)
        cases = (
            ("forward", x[alive, 1] - x[alive, 0], law.forward[0]),
            ("gradient", delta[alive], law.backward[0]),
            ("input gradient", inner[alive] - delta[alive], law.input_law),
        )
        for name, found, one in cases:
            if one.continuous:
                p.append(stats.kstest(found, splined(one.cdf, found)).pvalue)
                panels.append((f"{activation}, {init}\n{fan_in} to {fan_out} units, {name}", "law", (found, one)))
    return from_p_values(p, tuple(panels[:: max(1, len(panels) // SHOWN)]))


def dying(scale, seed):
    """Networks that die at each layer, of those that were alive."""
    widths = (2, 3, 4, 5, 3, 2)
    curves = samples(mlp(width=list(widths), input_width=4), 40_000 * scale, seed, "dying")
    alive = np.isfinite(curves["activation_log"])
    scores = []
    for layer, width in enumerate(widths, start=1):
        before = alive[:, layer - 1].sum()
        dead, p = before - alive[:, layer].sum(), 0.5**width
        scores.append((dead - before * p) / np.sqrt(before * p * (1 - p)))
    last = finite_width(curves.network)["gradient_zero_probability"][1]
    zeros = curves["gradient_zero_count"][1 : len(widths) + 1]
    result = from_scores(scores)
    if len(set(zeros.tolist())) > 1:  # a gradient is zero at every layer or at none
        return replace(result, p=0.0, figures=f"gradients are zero at different layers in different networks: {zeros}")
    return replace(result, figures=f"{result.figures}; gradients zero in {zeros[0] / alive.shape[0]:.4f}, law {last:.4f}")


def _source(activation, init):
    """The paper is on ReLU with weights of independent entries; the rest is proved in our own page."""
    return HANIN if activation == "relu" and not init.startswith("orthogonal") else "docs/theory.md, exact laws"


def _deep_check(activation, init, widths, engine, law):
    return Check(
        f"layers: {activation}, {init}, {engine}",
        "exact",
        f"log increments of mean {law}, forward and backward, {DEPTH} layers",
        _source(activation, init),
        partial(deep, activation, init, widths, engine),
    )


def _layer_check(activation, init, law):
    return Check(
        f"one layer: {activation}, {init}",
        "exact",
        f"squared length times {law}, P <= x at every x",
        _source(activation, init),
        partial(one_layer, activation, init),
    )


EVEN, UNEVEN = (16,) * DEPTH, (16, 24, 9) * (DEPTH // 3)
CHI_K = "E log chi2_K, K ~ Binomial(n, 1/2) given K > 0"
BETA_K = "E log Beta(K/2, (N-K)/2), K ~ Binomial(n, 1/2)"
LEAKY = "E log chi2_n + E log(a^2 + (1 - a^2) Beta(K/2, (n-K)/2))"
CHECKS = (
    _deep_check("relu", "he_normal", EVEN, "matrix_free", CHI_K),
    _deep_check("relu", "normal(0,0.3)", UNEVEN, "dense", CHI_K),
    _deep_check("linear", "xavier_normal", UNEVEN, "matrix_free", "E log chi2_n"),
    _deep_check("leaky_relu(0.2)", "he_normal(fan_in,0.2)", UNEVEN, "matrix_free", LEAKY),
    _deep_check("relu", "orthogonal(1.4)", UNEVEN, "matrix_free", BETA_K),
    _deep_check("relu", "orthogonal(1.4)", UNEVEN, "dense", BETA_K),
    _deep_check("linear", "orthogonal", UNEVEN, "matrix_free", "E log Beta(n/2, (N-n)/2), 0 where n is the larger fan"),
    _layer_check("linear", "lecun_normal", "chi2_n / n"),
    _layer_check("relu", "he_normal", "2 chi2_K / n, K ~ Binomial(n, 1/2)"),
    _layer_check("leaky_relu(0.3)", "he_normal", "2 (chi2_K + a^2 chi2_(n-K)) / n"),
    _layer_check("relu", "orthogonal", "Beta(K/2, (N-K)/2), N the larger fan"),
    Check(
        "dead networks",
        "exact",
        "a ReLU layer of n units dies with probability 2^-n; the gradient with any layer",
        HANIN,
        dying,
    ),
)
