"""What may be drawn instead: named schemes, gains that theory knows, biases at which the edge of chaos holds, other blocks."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..model.initializers import bias_law, weight_law
from ..model.network import Network, mlp
from ..model.spelling import spelled
from ..theory.fixed_points import critical_point, half_stable_points
from ..theory.lengths import length_map
from .recommendation import KEPT, SMALL, idle_gain, other_blocks, respelled
from .summary import scales

NAMED = ("he_normal", "xavier_normal", "lecun_normal", "orthogonal")
USUAL = "lecun_normal"  # whose gain is sigma_w
FREE = ("normal", "orthogonal")  # laws of which networks are drawn without their matrices: many can be tried
BIASES = (0.3, 1.0, 2.0, 4.0)  # standard deviations, of which the first that hold are tried
APART = 2.0  # times the bias from which the edge of chaos is stable: closer to it networks still part
MOST_BIASES = 2
DIGITS = 6  # of gains from theory
ONE_MAP = {"block_depth": 1} | SMALL  # in a block, so that there are as many maps as there were layers
OTHER_BLOCKS = {"residual blocks": {"block": "residual"}, "pre_norm blocks": {"block": "pre_norm", "norm": "layer"}}


@dataclass(frozen=True)
class Candidate:
    """A Network by the name it goes by in tables. Where it is `searched`, its gain is only where to look for the balanced one;
    `alters` says that its blocks are others than those that were asked for."""

    name: str
    network: Network
    searched: bool = False
    alters: bool = False


def candidates(network: Network) -> list[Candidate]:
    """What to compare: first the network as it is, then the others, most promising first; no two of one law."""
    found = [Candidate("in use", network), *(_of_layers(network) if network.plain else _of_blocks(network))]
    named = [Candidate(name, respelled(network, init=name, weight_gain=1.0, bias=None)) for name in NAMED]
    return _distinct(found + [candidate for candidate in named if candidate.network is not None])


def blocks_instead(network: Network) -> list[Candidate]:
    """The same of other blocks: for networks that no initialization helps."""
    if not network.plain:
        kinds = other_blocks(network)
        return [Candidate(words, made, alters=True) for made_of in kinds.values() for words, made in made_of]
    kept = {name: value for name, value in spelled(network).items() if name in KEPT and value is not None}
    kept |= ONE_MAP | {"weight_gain": 1.0, "init": "he_normal", "bias": "zeros"}
    return [Candidate(name, mlp(**kept | block), alters=True) for name, block in OTHER_BLOCKS.items()]


def steady_biases(activation: str) -> tuple[float, ...]:
    """Standard deviations of biases at which the edge of chaos of an activation is stable, the least first; none where theory
    knows none. Without biases 0 is one of them."""
    edge = critical_point(activation).stable
    if length_map(activation).homogeneous:
        return (0.0,) if edge else ()
    least = APART * max((point.bias_std for point in half_stable_points(activation)), default=0.0)
    held = [b for b in BIASES if b >= least and critical_point(activation, bias_std=b).stable]
    return ((0.0,) if edge else ()) + tuple(held[: MOST_BIASES - edge])


def _of_layers(network: Network) -> Iterator[Candidate]:
    """Of a chain of equal layers: balanced gains at biases that hold, and gains of theory at those in use."""
    own, base, activation = bias_size(network), _base(network), network.activation
    for b in _biases(activation, own) if network.depth > 1 else ():
        for init in dict.fromkeys((base.init, "orthogonal")):
            law = {"bias": base.bias} if b == own else {"bias": None, "bias_std": b}
            made = respelled(base, init=init, weight_gain=base.weight_gain if init == base.init else 1.0, **law)
            yield Candidate(", ".join(_said(init, b, base, own)), _with_sigma(made, _start(activation, b)), searched=True)
    for name, sigma in (
        ("critical gain", critical_point(activation, bias_std=own).weight_std),
        ("variance kept", _keeping(activation, own)),
    ):
        if math.isfinite(sigma) and sigma > 0:
            yield Candidate(name, _with_sigma(base, sigma))


def bias_size(network: Network) -> float:
    """The root mean square of the biases of the last linear map."""
    fan_in, linear = network.linear_maps[-1]
    law = bias_law(linear.bias, fan_in)
    return math.hypot(law.mean, math.sqrt(law.variance))


def _biases(activation, own):
    """Those that hold, first the one in use if it does; the one in use where none is known."""
    mine = [own] if own and critical_point(activation, bias_std=own).stable else []
    return list(dict.fromkeys([*mine, *steady_biases(activation)])) or [own]


def _said(init, bias_std, base, own):
    yield from [init] if init != base.init else []
    yield from [f"biases {bias_std:g}" if bias_std else "no biases"] if bias_std != own else []
    yield "balanced gain"


def _of_blocks(network: Network) -> Iterator[Candidate]:
    if not idle_gain(network) and network.depth > 1 and network.usual_gain:
        yield Candidate("balanced gain", network, searched=True)


def _base(network: Network) -> Network:
    """The network with its own scheme, where networks of it can be drawn by the thousand and have a gain; else with USUAL."""
    fan_in, linear = network.linear_maps[-1]
    law = weight_law(linear.init, fan_in, linear.width)
    kept = law.kind in FREE and not law.mean and linear.gain > 0
    return network if kept else respelled(network, init=USUAL, weight_gain=1.0, bias=network.bias)


def _start(activation, bias_std):
    """sigma_w at the edge of chaos; where there is none, that which keeps the variance without biases."""
    edge = critical_point(activation, bias_std=bias_std).weight_std
    return edge if math.isfinite(edge) else _keeping(activation, 0.0)


def _keeping(activation, bias_std):
    """sigma_w with which preactivations of variance 1 lead to such; NaN where biases alone have more."""
    left = 1 - bias_std**2
    return math.sqrt(left / float(length_map(activation).at(1.0)[0])) if left > 0 else math.nan


def _with_sigma(network, sigma):
    own = scales(network)[0]
    return network.with_gain(float(f"{network.usual_gain * sigma / own:.{DIGITS}g}"))


def _distinct(found):
    """One of all that have the same laws, under all their names; the first of them."""
    kept = {}
    for candidate in found:
        key = (_laws(candidate.network), candidate.searched)
        kept[key] = replace(kept[key], name=f"{kept[key].name} = {candidate.name}") if key in kept else candidate
    return list(kept.values())


def _laws(network):
    """What tells networks apart: the laws of their weights to DIGITS, and of their biases."""
    laws = [
        (law.kind, f"{law.mean:.{DIGITS - 1}g}", f"{law.scale:.{DIGITS - 1}g}", linear.bias)
        for fan_in, linear in network.distinct_maps
        for law in [weight_law(linear.init, fan_in, linear.width, linear.gain)]
    ]
    return tuple(laws), network.shape, network.activations
