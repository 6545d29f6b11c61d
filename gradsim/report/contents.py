"""What a page says of its networks in words: axes to choose along, verdicts, what they share, where theory is silent."""

from ..results.cells import DESCRIPTIONS, batch_norm_note
from ..results.columns import number
from ..results.exits import REPORTED_PRECISIONS
from ..results.sentence import times
from ..results.verdict import BAND, DECADES, WORDS
from ..show.axis import named
from ..show.comparison import missing
from ..show.style import spaced, words
from ..show.table import number as figure
from ..statistics.precision import PRECISIONS, log_square_limits
from ..statistics.quantities import QUANTITIES

ALONE = "network"  # the axis of networks that nothing tells apart
DIGITS = 9
ALIKE = 0.05  # decades: limits of float types so close are one line
STARTS = {  # what stands in the left and the right picture at first: of each network the first of these that it has
    "signal": ["stream", "preactivation"],
    "judged": ["stream_gradient", "gradient"],
}
OF_BOTH = {
    "signal": ("Stream x, or preactivation h", "mean square of the stream behind the block, or of h where there is none"),
    "judged": ("Gradient of the stream, or dL/dh", "mean square of the gradient that verdicts are about"),
}


def axes(columns):
    """[{name, words, levels, numeric, of}]: the columns in which networks differ, `levels` as texts, `of` each network's one.

    Where networks agree in all columns there is one more, of their numbers from 1.
    """
    found = [_axis(name, columns.levels(name), [cell[name] for cell in columns.cells]) for name in columns.names]
    if len(columns.keys(columns.names)) < len(columns.cells):
        numbers = list(range(1, len(columns.cells) + 1))
        found.append(_axis(ALONE, numbers, numbers))
    return found


def _axis(name, levels, values):
    place = {level: k for k, level in enumerate(levels)}
    meaning = DESCRIPTIONS[name].long_name if name in DESCRIPTIONS else ""
    return {
        "name": name,
        "words": spaced(name),
        "meaning": meaning,
        "levels": _texts(levels),
        "numeric": all(number(level) is not None for level in levels),
        "of": [place[value] for value in values],
    }


def _texts(levels):
    """Levels as a page has them: numbers to DIGITS figures, where these tell them apart."""
    short = [named(float(f"{level:.{DIGITS}g}") if isinstance(level, float) else level) for level in levels]
    return short if len(set(short)) == len(short) else [str(level) for level in levels]


def common(columns):
    """[[words, value]] of what all networks have, but for what is as it usually is or says nothing."""
    first = columns.cells[0]
    alike = [name for name in columns.known if name not in columns.names and len(columns.levels(name)) == 1]
    return [[spaced(name), named(first[name])] for name in alike if first[name] not in ("", 0, 0.0, "none")]


class Said:
    """What is said of each network; `add` takes them one after the other."""

    def __init__(self):
        self._verdicts, self._silences, self._known, self._streams = [], [], {}, set()

    def add(self, curves, theory):
        """`theory` says whether the curves were asked what theory says of them."""
        verdict = curves.verdict
        self._streams.add(curves.network.has_stream)
        self._verdicts.append(
            {
                "word": verdict.word,
                "sentence": verdict.sentence,
                "rate": figure(verdict.decades_per_100_layers, "+.3g"),
                "spread": figure(verdict.spread_decades, ".2g"),
                "more": [*_loss(curves), *_notes(curves)],
                "unit": "block" if curves.network.has_stream else "layer",
            }
        )
        found = missing([curves]) if theory else []
        self._silences.append([self._known.setdefault(line, len(self._known)) for line in found])

    @property
    def mixed(self):
        """Whether some networks have a stream and others have none."""
        return len(self._streams) > 1

    def found(self):
        """A dict as JSON holds it."""
        return {"verdicts": self._verdicts, "meanings": WORDS, "silences": list(self._known), "silent": self._silences}


def _loss(curves):
    """What the loss is, of networks that have one."""
    if curves.run.get("loss", "probe") != "probe" and "loss_log_quantile" in curves.variables:
        low, middle, high = (times(float(curves.decades("loss", q))) for q in (BAND[0], 0.5, BAND[1]))
        yield f"loss {middle} in the median network ({low} to {high} in the middle 90 %)"


def _notes(curves):
    note = batch_norm_note(curves.network, curves.run["inputs"])
    return [note] if note else []


def menu(quantities, mixed):
    """[{value, title, meaning, log, names}]: what may be drawn; of several `names` the first that a network has.

    `mixed`: some networks have a stream and others have none; entries for what corresponds come first then.
    """
    both = [way for way in STARTS if mixed and set(STARTS[way]) <= set(quantities)]
    found = [_entry(way, *OF_BOTH[way], STARTS[way]) for way in both]
    return found + [_entry(name, words([name]), QUANTITIES[name].meaning, [name]) for name in quantities]


def start(entries):
    """The values of the entries of a menu that the two pictures begin with."""
    known = [entry["value"] for entry in entries]
    usual = [next((name for name in (way, *names) if name in known), None) for way, names in STARTS.items()]
    return [usual[0] or known[0], usual[1] or known[-1]]


def _entry(value, title, meaning, names):
    return {"value": value, "title": title, "meaning": meaning, "log": QUANTITIES[names[0]].log, "names": names}


def limits():
    """[{which, decades, names}]: the largest and the smallest normal numbers of float types, of those close together once."""
    found = []
    for which, logs in zip(("smallest normal", "largest"), log_square_limits(), strict=True):
        for name in REPORTED_PRECISIONS:
            decades = float(logs[PRECISIONS.index(name)] * DECADES)
            same = next((line for line in found if abs(line["decades"] - decades) < ALIKE and line["which"] == which), None)
            if same:
                same["names"].append(name)
            else:
                found.append({"which": which, "decades": round(decades, 3), "names": [name]})
    return found
