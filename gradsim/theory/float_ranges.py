"""Where a network's numbers leave the range of a float type, predicted: the largest of a layer's entries overflows first."""

import contextlib
import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy.special import erf, ndtr

from ..errors import RequestError
from ..model.network import Network
from ..statistics.precision import PRECISIONS, log_square_limits, log_square_zero
from ..typed import Floats, Ints, Number, Whole
from .averages import FEW_NODES, FEW_WEIGHTS, NARROW
from .exact_laws import finite_width
from .infinite_width import mean_field
from .prediction import over_layers
from .roots import root
from .units import log, log_sum

LARGEST = 60.0  # standard deviations: more than the largest of 2^32 entries ever is
TRUSTED = 1.0  # depth/width up to which exits by mean field are told without a doubt
ALIKE = 1e-13  # of the larger part of an entry: a smaller one is nothing beside it


class Exit(NamedTuple):
    """First layers, on the way that the numbers go, of what happens; None where it does not.

    overflow: the largest entry exceeds the type's largest number. subnormal: the root mean square is below the
    smallest normal number. zero: even the largest entry is rounded to 0, being at most half of the smallest number.

    All are of a layer computed in real numbers (as with carried exponents) and stored in the type, by rounding to nearest. A
    network that is rounded in every layer may never become zero: rounding holds numbers about the smallest subnormal where
    signals lose less than a tenth a layer; where they lose a fifth and more, it dies within a tenth of the layers. That
    goes for all types alike. What overflows is inf; in float8_e4m3fn, which has no inf, it is NaN. Rounding to nearest still
    takes numbers up to half a step above the largest (464 for 448, 61,440 for 57,344) down to it.
    """

    overflow: int | None
    subnormal: int | None
    zero: int | None


@dataclass(frozen=True)
class Precision:
    """Predicted Exits: `forward` of preactivations from layer 1 on, `backward` of gradients from the last layer down.

    Both map the names of float types to an Exit, whose layers are blocks in networks that have several linear maps in one.
    Where there is a stream, it goes along: whichever of it (from x_0, block 0, on) and of the linear maps leaves first, and a
    branch that is exactly zero leaves nothing.
    `source` says what the typical size of a layer was taken from: an exact law where there is one, mean-field theory
    otherwise. Where that is used and `depth_over_width`, the sum of 1/width over the layers, is above TRUSTED, it is not
    `trusted`: networks of that width lie elsewhere. `log_largest_preactivation` and `log_largest_gradient` are logs of
    squares, over layers: the median of the largest entry given that size; -inf where half of the networks are zero. `known`
    says, forward and backward, whether theory knows every size: where it does not, an Exit that is None is no promise.
    """

    network: Network
    source: str
    forward: dict[str, Exit]
    backward: dict[str, Exit]
    log_largest_preactivation: Floats = field(repr=False)
    log_largest_gradient: Floats = field(repr=False)
    depth_over_width: float
    known: tuple[bool, bool] = (True, True)

    @property
    def trusted(self) -> bool:
        """Whether networks of this width are near what was predicted: by an exact law, or by mean field where it is close."""
        return self.source == "exact" or self.depth_over_width <= TRUSTED

    @property
    def source_words(self) -> str:
        """`source` in words: the exact law, or mean field."""
        return {"exact": "the exact law"}.get(self.source, self.source)


def precision(
    network: Network, *, inputs: Whole = 1, input_square: Number = 1.0, loss: str = "probe", **options: Any
) -> Precision:
    """The Precision of a Network; arguments as in `mean_field`. Raises RequestError as that does."""
    wide = mean_field(network, inputs=inputs, input_square=input_square, loss=loss, **{"input_correlation": None} | options)
    return precision_of(wide, inputs, input_square, loss)


