"""Checks without chance: the gradient of every loss against differences of that loss, both as the kernels have them."""

import math
from functools import partial

import numpy as np

from .. import reference
from ..model.data import Samples
from ..model.network import mlp
from .check import Check, from_share
from .tape import taped

N, STEP = 4, 2.0**-5
ALLOWED = 1e-5  # of the largest entry: the loss is in float32 in part
RANDOM = np.random.default_rng(6)
OUTPUTS = np.round(RANDOM.normal(size=(3, N)) * 2**8) / 2**8  # numbers that float32 holds, as well after a step
TARGETS = Samples("targets", np.round(RANDOM.normal(size=(3, N)) * 2**8) / 2**8)
LABELS = Samples("labels", np.array([[2.0], [0.0], [3.0]]))
CASES = (
    {},
    {"probe": "shared"},
    {"loss": "mse"},
    {"loss": "mse", "target_file": TARGETS},
    {"loss": "cross_entropy"},
    {"loss": "cross_entropy", "target_file": LABELS},
)
# The output is the input: the cotangent of the first preactivation is the gradient of the loss
NETWORK = mlp(width=N, depth=1, activation="linear", init="identity", outputs=N)


def loss_and_gradient(outputs, options):
    """(loss, gradient of shape (inputs, N)); the loss of probes has the sign that the reference says it has."""
    options = options | {"inputs": len(outputs), "input_file": Samples("outputs", outputs)}
    found = taped(NETWORK, **options)
    loss = math.exp(found.record["loss"][0] / 2)
    drawn = reference.draw(NETWORK, 0, **{name: value for name, value in options.items() if name != "arithmetic"})
    sign = math.copysign(1.0, reference.loss(drawn, [drawn.inputs]))
    return sign * loss, found.into[1].numbers[np.argsort(found.samples)]


def differences(arithmetic, scale, seed):
    worst, where, count = 0.0, "", 0
    for options in CASES:
        for inputs in (1, 3):
            given = {name: Samples(v.name, v.values[:inputs]) if name == "target_file" else v for name, v in options.items()}
            given["arithmetic"] = arithmetic
            for size in (1.0, 8.0):
                outputs = OUTPUTS[:inputs] * size
                gradient, found = loss_and_gradient(outputs, given)[1], np.zeros((inputs, N))
                for place in np.ndindex(found.shape):
                    step = np.zeros((inputs, N))
                    step[place] = STEP
                    losses = [loss_and_gradient(outputs + k * step, given)[0] for k in (-2, -1, 1, 2)]
                    found[place] = (8 * (losses[2] - losses[1]) - (losses[3] - losses[0])) / (12 * STEP)
                count += found.size
                ratio = np.max(np.abs(found - gradient)) / (ALLOWED * np.max(np.abs(gradient)))
                if not ratio <= worst or not where:
                    words = ", ".join(f"{name} {getattr(value, 'name', value)}" for name, value in given.items())
                    worst, where = ratio, f"{inputs} inputs, {words}"
    return from_share(worst, f"{count} entries of gradients", where)


CHECKS = tuple(
    Check(
        f"losses: {arithmetic}",
        "identity",
        "the gradient of every loss is its differences, 1 and 3 inputs",
        "central differences",
        partial(differences, arithmetic),
    )
    for arithmetic in ("carried", "float32")
)
