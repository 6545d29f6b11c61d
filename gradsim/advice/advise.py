"""Which initialization to use: candidates of theory, compared by simulation on common random numbers.

A gain, where one is recommended, is that of `recommendation`: found by secant steps on the simulated median, begun where
theory has the edge of chaos, at a bias at which that is stable, and judged by networks that it was not found with.
"""

import json
import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import RequestError, finite_number, unknown
from ..model.network import Network
from ..model.request import checked
from ..model.spelling import spelled
from ..statistics.precision import PRECISIONS
from ..telling import checked_progress, counted, told
from ..theory.infinite_width import mean_field
from ..typed import File, Number, Progress, Whole
from .candidates import Candidate, blocks_instead, candidates
from .checks import SAFE_DECADES, Checked
from .criteria import CRITERIA, figures, points
from .desk import Desk, at_once
from .search import searched
from .summary import DEEPEST_BALANCE, decades

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = 30.0  # of one core, about: what may be spent unless told otherwise
INSIDE = 0.95  # share of networks that stay inside the float type
WORTH = 1.0  # points by which another initialization must be better than one that holds
PRECISION = "float32"


@dataclass(frozen=True)
class Scheme:
    """One way to initialize the network: `name` in tables, the `network` that draws it.

    `alters` says that its blocks are others than those that were asked for. `predicted` is what theory of infinite width says:
    decades of the gradient from the last hidden layer (block) back to the first, NaN where it does not know. `checked` is what
    simulated networks do, None where they were too many to draw; then `figures`, the value of each of
    `gradsim.advice.criteria.CRITERIA`, is empty and `points`, their sum in units of what is still good, infinite.
    `holds`: the gradient stays within one decade at every layer in the median, the middle 90 % of networks within two of each
    other, and 95 % inside the float type.
    """

    name: str
    network: Network
    alters: bool
    predicted: float
    checked: Checked | None
    figures: dict[str, float]
    points: float
    holds: bool

    @property
    def options(self) -> dict[str, Any] | None:
        """The arguments of `gradsim.mlp` that give the network, as short as that can be; None where there are none."""
        found = spelled(self.network)
        if found is None:
            return None
        widths = found["width"]
        same = {"width": widths[0], "depth": len(widths)} if len(set(widths)) == 1 else {}
        return {name: value for name, value in (found | same).items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON, without curves."""
        return {
            "name": self.name,
            "options": self.options,
            "network": json.loads(self.network.to_json()),
            "alters": self.alters,
            "predicted_decades": self.predicted,
            "checked": self.checked and self.checked.to_json(),
            "figures": self.figures,
            "points": self.points,
            "holds": self.holds,
        }


@dataclass(frozen=True)
class Advice:
    """What to initialize a network with: `recommended`, a Scheme, in place of `in_use`; both are among `schemes`, best first.

    `recommended` is `in_use` where that holds and nothing is better by WORTH points, and None where nothing could be checked.
    `worse` names the criteria by which what is recommended is worse than what is in use, as far as that could be checked;
    `unfixed` says what is wrong with it all the same; `sentence` is the recommendation for a reader.
    """

    network: Network
    precision: str
    in_use: Scheme
    recommended: Scheme | None
    schemes: tuple[Scheme, ...]

    @property
    def worse(self) -> tuple[str, ...]:
        """Names of criteria."""
        if self.recommended is None:
            return ()
        new, old = self.recommended.figures, self.in_use.figures
        return tuple(name for name, criterion in CRITERIA.items() if criterion.worse(new[name], old.get(name, math.nan)))

    @property
    def unfixed(self) -> tuple[str, ...]:
        """Sentences on what the recommendation leaves as it is."""
        from .advice_report import unfixed

        return tuple(unfixed(self))

    @property
    def sentence(self) -> str:
        """The recommendation and its reason."""
        from .advice_report import sentence

        return sentence(self)

    def table(self) -> str:
        """The alternatives as text, with the sentence and how to read it."""
        from .advice_report import text

        return text(self)

    def _repr_html_(self) -> str:
        from .advice_report import card

        return card(self)

    def plot(self, path: File | None = None, overwrite: bool = False) -> "Figure":
        """The gradient and the signal before and after, as a matplotlib Figure; saved if `path` is given. Raises RequestError
        where nothing was checked."""
        from ..show.picture import save
        from .advice_report import figure

        found = figure(self)
        if path is not None:
            save(found, path, overwrite)
        return found

    def code(self, framework: str) -> str:
        """Lines for "torch", "keras" or "flax" that draw what is recommended, or what is in use where nothing is, as
        `gradsim.code_for` writes them. Raises RequestError for other frameworks."""
        from ..frameworks import code_for

        return code_for((self.recommended or self.in_use).network, framework)

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON, without curves: infinite and undefined numbers are floats."""
        return {
            "precision": self.precision,
            "sentence": self.sentence,
            "worse": list(self.worse),
            "unfixed": list(self.unfixed),
            "in_use": self.in_use.to_json(),
            "recommended": self.recommended and self.recommended.to_json(),
            "schemes": [scheme.to_json() for scheme in self.schemes],
        }


def advise(
    network: Network,
    *,
    precision: str = PRECISION,
    inputs: Whole = 1,
    input_correlation: Number = 0.0,
    probe: str = "independent",
    seed: Whole = 0,
    seconds: Number = SECONDS,
    progress: Progress = None,
) -> Advice:
    """The Advice on a Network that computes in the float type `precision`: what is in use, compared with what could be.

    `inputs`, `input_correlation` and `probe` as in `gradsim.simulate`; where one input goes through, correlations are those
    of a few networks that get two. All networks are drawn with the same random numbers, of `seed`. `seconds` bounds the work,
    counted from the size of the networks and not by the clock, so that the answer is the same everywhere: what is too much is
    not checked. `progress` as in `gradsim.recommend`. Raises RequestError.
    """
    progress = checked_progress(progress, "the number of networks that are done")
    options = {"inputs": inputs, "input_correlation": input_correlation, "probe": probe}
    run = checked(seed=seed, **options)
    options = {name: run[name] for name in options}
    if not isinstance(network, Network):
        raise RequestError(f"network: {network!r} is not a Network; make one with gradsim.mlp(...)")
    if precision not in PRECISIONS:
        raise unknown("--precision", precision, PRECISIONS)
    seconds = finite_number("seconds", seconds, 0.0)
    with told(progress, None, "networks") as update:
        desk = Desk(options, run["seed"], seconds, progress if callable(progress) else counted(update))
        return _advised(desk, network, precision)


def _advised(desk: Desk, network: Network, precision: str) -> Advice:
    found = _compared(desk, candidates(network), precision)
    in_use = found[0]
    if any(scheme.checked for scheme in found) and not any(scheme.holds for scheme in found):
        found += _compared(desk, blocks_instead(network), precision)
    ranked = sorted(found, key=lambda scheme: (not scheme.holds, scheme.checked is None, scheme.points))
    return Advice(network, precision, in_use, _best(in_use, ranked), tuple(ranked))


def _best(in_use: Scheme, ranked: list[Scheme]) -> Scheme | None:
    """The first, unless what is in use is about as good. Other blocks are there only where no initialization holds."""
    best = ranked[0]
    if best.checked is None:
        return None
    return in_use if in_use.holds and in_use.points <= best.points + WORTH else best


def _compared(desk: Desk, several: list[Candidate], precision: str) -> list[Scheme]:
    """A Scheme for every candidate, in their order; those that are too large to draw are predicted alone."""
    jobs = [partial(_scheme, desk.copy(), one, precision, _affordable(desk, one)) for one in several]
    return at_once(several[0].network, jobs) if several else []


def _affordable(desk: Desk, one: Candidate) -> bool:
    searches = int(one.searched)
    return bool(desk.takes(desk.needs(one.network, searches=searches, checks=1 + searches, pairs=1)))


def _scheme(desk: Desk, one: Candidate, precision: str, affordable: bool) -> Scheme:
    found, network = None, one.network
    if affordable:
        found = searched(desk, network) if one.searched else None
        found = found or desk.check(network)
        network = found.network
    scheme = Scheme(one.name, network, one.alters, _predicted(network, desk.options), found, {}, math.inf, False)
    if found is None:
        return scheme
    pairs = found if desk.options["inputs"] > 1 else desk.pairs(network)
    values = figures(found, pairs, precision)
    holds = found.safe and values["gradient"] <= SAFE_DECADES and found.inside(precision) >= INSIDE
    return replace(scheme, figures=values, points=points(values), holds=bool(holds))


def _predicted(network: Network, options: dict[str, Any]) -> float:
    """Decades by mean field; NaN where theory does not know, or would take long."""
    if network.depth > DEEPEST_BALANCE:
        return math.nan
    if not network.has_batch_norm:  # which needs it
        options = options | {"input_correlation": None}
    try:
        return float(decades(mean_field(network, **options)))
    except RequestError:
        return math.nan
