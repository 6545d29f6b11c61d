"""Presets: what frameworks really draw where nothing else is asked for, read from `presets.toml` with version and source.

What a framework calls by a name of its own is in `libraries`; a preset is what it does by itself: its laws at the fans that it
counts, its biases, the epsilons of its norms. A fan or a gain is a product in words, "c_in k^2" or "0.67 N^-0.25".
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import RequestError, unknown
from .families import NORMS
from .initializers import weight_law
from .laws import WeightLaw
from .meant import widths_of
from .network import Network, mlp, network
from .options import NETWORK, check_all
from .parts import EPSILON, Activation, LayerNorm, Linear, Part, Repeat, Residual, changed

PATH = Path(__file__).with_name("presets.toml")
ALONE = "_mlp"  # behind the name of a transformer: its feed-forward branches without attention
SAID = ("bias", "bias_std", "layers")  # by every preset, whether it names them or not
LEFT = ("width", "depth", "input_width", "outputs", "final_norm")  # options that feed-forward branches leave open


def product(text: str, sizes: Mapping[str, float]) -> float:
    """The value of "2^-0.5 N^-0.5" and the like, for {"N": 12}. Raises RequestError for a size that is not given."""
    value = 1.0
    for factor in text.split():
        base, _, power = factor.partition("^")
        if base.isidentifier() and base not in sizes:
            raise RequestError(f"preset: {text!r} needs a size {base}")
        value *= (sizes[base] if base.isidentifier() else float(base)) ** float(power or 1)
    return value


@dataclass(frozen=True)
class Law:
    """What one parameter of a framework is drawn from: the scheme `init` at the fans that the framework counts, times `gain`.

    `summed` is how many weights a unit sums in truth. `source` says package, version and place; `measured` is {"std": what was
    drawn there, and the sizes}, empty where the source was read only.
    """

    parameter: str
    init: str
    source: str
    fan_in: str = "1"
    fan_out: str = "1"
    summed: str = "1"
    gain: str = "1"
    bias: str = ""
    measured: Mapping[str, float] = field(default_factory=dict)

    def weights(self, **sizes: float) -> WeightLaw:
        """The law of a weight, for sizes like n_in=512, n_out=256 or c_in=64, k=3. Raises RequestError if one is missing."""
        return weight_law(self.init, product(self.fan_in, sizes), product(self.fan_out, sizes), product(self.gain, sizes))

    def std(self, **sizes: float) -> float:
        """The standard deviation of a weight. Raises RequestError as `weights` does."""
        return math.sqrt(self.weights(**sizes).variance)

    def weight_std(self, **sizes: float) -> float:
        """sigma_w, the root of the number of weights that a unit sums times their variance. Raises RequestError as above."""
        return math.sqrt(product(self.summed, sizes)) * self.std(**sizes)


@dataclass(frozen=True)
class FeedForward:
    """The branch behind attention: x + f(norm(x)), or norm(x + f(x)) if `behind`.

    f has two linear maps with `inner` units between them, of the schemes `first` and `last`.
    """

    norm: str
    epsilon: float
    inner: str
    activation: str
    first: str
    last: str
    bias: str
    behind: bool = False
    last_gain: str = "1"

    def network(self, width: int, depth: int, input_width: int | None, outputs: int | None, final_norm: bool) -> Network:
        """So many branches one after another; an input of another width goes through a linear map of the first law."""
        sizes, norm = {"d": width, "N": depth}, NORMS[self.norm](self.epsilon)
        branch = [
            *([] if self.behind else [norm]),
            Linear(round(product(self.inner, sizes)), self.first, bias=self.bias),
            Activation(self.activation),
            Linear(width, self.last, product(self.last_gain, sizes), self.bias),
        ]
        stem = [Linear(width, self.first, bias=self.bias)] if input_width not in (None, width) else []
        end: list[Part] = [norm] if final_norm else []
        end += [Linear(outputs, self.first, bias=self.bias)] if outputs is not None else []
        block = [Residual(branch), *([norm] if self.behind else [])]
        return network([*stem, Repeat(block, depth)], input_width or width, end)


@dataclass(frozen=True)
class Preset:
    """What a framework draws. `laws` are those of its parameters, `norms` the epsilons of its norms, `remarks` what surprises.

    `waits_for` is what gradsim has no step for yet, and empty where the preset runs: with `options` of `gradsim.mlp`, or as
    `feed_forward` branches.
    """

    name: str
    source: str
    meaning: str
    laws: tuple[Law, ...]
    remarks: tuple[str, ...] = ()
    norms: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    feed_forward: FeedForward | None = None
    waits_for: str = ""

    def law(self, parameter: str) -> Law:
        """The Law of a parameter. Raises RequestError where there is none of this name."""
        for law in self.laws:
            if law.parameter == parameter:
                return law
        raise unknown("parameter", parameter, [law.parameter for law in self.laws])

    def network(self, **options: Any) -> Network:
        """The Network that this preset draws: `options` of `gradsim.mlp` say its sizes, its activation and its blocks.

        What the preset says cannot be given. Norms have its epsilons. Raises RequestError for that, for what cannot be, and for
        a preset that waits for a step.
        """
        if self.waits_for:
            alone = f"; {self.name}{ALONE} is its feed-forward branches alone" if self.name + ALONE in _known() else ""
            raise RequestError(f"--preset: {self.name} waits for {self.waits_for}, which gradsim does not have yet{alone}")
        if self.feed_forward is not None:
            return self.feed_forward.network(**self._sizes(options))
        for name in (*self.options, *SAID):
            if name in options:
                raise RequestError(f"{NETWORK[name].flag}: does not go with --preset={self.name}, which says it")
        return mlp(**options, **self.options).mapped(self._normed)

    def _sizes(self, options: Mapping[str, Any]) -> dict[str, Any]:
        for name in options:
            if name in NETWORK and name not in LEFT:
                others = ", ".join(NETWORK[other].flag for other in LEFT)
                raise RequestError(f"{NETWORK[name].flag}: does not go with --preset={self.name}, which says all but {others}")
        found = check_all(NETWORK, options)
        widths = widths_of(found["width"], found["depth"], 2)
        if len(set(widths)) > 1:
            raise RequestError(f"--width: --preset={self.name} has one width for all its blocks")
        return {name: found[name] for name in LEFT} | {"width": widths[0], "depth": len(widths)}

    def _normed(self, part: Part) -> Part:
        """A norm with the framework's epsilon; one that a family has scaled keeps its factor."""
        if not isinstance(part, LayerNorm):
            return part
        name = next(name for name, kind in NORMS.items() if type(part) is kind)
        return changed(part, epsilon=part.epsilon / EPSILON * self.norms[name]) if name in self.norms else part


