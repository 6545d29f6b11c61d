"""What may be asked of a run: every option checked, files read, before anything is computed."""

from .activations import check_given
from .data import samples
from .engine import Layers
from .errors import RequestError
from .footprint import workers
from .network import mlp
from .options import LARGEST_WIDTH, NETWORK, RUN, check_all

FILES = ("input_file", "target_file")


def checked(**options):
    """Every option of a run (`options.RUN`), those given and the others' defaults: validated, files read.

    Raises RequestError.
    """
    run = check_all(RUN, options)
    for name in FILES:
        if run[name] is not None:
            run[name] = samples(RUN[name].flag, run[name])
    _check_inputs(run["inputs"], run["input_correlation"], run["input_file"])
    _check_targets(run["target_file"], run["input_file"], run["loss"], run["probe"])
    return run


def _check_inputs(inputs, correlation, given):
    least = -1.0 if inputs == 1 else -1 / (inputs - 1)
    if not least <= correlation <= 1:
        raise RequestError(f"--input-correlation: {correlation:g} is not from {least:.3g} (for {inputs} inputs) to 1")
    if given is not None and given.values.shape[1] > LARGEST_WIDTH:
        width = given.values.shape[1]
        raise RequestError(f"--input-file: {given.name!r} has {width:,} columns; an input has {LARGEST_WIDTH:,} units at most")
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
    """Raises RequestError unless the inputs, the targets and the engine fit the network.

    Its activation must be known to this process.
    """
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


def network_and_run(options):
    """The Network and the checked run of options of both kinds; the input is as wide as the file, if there is one."""
    run = checked(**{name: value for name, value in options.items() if name in RUN})
    network = {name: value for name, value in options.items() if name in NETWORK}
    if run["input_file"] is not None and network.get("input_width") is None:
        network["input_width"] = run["input_file"].values.shape[1]
    network = mlp(**network)
    fit(network, run)
    workers(network, run, threads=1)  # it fits the memory at all
    return network, run
