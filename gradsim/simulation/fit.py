"""Whether a run fits a network, and the machine: found out before anything is computed."""

from ..errors import RequestError
from ..model.activations import check_given
from ..model.network import mlp
from ..model.options import NETWORK, RUN
from ..model.request import checked
from ..program.engine import layers_of
from .footprint import workers


def fit(network, options):
    """Raises RequestError unless the inputs, the targets and the engine fit the network.

    Its activation must be known to this process.
    """
    check_given(network)
    if network.has_batch_norm and options["inputs"] < 2:
        raise RequestError("--inputs: batch norm takes means over the inputs side by side; give it --inputs=2 or more")
    layers_of(network, options["engine"], options["inputs"], options["arithmetic"])
    given, targets, loss = options["input_file"], options["target_file"], options["loss"]
    if given is not None and given.values.shape[1] != network.input_width:
        width = given.values.shape[1]
        raise RequestError(
            f"--input-file: {given.name!r} has {width} columns, the network's input {network.input_width} units; "
            f"give it an input width of {width}"
        )
    if loss == "cross_entropy" and (network.outputs or 0) < 2:
        raise RequestError("--loss: cross_entropy needs a readout; give it --outputs=2 or more")
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


def network_and_run(options, make=mlp):
    """The Network that `make` gives and the checked run, of options of both kinds.

    The input is as wide as the file, if there is one.
    """
    run = checked(**{name: value for name, value in options.items() if name in RUN})
    network = {name: value for name, value in options.items() if name in NETWORK}
    if run["input_file"] is not None and network.get("input_width") is None:
        network["input_width"] = run["input_file"].values.shape[1]
    network = make(**network)
    fit(network, run)
    workers(network, run, threads=1)  # it fits the memory at all
    return network, run
