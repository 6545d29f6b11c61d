"""A model of another library as it was seen when it ran: what curves have in place of a Network that gradsim makes itself.

Its layers are blocks, or where it has none each linear map with what follows it. All that is known of it are its calls, one
after another: which module of which path was called in which layer, and how many numbers it gave and has.
"""

import hashlib
import json
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

from ..errors import EXACT_FLOAT, RequestError, shown
from .activations import canonical_activation

FORMAT = 3  # of its JSON, beside those of `network`
DIGITS = 8  # of a digest
UNKNOWN = ("dead_fraction", "saturated_fraction")  # they take phi', which nobody tells of a function of another library
CORRELATIONS = ("correlation", "log_one_minus_correlation", "gradient_correlation")
LISTS = ("streams", "modules", "lacking", "calls")
MAY_LACK = {  # what is on record at a call of each kind, unless it has none of that
    "linear": ("bias_gradient", *CORRELATIONS),
    "activation": (),
    "norm": ("norm_shift_gradient",),
}


class Family(NamedTuple):
    """What a Part says of its step (see `part.Part`), of what is seen instead."""

    kind: str
    recorded_at: str | None
    unrecorded: tuple[str, ...] = ()
    stands_for: str | None = None


BLOCK = Family("add", None)  # makes the stream behind a block


class Call(NamedTuple):
    """A module called once: `kind` is "linear", "activation" or "norm", `name` its place in the layer.

    `module` is its class and `path` says which one it was, with #2 behind it the second time that it was called. `width` is how
    many numbers it gave for each input, `weights` how many weights it has; `lacking` are quantities that are recorded at this
    kind, but not here.
    """

    kind: str
    layer: int
    name: str
    module: str
    path: str
    width: int
    weights: int
    lacking: tuple[str, ...]

    @property
    def family(self):
        return Family(self.kind, self.kind, self.lacking)


