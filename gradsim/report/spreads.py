"""The histograms of a page: how units of some layers are spread, as bars that are coarse enough for a screen and for the page.

What lies in it are whole numbers, packed as those of lines are. Of each network and quantity: how many layers are shown, and
how many have it, both 0 where units were not counted. Of each layer that is shown: its number, the ends of its bars (`power`,
and `low` and `high` as multiples of 10^(power - DIGITS)), which of `notes` says what bars do not show, and the heights of the
bars, of which the highest is HIGHEST.
"""

import json
import math

import numpy as np

from ..results.spread import BARS, spreads, thinned
from ..show.style import words
from ..statistics.units import HISTOGRAMMED
from .lines import text_of

FORMS = ((12, BARS), (6, BARS), (6, BARS // 2), (3, BARS // 2), (3, BARS // 4))  # layers of a network, bars of a layer
ROOM = 1_800_000  # characters of a page
DIGITS = 4
HIGHEST = 200


class Spreads:
    """Those of all networks of a page, of these `quantities`; `add` takes them one network after the other."""

    def __init__(self, quantities):
        self._quantities = [name for name in HISTOGRAMMED if name in quantities]
        self._cells = []  # of each network (how many were counted, what `_bars_of` has of each quantity)
        self._notes = {}  # number of each text

    def add(self, curves):
        self._cells.append((curves.counted, [self._bars_of(curves, name) for name in self._quantities]))

    def _bars_of(self, curves, quantity):
        """(how many layers have it, what `_bars` has of some of them), (0, []) where units were not counted."""
        found, there = spreads(curves, quantity, FORMS[0][0])
        return there, [self._bars(spread) for spread in found]

    def _bars(self, spread):
        """([layer, power, low, high, note], BARS over their highest): all zero where there is nothing to be seen."""
        low, high = spread.ends
        power = math.floor(spread.decades)
        ends = [round(end * spread.factor(power) * 10**DIGITS) for end in (low, high)]
        note = self._notes.setdefault("\n".join(spread.notes), len(self._notes))
        heights = spread.bars((low, high))[1] if high > low else np.zeros(BARS)
        return [spread.layer, power, *ends, note], (heights / (heights.max() or 1.0)).astype(np.float32)

    def packed(self, room):
        """A dict as JSON holds it, of at most `room` characters; None where no units were counted.

        The first of FORMS that fits is taken; where none does, there are the counts of networks without `numbers`.
        """
        if not any(panels for _, found in self._cells for _, panels in found):
            return None
        counted = [count for count, _ in self._cells]
        for layers, bars in FORMS:
            found = self._packed(counted, layers, bars)
            if len(json.dumps(found)) <= min(room, ROOM):
                return found
        return {"counted": counted}

    def _packed(self, counted, layers, bars):
        numbers = []
        for _, found in self._cells:
            for there, panels in found:
                shown = [panels[k] for k in thinned(len(panels), layers)]
                numbers += [[len(shown), there], *(np.concatenate([head, _coarser(heights, bars)]) for head, heights in shown)]
        return {
            "counted": counted,
            "quantities": [{"name": name, "title": words([name])} for name in self._quantities],
            "bars": bars,
            "digits": DIGITS,
            "highest": HIGHEST,
            "notes": list(self._notes),
            "numbers": text_of(np.concatenate(numbers).astype(np.int32)),
        }


def _coarser(heights, bars):
    """So many bars in place of BARS, as whole numbers up to HIGHEST."""
    joined = heights.reshape(bars, -1).mean(axis=1)
    return np.round(joined * (HIGHEST / (joined.max() or 1.0))).astype(np.int64)
