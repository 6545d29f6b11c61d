"""What becomes of the gradient: one word, and the figures behind it, on the median network."""

import math
from dataclasses import dataclass

import numpy as np

from .precision import PRECISIONS

STABLE_DECADES = 1.0  # within one decade over the whole depth
REPORTED_PRECISIONS = ("float16", "bfloat16", "float32")
DECADES = 1 / (2 * math.log(10))  # from the natural log of a square to decades of the root
WORDS = ("stable", "vanishing", "exploding", "zero", "symmetric", "non-finite")


@dataclass(frozen=True)
class Verdict:
    """`word` is one of WORDS; decades are powers of ten of the root-mean-square gradient.

    `decades` compares layer 1 with layer L (negative: it shrinks on its way back); `decades_per_100_layers` is its
    rate; `spread_decades` is the 95 % quantile over the 5 % quantile, over networks, at layer 1. `leaves` maps a
    precision to (layers back from layer L, "overflow" or "underflow") where the gradient of at least half of the
    networks first leaves it, or None if it stays. `sentence` says all this to a student.
    """

    word: str
    decades: float
    decades_per_100_layers: float
    spread_decades: float
    leaves: dict
    sentence: str


def judge(curves):
    """The Verdict on Curves."""
    depth = curves.network.depth
    first, last = (curves.quantile("gradient", 0.5)[layer] for layer in (1, depth))
    decades = _difference(first, last) * DECADES
    spread = math.nan
    if {0.05, 0.95} <= set(curves.quantiles.tolist()):
        low, high = (curves.quantile("gradient", q)[1] for q in (0.05, 0.95))
        spread = _difference(high, low) * DECADES
    rate = decades * 100 / (depth - 1) if depth > 1 else math.nan
    leaves = {name: _leaves(curves, PRECISIONS.index(name)) for name in REPORTED_PRECISIONS}
    word = _word(curves, first, decades)
    return Verdict(word, decades, rate, spread, leaves, _sentence(curves, word, decades, leaves))


def _difference(a, b):
    """a - b, NaN where both are infinite."""
    return math.nan if np.isinf(a) and np.isinf(b) else float(a - b)


def _word(curves, first, decades):
    network = curves.network
    if first == -math.inf:
        return "zero"
    if not math.isfinite(first):
        return "non-finite"
    between = curves["activation_unit_variance_mean"][1 : network.depth + 1]
    if max(network.widths) > 1 and np.all(between == 0):
        return "symmetric"
    if abs(decades) <= STABLE_DECADES:
        return "stable"
    return "vanishing" if decades < 0 else "exploding"


def _leaves(curves, precision):
    depth = curves.network.depth
    for layer in range(depth, 0, -1):
        for way in ("overflow", "underflow"):
            if curves[f"gradient_{way}_fraction"][layer, precision] >= 0.5:
                return depth - layer, way
    return None


def _sentence(curves, word, decades, leaves):
    depth = curves.network.depth
    if word == "non-finite":
        return "the gradient at layer 1 is not a finite number"
    if word == "zero":
        zero = np.flatnonzero(curves.quantile("gradient", 0.5) == -math.inf)
        reach = zero[zero <= depth].max()
        return "the gradient is exactly zero " + ("at every layer" if reach == depth else f"at layer {reach} and below")
    parts = [_trend(decades, depth)]
    if word == "symmetric":
        parts.insert(0, "the units of a layer never differ, so training cannot make them differ")
    for name, leave in leaves.items():
        if leave is not None:
            parts.append(f"{name} {leave[1]}s from layer {depth - leave[0]} down")
    return "; ".join(parts)


def _trend(decades, depth):
    ratio = f"{10**decades:.2g}" if abs(decades) < 1.5 else f"1e{decades:+.0f}"
    share = f"layer 1 gets {ratio} times the last layer's"
    if not abs(decades) > STABLE_DECADES:
        return f"gradients keep their scale: {share}"
    verb, layers = "shrink" if decades < 0 else "grow", (depth - 1) / abs(decades)
    pace = f"by 10x every {layers:.2g} layers" if layers >= 1.5 else f"by {10 ** (1 / layers):.2g}x a layer"
    return f"gradients {verb} {pace}; {share}"
