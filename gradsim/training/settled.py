"""What a training run is asked for, checked before anything is computed."""

from dataclasses import dataclass

import numba
import numpy as np

from ..errors import RequestError, finite_number, is_list, plain, shown, whole_number
from ..model.network import Network
from ..model.options import ARITHMETICS, MOST, RUN, Choice
from ..model.request import checked
from ..program.graph import graph
from ..simulation.fit import fit
from .data import Training as Data
from .data import split
from .kernels.layout import ADAM, SGD

LOSSES, OPTIMIZERS, FLOAT_TYPES = ("cross_entropy", "mse"), ("sgd", "adam"), ARITHMETICS[1:]
ADAM_BETAS, ADAM_EPSILON = (0.9, 0.999), 1e-8  # Kingma & Ba 2015, and the frameworks
LARGEST_COUNTER = 2**32  # rows that are drawn, of all steps; with dropout, blocks of four units of these


@dataclass(frozen=True)
class Settled:
    """`run` is the checked run of the simulator whose gradient is that of step 0. `request` is what a file says of it all."""

    network: Network
    data: Data
    run: dict
    request: dict
    recorded: tuple  # steps, from 0 on, increasing
    kind: int  # of the optimizer
    rates: np.ndarray  # float64 (4,), its options in the order of kernels/layout.py
    threads: int


def recorded_steps(record_at, steps):
    """The steps that are on record: those asked for, or 0, 1, 3, 10, 30, ... and the last. Raises RequestError."""
    if record_at is None:
        decades = [first * 10**k for k in range(len(str(steps))) for first in (1, 3)]
        return (0, *(t for t in decades if t < steps), steps)
    record_at = plain(record_at)
    given = list(record_at) if is_list(record_at) else [record_at]
    found = [whole_number("--record-at", t, 0, steps) for t in given]
    if not found or found != sorted(set(found)):
        raise RequestError(f"--record-at: {shown(record_at)} are not increasing steps from 0 to {steps}")
    return tuple(dict.fromkeys([0, *found]))


def settle(network, data, options):
    """The Settled of what `gradsim.train` takes. Raises RequestError for what cannot be."""
    if not isinstance(network, Network):
        raise RequestError(f"network: {shown(network)} is not a Network; make one with gradsim.mlp(...)")
    loss = Choice(LOSSES).check("--loss", options["loss"])
    float_type = Choice(FLOAT_TYPES).check("--float-type", options["float_type"])
    kind, rates = _optimizer(options)
    steps, batch = (whole_number(f"--{name.replace('_', '-')}", options[name], 1, MOST) for name in ("steps", "batch_size"))
    seed = RUN["seed"].check(options["seed"])
    found = split(data, loss, network.linear_widths[-1], options["held_out"], seed)
    _check_batch(network, batch, steps, len(found.inputs.values))
    run = checked(
        replicas=options["replicas"],
        seed=seed,
        inputs=batch,
        engine="dense",
        stream=options["stream"],
        input_file=found.inputs,
        target_file=found.targets,
        loss=loss,
        threads=options["threads"],
    )
    fit(network, run)
    asked = {name: options[name] for name in ("optimizer", "learning_rate", "momentum", "held_out")}
    asked = {name: float(value) if name != "optimizer" else value for name, value in asked.items()}
    asked |= {name: run[name] for name in ("loss", "replicas", "seed", "stream")}
    request = asked | {"float_type": float_type, "steps": steps, "batch_size": batch} | _described(found)
    threads = run["threads"] or numba.config.NUMBA_NUM_THREADS
    return Settled(network, found, run, request, recorded_steps(options["record_at"], steps), kind, rates, threads)


def _optimizer(options):
    """(kind, its options in the order of kernels/layout.py)."""
    optimizer = Choice(OPTIMIZERS).check("--optimizer", options["optimizer"])
    rate = finite_number("--learning-rate", options["learning_rate"], 0.0)
    momentum = finite_number("--momentum", options["momentum"], 0.0)
    if optimizer == "adam":
        if momentum:
            raise RequestError(f"--momentum: {momentum:g} goes with --optimizer=sgd; adam has {ADAM_BETAS[0]} and no other")
        return ADAM, np.array([rate, *ADAM_BETAS, ADAM_EPSILON])
    if momentum >= 1:
        raise RequestError(f"--momentum: {momentum:g} is not from 0 to below 1")
    return SGD, np.array([rate, momentum, 0.0, 0.0])


def _check_batch(network, batch, steps, count):
    """Raises RequestError for batches that there are no samples or random numbers for, and for scales that would be learned."""
    if batch > count:
        raise RequestError(f"--batch-size: {batch:,} different samples are asked of {count:,} to train on")
    widest = max(network.linear_widths) if any(node.kind == "dropout" for node in graph(network)) else 1
    if (steps + 1) * batch * widest > LARGEST_COUNTER:
        raise RequestError(f"--steps: {steps:,} steps of {batch:,} samples take more random numbers than a network has")
    if any(node.kind == "add" and node.part.scale == 0.0 for node in graph(network)):
        raise RequestError("--residual-scale: with 0 nothing in a branch would learn, since scales of residuals are not trained")


def _described(found):
    """Of the samples, by name, shape and SHA-256."""
    return {"inputs": found.inputs.description, "targets": found.targets.description, "held_out_samples": len(found.held_out)}
