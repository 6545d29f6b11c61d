"""Which weight gain to use, checked by simulation at the network's own width.

Infinite width does not know how far networks of one width lie apart: where its balanced gain sits on a fixed point that repels,
as that of gelu without biases does, half of the networks go one way and half the other, and no curve shows it. So the gain is
looked for with simulated networks (the same random numbers at every gain, so that the median moves smoothly), and what is
found is judged by others.
"""

import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from threading import Lock
from typing import Any

from ..errors import RequestError, finite_number, shown
from ..model.activations import find_activation
from ..model.families import FAMILIES
from ..model.network import Network, mlp
from ..model.options import LARGEST_WIDTH
from ..model.parts import Dropout, LayerNorm, Linear, Residual
from ..model.request import checked
from ..model.spelling import spelled, told_gain
from ..program.engine import Layers
from ..program.program import nanoseconds
from ..telling import checked_progress, counted, told
from ..theory.roots import root
from ..typed import Number, Progress, Whole
from .checks import SAFE_DECADES, Checked, check

SECONDS = 10.0  # of one core, about: what may be spent unless told otherwise
REMEDIES = 2.0  # of it, what may be spent on what helps where no gain is safe
SEARCH, CHECK = 1e7, 4e7  # nanoseconds of one core that the networks at one gain may take
SEARCHED, CHECKED = (64, 200), (100, 1000)  # fewest and most networks at one gain
PAIR, PAIRED = 1e7, (32, 200)  # the same, where two inputs go through
EVALUATIONS, CHECKS = 12, 4  # gains that a search and a recommendation take, about
STATISTICS = 1000  # nanoseconds a layer of a network, beside the network itself
FARTHEST = math.log(1000)  # of the log of the gain from the one that is asked for
LONGEST, SHORTEST = math.log(4), 0.03  # steps on the way to a change of sign
CLOSE = 0.03  # decades of the median that count as none
BIASES = (0.5, 1.0)  # standard deviations that are tried where no gain is safe
WIDER = (4, 16)
SMALL, PRE_NORM = {"residual_scale": "1/sqrt(depth)"}, {"block": "pre_norm", "norm": "layer"}
KEPT = ("width", "activation", "init", "weight_gain", "bias", "input_width", "outputs", "block_depth", "dropout")
MOST_AT_ONCE = 8  # simulations side by side, whose samples are in memory
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
    search = partial(desk.search, network) if not reason else lambda: None  # first, since it takes longest
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


def _cost(network, inputs):
    """About how many nanoseconds one replica takes on one core."""
    return nanoseconds(network, Layers(network, "auto", inputs)) + STATISTICS * (network.depth + 1)


