"""What a network is: frozen, validated, with a canonical JSON text that is its identity. No numbers crunched here."""

import json
from dataclasses import asdict, dataclass
from itertools import groupby, pairwise

from ..errors import RequestError
from ..memory import require
from .activations import canonical_activation, typed_activation
from .initializers import bias_law, canonical_bias, canonical_init, find_initializer, weight_law
from .options import NETWORK, check_all
from .parts import Activation, Linear, Repeat

FORMAT_VERSION = 1
LAYER_BYTES = 4000  # that a layer of any simulation takes at least: program, records, sums, and what becomes of these
DEPTH = 100  # where neither a depth nor a list of widths is given


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

    @property
    def stem(self):
        """Parts before the first block."""
        return ()

    @property
    def blocks(self):
        """Repeats of blocks: of a linear map with its activation, so many times."""
        groups = ((width, len(list(group))) for width, group in groupby(self.widths))
        return tuple(Repeat((*self._linear(width), Activation(self.activation)), times) for width, times in groups)

    @property
    def readout(self):
        """Parts behind the last block."""
        return () if self.outputs is None else self._linear(self.outputs)

    @property
    def has_stream(self):
        """Whether blocks add to what goes in."""
        return False

    def _linear(self, width):
        return (Linear(width, self.init, self.weight_gain, self.bias),)

    def to_json(self):
        """Canonical JSON: sorted keys, no spaces, a format version, no labels; a digest only where there is one."""
        fields = {"format": FORMAT_VERSION, **asdict(self)}
        if self.activation_digest is None:
            del fields["activation_digest"]
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def mlp(
    *,
    width=NETWORK["width"].default,
    depth=NETWORK["depth"].default,
    activation=NETWORK["activation"].default,
    init=NETWORK["init"].default,
    weight_gain=NETWORK["weight_gain"].default,
    bias=NETWORK["bias"].default,
    bias_std=NETWORK["bias_std"].default,
    input_width=NETWORK["input_width"].default,
    outputs=NETWORK["outputs"].default,
):
    """A validated Network.

    `width` is one number (with `depth` layers, 100 if not given) or a list with one entry a layer; `input_width`
    defaults to the first width. `bias` is a scheme ("zeros", "constant(c)", "normal(std)", "uniform(min,max)",
    "fan_in_uniform"), by default normal with `bias_std`, or what comes with the initializer (torch_default).
    Raises RequestError for what cannot be.
    """
    options = check_all(
        NETWORK,
        {
            "width": width,
            "depth": depth,
            "activation": activation,
            "init": init,
            "weight_gain": weight_gain,
            "bias": bias,
            "bias_std": bias_std,
            "input_width": input_width,
            "outputs": outputs,
        },
    )
    widths = _widths(options["width"], options["depth"])
    entry, _ = typed_activation(activation)
    scheme = canonical_init(init)
    bias, bias_std = _bias(init, options["bias"], options["bias_std"])
    network = Network(
        input_width=options["input_width"] or widths[0],
        widths=widths,
        activation=canonical_activation(activation),
        init=scheme,
        weight_gain=options["weight_gain"],
        bias=bias,
        bias_std=bias_std,
        outputs=options["outputs"],
        activation_digest=entry.digest,
    )
    fans = (network.input_width, *network.linear_widths)
    for fan_in, fan_out in sorted(set(pairwise(fans))):
        weight_law(init, fan_in, fan_out, network.weight_gain)
    return network


def _widths(width, depth):
    """The tuple of hidden widths of a checked width, or list of them, and a depth or None."""
    layers = len(width) if isinstance(width, list) else DEPTH if depth is None else depth
    require("--depth", f"{layers:,} layers, whatever their width,", LAYER_BYTES * layers)  # before they are made
    if not isinstance(width, list):
        return (width,) * layers
    if depth not in (None, len(width)):
        raise RequestError(f"--width: a list of {len(width)} widths does not go with depth {depth}")
    return tuple(width)


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
    version = description.get("format")
    if version != FORMAT_VERSION:
        raise RequestError(f"the network has format {version!r}; this gradsim reads format {FORMAT_VERSION}")
    fields = {name: value for name, value in description.items() if name != "format"}
    return Network(**fields | {"widths": tuple(fields["widths"])})
