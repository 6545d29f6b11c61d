"""How a cell (one network and its run) is described: the same words in tables, legends and files."""

from dataclasses import dataclass

from ..errors import RequestError
from ..model.activations import canonical_activation
from ..model.initializers import canonical_bias, canonical_init


@dataclass(frozen=True)
class Description:
    kind: type
    long_name: str


DESCRIPTIONS = {
    "activation": Description(str, "activation function"),
    "init": Description(str, "initializer of the weights"),
    "width": Description(int, "width of the hidden layers (the largest, where they differ: see layer_width)"),
    "depth": Description(int, "number of hidden layers"),
    "weight_gain": Description(float, "factor on the weights' scale"),
    "bias": Description(str, "law of the biases"),
    "bias_std": Description(float, "standard deviation of normal biases"),
    "input_width": Description(int, "width of the input"),
    "outputs": Description(int, "outputs of the linear readout (0: none)"),
    "replicas": Description(int, "number of networks drawn"),
    "seed": Description(str, "seed of the random numbers"),
    "inputs": Description(int, "inputs carried through each network"),
    "input": Description(str, "what goes in: gaussian, or the file that its rows come from"),
    "input_correlation": Description(float, "correlation between two Gaussian inputs"),
    "loss": Description(str, "loss: a probe (independent or shared between inputs), mse or cross_entropy"),
    "arithmetic": Description(str, "carried exponents, or plain float32 or float64"),
    "engine": Description(str, "how linear layers were computed"),
    "stream": Description(str, "name of the random stream (empty: the network's own)"),
}


def _one_name(canonical, text):
    """The canonical form of a scheme; as it stands where it is of a user's function that this process does not know.

    Files written before there was one may say "ReLU" or "kaiming_normal".
    """
    try:
        return canonical(text)
    except RequestError:
        return text


def describe(curves):
    """A plain value for each of DESCRIPTIONS."""
    network, run = curves.network, curves.run
    return {
        "activation": _one_name(canonical_activation, network.activation),
        "init": _one_name(canonical_init, network.init),
        "width": max(network.widths),
        "depth": network.depth,
        "weight_gain": network.weight_gain,
        "bias": _one_name(canonical_bias, network.bias),
        "bias_std": network.bias_std,
        "input_width": network.input_width,
        "outputs": network.outputs or 0,
        "replicas": run["replicas"],
        "seed": str(run["seed"]),
        "inputs": run["inputs"],
        "input": run["input_file"]["name"] if run.get("input_file") else "gaussian",
        "input_correlation": run.get("input_correlation", 0.0),
        "loss": "probe (shared)" if run.get("probe") == "shared" else run.get("loss", "probe"),
        "arithmetic": run.get("arithmetic", "carried"),
        "engine": run.get("engine_used", run["engine"]),
        "stream": run["stream"] or "",
    }


def varying(curve_set):
    """The names in which the networks differ, in the table's order."""
    cells = [describe(curves) for curves in curve_set]
    names = [name for name in DESCRIPTIONS if len({cell[name] for cell in cells}) > 1]
    if "width" in names and "input_width" in names and all(c["width"] == c["input_width"] for c in cells):
        names.remove("input_width")
    if "bias_std" in names and "bias" in names and all(c["bias"] == "zeros" or c["bias_std"] for c in cells):
        names.remove("bias")
    rest = [name for name in names if name != "engine"]
    if len({tuple(c[n] for n in rest) for c in cells}) == len({tuple(c[n] for n in names) for c in cells}):
        names = rest  # the engine follows from the rest
    return names
