"""The gain at which the median of simulated gradients keeps its scale."""

import math

from ..theory.roots import root
from .checks import SAFE_DECADES

FARTHEST = math.log(1000)  # of the log of the gain from the one that is asked for
LONGEST, SHORTEST = math.log(4), 0.03  # steps on the way to a change of sign
CLOSE = 0.03  # decades of the median that count as none


def searched(desk, network):
    """The Checked network whose gain has the median keep its scale, or one nearby that is safe; None where none has."""
    search = _Search(desk, network)
    place = search.balanced()
    if place is None:
        return None
    found = desk.check(search.at(place).network)
    if not found.safe:
        calm = search.calmest(place)
        if calm is not None and calm.network != found.network and (other := desk.check(calm.network)).safe:
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