def precision_of(wide, inputs=1, input_square=1.0, loss="probe"):
    """The Precision of a network by its MeanField for the other arguments."""
    network, typical, source = wide.network, wide, "mean field"
    if inputs == 1 and input_square == 1.0 and loss == "probe":
        with contextlib.suppress(RequestError):
            typical, source = finite_width(network), "exact"
    size, gradient = (_typical(typical, quantity, wide) for quantity in ("preactivation", "gradient"))
    first = len(size) - len(wide.linear)
    largest = size + over_layers(_spread_of_preactivations(wide.linear, inputs), len(size), first)
    largest_gradient = gradient + over_layers(_spread_of_gradients(wide.linear, inputs), len(size), first)
    blocks = np.arange(len(size)) if first else np.array([layer.block for layer in wide.linear])
    forward, backward = [Way(size, largest, blocks)], [Way(gradient, largest_gradient, blocks)]
    if wide.streams:
        forward, backward = [_without_zeros(*forward)], [_without_zeros(*backward)]
        forward.append(_stream(wide, "stream", _spread_of_preactivations(wide.streams, inputs)))
        backward.append(_stream(wide, "stream_gradient", _spread_of_gradients(wide.streams, inputs)))
    return Precision(
        network,
        source,
        _first_of(forward, down=False),
        _first_of(backward, down=True),
        largest,
        largest_gradient,
        sum(1 / layer.width for layer in wide.linear),
        tuple(
            not np.isnan(np.concatenate([sizes[first:], *(way.log_square for way in ways[1:])])).any()
            for sizes, ways in ((size, forward), (gradient, backward))
        ),
    )


class Way(NamedTuple):
    """Logs of mean squares, of squared largest entries and the blocks of all places of a quantity, in the program's order."""

    log_square: Floats
    log_largest: Floats
    blocks: Ints


def _stream(wide, quantity, spread):
    """The Way of a stream or of its gradient."""
    size = wide[f"{quantity}_log_mean"] if f"{quantity}_log_mean" in wide else np.full(len(wide.streams), np.nan)
    return Way(size, size + spread, np.array([stream.block for stream in wide.streams]))


def _without_zeros(way):
    """Of linear maps beside a stream: a branch that is exactly zero leaves no type, and the stream goes on without it."""
    zero = way.log_square == -np.inf
    return way._replace(log_square=np.where(zero, np.nan, way.log_square), log_largest=np.where(zero, np.nan, way.log_largest))


def _first_of(ways, down):
    """{float type: Exit} in blocks, of several Ways that the numbers go `down` or up: that which leaves first."""
    found, first = [], max if down else min
    for way in ways:
        count = len(way.blocks)
        places = exits(way.log_square, way.log_largest, range(count - 1, -1, -1) if down else range(count))
        found.append({n: [None if k is None else int(way.blocks[k]) for k in exit] for n, exit in places.items()})
    return {
        name: Exit(*(first(_known(k), default=None) for k in zip(*(f[name] for f in found), strict=True))) for name in found[0]
    }


def _known(values):
    return [value for value in values if value is not None]


def _typical(prediction, quantity, wide):
    """The mean log over layers; -inf where at least half of the networks are zero, NaN where nothing is known."""
    if f"{quantity}_log_mean" not in prediction:
        return np.full(len(wide["preactivation_log_mean"]), np.nan)
    size = prediction[f"{quantity}_log_mean"]
    if f"{quantity}_zero_probability" not in prediction:
        return size
    return np.where(prediction[f"{quantity}_zero_probability"] >= 0.5, -np.inf, size)


def exits(log_square, log_largest, way):
    """{float type: Exit} of logs of mean squares and of squared largest entries over layers, `way` their order."""
    normal, most = log_square_limits()
    conditions = (log_largest[:, None] > most, log_square[:, None] < normal, log_largest[:, None] < log_square_zero())
    found = [[next((k for k in way if c[k, p]), None) for c in conditions] for p in range(len(PRECISIONS))]
    return {name: Exit(*layers) for name, layers in zip(PRECISIONS, found, strict=True)}


def measured_exits(curves):
    """(forward, backward) as in `Precision`, of the median network."""
    stream = "stream" in curves.blocks.rows
    forward, backward = (
        [_measured(curves, quantity) for quantity in (of_maps, of_stream)[: 1 + stream]]
        for of_maps, of_stream in (("preactivation", "stream"), ("gradient", "stream_gradient"))
    )
    if stream:
        forward[0], backward[0] = _without_zeros(forward[0]), _without_zeros(backward[0])
    return _first_of(forward, down=False), _first_of(backward, down=True)


