"""What becomes of the gradient: one word, and the figures behind it, on the median network and the middle 90 % of networks."""

import math
from dataclasses import dataclass, replace
from html import escape
from typing import Any, NamedTuple

from ..typed import Floats
from .exits import Exit, exits
from .sentence import sentence

STABLE_DECADES = 1.0  # within one decade over the whole depth
SHALLOW = 3  # steps back from layer L: over so many, at its pace, a network with fewer is judged; tanh settles after more
SPLIT_DECADES = 2.0  # between the 5 % and the 95 % quantile: beyond it networks share no scale
SURE = 3.0  # standard errors
RESOLVED = 650.0  # natural logs of mean squares: float64 holds what is 10^-14 of them
MEDIAN = math.sqrt(math.pi / 2)  # standard error of a median over that of a mean, of a normal law
BAND = (0.05, 0.95)
DECADES = 1 / (2 * math.log(10))  # from the natural log of a square to decades of the root
WORDS = {
    "stable": "the median stays within one decade, and the networks within two decades of each other",
    "vanishing": "the median shrinks by more than a decade on its way back",
    "exploding": "the median grows by more than a decade on its way back",
    "split": "networks part ways: the median says little of any of them",
    "zero": "the gradient is exactly zero in half of the networks or more",
    "symmetric": "the units of a layer never differ",
    "non-finite": "the gradient is inf or NaN in half of the networks or more",
}


@dataclass(frozen=True)
class Verdict:
    """`word` is one of WORDS (docs/format.md); decades are powers of ten of the root-mean-square gradient.

    The gradient is dL/dh of the linear map of a layer, the last one where there are several; where blocks add to a stream, it
    is that of the stream, dL/dx behind a block, and layers are blocks.

    `decades` compares layer 1 with layer L on the median network (negative: it shrinks on its way back), `middle` the 5 %
    and the 95 % quantile over networks at layer 1 with the median at layer L; `decades_per_100_layers` is the rate of the
    median. `spread_decades` is the 95 % over the 5 % quantile at layer 1. Figures are NaN where they are not known.
    `exits` says where half of the networks have left a float type (see `gradsim.results.exits.exits`), `sentence` all this to a
    student.

    The word, apart from what is zero, symmetric or not finite: `stable` if the median stays within STABLE_DECADES over the
    whole depth (or over SHALLOW steps at its pace, where these are fewer, layers equally wide, and the pace is known to SURE
    standard errors); `split` if the spread has grown by more than SPLIT_DECADES since layer L and the median is stable, or
    networks vanish and others explode; `vanishing` or `exploding` else.
    """

    word: str
    decades: float
    decades_per_100_layers: float
    middle: tuple[float, float]
    spread_decades: float
    exits: dict[str, dict[str, Exit | None]]
    sentence: str

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(self.word)}</b>: {escape(self.sentence)}</p>"

    @property
    def keeps_scale(self) -> bool:
        """Whether the median stays within STABLE_DECADES, or is not known to leave."""
        return not abs(self.decades) > STABLE_DECADES


class Figures(NamedTuple):
    """Those of a Verdict that a file holds of every cell, or that they come from."""

    word: str
    decades: float
    decades_per_100_layers: float
    middle: tuple[float, float]
    spread_decades: float


def figures(curves: Any) -> Figures:
    """The Figures of Curves."""
    depth = curves.blocks.depth
    first, last = (float(_gradient(curves, 0.5)[layer]) for layer in (1, depth))
    decades = _difference(first, last) * DECADES
    middle, spread, growth = _middle(curves, last)
    rate = decades * 100 / (depth - 1) if depth > 1 else math.nan
    return Figures(_word(curves, first, decades, middle, growth), decades, rate, middle, spread)


def judge(curves: Any) -> Verdict:
    """The Verdict on Curves."""
    verdict = Verdict(*figures(curves), exits(curves), "")
    return replace(verdict, sentence=sentence(curves, verdict))


def _gradient(curves: Any, probability: float) -> Floats:
    """Over layers, one number each: a quantile of the gradient that is judged."""
    return curves.blocks.last(curves.gradient, curves.quantile(curves.gradient, probability))


def _difference(a: float, b: float) -> float:
    """a - b, NaN where both are the same infinity."""
    return math.nan if math.isinf(a) and a == b else float(a) - float(b)


def _middle(curves: Any, last: float) -> tuple[tuple[float, float], float, float]:
    """(low, high) quantile at layer 1 in decades over `last`; the spread there; and by how much it has grown since layer L."""
    if not set(BAND) <= set(curves.quantiles.tolist()):
        return (math.nan, math.nan), math.nan, math.nan
    low, high = (_gradient(curves, q) for q in BAND)
    spread, before = (_difference(high[layer], low[layer]) * DECADES for layer in (1, curves.blocks.depth))
    growth = spread if math.isinf(spread) else _difference(spread, before)
    below, above = (_difference(q[1], last) * DECADES for q in (low, high))
    return (below, above), spread, growth


def _word(curves: Any, first: float, decades: float, middle: tuple[float, float], growth: float) -> str:
    if first == -math.inf:
        return "zero"
    if not math.isfinite(first):
        return "non-finite"
    if _symmetric(curves):
        return "symmetric"
    keeps = abs(decades) <= STABLE_DECADES and not _fast(curves, decades)
    if growth > SPLIT_DECADES and (keeps or (middle[0] < -STABLE_DECADES and middle[1] > STABLE_DECADES)):
        return "split"
    if keeps:
        return "stable"
    return "vanishing" if decades < 0 else "exploding"


def _symmetric(curves: Any) -> bool:
    """Whether units never differ at any layer at which float64 holds their variance, and there is one."""
    layers, between = slice(1, curves.blocks.depth + 1), curves.variables.get("activation_unit_variance_mean")
    if between is None or "activation_log_quantile" not in curves.variables:
        return False
    size = curves.quantile("activation", 0.5)[layers]
    seen = (size == -math.inf) | (abs(size) < RESOLVED)
    return curves.blocks.widths[layers].max() > 1 and bool(seen.any()) and bool((between[layers][seen] == 0).all())


def _fast(curves: Any, decades: float) -> bool:
    """Whether a network of few equally wide layers would leave STABLE_DECADES in SHALLOW steps, beyond chance."""
    depth = curves.blocks.depth
    widths = set(curves.blocks.widths[: depth + 1].tolist())
    variance = curves.variables.get(f"{curves.gradient}_log_variance")
    if not 1 < depth <= SHALLOW or len(widths) > 1 or variance is None:
        return False
    variance = curves.blocks.last(curves.gradient, variance)
    error = MEDIAN * math.sqrt(float(variance[1] + variance[depth]) / curves.run["replicas"]) * DECADES
    return abs(decades) > SURE * error and abs(decades) * SHALLOW / (depth - 1) > STABLE_DECADES
