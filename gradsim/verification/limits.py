"""Checks of mean-field theory: networks of three widths, extrapolated to infinite width."""

from functools import partial

import numpy as np

from ..model.network import mlp
from ..simulation.simulate import simulate
from ..theory import mean_field
from .check import Check, from_scores

NETWORKS, WIDTHS = 1200, (64, 128, 256)
RICHARDSON = np.array([1, -6, 8]) / 3  # takes away 1/n and 1/n^2 (Richardson 1911)
POOLE = "Poole et al. 2016 (arXiv:1606.05340), Schoenholz et al. 2017 (arXiv:1611.01232)"
# (name of the variable, its layer) with depth L; the statistic's variance is what its name says
READ = (("activation_log_mean", -1), ("gradient_log_mean", 1), ("correlation_mean", -1))


def extrapolated(activation, init, depth, options, scale, seed):
    """z-scores of the extrapolated curves against mean field, each variable of networks of its own."""
    scores, lines, run = [], [], {"inputs": 2, "input_correlation": 0.3}
    networks = [mlp(width=width, depth=depth, activation=activation, init=init, **options) for width in WIDTHS]
    predictions = [mean_field(network, **run) for network in networks]
    for variable, layer in READ:
        gaps, errors = [], []
        for width, network, prediction in zip(WIDTHS, networks, predictions, strict=True):
            stream = f"limit {activation} {init} {variable} {width}"
            curves = simulate(network, NETWORKS * scale, seed, stream=stream, **run)
            gaps.append(curves[variable][layer] - prediction[variable][layer])
            spread = curves[variable.replace("_mean", "_variance")][layer]
            errors.append(np.sqrt(spread / curves.run["replicas"]))
        scores.append(float(RICHARDSON @ gaps) / float(np.sqrt(RICHARDSON**2 @ np.square(errors))))
        lines.append((variable.removesuffix("_mean"), np.array(gaps), np.array(errors)))
    return from_scores(scores, ((f"{activation}, {init}", "gaps", (np.array(WIDTHS), lines)),))


def _check(activation, init, depth, claim, **options):
    extra = "".join(f", {name} {value}" for name, value in options.items())
    return Check(
        f"mean field: {activation}, {init}{extra}",
        "limit",
        f"{claim}: widths {', '.join(map(str, WIDTHS))} extrapolated, depth {depth}",
        POOLE,
        partial(extrapolated, activation, init, depth, options),
    )


CHECKS = (
    _check("tanh", "lecun_normal", 10, "q' = s_w^2 E tanh^2 + s_b^2, chi, c", bias_std=0.3),
    _check("relu", "he_uniform", 6, "arc-cosine kernel"),
    _check("gelu", "orthogonal(1.4)", 6, "E gelu^2, E gelu'^2, c"),
    _check("hard_tanh", "xavier_uniform", 8, "E over kinks at -1 and 1", bias="uniform(-0.3,0.5)"),
    _check("sigmoid", "xavier_normal", 4, "vanishes at s_w^2 E sigmoid'^2 a layer", bias="constant(0.2)"),
)
