"""Reference results of norms and residuals: networks of three widths, extrapolated to infinite width, against closed forms.

Theory walks the same networks, and must have the same numbers without a width.
"""

import math
from functools import partial

import numpy as np

from ..model.network import network
from ..model.parts import Activation, BatchNorm, LayerNorm, Linear, Repeat, Residual
from ..simulation.simulate import simulate
from ..theory import mean_field
from .check import Check, from_scores
from .limits import RICHARDSON

WIDTHS = (32, 64, 128)
BETWEEN = (2, 8)  # layers of which the gradients are compared: not the first one, and not the last
DIGITS = 1e-6  # of what theory says, relative: so many were published
LOG_RATIOS = {"relu": 0.0, "gelu": math.log(1.072032), "tanh": math.log(1.177807)}  # E phi'^2 / E phi^2


def arc_cosine(inputs):
    """log of BatchNorm's factor of the squared gradient, ReLU: (J'(c) + B - 1)/((B - 3)(1 - J(c))) - 1/(B - 3)."""
    c, b = -1 / (inputs - 1), inputs
    angle = math.pi - math.acos(c)
    j, slope = (math.sqrt(1 - c * c) + c * angle) / math.pi, angle / math.pi
    return math.log((slope + b - 1) / ((b - 3) * (1 - j)) - 1 / (b - 3))


def layers(activation, norm):
    """Of a width: layers Linear, norm, Activation, whatever the weights."""
    return lambda n: network([Repeat((Linear(n, "lecun_normal"), norm, Activation(activation)), BETWEEN[1] + 2)], n)


def residuals(blocks, scale):
    """Of a width: x + a W relu(x), weights of He."""
    return lambda n: network([Repeat((Residual((Activation("relu"), Linear(n, "he_normal")), scale),), blocks)], n)


def gradient_a_layer(curves):
    first, last = BETWEEN
    return (curves["gradient_log"][:, first] - curves["gradient_log"][:, last]) / (last - first)


def stream_growth(curves):
    return curves["stream_log"][:, -1] - curves["stream_log"][:, 0]


def gradient_growth(curves):
    return curves["stream_gradient_log"][:, 0] - curves["stream_gradient_log"][:, -1]


def extrapolated(of, read, expected, inputs, replicas, scale, seed, name=""):
    """The Result of a log that should be `expected` for infinite width; theory must say so of one width.

    What is taken off is of the order 1/n and 1/n^2, what is left of it (about 10/n^3) is far below the errors.
    """
    gaps, errors = [], []
    for width in WIDTHS:
        run = {"inputs": inputs, "stream": f"blocks {name} {width}", "keep_samples": True}
        found = read(simulate(of(width), replicas * scale, seed, **run))
        gaps.append(found.mean() - expected)
        errors.append(found.std(ddof=1) / math.sqrt(found.size))
    gap, error = float(RICHARDSON @ gaps), float(np.sqrt(RICHARDSON**2 @ np.square(errors)))
    lines = ((name, np.array(gaps), np.array(errors)),)
    result = from_scores([gap / error], ((name, "gaps", (np.array(WIDTHS), lines)),))
    theory = float(read(_Theory(mean_field(of(WIDTHS[0]), inputs=inputs)))[0])
    words = f"{math.exp(expected + gap):.4f} +- {math.exp(expected) * error:.4f}, theory {math.exp(theory):.6f}"
    p = result.p if abs(theory - expected) < DIGITS else 0.0
    return type(result)(p, f"{words}, closed form {math.exp(expected):.6f}; {result.figures}", result.z, result.panels)


class _Theory:
    """Curves of theory as those of one network."""

    def __init__(self, prediction):
        self.prediction = prediction

    def __getitem__(self, name):
        values = self.prediction[f"{name}_mean"]
        missing = 1 if name == "gradient_log" and not self.prediction.network.has_stream else 0
        return np.concatenate([[np.nan] * missing, values])[None]


def _check(name, claim, source, of, read, expected, inputs=1, replicas=4000):
    words = f"{claim}: widths {', '.join(map(str, WIDTHS))} extrapolated"
    return Check(name, "limit", words, source, partial(extrapolated, of, read, expected, inputs, replicas, name=name))


YANG = "Yang et al. 2019 (arXiv:1902.08129)"
RESIDUAL = "Yang & Schoenholz 2017 (arXiv:1712.08969)"
CHECKS = (
    *(
        _check(
            f"batch norm: relu, {inputs} inputs",
            f"the squared gradient explodes by {math.exp(arc_cosine(inputs)):.6f} a layer, pi/(pi - 1) for many inputs",
            YANG,
            layers("relu", BatchNorm(0.0)),
            gradient_a_layer,
            arc_cosine(inputs),
            inputs,
            replicas,
        )
        for inputs, replicas in ((8, 400), (32, 60), (128, 8))
    ),
    _check(
        "batch norm: linear, 8 inputs",
        "the squared gradient explodes by (B - 2)/(B - 3) a layer",
        YANG,
        layers("linear", BatchNorm(0.0)),
        gradient_a_layer,
        math.log(6 / 5),
        8,
        400,
    ),
    *(
        _check(
            f"layer norm: {activation}",
            f"before an activation: the squared gradient grows by E phi'^2 / E phi^2 = {math.exp(log_ratio):.6f} a layer",
            "docs/theory.md, mean field step by step",
            layers(activation, LayerNorm(0.0)),
            gradient_a_layer,
            log_ratio,
        )
        for activation, log_ratio in LOG_RATIOS.items()
    ),
    *(
        _check(
            f"residual He: {words}, {way}",
            f"x + a W relu(x): the mean square {'of the gradient ' if way == 'backward' else ''}grows by (1 + a^2)^L, {claim}",
            RESIDUAL,
            residuals(blocks, scale),
            read,
            blocks * math.log1p(scale**2),
        )
        for blocks, scale, words, claim in (
            (5, 1.0, "scale 1", "2^L at a = 1, here L = 5"),
            (16, 0.25, "scale 1/sqrt(L)", "e for many blocks at a = 1/sqrt(L), here L = 16"),
        )
        for way, read in (("forward", stream_growth), ("backward", gradient_growth))
    ),
)
