"""What a training run is asked for, checked before anything is computed."""

from dataclasses import dataclass

import numba
import numpy as np

from ..errors import RequestError, shown
from ..memory import require
from ..model.network import Network
from ..model.options import TRAINING, check_all
from ..model.request import checked
from ..program.graph import graph
from ..simulation.fit import fit
from .data import Split, split
from .kernels.layout import ADAM, SGD
from .program import QUANTITIES
from .statistics import ONCE_A_STEP

ADAM_BETAS, ADAM_EPSILON = (0.9, 0.999), 1e-8  # Kingma & Ba 2015, and the frameworks
STATISTICS = 300  # bytes of sums, quantiles and variables for a number that a network has on record
LARGEST_COUNTER = 2**32  # rows that are drawn, of all steps; with dropout, blocks of four units of these


@dataclass(frozen=True)
class Settled:
    """`run` is the checked run of the simulator whose gradient is that of step 0. `request` is what a file says of it all."""

    network: Network
    data: Split
    run: dict
    request: dict
    recorded: tuple  # steps, from 0 on, increasing
    kind: int  # of the optimizer
    rates: np.ndarray  # float64 (4,), its options in the order of kernels/layout.py
    threads: int


def recorded_steps(asked, steps):
    """The steps that are on record: those asked for with 0, or 0, 1, 3, 10, 30, ... and the last. Raises RequestError."""
    if asked is None:
        decades = [first * 10**k for k in range(len(str(steps))) for first in (1, 3)]
        return (0, *(t for t in decades if t < steps), steps)
    if asked[-1] > steps:
        raise RequestError(f"--record-at: {asked[-1]:,} is behind the last of {steps:,} steps")
    return tuple(dict.fromkeys([0, *asked]))


def settle(network, data, options):
    """The Settled of what `gradsim.train` takes. Raises RequestError for what cannot be."""
    if not isinstance(network, Network):
        raise RequestError(f"network: {shown(network)} is not a Network; make one with gradsim.mlp(...)")
    asked = check_all(TRAINING, options)
    kind, rates = _optimizer(asked)
    found = split(data, asked["loss"], network.linear_widths[-1], asked["held_out"], asked["seed"])
    _check(network, asked["batch_size"], asked["steps"], len(found.inputs.values))
    run = checked(
        **{name: asked[name] for name in ("replicas", "seed", "stream", "loss", "threads")},
        inputs=asked["batch_size"],
        engine="dense",
        input_file=found.inputs,
        target_file=found.targets,
    )
    fit(network, run)
    recorded, threads = recorded_steps(asked.pop("record_at"), asked["steps"]), asked.pop("threads")
    numbers = len(ONCE_A_STEP) * (asked["steps"] + 1) + len(QUANTITIES) * len(recorded) * (1 + len(network.linear_widths))
    require("--steps", f"what is on record of {asked['steps']:,} steps", STATISTICS * numbers)
    request = asked | _described(found)
    return Settled(network, found, run, request, recorded, kind, rates, threads or numba.config.NUMBA_NUM_THREADS)


def _optimizer(asked):
    """(kind, its options in the order of kernels/layout.py)."""
    rate, momentum = asked["learning_rate"], asked["momentum"]
    if asked["optimizer"] == "adam":
        if momentum:
            raise RequestError(f"--momentum: {momentum:g} goes with --optimizer=sgd; adam has {ADAM_BETAS[0]} and no other")
        return ADAM, np.array([rate, *ADAM_BETAS, ADAM_EPSILON])
    if momentum >= 1:
        raise RequestError(f"--momentum: {momentum:g} is not from 0 to below 1")
    return SGD, np.array([rate, momentum, 0.0, 0.0])


def _check(network, batch, steps, count):
    """Raises RequestError for batches that there are no samples or random numbers for, and for scales that would be learned."""
    if batch > count:
        raise RequestError(f"--batch-size: {batch:,} different samples are asked of {count:,} to train on")
    widest = max(network.linear_widths) if any(node.kind == "dropout" for node in graph(network)) else 1
    if (steps + 1) * batch * widest > LARGEST_COUNTER:
        raise RequestError(f"--steps: {steps:,} steps of {batch:,} samples take more random numbers than a network has")
    if any(node.kind == "add" and node.part.scale == 0.0 for node in graph(network)):
        raise RequestError("--residual-scale: of 0 keeps branches from learning: scales of residuals are not trained")


def _described(found):
    """Of the samples, by name, shape and SHA-256."""
    return {"inputs": found.inputs.description, "targets": found.targets.description, "held_out_samples": len(found.held_out)}
