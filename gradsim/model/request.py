"""What may be asked of a run: every option checked, files read, before anything is computed."""

from ..errors import RequestError
from .data import samples
from .options import LARGEST_WIDTH, RUN, check_all

FILES = ("input_file", "target_file")


def checked(**options):
    """Every option of a run (`options.RUN`), those given and the others' defaults: validated, files read.

    Of the networks that are drawn no more than there are can have their units counted: `histograms` is that number. Raises
    RequestError.
    """
    run = check_all(RUN, options)
    run["histograms"] = min(run["histograms"], run["replicas"])
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
        raise RequestError(f"--probe: {probe} goes with --loss=probe, not {loss}")
    if targets is None:
        return
    if loss == "probe":
        raise RequestError("--target-file: a probe has no targets; choose --loss=mse or --loss=cross_entropy")
    if given is None or len(given.values) != len(targets.values):
        rows = "there is no --input-file" if given is None else f"{given.name!r} has {len(given.values)} rows"
        raise RequestError(f"--target-file: {targets.name!r} has {len(targets.values)} rows, but {rows}")