def preset(name: str) -> Preset:
    """The Preset of this name, as "keras_default"; all of them: `gradsim.presets()`. Raises RequestError for other names."""
    found = _known()
    if not isinstance(name, str) or name not in found:
        raise unknown("--preset", name, found)
    return found[name]


def presets() -> tuple[Preset, ...]:
    """All presets: what frameworks draw, by version, with their sources (docs/presets.md). Raises nothing."""
    return tuple(_known().values())


@lru_cache(1)
def _known() -> dict[str, Preset]:
    found = {}
    for name, table in tomllib.loads(PATH.read_text(encoding="utf-8")).items():
        branch = table.pop("feed_forward", None)
        laws = tuple(_law(table["source"], **law) for law in table.pop("laws"))
        made = Preset(name, laws=laws, remarks=tuple(table.pop("remarks", ())), **table)
        found[name] = made
        if branch is not None:
            meaning = f"the feed-forward branches of {name} alone, one after another"
            found[name + ALONE] = Preset(
                name + ALONE, made.source, meaning, laws, made.remarks, made.norms, feed_forward=FeedForward(**branch)
            )
    return found


def _law(source: str, at: str, **table: Any) -> Law:
    return Law(source=f"{source}, {at}", **{"summed": table.get("fan_in", "1")} | table)
