"""What a network is: frozen, validated, with a canonical JSON text that is its identity. No numbers crunched here."""

import json
import math
from dataclasses import asdict, dataclass
from itertools import pairwise

from .activations import canonical_activation, typed_activation
from .errors import RequestError
from .initializers import bias_law, canonical_bias, canonical_init, find_initializer, weight_law

FORMAT_VERSION = 1
LARGEST_WIDTH = 65_536  # width^2 / 4 blocks of random numbers a layer must fit a 32-bit counter word


@dataclass(frozen=True)
class Network:
    """A multilayer perceptron: `widths` are the hidden widths, layer by layer; `outputs` a linear readout or None.

    `mlp` writes `activation`, `init` and `bias` in their one canonical form, so that one network has one identity.
    `activation_digest` tells a user's function from others of its name; None for those of the table.
    """

    input_width: int
    widths: tuple
    activation: str
    init: str
    weight_gain: float
    bias: str
    bias_std: float  # of normal biases; 0 for the others
    outputs: int | None
    activation_digest: str | None = None

    @property
    def depth(self):
        """Hidden linear layers; the readout is not counted."""
        return len(self.widths)

    @property
    def linear_widths(self):
        """Fan-out of every linear layer, the readout included."""
        return self.widths if self.outputs is None else (*self.widths, self.outputs)

    def to_json(self):
        """Canonical JSON: sorted keys, no spaces, a format version, no labels; a digest only where there is one."""
        fields = {"format": FORMAT_VERSION, **asdict(self)}
        if self.activation_digest is None:
            del fields["activation_digest"]
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def whole_number(option, value, least=1, most=None):
    """`value` as an int; raises RequestError unless it is a whole number within the bounds."""
    allowed = f"a whole number of {least:,} or more" if most is None else f"a whole number from {least:,} to {most:,}"
    whole = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not whole or int(value) != value or value < least or (most is not None and value > most):
        raise RequestError(f"{option}: {value!r} is not {allowed}")
    return int(value)


def finite_number(option, value, least=-math.inf):
    """`value` as a float; raises RequestError unless it is finite and at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < least:
        bound = "" if least == -math.inf else f" of {least:g} or more"
        raise RequestError(f"{option}: {value!r} is not a finite number{bound}")
    return float(value)


def mlp(
    *,
    width=256,
    depth=None,
    activation="relu",
    init="he_normal",
    weight_gain=1.0,
    bias=None,
    bias_std=0.0,
    input_width=None,
    outputs=None,
):
    """A validated Network.

    `width` is one number (with `depth` layers, 100 if not given) or a list with one entry a layer; `input_width`
    defaults to the first width. `bias` is a scheme ("zeros", "constant(c)", "normal(std)", "uniform(min,max)",
    "fan_in_uniform"), by default normal with `bias_std`, or what comes with the initializer (torch_default).
    Raises RequestError for what cannot be.
    """
    if isinstance(width, list | tuple):
        if not width or (depth is not None and depth != len(width)):
            raise RequestError(f"--width: a list of {len(width)} widths does not go with depth {depth}")
        widths = tuple(whole_number("--width", w, 1, LARGEST_WIDTH) for w in width)
    else:
        layers = whole_number("--depth", 100 if depth is None else depth)
        widths = (whole_number("--width", width, 1, LARGEST_WIDTH),) * layers
    first = widths[0] if input_width is None else whole_number("--input-width", input_width, 1, LARGEST_WIDTH)
    (entry, _), scheme = typed_activation(activation), canonical_init(init)
    bias, bias_std = _bias(init, bias, finite_number("--bias-std", bias_std, 0.0))
    network = Network(
        input_width=first,
        widths=widths,
        activation=canonical_activation(activation),
        init=scheme,
        weight_gain=finite_number("--weight-gain", weight_gain),
        bias=bias,
        bias_std=bias_std,
        outputs=None if outputs is None else whole_number("--outputs", outputs, 1, LARGEST_WIDTH),
        activation_digest=entry.digest,
    )
    fans = (first, *network.linear_widths)
    for fan_in, fan_out in sorted(set(pairwise(fans))):
        weight_law(init, fan_in, fan_out, network.weight_gain)
    return network


def _bias(init, scheme, std):
    """The scheme of the biases and, where they are normal, their standard deviation."""
    if scheme is not None and std:
        raise RequestError(f"--bias-std: {std:g} does not go with --bias {scheme}; give one of them")
    if scheme is None:
        scheme = f"normal({std!r})" if std else find_initializer(init)[0].bias
    law = bias_law(scheme, 1)
    return canonical_bias(scheme), law.scale if law.kind == "normal" else 0.0


def from_json(description):
    """The Network of a parsed `Network.to_json()`: with the texts that stand there, since its random numbers hang on them."""
    fields = {name: value for name, value in description.items() if name != "format"}
    return Network(**fields | {"widths": tuple(fields["widths"])})