@dataclass(frozen=True, repr=False)
class Observed:
    """A model by its name, its `calls` in their order, and what goes in and out.

    Layer 0 is what comes before the first block, 1 to `depth` are blocks, depth + 1 is what comes behind the last one.
    `modules` has the path that each layer begins with, "" where nothing was called in it. `streams` are the widths in front of
    the first block and behind each, () of a model without blocks. `lacking` are quantities that nothing in it has. Raises
    RequestError for what cannot be.
    """

    model: str
    input_width: int
    outputs: int
    depth: int
    streams: tuple[int, ...]
    modules: tuple[str, ...]
    lacking: tuple[str, ...]
    calls: tuple[Call, ...]

    plain = has_batch_norm = False  # of a chain and of norms that theory knows
    activations = ()  # which theory would ask for
    weight_std = float("nan")
    stream_of = "blocks"

    def __post_init__(self) -> None:
        for name in ("input_width", "outputs", "depth"):
            _whole(name, getattr(self, name))
        for name in (self.model, *self.modules, *self.lacking):
            _text(name)
        for width in self.streams:
            _whole("streams", width)
        for call in self.calls:
            _check(call, self.depth + 1)
        layers, named = [call.layer for call in self.calls], {(call.kind, call.layer, call.name) for call in self.calls}
        if layers != sorted(layers) or len(named) < len(layers) or not {"linear"} <= {call.kind for call in self.calls}:
            raise RequestError("the calls of an observed model are not in order, or none of them is a linear map")
        if len(self.streams) not in (0, self.depth + 1) or len(self.modules) != max(self.depth, layers[-1]) + 1:
            raise RequestError(f"an observed model has depth {self.depth}, and other numbers of streams or modules")
        maps = {call.layer for call in self.calls if call.kind == "linear"}
        if not self.streams and not maps.issuperset(range(1, self.depth + 1)):
            raise RequestError("an observed model has layers without a linear map")

    def __repr__(self) -> str:
        return f"<{self.model}, observed: {self.depth:,} {'blocks' if self.streams else 'layers'}>"

    @property
    def form(self):
        """Itself: what quantities there are, and where, hangs on all of it (see `model.form`)."""
        return self

    @property
    def size(self):
        return self.depth

    @property
    def has_stream(self) -> bool:
        """Whether it has blocks, behind each of which the stream is measured."""
        return bool(self.streams)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """How many numbers for each input there are behind each block."""
        if self.streams:
            return self.streams[1:]
        behind = {call.layer: call.width for call in self.calls}
        return tuple(behind[layer] for layer in range(1, self.depth + 1))

    @cached_property
    def paths(self) -> dict[tuple[int, str], str]:
        """{(layer, place): path of the module}; see `Curves.places`."""
        return {(call.layer, call.name): call.path for call in self.calls}

    @cached_property
    def words(self) -> dict[str, Any]:
        """What `results.cells.describe` says of it: laws of weights and biases are the model's own."""
        names = dict.fromkeys(_canonical(call.module) for call in self.calls if call.kind == "activation")
        digest = hashlib.sha256(self.to_json().encode()).hexdigest()[:DIGITS]
        own = f"{self.model}'s own"
        return {
            "activation": ", ".join(names) or "none",
            "init": own,
            "weight_gain": 1.0,
            "bias": own,
            "bias_std": 0.0,
            "block": "parts",
            "layers": digest,
        }

    def walk(self, build):
        """Has a builder of graphs note its calls, in their order (see `program.graph`); the number of the last node."""
        x = 0
        for call in self.calls:
            x = self._opened(build, call.layer, x)
            x = build.node(call.family, None, (x,), call.width, call.name, call.weights)
        return self._opened(build, self.depth + 1, x)

    def _opened(self, build, layer, x):
        """`build` brought to a layer, with the streams behind all before it; the number of the last node."""
        while build.block < layer:
            if self.streams:
                x = build.node(BLOCK, None, (x,), self.streams[build.block], BLOCK.kind)
                build.mark_stream(x, build.block)
            build.open_block()
        return x

    def to_json(self) -> str:
        """Canonical JSON, as of a Network, with a format of its own."""
        return self._json

    @cached_property
    def _json(self) -> str:
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return json.dumps({"format": FORMAT, **found}, sort_keys=True, separators=(",", ":"))


def from_fields(values):
    """The Observed of what `Observed.to_json` wrote, but for its format. Raises RequestError."""
    names = [field.name for field in fields(Observed)]
    if sorted(values) != sorted(names):
        raise RequestError(f"an observed model has {', '.join(names)}, not {shown(sorted(values))}")
    for name in LISTS:
        if not isinstance(values[name], list):
            raise RequestError(f"{name} is {shown(values[name])}, not a list")
    lists = {name: tuple(values[name]) for name in LISTS}
    return Observed(**values | lists | {"calls": tuple(map(_call, values["calls"]))})


def _call(values):
    if not isinstance(values, list) or len(values) != len(Call._fields) or not isinstance(values[-1], list):
        raise RequestError(f"a call of an observed model is {shown(values)}")
    return Call(*values[:-1], tuple(values[-1]))


def _check(call, last):
    for text in (call.kind, call.name, call.module, call.path, *call.lacking):
        _text(text)
    if call.kind not in MAY_LACK or not set(call.lacking) <= set(MAY_LACK[call.kind]):
        raise RequestError(f"a call of an observed model is {shown(call)}")
    for name, least, most in (("layer", 0, last), ("width", 1, EXACT_FLOAT), ("weights", 0, EXACT_FLOAT)):
        _whole(name, getattr(call, name), least, most)


def _whole(name, value, least=1, most=EXACT_FLOAT):
    if type(value) is not int or not least <= value <= most:
        raise RequestError(f"an observed model has {shown(value)} for its {name}")


def _text(value):
    if not isinstance(value, str):
        raise RequestError(f"an observed model has {shown(value)} for a text")


def _canonical(name):
    """An activation of this name in the words of gradsim, or the name."""
    try:
        return canonical_activation(name)
    except RequestError:
        return name