def _measured(curves, quantity):
    """The Way of the medians."""
    rows = curves.blocks.rows[quantity]
    at = curves.blocks.where(quantity, rows.layers, rows.names)
    return Way(*(curves.quantile(name, 0.5)[at] for name in (quantity, f"{quantity}_max")), rows.layers)


def _spread_of_preactivations(linear, inputs):
    """log of the squared median largest entry over the mean square, of linear maps or of streams."""
    result = []
    for layer in linear:
        log_q = log_sum(layer.log_normal, _log_square_of(layer.fixed))
        spread, bias = 1.0, (0.0, 0.0)
        if any(layer.fixed) and log_q > -math.inf:
            bias = tuple(b * math.exp(-log_q / 2) for b in layer.fixed)
            spread = math.exp((layer.log_normal - log_q) / 2)
        result.append(math.nan if math.isnan(log_q) else _largest(layer.width * inputs, spread, *bias))
    return result


def _log_square_of(fixed):
    """Of what is uniform between two numbers, log of the mean square."""
    low, high = fixed
    return log((low * low + low * high + high * high) / 3)


@lru_cache(4096)
def _largest(count, spread, low, high):
    """log of the squared median of the largest of `count` numbers |b + spread z|, b uniform on [low, high]."""
    middle, half, end = 0.5 * (low + high), 0.5 * (high - low), max(abs(low), abs(high))
    if max(spread, half) < ALIKE * end:
        return 2 * math.log(end)

    def below(t):
        inside = _probability_below(t - middle, half, spread) - _probability_below(-t - middle, half, spread)
        return inside - 0.5 ** (1 / count)

    return 2 * math.log(root(below, 0.0, spread * LARGEST + end, xtol=1e-13))


def _probability_below(t, half, spread):
    """P(u + spread z <= t), u uniform on +-half."""
    if half < ALIKE * spread:
        return ndtr(t / spread)
    if spread < ALIKE * half:
        return min(max(0.5 + 0.5 * t / half, 0.0), 1.0)
    if half < NARROW * spread:  # the difference below would cancel
        return 0.5 * FEW_WEIGHTS @ ndtr((t - half * FEW_NODES) / spread)
    return spread / (2 * half) * (_integral((t + half) / spread) - _integral((t - half) / spread))


def _integral(z):
    """Of the normal distribution function up to z."""
    return z * ndtr(z) + math.exp(-0.5 * min(z * z, 1400.0)) / math.sqrt(2 * math.pi)


def _spread_of_gradients(linear, inputs):
    """The same of gradients phi'(h) g, g normal and independent of h, or of g where no activation reads the linear map."""
    result, known = [], {}
    for layer in linear:
        kind, log_v, width = layer.reader, layer.log_normal, layer.width
        if kind is None:
            result.append(_largest(width * inputs, 1.0, 0.0, 0.0))
            continue
        near = log_v if log_v == -math.inf else round(log_v, 3)  # moves the result by 1e-3 at most
        place = kind, width, kind.straight(log_v) or near
        if place not in known:
            known[place] = _largest_product(*kind.slopes(near), width * inputs)
        result.append(known[place])
    return result


def _largest_product(slopes, probability, count):
    """log of the squared median of the largest of `count` products |phi'(h) z| over their mean square."""
    square = float(probability @ slopes**2)
    if square == 0:
        return 0.0
    slopes = slopes / math.sqrt(square)
    steep, weight = slopes[slopes > 0], probability[slopes > 0]
    flat = 1 - weight.sum()

    @np.errstate(over="ignore")
    def below(log_t):
        return flat + weight @ erf(math.exp(log_t) / (math.sqrt(2) * steep)) - 0.5 ** (1 / count)

    low, high = -60.0, math.log(LARGEST * steep.max())
    return 2 * root(below, low, high, xtol=1e-10) if below(low) < 0 else -math.inf  # as likely as not, every one is 0
