"""Checks of means and second moments, exact for every symmetric law of independent weights: one layer a network."""

from functools import partial

import numpy as np

from ..model.initializers import weight_law
from ..model.network import mlp
from .check import Check, from_scores, mean_score
from .laws import samples

SHAPES = ((16, 16), (8, 24), (40, 10))  # (fan-in, fan-out)
GLOROT, HE = "Glorot & Bengio 2010", "He et al. 2015 (arXiv:1502.01852)"
XAVIER = ("xavier_normal", "xavier_uniform", "xavier_truncated_normal", "keras_default")
HE_SCHEMES = ("he_normal", "he_uniform", "he_truncated_normal")


def _ratios(activation, init, fans, replicas, seed, stream):
    """(forward, backward): mean-square ratios x_1 : x_0 and dL/dx_0 : dL/dh_1 of separate networks."""
    network = mlp(width=[fans[1]], input_width=fans[0], activation=activation, init=init)
    x = samples(network, replicas, seed, f"{stream} {activation} {init} {fans}, forward")["activation_log"]
    back = samples(network, replicas, seed, f"{stream} {activation} {init} {fans}, backward")
    delta = back["gradient_log"][:, 1]
    alive = np.isfinite(delta)
    return np.exp(x[:, 1] - x[:, 0]), np.exp(back["input_gradient_log"][alive] - delta[alive])


def xavier(scale, seed):
    scores = []
    for init in XAVIER:
        for fans in SHAPES:
            forward, backward = _ratios("linear", init, fans, 10_000 * scale, seed, "xavier")
            scores += [mean_score(forward, 2 * fans[0] / sum(fans)), mean_score(backward, 2 * fans[1] / sum(fans))]
    return from_scores(scores)


def he(activation, suffix, gain, scale, seed):
    """`gain` is what a layer does to the mean square with Var W = 1/n_in."""
    scores = []
    for init in HE_SCHEMES:
        for fans in SHAPES:
            forward, _ = _ratios(activation, init + suffix, fans, 10_000 * scale, seed, "he")
            scores.append(mean_score(forward, gain * weight_law(init + suffix, *fans).variance * fans[0]))
    return from_scores(scores)


def fan_out(scale, seed):
    """E |delta_l|^2 / n_l = 1 / (2 n_L) times the chance that the layers below l are alive; each layer its own networks."""
    scores = []
    for widths in ((3, 5, 4), (2, 8, 3), (16, 16, 16)):
        network = mlp(width=list(widths), input_width=4, init="he_normal(fan_out)")
        for layer in range(1, len(widths) + 1):
            gradient = samples(network, 20_000 * scale, seed, f"fan_out {widths} {layer}")["gradient_log"][:, layer]
            alive = np.prod([1 - 0.5**n for n in widths[: layer - 1]])
            scores.append(mean_score(np.exp(gradient), alive / (2 * widths[-1])))
    return from_scores(scores)


def second(scale, seed):
    """E M^2 / m^2 of one layer, with the kurtosis of the weights: normal inputs have E|x|_4^4 / |x|_2^4 = 3 / (n + 2)."""
    scores = []
    for init in ("he_normal", "he_uniform", "he_truncated_normal", "rademacher(0.3)", "trunc_normal(0,0.3,-0.4,0.4)"):
        for activation, own, share in (("relu", 5, 2), ("linear", 2, 1)):
            fans = (8, 32)
            law = weight_law(init, *fans)
            forward, _ = _ratios(activation, init, fans, 40_000 * scale, seed, "second")
            unit = forward / (law.variance * fans[0] * (0.5 if activation == "relu" else 1.0))
            expected = 1 + (own + share * law.excess_kurtosis * 3 / (fans[0] + 2)) / fans[1]
            scores.append(mean_score(unit**2, expected))
    return from_scores(scores)


CHECKS = (
    Check(
        "mean: Xavier",
        "exact",
        "linear layers: E ratio 2 n_in/(n_in + n_out) forward, 2 n_out/(n_in + n_out) backward",
        GLOROT,
        xavier,
    ),
    Check("mean: He", "exact", "ReLU keeps the mean square at every width: E ratio 1", HE, partial(he, "relu", "", 0.5)),
    Check(
        "mean: He, leaky",
        "exact",
        "leaky ReLU of slope a keeps it with Var W = 2 / (1 + a^2) / n_in",
        HE,
        partial(he, "leaky_relu(0.3)", "(fan_in,0.3)", 0.5 * 1.09),
    ),
    Check("mean: fan_out", "exact", "E mean square of dL/dh_l = 1/(2 n_L), times P(the layers below l are alive)", HE, fan_out),
    Check(
        "second moments",
        "exact",
        "1 + (5 + 2 k r)/n ReLU, 1 + (2 + k r)/n linear, k excess kurtosis of weights, E r = 3/(n_in + 2)",
        "docs/theory.md",
        second,
    ),
)
