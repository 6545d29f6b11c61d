"""From what was seen of a model to its layers, and to records as gradsim's statistics take them."""

import math
from collections import Counter

import numpy as np

from ..errors import RequestError
from ..model.observed import CORRELATIONS, MAY_LACK, UNKNOWN, Call, Observed
from .watching import gradients


def described(name, watch, input_width, outputs):
    """The Observed model that a Watch has seen. Raises RequestError where nothing with weights was called."""
    if not any(seen.kind == "linear" for seen in watch.seen):
        raise RequestError("make_model: no module with weights of its own was called, so there are no layers to look at")
    laid, modules = _blocks(watch) if watch.blocks else _chain(watch.seen)
    depth = watch.blocks or _depth(watch.seen, laid)
    calls = tuple(
        Call(seen.kind, layer, name, seen.module, seen.path, seen.width, seen.weights, _lacking(seen))
        for seen, (layer, name) in zip(watch.seen, laid, strict=True)
    )
    nowhere = {q for kind in MAY_LACK for q in MAY_LACK[kind] if all(q in call.lacking for call in calls if call.kind == kind)}
    if not all(stream.along for stream in watch.streams):
        nowhere |= {"stream_correlation", "stream_gradient_correlation"}
    streams = tuple(stream.width for stream in watch.streams)
    return Observed(name, input_width, outputs, depth, streams, modules, tuple(sorted({*UNKNOWN, *nowhere})), calls)


def _blocks(watch):
    """([(layer, place)] of what was seen, the path of each layer), where blocks are layers."""
    last = watch.blocks
    if len(watch.streams) != last + 1:
        raise RequestError("make_model: one of the model's blocks takes or gives no tensor of floats")
    unique, laid = _Unique(), []
    for seen in watch.seen:
        layer = seen.block if seen.inside or seen.block < last else last + 1
        laid.append((layer, unique(seen.kind, layer, seen.name)))
    modules = ["", *(stream.path for stream in watch.streams[1:])] + [""] * any(layer > last for layer, _ in laid)
    for end in (0, last + 1):
        paths = [seen.path for seen, (layer, _) in zip(watch.seen, laid, strict=True) if layer == end]
        if paths:
            modules[end] = paths[0]
    return laid, tuple(modules)


def _chain(several):
    """The same where each linear map begins a layer."""
    counts, laid, modules = Counter(), [], [""]
    for seen in several:
        if seen.kind == "linear":
            modules.append(seen.path)
        elif not modules[0] and len(modules) == 1:
            modules[0] = seen.path
        layer = len(modules) - 1
        counts[seen.kind, layer] += 1
        laid.append((layer, f"{seen.kind}{counts[seen.kind, layer]}"))
    return laid, tuple(modules)


def _depth(several, laid):
    """Layers that are no readout: a last linear map with nothing behind it is one, if there is a layer before it."""
    last = laid[-1][0]
    return last - 1 if several[-1].kind == "linear" and last > 1 else last


class _Unique:
    """Names that were there before in a layer, with #2, #3, ... behind them."""

    def __init__(self):
        self._counts = Counter()

    def __call__(self, *key):
        self._counts[key] += 1
        return key[-1] if self._counts[key] == 1 else f"{key[-1]}#{self._counts[key]}"


def _lacking(seen):
    bias = () if seen.parameters[1] else {"linear": ("bias_gradient",), "norm": ("norm_shift_gradient",)}.get(seen.kind, ())
    return (*bias, *(CORRELATIONS if seen.kind == "linear" and not seen.along else ()))


class Record:
    """The flat record of one model: `put(quantity, numbers)` has a quantity's numbers lie as `blocks` says."""

    def __init__(self, blocks):
        self._placed, self.row = blocks.columns.placed, np.full(blocks.columns.size, np.nan)

    def put(self, quantity, numbers):
        if quantity in self._placed:
            self.row[self._placed[quantity].columns] = numbers

    def put_logs(self, quantity, squares):
        self.put(quantity, _logs(squares))


def _logs(squares):
    with np.errstate(divide="ignore"):
        return np.log(squares)


def record(blocks, watch, ends):
    """The record, float64 (columns,), of what a Watch has seen; `ends` are the `Ends` of the model."""
    found = Record(blocks)
    maps, functions, norms = ([seen for seen in watch.seen if seen.kind == kind] for kind in MAY_LACK)
    found.put_logs("activation", [ends.input.square, *(seen.forward.square for seen in functions)])
    found.put("activation_mean", [seen.spread.mean for seen in functions])
    found.put("activation_unit_variance", [seen.spread.variance for seen in functions])
    found.put_logs("loss", ends.loss * ends.loss)
    found.put_logs("loss_gradient", ends.loss_gradient)
    found.put_logs("input_gradient", ends.input_gradient)
    for name, way in (("preactivation", "forward"), ("gradient", "gradient")):
        _put(found, name, [getattr(seen, way) for seen in maps], [ends.input] if way == "forward" else [])
    for name, way in (("stream", "forward"), ("stream_gradient", "gradient")):
        _put(found, name, [getattr(stream, way) for stream in watch.streams])
    gaps = np.array([seen.forward.gap for seen in maps])
    found.put("correlation", 1 - gaps)
    found.put_logs("log_one_minus_correlation", gaps)
    _put_parameters(found, ("weight_gradient", "bias_gradient"), maps)
    _put_parameters(found, ("norm_gain_gradient", "norm_shift_gradient"), norms)
    return found.row


def _put(found, name, several, before=()):
    """Sizes, and correlations of gradients and streams, of some Measures; those of the largest begin with others `before`."""
    found.put_logs(name, [one.square for one in several])
    found.put_logs(f"{name}_max", [one.largest for one in (*before, *several)])
    if name != "preactivation":
        found.put(f"{name}_correlation", [1 - one.gap for one in several])


def _put_parameters(found, names, several):
    """The gradients of weights and biases; of a module that was called several times that of all its calls together."""
    known = {}
    for seen in several:
        if seen.owner not in known:
            weights, biases = seen.parameters
            known[seen.owner] = gradients(weights), gradients(biases) if biases else math.nan
    for k, name in enumerate(names):
        found.put_logs(name, [known[seen.owner][k] for seen in several])