def _number(budget, cost, bounds):
    return int(min(max(budget // cost, bounds[0]), bounds[1]))


def _too_large(needed, seconds):
    if not seconds:
        return "nothing was simulated"
    return f"too large to check: that takes about {needed:.0f} s on one core, and {seconds:g} s are allowed"


class Desk:
    """Where networks are simulated: with which options, and how many seconds of work are left.

    `progress(n)` is called after every n more of them."""

    def __init__(self, options, seed, seconds, progress):
        self.options, self.seed, self.left, self.progress = options, seed, seconds, progress
        self._telling = Lock()  # of all copies

    def needs(self, network, searches=1, checks=CHECKS, pairs=0):
        """Seconds that searches and checks of such networks take, and checks of two inputs."""
        cost = _cost(network, self.options["inputs"])
        work = searches * EVALUATIONS * _number(SEARCH, cost, SEARCHED) + checks * _number(CHECK, cost, CHECKED)
        of_two = _cost(network, 2)
        return (work * cost + pairs * _number(PAIR, of_two, PAIRED) * of_two) / 1e9

    def copy(self):
        """One that has as much left, for itself."""
        return copy(self)

    def takes(self, needed):
        """Whether so many seconds are left; they are taken if so."""
        if needed > self.left:
            return False
        self.left -= needed
        return True

    def check(self, network):
        return self._simulated(network, CHECK, CHECKED, "recommendation: check")

    def look(self, network):
        return self._simulated(network, SEARCH, SEARCHED, "recommendation: search")

    def pairs(self, network):
        """A few of the networks of `check`, for what is between two inputs."""
        return self._simulated(network, PAIR, PAIRED, "recommendation: check", {"inputs": 2})

    def _simulated(self, network, budget, bounds, stream, other=None):
        options = self.options | (other or {})
        replicas = _number(budget, _cost(network, options["inputs"]), bounds)
        found = check(network, replicas, self.seed, stream, options)
        with self._telling:
            self.progress(replicas)
        return found

    def search(self, network):
        """The Checked network whose gain has the median keep its scale, or one nearby that is safe; None where none has."""
        search = _Search(self, network)
        place = search.balanced()
        if place is None:
            return None
        found = self.check(search.at(place).network)
        if not found.safe:
            calm = search.calmest(place)
            if calm is not None and calm.network != found.network and (other := self.check(calm.network)).safe:
                return other
        return found


class _Search:
    """Looks for the gain at which the median gradient keeps its scale: places are logs of the gain over the one asked."""

    def __init__(self, desk, network):
        self.desk, self.network, self.known = desk, network, {}
        self.digits = 2 + math.ceil(math.log10(max(network.depth, 100)))  # of a gain: the last moves 0.1 decades at most

    def at(self, place):
        """The Checked network there, its gain rounded to the digits that are told."""
        gain = float(f"{self.network.usual_gain * math.exp(place):.{self.digits}g}")
        if gain not in self.known:
            self.known[gain] = self.desk.look(self.network.with_gain(gain))
        return self.known[gain]

    def decades(self, place):
        """Of the median: finite, and 0 where it is close to it; a zero gradient has vanished."""
        found = self.at(place).decades
        found = -1000.0 if math.isnan(found) else min(max(found, -1000.0), 1000.0)
        return 0.0 if abs(found) < CLOSE else found

    def balanced(self):
        """The nearest place where the median passes through 0 (and does not leap, as where signals die), or None."""
        start = self.decades(0.0)
        if start == 0:
            return 0.0
        way = 1 if start < 0 else -1
        for direction in (way, -way):
            end = 0.0
            while (ends := self._bracket(end, direction)) is not None:
                end = ends[1]
                place = root(self.decades, *sorted(ends), xtol=0.5 * 10.0**-self.digits, rtol=1e-12)
                if abs(self.decades(place)) <= SAFE_DECADES:
                    return place
        return None

    def _bracket(self, place, direction):
        """Two places between which the sign changes, from one on; steps as long as the law chi ~ gain^2 asks for."""
        first = value = self.decades(place)
        least = SHORTEST
        while abs(place) < FARTHEST:
            step = abs(value) / (self.network.depth - 1) * math.log(10) if abs(value) < 1000 else LONGEST / 2
            before, place, least = place, place + direction * min(step + least, LONGEST), 2 * least
            value = self.decades(place)
            if value == 0 or (value > 0) != (first > 0):
                return before, place
        return None

    def calmest(self, place):
        """Of the gains next to the balanced one whose medians stay within SAFE_DECADES: the Checked one of least spread."""
        for side in (-1, 1):
            step = side * SHORTEST / 2
            steepness = (self.decades(place + step) - self.decades(place)) / step
            if steepness:
                self.at(place + side * 0.8 * SAFE_DECADES / max(abs(steepness), 1.0))
        near = [found for found in self.known.values() if abs(found.decades) <= 0.9 * SAFE_DECADES]
        return min(near, key=lambda found: (math.isnan(found.spread), found.spread), default=None)


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


def at_once(network, jobs):
    """What the jobs give: each on a thread, since one core simulates the networks at a gain."""
    watched = any(find_activation(part.name)[0].faults is not None for part in network.activations)
    threads = 1 if watched else min(max(len(jobs), 1), MOST_AT_ONCE)  # what users' functions do is noted of one at a time
    with ThreadPoolExecutor(threads) as pool:
        # in the context of this call, which says whether they tell on stderr how far they are
        return [begun.result() for begun in [pool.submit(copy_context().run, job) for job in jobs]]


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
    balanced = None if idle else desk.search(network)
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
