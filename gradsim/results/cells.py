"""How a cell (one network and its run) is described: the same words in tables, legends and files."""

import hashlib
from dataclasses import dataclass

from ..errors import RequestError
from ..model.activations import canonical_activation
from ..model.families import FAMILIES, norm_of
from ..model.initializers import canonical_bias, canonical_init, normal_std
from ..model.observed import Observed
from ..model.options import NETWORK
from ..model.parts import Linear
from ..model.schemes import shortest
from ..model.spelling import spelled


@dataclass(frozen=True)
class Description:
    kind: type
    long_name: str


DESCRIPTIONS = {
    "activation": Description(str, "activation function"),
    "init": Description(str, "initializer of the weights"),
    "width": Description(int, "width of the hidden layers (the largest, where they differ: see layer_width)"),
    "depth": Description(int, "number of hidden layers, or of blocks"),
    "weight_gain": Description(float, "factor on the weights' scale"),
    "bias": Description(str, "law of the biases"),
    "bias_std": Description(float, "standard deviation of normal biases"),
    "input_width": Description(int, "width of the input"),
    "outputs": Description(int, "outputs of the linear readout (0: none)"),
    "block": Description(str, "family of the blocks (parts: none of gradsim's)"),
    "norm": Description(str, "norms in the blocks"),
    "block_depth": Description(int, "linear maps in the branch of a block (0: it has no branch)"),
    "residual_scale": Description(str, "factor on the branch (empty: it is no option of the block)"),
    "dropout": Description(float, "probability of dropping a unit behind each activation"),
    "final_norm": Description(str, "norm behind the last block (empty: none)"),
    "first_init": Description(str, "initializer of the first linear map (empty: that of all)"),
    "last_init": Description(str, "initializer of the last linear map (empty: that of all)"),
    "last_gain": Description(str, "factor on the scale of its weights (empty: that of all)"),
    "last_activation": Description(str, "activation of the last layer (empty: that of all, or none behind a readout)"),
    "layers": Description(str, "digest of the network's parts, where there are no options that say them (empty: there are)"),
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


def one_name(canonical, text):
    """The canonical form of a scheme; as it stands where it is of a user's function that this process does not know.

    Files written before there was one may say "ReLU" or "kaiming_normal".
    """
    try:
        return canonical(text)
    except RequestError:
        return text


# What networks of parts have, and plain ones: a file has these only where some network is no plain one
OF_BLOCKS = {
    "block": "plain",
    "norm": "none",
    "block_depth": 0,
    "residual_scale": "",
    "dropout": 0.0,
    "final_norm": "",
    "first_init": "",
    "last_init": "",
    "last_gain": "",
    "last_activation": "",
    "layers": "",
}
# What networks say that follows from these: a column too, but not what networks are told apart by
DERIVED = {
    "weight_std": "sigma_w, Var W = sigma_w^2 / fan_in, of the blocks from the second on (NaN: there is not one)",
}
# What a table may leave out where the rest tells networks apart all the same
FOLLOWING = ("layers", "block_depth", "norm", "residual_scale", "engine")
DIGITS = 8  # of a digest
LONG = 8  # characters of a number


def describe(curves):
    """A plain value for each of DESCRIPTIONS."""
    network, run = curves.network, curves.run
    found = of_network(network)
    return {
        "activation": one_name(canonical_activation, found["activation"]),
        "init": one_name(canonical_init, found["init"]),
        "width": max(network.widths),
        "depth": network.depth,
        "weight_gain": found["weight_gain"],
        "bias": one_name(canonical_bias, found["bias"]),
        "bias_std": found["bias_std"] if "bias_std" in found else normal_std(found["bias"]),
        "input_width": network.input_width,
        "outputs": network.outputs or 0,
        **{name: found.get(name, value) for name, value in OF_BLOCKS.items()},
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


def of_network(network):
    """What `describe` says of a network alone, or of a model that was observed."""
    if isinstance(network, Observed):
        return network.words
    if network.plain:
        return {name: getattr(network, name) for name in ("activation", "init", "weight_gain", "bias")}
    options = spelled(network)
    if options is None:
        linear = network.linear_maps[0][1]
        return {
            "activation": ", ".join(dict.fromkeys(part.name for part in network.activations)) or "none",
            "init": ", ".join(dict.fromkeys(part.init for _, part in network.linear_maps)),
            "weight_gain": network.usual_gain,
            "bias": linear.bias,
            "block": "parts",
            "layers": hashlib.sha256(network.to_json().encode()).hexdigest()[:DIGITS],
        }
    found = {name: options.get(name) for name in NETWORK}
    branch = FAMILIES[found["block"]].least > 0
    usual = Linear(init=found["init"], bias=found["bias"])
    return {
        **{name: found[name] for name in ("activation", "init", "weight_gain", "block", "dropout")},
        "bias": usual.bias,
        "norm": norm_of(found),
        "block_depth": found["block_depth"] if branch else 0,
        "residual_scale": _scale(found),
        "final_norm": _final_norm(found) if found["final_norm"] else "",
        **{name: _text(found[name]) for name in ("first_init", "last_init", "last_gain", "last_activation")},
    }


def _scale(options):
    if not FAMILIES[options["block"]].scaled:
        return ""
    return _text(1.0 if options["residual_scale"] is None else options["residual_scale"])


def _final_norm(options):
    return "layer" if options["norm"] in (None, "none") else options["norm"]


def _text(value):
    return "" if value is None else value if isinstance(value, str) else shortest(value)


def label(cell, names):
    """In words, what the names say of a described cell: what is empty there is left out, unless all is."""
    return ", ".join(in_short(cell[name]) for name in names if cell[name] != "") or "–"


def in_short(value):
    """A described value as text; no more than six digits of a number that has many, as those of `linspace` have."""
    text = str(value)
    return f"{value:.6g}" if isinstance(value, float) and len(text) > LONG else text


def batch_norm_note(network, inputs):
    """One line on what batch norm of so few inputs does to gradients; None where there is nothing to be said.

    With B inputs, what is left of a unit beside its mean and its scale has B - 2 dimensions, and the mean square of the
    inverse scale is that of an inverse chi-square of B - 1 degrees (Yang et al. 2019, arXiv:1902.08129).
    """
    if not network.has_batch_norm or inputs > 3:
        return None
    if inputs == 2:
        return "batch norm of 2 inputs: every unit becomes -1 and 1, so that no gradient comes through but for its epsilon."
    return (
        "batch norm of 3 inputs: the mean square of gradients is infinite but for its epsilon, so that means over networks say "
        "little; medians and means of logs hold."
    )


def described(cells):
    """The names of DESCRIPTIONS that a file of such cells has: those of blocks only where a network is no plain one."""
    return [name for name in DESCRIPTIONS if any(cell[name] != OF_BLOCKS.get(name) for cell in cells)]


def varying(curve_set):
    """The names in which the networks differ, in the table's order."""
    return varying_names([describe(curves) for curves in curve_set])


def varying_names(cells):
    """The same of described cells."""
    names = [name for name in DESCRIPTIONS if len({cell[name] for cell in cells}) > 1]
    if "width" in names and "input_width" in names and all(c["width"] == c["input_width"] for c in cells):
        names.remove("input_width")
    if "bias_std" in names and "bias" in names and all(c["bias"] == "zeros" or c["bias_std"] for c in cells):
        names.remove("bias")
    for name in FOLLOWING:
        rest = [other for other in names if other != name]
        if name in names and len({tuple(c[n] for n in rest) for c in cells}) == len(
            {tuple(c[n] for n in names) for c in cells}
        ):
            names = rest
    return names
