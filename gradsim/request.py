"""What may be asked of a run: every option checked, files read, before anything is computed."""

import inspect

import numba

from .activations import check_given
from .data import samples
from .engine import ENGINES, Layers
from .errors import RequestError, unknown
from .network import finite_number, mlp, whole_number

MOST_REPLICAS = 2**32  # the replica is one 32-bit word of the counter
LOSSES = ("probe", "mse", "cross_entropy")
PROBES = ("independent", "shared")
ARITHMETICS = ("carried", "float32", "float64")


def checked(
    replicas=1000,
    seed=0,
    inputs=1,
    engine="auto",
    stream=None,
    input_correlation=0.0,
    input_file=None,
    target_file=None,
    loss="probe",
    probe="independent",
    arithmetic="carried",
    threads=None,
):
    """The options of `simulate` that concern the run, validated, files read. Raises RequestError."""
    for option, value, allowed in (
        ("--engine", engine, ENGINES),
        ("--loss", loss, LOSSES),
        ("--probe", probe, PROBES),
        ("--arithmetic", arithmetic, ARITHMETICS),
    ):
        if value not in allowed:
            raise unknown(option, value, allowed)
    if not (stream is None or isinstance(stream, str)):
        raise RequestError(f"--stream: {stream!r} is not a text")
    options = {
        "replicas": whole_number("--replicas", replicas, 1, MOST_REPLICAS),
        "seed": whole_number("--seed", seed, 0),
        "inputs": whole_number("--inputs", inputs, 1),
        "engine": engine,
        "stream": stream,
        "input_correlation": finite_number("--input-correlation", input_correlation),
        "input_file": None if input_file is None else samples("--input-file", input_file),
        "target_file": None if target_file is None else samples("--target-file", target_file),
        "loss": loss,
        "probe": probe,
        "arithmetic": arithmetic,
        "threads": None if threads is None else whole_number("--threads", threads, 1, numba.config.NUMBA_NUM_THREADS),
    }
    _check_inputs(options["inputs"], options["input_correlation"], options["input_file"])
    _check_targets(options["target_file"], options["input_file"], loss, probe)
    return options


def _check_inputs(inputs, correlation, given):
    least = -1.0 if inputs == 1 else -1 / (inputs - 1)
    if not least <= correlation <= 1:
        raise RequestError(f"--input-correlation: {correlation:g} is not from {least:.3g} (for {inputs} inputs) to 1")
    if given is not None and correlation:
        raise RequestError("--input-correlation: inputs from a file have the correlation that they have")
    if given is not None and inputs > len(given.values):
        raise RequestError(f"--inputs: {inputs} different rows are asked of {given.name!r}, which has {len(given.values)}")


def _check_targets(targets, given, loss, probe):
    if loss != "probe" and probe != "independent":
        raise RequestError(f"--probe: {probe} goes with --loss probe, not {loss}")
    if targets is None:
        return
    if loss == "probe":
        raise RequestError("--target-file: a probe has no targets; choose --loss mse or cross_entropy")
    if given is None or len(given.values) != len(targets.values):
        rows = "there is no --input-file" if given is None else f"{given.name!r} has {len(given.values)} rows"
        raise RequestError(f"--target-file: {targets.name!r} has {len(targets.values)} rows, but {rows}")


def fit(network, options):
    """Raises RequestError unless the inputs, the targets and the engine fit the network, and its activation is known."""
    check_given(network)
    Layers(network, options["engine"], options["inputs"], options["arithmetic"])
    given, targets, loss = options["input_file"], options["target_file"], options["loss"]
    if given is not None and given.values.shape[1] != network.input_width:
        width = given.values.shape[1]
        raise RequestError(
            f"--input-file: {given.name!r} has {width} columns, the network's input {network.input_width} units; "
            f"give it an input width of {width}"
        )
    if loss == "cross_entropy" and (network.outputs or 0) < 2:
        raise RequestError("--loss: cross_entropy needs a readout; give it --outputs, 2 or more")
    if targets is None:
        return
    width = network.linear_widths[-1]
    if loss == "mse" and targets.values.shape[1] != width:
        raise RequestError(
            f"--target-file: {targets.name!r} has {targets.values.shape[1]} columns, the network {width} outputs"
        )
    if loss == "cross_entropy":
        labels = targets.values
        if labels.shape[1] != 1 or (labels != labels.round()).any() or labels.min() < 0 or labels.max() >= width:
            raise RequestError(f"--target-file: {targets.name!r} is not one label a row, whole numbers from 0 to {width - 1}")


NETWORK_OPTIONS = tuple(inspect.signature(mlp).parameters)
RUN_OPTIONS = tuple(name for name in inspect.signature(checked).parameters if name != "threads")


def network_and_run(options):
    """The Network and the checked run of options of both kinds; the input is as wide as the file, if there is one."""
    run = checked(**{name: value for name, value in options.items() if name in RUN_OPTIONS})
    network = {name: value for name, value in options.items() if name in NETWORK_OPTIONS}
    if run["input_file"] is not None and network.get("input_width") is None:
        network["input_width"] = run["input_file"].values.shape[1]
    network = mlp(**network)
    fit(network, run)
    return network, run
