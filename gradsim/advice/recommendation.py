"""Which weight gain to use, checked by simulation at the network's own width.

Infinite width does not know how far networks of one width lie apart: where its balanced gain sits on a fixed point that repels,
as that of gelu without biases does, half of the networks go one way and half the other, and no curve shows it. So the gain is
looked for with simulated networks (the same random numbers at every gain, so that the median moves smoothly), and what is
found is judged by others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

from ..errors import RequestError, finite_number, shown
from ..model.families import FAMILIES
from ..model.network import Network, mlp
from ..model.options import LARGEST_WIDTH
from ..model.parts import Dropout, LayerNorm, Linear, Residual
from ..model.request import checked
from ..model.spelling import spelled, told_gain
from ..telling import checked_progress, counted, told
from ..typed import Number, Progress, Whole
from .checks import Checked
from .desk import Desk, at_once
from .search import searched

SECONDS = 10.0  # of one core, about: what may be spent unless told otherwise
REMEDIES = 2.0  # of it, what may be spent on what helps where no gain is safe
BIASES = (0.5, 1.0)  # standard deviations that are tried where no gain is safe
WIDER = (4, 16)
SMALL, PRE_NORM = {"residual_scale": "1/sqrt(depth)"}, {"block": "pre_norm", "norm": "layer"}
KEPT = ("width", "activation", "init", "weight_gain", "bias", "input_width", "outputs", "block_depth", "dropout")
ENOUGH = 0.6  # of the spread before: what is left where more of the same is tried


@dataclass(frozen=True)
class Remedy:
    """What was tried where no gain is safe: in words, and the Checked network with it; None where it was too large to try."""

    kind: str  # "bias", "width" or "scheme"
    words: str
    checked: Checked | None

    @property
    def helps(self) -> bool:
        """Whether the network with it is safe."""
        return self.checked is not None and self.checked.safe


@dataclass(frozen=True)
class Recommendation:
    """`found` is the Checked network to use: as it is asked for if it is safe, else with another gain; None if no gain is safe.

    `rows` maps names ("as asked", "balanced", and what else was to be checked) to Checked networks that differ in their gain;
    "balanced" is missing where no gain has a median that keeps its scale. `remedies` were tried where no gain is safe.
    `reason` says why nothing was checked, or why no other gain was looked for; "" otherwise.
    """

    network: Network
    found: Checked | None
    rows: dict[str, Checked]
    remedies: tuple[Remedy, ...]
    reason: str = ""

    @property
    def weight_gain(self) -> float | None:
        """Of the network to use, as `mlp` takes it; None where no gain is safe or nothing was checked."""
        return None if self.found is None else told_gain(self.found.network)

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON: what is checked and what was found, without curves."""
        return {
            "weight_gain": self.weight_gain,
            "reason": self.reason,
            "checked": {name: row.to_json() for name, row in self.rows.items()},
            "remedies": [
                {"kind": r.kind, "words": r.words, "helps": r.helps, "checked": r.checked and r.checked.to_json()}
                for r in self.remedies
            ],
        }


def recommend(
    network: Network,
    *,
    inputs: Whole = 1,
    input_correlation: Number = 0.0,
    probe: str = "independent",
    gains: Mapping[str, Number] | Iterable[tuple[str, Number]] = (),
    seed: Whole = 0,
    seconds: Number = SECONDS,
    progress: Progress = None,
) -> Recommendation:
    """The Recommendation for a Network: a weight gain with which gradients keep their scale, checked by simulation.

    `inputs`, `input_correlation` and `probe` as in `gradsim.simulate`. `gains` maps names to other gains to check. `seed` is of
    the networks that are drawn; they are not those that `simulate` draws with it. `seconds` bounds the work, counted from the
    size of the networks and not by the clock, so that the answer is the same everywhere. `progress` as in `gradsim.simulate`; a
    function progress(n) is called after every n more networks. Raises RequestError.
    """
    progress = checked_progress(progress, "the number of networks that are done")
    options = {"inputs": inputs, "input_correlation": input_correlation, "probe": probe}
    run = checked(seed=seed, **options)
    seed, options = run["seed"], {name: run[name] for name in options}
    if not isinstance(network, Network):
        raise RequestError(f"network: {shown(network)} is not a Network; make one with gradsim.mlp(...)")
    seconds = finite_number("seconds", seconds, 0.0)
    with told(progress, None, "networks") as update:
        each = progress if callable(progress) else counted(update)
        return _recommended(Desk(options, seed, seconds, each), network, gains)


def _recommended(desk, network, gains):
    reason = idle_gain(network)
    work = {"searches": 0, "checks": 1 + len(dict(gains))} if reason else {}
    if not desk.takes(desk.needs(network, **work)):
        return Recommendation(network, None, {}, (), _too_large(desk.needs(network, **work), desk.left))
    asked = {"as asked": network} | {name: network.with_gain(gain) for name, gain in dict(gains).items()}
    if alone := network.depth == 1 or not network.usual_gain:
        reason = f"there is one {'block' if network.has_stream else 'hidden layer'}" if network.depth == 1 else "the gain is 0"
    search = partial(searched, desk, network) if not reason else lambda: None  # first, since it takes longest
    balanced, rows = at_once(network, [search, lambda: {name: desk.check(other) for name, other in asked.items()}])
    if balanced is not None:
        rows["balanced"] = balanced
    if alone:
        return Recommendation(network, _first_safe(rows), rows, (), reason)
    found, desk.left = _first_safe(rows), min(desk.left, REMEDIES)
    return Recommendation(network, found, rows, () if found else tuple(_remedies(desk, network, rows)), reason)


