"""What a network is: frozen, validated, with a canonical JSON text that is its identity. No numbers crunched here."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain as chained
from itertools import groupby
from typing import Any, ClassVar, cast

from ..errors import RequestError, in_place_of, is_list, whole_number
from ..memory import require
from ..typed import Number, Whole, Wholes
from . import chain
from .activations import canonical_activation, typed_activation
from .card import card
from .ends import with_ends
from .families import blocks_of, check_family, readout_of, stem_of
from .form import Form
from .initializers import bias_law, find_initializer, normal_std, weight_law
from .meant import LAYER_BYTES, biases_of, widths_of
from .options import LARGEST_WIDTH, NETWORK, check_all
from .parts import Activation, BatchNorm, Linear, Part, Parts, Repeat, Residual, changed, parts_of
from .sigma import weight_std
from .tables import tables, typed

PLAIN_FORMAT, FORMAT_VERSION = 1, 2  # of what a chain of equal layers is written in, and of everything else
MOST_SHOWN = 4  # values in a message
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Network:
    """Parts in a row: the `stem`, the `blocks` (Repeats, each of one block so many times) and the `readout`.

    `network`, `mlp` and `stored.from_json` make it, in its one canonical form: every Linear has its width, equal blocks next to
    each other are one Repeat, and there are no other Repeats. So one network has one identity. Raises RequestError for widths
    that do not fit, and where there is no block or no linear map.
    """

    input_width: int
    stem: tuple[Part, ...]
    blocks: tuple[Repeat, ...]
    readout: tuple[Part, ...]

    stream_of = "skip connections"  # what adds to its stream, where it has one
    modules: ClassVar[tuple[str, ...]] = ()  # of a model of another library that its layers are (see `observed`)
    _repr_html_ = card
    weight_std = cached_property(weight_std)

    def __post_init__(self) -> None:
        stem, width = chain.fitted(self.stem, self.input_width)
        runs, width = chain.fitted_runs([(repeat.parts, repeat.times) for repeat in self.blocks], width)
        readout, _ = chain.fitted(self.readout, width)
        for name, value in (("stem", stem), ("blocks", chain.repeats(runs)), ("readout", readout)):
            object.__setattr__(self, name, value)
        if not any(isinstance(part, Linear) for part in self._distinct):
            raise RequestError("network: there is no linear map among its parts; it needs one at least")
        if not runs:
            raise RequestError("network: there is no block before its readout; it needs one at least")

    @cached_property
    def form(self) -> Form:
        """What it has in common with networks that differ from it in laws and other numbers alone."""
        return Form(self)

    @property
    def _distinct(self) -> Iterator[Part]:
        """Yield every part, those of equal blocks once."""
        return chain.inner(chained(self.stem, *(repeat.parts for repeat in self._repeats), self.readout))

    @cached_property
    def _repeats(self) -> tuple[Repeat, ...]:
        """The different Repeats: of a million of them there may be two."""
        return tuple({id(repeat): repeat for repeat in self.blocks}.values())

    @cached_property
    def depth(self) -> int:
        """Blocks; stem and readout are not counted."""
        return sum(repeat.times for repeat in self.blocks)

    @cached_property
    def has_stream(self) -> bool:
        """Whether a block adds to what goes in."""
        return any(isinstance(part, Residual) for repeat in self._repeats for part in repeat.parts)

    @cached_property
    def plain(self) -> bool:
        """Whether it is a chain of linear maps of one law, each but a readout with the same activation behind it."""
        return (
            not self.stem
            and all([type(part) for part in repeat.parts] == [Linear, Activation] for repeat in self._repeats)
            and [type(part) for part in self.readout] in ([], [Linear])
            and len(self.activations) == len(self._laws) == 1
        )

    @cached_property
    def linear_maps(self) -> tuple[tuple[int, Linear], ...]:
        """(fan-in, Linear) of every linear map in the order of the program, a branch before its skip: a tuple."""
        found, known = list(chain.linear_maps(self.stem, self.input_width)), {}
        width = chain.width_behind(self.stem, self.input_width)
        for repeat in self.blocks:
            at = (id(repeat.parts), width)
            if at not in known:
                out = chain.width_behind(repeat.parts, width)
                known[at] = out, *(list(chain.linear_maps(repeat.parts, into)) for into in (width, out))
            width, first, others = known[at]
            found.extend(first)
            found.extend(others * (repeat.times - 1))
        found.extend(chain.linear_maps(self.readout, width))
        return tuple(found)

    @cached_property
    def distinct_maps(self) -> tuple[tuple[int, Linear], ...]:
        """The same without the repetitions that equal blocks are."""
        return tuple({id(found): found for found in self.linear_maps}.values())

    @cached_property
    def linear_widths(self) -> tuple[int, ...]:
        """Fan-out of every linear map, in that order; the last one is the width of what the network gives."""
        return tuple(linear.width for _, linear in self.linear_maps)  # type: ignore[misc]  # of a network's parts none is None

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The width behind each block."""
        found: list[int] = []
        width = chain.width_behind(self.stem, self.input_width)
        for repeat in self.blocks:
            width = chain.width_behind(repeat.parts, width)
            found.extend((width,) * repeat.times)
        return tuple(found)

    @cached_property
    def outputs(self) -> int | None:
        """What a readout with a linear map gives; None where there is none."""
        return chain.width_behind(self.readout, self.widths[-1]) if self.readout_maps else None

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """The different Activations, in the order of the program."""
        return tuple(dict.fromkeys(part for part in self._distinct if isinstance(part, Activation)))

    @cached_property
    def shape(self) -> tuple[Any, ...]:
        """All but laws, activations and scales, as nested tuples of plain values: what sizes hang on."""
        return self.input_width, *map(chain.shape, (self.stem, self.blocks, self.readout))

    @cached_property
    def _laws(self) -> tuple[tuple[str, float, str | None], ...]:
        """The different (init, gain, bias) of linear maps, in the order of the program."""
        return tuple(dict.fromkeys((part.init, part.gain, part.bias) for _, part in self.distinct_maps))

    @cached_property
    def usual_activation(self) -> str:
        """The name of the activation that blocks have most of; of several, the first one. "linear" where they have none."""
        counts: Counter[str] = Counter()
        for repeat in self.blocks:
            for part in chain.inner(repeat.parts):
                if isinstance(part, Activation):
                    counts[part.name] += repeat.times
        return max(counts, key=counts.__getitem__) if counts else "linear"

    @property
    def readout_maps(self) -> int:
        """Linear maps of the readout: so many of the last ones of `linear_maps`."""
        return sum(isinstance(part, Linear) for part in chain.inner(self.readout))

    @property
    def has_batch_norm(self) -> bool:
        """Whether there is a BatchNorm among its parts: inputs that go side by side then meet."""
        return any(isinstance(part, BatchNorm) for part in self._distinct)

    # What all parts share, for what is made for networks of one activation and one law. Where parts differ in it, or none
    # has it, there is no such value, and asking for it is a RequestError: `activations` and `linear_maps` have them all.

    @property
    def activation(self) -> str:
        """The name of the one activation. Raises RequestError where there are several or none."""
        return _one("activation", [part.name for part in self.activations])

    @property
    def activation_digest(self) -> str | None:
        """Of that activation, where it is a user's; None for others. Raises RequestError as `activation` does."""
        return _one("activation", self.activations, lambda part: part.name).digest

    @property
    def init(self) -> str:
        """The scheme of all weights. Raises RequestError where linear maps differ in it."""
        return _one("initializer", [init for init, _, _ in self._laws])

    @property
    def weight_gain(self) -> float:
        """The gain of all weights. Raises RequestError where linear maps differ in it."""
        return _one("weight gain", [gain for _, gain, _ in self._laws])

    @property
    def bias(self) -> str | None:
        """The scheme of all biases. Raises RequestError where linear maps differ in it."""
        return _one("law of biases", [bias for _, _, bias in self._laws])

    @property
    def bias_std(self) -> float:
        """Of normal biases; 0 for the others."""
        return normal_std(self.bias)

    @cached_property
    def usual_gain(self) -> float:
        """The weight gain that most linear maps have; of several, the one that comes first."""
        counts = Counter(linear.gain for _, linear in self.linear_maps)
        return max(counts, key=counts.__getitem__)

    def with_gain(self, weight_gain: Number) -> "Network":
        """The same network with another usual gain; gains that are others keep their ratio to it, which must not be 0 then."""
        gain, usual = NETWORK["weight_gain"].check(weight_gain), self.usual_gain
        if gain == usual:
            return self

        def change(part: Part) -> Part:
            if not isinstance(part, Linear):
                return part
            return changed(part, gain=gain if part.gain == usual else part.gain / usual * gain)

        return self.mapped(change)

    def mapped(self, change: Callable[[Part], Part]) -> "Network":
        """The Network with change(part) in the place of every part that holds no others, and every skip."""

        def one(part: Part) -> Part:
            if not isinstance(part, Residual):
                return change(part)
            skip = None if part.skip is None else change(part.skip)
            return changed(part, parts=tuple(map(one, part.parts)), skip=skip)

        def several(parts: tuple[Part, ...]) -> tuple[Part, ...]:
            return tuple(map(one, parts))

        made = {id(repeat): Repeat(several(repeat.parts), repeat.times) for repeat in self._repeats}
        blocks = tuple(made[id(repeat)] for repeat in self.blocks)
        return Network(self.input_width, several(self.stem), blocks, several(self.readout))

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, a format version, no labels.

        A plain network is written in format 1, with a digest only where there is one; others in format 2, as their parts.
        """
        return self._json

    @cached_property
    def _json(self) -> str:
        if self.plain:
            (activation,), ((init, gain, bias),) = self.activations, self._laws
            fields = {"format": PLAIN_FORMAT, "input_width": self.input_width, "widths": self.widths, "outputs": self.outputs}
            law = {"init": init, "weight_gain": gain, "bias": bias, "bias_std": normal_std(bias)}
            fields |= {"activation": activation.name} | law
            if activation.digest is not None:
                fields["activation_digest"] = activation.digest
        else:
            fields = {
                "format": FORMAT_VERSION,
                "input_width": self.input_width,
                "stem": tables(self.stem),
                "blocks": [{"times": repeat.times, "parts": tables(repeat.parts)} for repeat in self.blocks],
                "readout": tables(self.readout),
            }
        return CANONICAL.encode(fields)


def _one(what: str, values: Sequence[Any], text: Callable[[Any], str] = str) -> Any:
    """The value that all are. Raises RequestError where there is none or several."""
    if len(set(values)) == 1:
        return values[0]
    several = list(dict.fromkeys(map(text, values)))
    which = f" ({', '.join(several[:MOST_SHOWN])}{', ...' if len(several) > MOST_SHOWN else ''})" if several else ""
    has = f"has several of them{which}" if values else "has none"
    raise RequestError(f"network: this needs a network with one {what}, and it {has}")


def network(parts: Parts, input_width: Whole | None = None, readout: Parts | None = None) -> Network:
    """A validated Network of a list of `parts`, one after another: Linear, Activation, LayerNorm, RMSNorm, BatchNorm, Dropout,
    Residual and Repeat.

    What is a block, which the layer axis of curves counts: a Linear or a Residual with all that follows up to the next of
    them, Repeats being written out. Parts before the first block are the stem; where there are Residuals, so is every Linear
    before the first of them with what follows it. A last Linear with nothing behind it is the readout if there is a block
    before it; `readout` gives other parts for it, which are no block (a final norm and a linear map, say), and () for none.

    `input_width` is that of the first linear map unless given, or of the stream where a Residual comes first. A chain of
    equal layers is the same network as `mlp` gives. Raises RequestError, one line, for what cannot be.
    """
    row, behind = parts_of("network", parts), cast("Any", readout)
    last = () if behind is None or (is_list(behind) and not len(behind)) else parts_of("network: readout", behind)
    size = sum(part.size for part in (*row, *last))
    require("network", f"{size:,} parts", LAYER_BYTES // 2 * size)  # before they are made: a layer has two
    if input_width is None:
        input_width = chain.first_width(row)
        if input_width is None:
            raise RequestError("network: the width of the input is not known: give input_width, or the first Linear a width")
    width = whole_number("network: input_width", input_width, 1, LARGEST_WIDTH)
    stem, runs = chain.chain(row)
    first = next((k for k, (block, _) in enumerate(runs) if isinstance(block[0], Residual)), 0)
    for block, times in runs[:first]:
        stem += block * times
    runs = runs[first:]
    if readout is None and chain.ends_in_readout(runs):
        last, times = runs.pop()
        chain.add(runs, last, times - 1)
    return _checked(Network(width, stem, chain.repeats(runs), last))


def _checked(made: Network) -> Network:
    """`made`, whose laws can be. Raises RequestError."""
    for fan_in, linear in made.distinct_maps:
        weight_law(linear.init, fan_in, linear.width, linear.gain)
        bias_law(linear.bias, fan_in)
    return made


def mlp(
    *,
    width: Whole | Wholes = NETWORK["width"].default,
    depth: Whole | None = NETWORK["depth"].default,
    activation: str = NETWORK["activation"].default,
    init: str = NETWORK["init"].default,
    weight_gain: Number = NETWORK["weight_gain"].default,
    bias: str | None = NETWORK["bias"].default,
    bias_std: Number = NETWORK["bias_std"].default,
    input_width: Whole | None = NETWORK["input_width"].default,
    outputs: Whole | None = NETWORK["outputs"].default,
    block: str = NETWORK["block"].default,
    norm: str | None = NETWORK["norm"].default,
    block_depth: Whole | None = NETWORK["block_depth"].default,
    residual_scale: Number | str | None = NETWORK["residual_scale"].default,
    dropout: Number = NETWORK["dropout"].default,
    final_norm: bool = NETWORK["final_norm"].default,
    first_init: str | None = NETWORK["first_init"].default,
    last_init: str | None = NETWORK["last_init"].default,
    last_gain: Number | None = NETWORK["last_gain"].default,
    last_activation: str | None = NETWORK["last_activation"].default,
    layers: Sequence[Part | Mapping[str, Any]] | None = NETWORK["layers"].default,
) -> Network:
    """A validated Network.

    `width` is one number (with `depth` blocks, 100 if not given) or a list with one entry a block; `input_width`
    defaults to the first width. `bias` is a scheme ("zeros", "constant(c)", "normal(std)", "uniform(min,max)",
    "fan_in_uniform"), by default normal with `bias_std`, or what comes with the initializer (torch_default).

    `block` is a family of `gradsim.model.families`, which says what `norm`, `block_depth` (linear maps in a branch),
    `residual_scale` (a number, "1/sqrt(depth)", "1/depth" or "zero") and `dropout` (after every activation) are in it: "plain",
    "residual", "pre_norm", "post_norm", or a recipe of a paper. An input as wide as the stream is the stream, another one
    goes through a linear stem; where the width of the stream changes, its skip is a linear map. `final_norm` puts a norm
    behind the last block, before the readout.

    `first_init` is that of the first linear map, `last_init` and `last_gain` (in place of `weight_gain`) of the last one: the
    readout, if there is one. `last_activation` is that of the same layer: behind the readout, or in place of the last
    activation where there is none. `layers` is a list of parts, or of tables that describe them, as `network` takes it; no
    other option goes with it but `input_width`. Raises RequestError for what cannot be.
    """
    given = {name: value for name, value in locals().items() if name in NETWORK}
    options = check_all(NETWORK, given)
    if options["layers"] is not None:
        for name, option in NETWORK.items():
            if name not in ("layers", "input_width") and options[name] != option.default:
                raise RequestError(f"{option.flag}: does not go with --layers, which say it for each of them")
        return network(typed("--layers", options["layers"]), options["input_width"])
    check_family(options)
    for name in ("activation", "last_activation"):
        if options[name] is not None:
            with in_place_of("--activation", NETWORK[name].flag):
                typed_activation(options[name])
                options[name] = canonical_activation(options[name])
    for name in ("first_init", "last_init"):
        if options[name] is not None:
            with in_place_of("--init", NETWORK[name].flag):
                find_initializer(options[name])
    options["bias"] = biases_of(options["init"], options["bias"], options["bias_std"])
    widths = widths_of(options["width"], options["depth"], options["block_depth"] or 1)
    options |= {"depth": len(widths), "input_width": options["input_width"] or widths[0]}
    groups = [(size, len(list(group))) for size, group in groupby(widths)]
    made = Network(
        options["input_width"],
        stem_of(options, widths[0]),
        chain.repeats(blocks_of(options, groups)),
        readout_of(options, widths[-1]),
    )
    return _checked(with_ends(made, options))
