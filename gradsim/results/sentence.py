"""A verdict as a sentence: how the gradient goes, what the middle 90 % of networks do, and which float types they leave."""

import math

import numpy as np

from .exits import lost

MOST_DECADES = 100  # from here on numbers are written without float64
NAMES = {
    "preactivation": "preactivations",
    "activation": "activations",
    "stream": "the stream's entries",
    "gradient": "gradients",
    "stream_gradient": "the stream's gradients",
}


def sentence(curves, verdict):
    """What becomes of the gradient of Curves, by its Verdict."""
    parts, fault = [_HEADS.get(verdict.word, _trend)(curves, verdict)], curves.run.get("activation_fault")
    if verdict.word not in ("zero", "non-finite"):
        parts += _shares(curves)
    if fault:  # the formula's doing, not the network's
        parts.insert(0 if verdict.word == "non-finite" else len(parts), fault)
    return "; ".join([*parts, *_leaving(verdict, _unit(curves))])


def _unit(curves):
    """What a layer is called."""
    return "block" if curves.network.has_stream else "layer"


def _trend(curves, verdict):
    depth, unit = curves.blocks.depth, _unit(curves)
    if depth == 1:
        return f"one {unit}: there is no other to compare its gradient with"
    middle = _range(verdict)
    share = f"{unit} 1 gets {times(verdict.decades)} times the last {unit}'s" + (f" ({middle})" if middle else "")
    gradients = "gradients of the stream" if curves.network.has_stream else "gradients"
    if verdict.word in ("stable", "symmetric") and verdict.keeps_scale:
        return f"{gradients} keep their scale: {share}"
    return f"{gradients} {_pace(verdict.decades, depth, unit)}; {share}"


def _pace(decades, depth, unit):
    verb, a_layer = "shrink" if decades < 0 else "grow", abs(decades) / (depth - 1)
    return f"{verb} by 10x every {1 / a_layer:.2g} {unit}s" if a_layer < 2 / 3 else f"{verb} by {times(a_layer)}x a {unit}"


def _range(verdict):
    low, high = verdict.middle
    if math.isnan(low) or math.isnan(high) or low == high:
        return ""
    top = "inf or NaN" if high == math.inf else f"{times(high)} times"
    return f"{times(low)} to {top} in the middle 90 % of networks"


def _split(curves, verdict):
    middle, unit = _range(verdict), _unit(curves)
    return f"networks part ways: {unit} 1 gets {times(verdict.decades)} times the last {unit}'s in the median, but {middle}"


def _symmetric(curves, verdict):
    return "the units of a layer never differ, so training cannot make them differ; " + _trend(curves, verdict)


def _zero(curves, verdict):
    depth, unit = curves.blocks.depth, _unit(curves)
    reach = np.flatnonzero(curves.blocks.last(curves.gradient, curves.quantile(curves.gradient, 0.5)) == -math.inf)
    reach = reach[reach <= depth].max()
    where = f"at every {unit}" if reach == depth else f"at {unit} {reach} and below"
    share = _share(curves, "zero_count")
    return f"the gradient is exactly zero {where}" + (f" ({percent(share)} of networks)" if 0 < share < 1 else "")


def _not_finite(curves, verdict):
    """Where networks stop being finite."""
    forward, backward = lost(curves)
    last, share, unit = curves.layers[-1], _share(curves, "nonfinite_count"), _unit(curves)
    if forward is not None:
        where = f"{NAMES[forward.quantity]} are inf or NaN from {unit} {forward.layer} up"
        if backward is not None:
            where += (
                ", so every gradient is too" if backward.layer == last else f", gradients from {unit} {backward.layer} down"
            )
    else:
        layer = 1 if backward is None else backward.layer
        where = f"gradients are inf or NaN from {unit} {layer} down"
    return where + (f" ({percent(share)} of networks)" if 0 < share < 1 else "")


_HEADS = {"zero": _zero, "non-finite": _not_finite, "split": _split, "symmetric": _symmetric}


def _share(curves, count):
    """Of networks, by a count of their gradients at layer 1; 0 where it is not known."""
    counts = curves.variables.get(f"{curves.gradient}_{count}")
    return 0.0 if counts is None else max(int(curves.blocks.last(curves.gradient, counts)[1]), 0) / curves.run["replicas"]


def _shares(curves):
    """Of a minority: exactly zero, not finite."""
    zero, broken = _share(curves, "zero_count"), _share(curves, "nonfinite_count")
    if zero > 0:
        yield f"the gradient of {percent(zero)} of networks is exactly zero at {_unit(curves)} 1"
    if broken > 0:
        yield f"that of {percent(broken)} is inf or NaN" if zero > 0 else f"the gradient of {percent(broken)} is inf or NaN"


def _leaving(verdict, unit):
    """A part for every set of float types that are left alike."""
    alike = {}
    for name, kinds in verdict.exits.items():
        text = " and ".join(_exits(kinds, verdict.word == "zero", unit))
        if text:
            alike.setdefault(text, []).append(name)
    for text, names in alike.items():
        yield _listed(names) + " " + (text if len(names) == 1 else text.replace("flows", "flow"))


def _exits(kinds, zero, unit):
    """What becomes of one float type, way by way; where gradients are zero, underflow goes without saying."""
    verb = None
    for way, preposition in (("forward", "up"), ("backward", "down")):
        entries, norm = kinds.get(way), kinds.get(f"{way}_norm")
        what = entries or norm
        if what is None or (zero and what.way == "underflow"):
            continue
        words = f"{what.way}s" if entries else f"{what.way}s in sums of squares"
        where = f"from {_layer(what.layer, unit)} {preposition}"
        if entries and norm and norm != entries:
            where += f" (sums of squares{'' if norm.way == entries.way else f' {norm.way}'} from {norm.layer})"
        yield where if words == verb else f"{words} {where}"
        verb = words


def _layer(layer, unit):
    return "the input" if layer == 0 else f"{unit} {layer}"


def _listed(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def times(decades):
    """10^decades in two figures, however many; "0" and "inf" for infinite ones."""
    if not math.isfinite(decades):
        return "?" if math.isnan(decades) else "0" if decades < 0 else "inf"
    if abs(decades) < MOST_DECADES:
        return f"{float(f'{10**decades:.2g}'):g}"
    whole = math.floor(decades)
    figures, carry = f"{10 ** (decades - whole):.1e}".split("e")
    return f"{float(figures):g}e{whole + int(carry):+d}"


def percent(share):
    """A share as a percentage that is 0 or 100 only where it is exactly that."""
    if 0 < share < 0.01:
        return f"{100 * share:.1g} %" if share >= 0.001 else "under 0.1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"