def idle_gain(network: Network) -> str:
    """Why no other gain is looked for, in words; "" where the gain is what balances the gradient.

    A stream's gradient comes back through the skips as it is, and what the branches add is never less than nothing: the sum
    grows at every gain, or a norm behind it divides it by what the gain did to the stream. Without biases a norm right behind a
    linear map divides out its gain, up to epsilon.
    """
    if not all(_is_sum(repeat.parts) or _deaf(repeat.parts) for repeat in dict.fromkeys(network.blocks)):
        return ""
    if network.has_stream:
        return "where skips carry the gradient, the scale of the branches and the norms decide, and no gain balances it"
    return "a norm behind every linear map divides its gain out"


def _is_sum(parts):
    """Whether a block is a sum, with nothing behind it but norms and dropout."""
    first, *rest = parts
    return isinstance(first, Residual) and all(isinstance(part, LayerNorm | Dropout) for part in rest)


def _deaf(parts):
    """Whether there is a norm right behind every linear map, and no bias between."""
    for part, after in pairwise((*parts, None)):
        if isinstance(part, Linear) and not (isinstance(after, LayerNorm) and part.bias == "zeros"):
            return False
        if isinstance(part, Residual) and not (part.skip is None and _deaf(part.parts)):
            return False
    return True


def _first_safe(rows):
    order = sorted(rows, key=lambda name: {"as asked": 0, "balanced": 1}.get(name, 2))
    return next((rows[name] for name in order if rows[name].safe), None)


def _too_large(needed, seconds):
    if not seconds:
        return "nothing was simulated"
    return f"too large to check: that takes about {needed:.0f} s on one core, and {seconds:g} s are allowed"


def _remedies(desk, network, rows):
    """What may help where no gain is safe, each with its own balanced gain and checked: until one of a kind helps.

    More of a kind is tried where the first of it went at least half of the way. Kinds are tried at once, since one core
    simulates the networks at a gain; what they took is then counted one after another.
    """
    start = rows.get("balanced", rows["as asked"])
    kinds = _tries(network, start.network)
    jobs = [partial(_of_a_kind, desk.copy(), kind, tries, start) for kind, tries in kinds.items()]
    for tried in at_once(network, jobs):
        for remedy, needed in tried:
            if not desk.takes(needed):
                yield replace(remedy, checked=None)
                break
            yield remedy


def _of_a_kind(desk, kind, tries, before):
    """Pairs of a Remedy and the seconds that it needed."""
    found = []
    for words, other in tries:
        idle = bool(idle_gain(other))
        needed = desk.needs(other, searches=0 if idle else 1, checks=1 if idle else 2)
        remedy = Remedy(kind, words, _tried(desk, other, idle) if desk.takes(needed) else None)
        found.append((remedy, needed))
        if remedy.helps or remedy.checked is None or not _way(remedy.checked) < ENOUGH * _way(before):
            break
        before = remedy.checked
    return found


def _way(found):
    """Decades that a Checked is off: its spread, and its median where that cannot be balanced."""
    return max(found.spread, abs(found.decades)) if idle_gain(found.network) else found.spread


def _tried(desk, network, idle):
    """The Checked network with its balanced gain; as it is where there is none."""
    balanced = None if idle else searched(desk, network)
    return desk.check(network) if balanced is None else balanced


def _tries(network, start):
    """{kind: [(words, Network)]}, cheapest first; none for networks of parts, which `mlp` may not be able to say."""
    if not network.plain:
        return other_blocks(network)
    factors = [f for f in WIDER if f * max(network.widths) <= LARGEST_WIDTH]
    return {
        "bias": [(f"biases normal({b:g})", respelled(start, bias=None, bias_std=b)) for b in BIASES if b > network.bias_std],
        "width": [(f"width {f * max(network.widths)}", respelled(start, **_wider(network, f))) for f in factors],
        "scheme": [] if network.init.startswith("orthogonal") else [("orthogonal", respelled(start, init="orthogonal"))],
    }


def other_blocks(network):
    """The same: branches scaled by the depth, and pre_norm blocks, of options that say the network."""
    options = spelled(network)
    if options is None:
        return {}
    kept = {name: options[name] for name in KEPT if options.get(name) is not None} | PRE_NORM
    tries = {"scale": {"branches times 1/sqrt(depth)": options | SMALL}} if FAMILIES[options["block"]].scaled else {}
    tries["block"] = {"pre_norm blocks": kept, "pre_norm blocks, branches times 1/sqrt(depth)": kept | SMALL}
    known, found = {network}, {}
    for kind, changes in tries.items():
        made = [(words, mlp(**change)) for words, change in changes.items()]
        found[kind] = [(words, other) for words, other in made if other not in known]
        known.update(other for _, other in made)
    return found


def _wider(network, factor):
    input_width = network.input_width * (factor if network.input_width == network.widths[0] else 1)
    return {"width": [factor * w for w in network.widths], "input_width": input_width}


def respelled(network, **changes):
    """The network with other arguments of `mlp`; None where there are none that say it."""
    if not network.plain:
        options = spelled(network)
        return None if options is None else mlp(**options | changes)
    same = {"width": list(network.widths), "bias": network.bias}
    same |= {name: getattr(network, name) for name in ("activation", "init", "weight_gain", "input_width", "outputs")}
    return mlp(**same | changes)
