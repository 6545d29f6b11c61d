"""The options of `mlp` that say a network of parts: for those who describe networks in words."""

from functools import lru_cache

from ..errors import RequestError
from . import chain
from .activations import ACTIVATIONS, canonical_activation, find_activation
from .families import FAMILIES, NORMS, SCALES, block_of, own_gain
from .initializers import find_initializer
from .network import Network, mlp
from .parts import Activation, Dropout, LayerNorm, Linear, Residual

ORDER = ("rezero", *(name for name in FAMILIES if name != "rezero"))  # the recipe is the name of residual blocks of scale 0
TRIES = 4  # blocks that may be the usual one, the rest being first and last layers and changes of width
NAMED = ("activation", "last_activation")
DIGITS = 12  # of a gain that a recipe has multiplied


@lru_cache(1024)
def spelled(network: Network):
    """Options of `mlp` that give the network; None where there are none.

    The network may be of a file: its users' functions need not be known, and are neither looked up nor imported.
    """
    try:
        known, names = _known(network)
    except RequestError:
        return None
    repeats = sorted(dict.fromkeys(known.blocks), key=lambda repeat: -repeat.times)
    for repeat in repeats[:TRIES]:
        options = _of_block(repeat.parts, known.depth)
        for whole in () if options is None else _with_ends(known, options):
            if _made(whole) == known:
                return whole | {name: names[whole[name]] for name in NAMED if whole.get(name) is not None}
    return None


def told_gain(network):
    """The `weight_gain` of `mlp` that gives the network, where there is one: recipes multiply it by a factor of their own. The
    usual gain of its linear maps where there is none."""
    options = None if network.plain else spelled(network)
    return network.usual_gain if options is None else options["weight_gain"]


def _known(network):
    """(the network in canonical texts, with activations of the table in place of users' functions, {those: these}).

    Raises RequestError for texts that mean nothing here.
    """
    places, names = {}, {}
    free = (entry.name for entry in ACTIVATIONS if entry.name not in {part.name for part in network.activations})
    for part in network.activations:
        try:
            text = None if part.digest or find_activation(part.name)[0].addresses[0] else canonical_activation(part.name)
        except RequestError:
            text = None
        places[part] = Activation(next(free) if text is None else text)
        names[places[part].name] = part.name

    def change(part):
        if isinstance(part, Activation):
            return places[part]
        return Linear(part.width, part.init, part.gain, part.bias) if isinstance(part, Linear) else part

    return network.mapped(change), names


def _made(options):
    try:
        return mlp(**options)
    except RequestError:
        return None


def _all(kind, parts):
    return [part for part in chain.inner(parts) if isinstance(part, kind)]


def _of_block(parts, depth):
    """The options whose family has such blocks; None where none has."""
    linear, activation = (_all(kind, parts) for kind in (Linear, Activation))
    if not (linear and activation):
        return None
    norms, dropout, residual = (_all(kind, parts) for kind in (LayerNorm, Dropout, Residual))
    width, bias = linear[0].width, linear[0].bias
    usual = {"activation": activation[0].name, "init": linear[0].init, "dropout": dropout[0].p if dropout else 0.0}
    usual["bias"] = None if bias == find_initializer(linear[0].init)[0].bias else bias
    norm = next((name for name, kind in NORMS.items() if norms and type(norms[0]) is kind), "none")
    for name in ORDER:
        family, options = FAMILIES[name], {"block": name, **usual}
        if norm not in family.norms or bool(residual) != bool(family.least):
            continue
        options["norm"] = None if family.norms == ("none",) else norm
        if family.least:
            options["block_depth"] = len(linear) - (residual[0].skip is not None)
        if family.scaled:
            options["residual_scale"] = _scale(residual[0].scale, depth)
        options["weight_gain"] = own_gain(name, linear[0].gain, depth, options.get("block_depth"), DIGITS)
        if options["weight_gain"] is not None and block_of(options | {"depth": depth}, width) == parts:
            return options
    return None


def _scale(scale, depth):
    """The text of a scale that depends on the depth, which says more than the number; the number else."""
    names = [name for name, of in SCALES.items() if name != "zero" and depth > 1 and of(depth) == scale]
    return names[0] if names else scale


def _with_ends(network, options):
    """Yield the options of the whole network, with more and more that is particular about its first and last layers."""
    whole = options | {"width": list(network.widths), "input_width": network.input_width, "outputs": network.outputs}
    norm = next((part for part in network.readout if isinstance(part, LayerNorm)), None)
    if norm is None:
        yield from _with_maps(network, whole)
    else:
        named = next(name for name, kind in NORMS.items() if type(norm) is kind)
        for found in ({}, {"norm": named}):
            yield from _with_maps(network, whole | {"final_norm": True} | found)


def _with_maps(network, whole):
    yield whole
    made = _made(whole)
    if made is None:
        return
    (_, first), (_, last) = network.linear_maps[0], network.linear_maps[-1]
    (_, usual_first), (_, usual_last) = made.linear_maps[0], made.linear_maps[-1]
    ends = {
        "first_init": first.init if first.init != usual_first.init else None,
        "last_init": last.init if last.init != usual_last.init else None,
        "last_gain": last.gain if last.gain != usual_last.gain else None,
        "last_activation": _last_activation(network, made),
    }
    yield whole | ends
    yield whole | ends | {"bias": whole["bias"] or find_initializer(whole["init"])[0].bias}


def _last_activation(network, usual):
    found, expected = ([part.name for part in _all(Activation, n.readout or n.blocks[-1].parts)][-1:] for n in (network, usual))
    return found[0] if found and found != expected else None
