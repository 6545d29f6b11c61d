"""Averages of activations that are remembered along a deep network, most of whose layers are like the one before."""

import math

from .layers import FAR, times
from .pair_map import PairMap, same


class Memory:
    """Averages by activation and its place in a block.

    Layers of which only the scale matters are all alike, at variance 1.
    """

    def __init__(self):
        self.singles, self.pairs = {}, {}

    def single(self, kind, name, log_v):
        """The `layers.Single` of a `layers.Layer` at the place `name`."""
        slopes = kind.straight(log_v)
        if slopes is None:
            return self._known(kind, name, None, log_v)
        unit = self._known(kind, name, slopes, log_v)
        shift = log_v - self.singles[kind, name, slopes][0]
        return unit._replace(mean=times(unit.mean, shift / 2), log_square=unit.log_square + shift)

    def lean(self, kind, name, log_v):
        """The mean over the root mean square, of signals beyond the floats too."""
        slopes = kind.straight(log_v)
        if slopes is None:
            unit = self._known(kind, name, None, log_v)
        else:  # only the scale matters: taken where there are floats, and phi is as straight
            unit = self._known(kind, f"{name}, within the floats", slopes, min(max(log_v, -2 * FAR), 2 * FAR))
        if unit.log_square == -math.inf:
            return 0.0
        return min(max(unit.mean * math.exp(-unit.log_square / 2), -1.0), 1.0)

    def _known(self, kind, name, slopes, log_v):
        """The Single at the variance that is on record: this one, or any where only the scale matters."""
        at, found = self.singles.get((kind, name, slopes), (math.nan, None))
        if found is None or not (slopes is not None or same(log_v, at)):
            found = kind.single(log_v)
            self.singles[kind, name, slopes] = log_v, found
        return found

    def pair(self, kind, name, log_v, log_gap, left):
        """`layers.Layer.pair`; `left` is the number of layers to come."""
        slopes = kind.straight(log_v)
        single = self._known(kind, name, slopes, log_v)
        key, at = (kind, name, slopes), self.singles[kind, name, slopes][0]
        if key not in self.pairs:
            self.pairs[key] = PairMap(kind)
        return self.pairs[key](at, log_gap, single, left)
