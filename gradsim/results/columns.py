"""What tells the networks of a set apart, column by column: axes of pictures, and what is chosen by."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import RequestError, shown, unknown
from .cells import DERIVED, DESCRIPTIONS, OF_BLOCKS, describe, described, varying_names

CLOSE = 1e-9  # relative: 0.1 + 0.2 is 0.3 to whoever asks for it
MOST_SHOWN = 12  # values in a message


@dataclass(frozen=True)
class Columns:
    """`cells` are the described networks of a set, in order: dicts of the same names. `told` are names that tell them apart,
    where that is known already."""

    cells: tuple
    told: tuple = ()

    @classmethod
    def of(cls, curve_set):
        """Those of a CurveSet; of a file without blocks, which leaves their columns out, all but one network stay unread."""
        names = list(dict.fromkeys([*DESCRIPTIONS, *DERIVED, *curve_set.coordinates]))
        first, count, filed = describe(curve_set[0]), len(curve_set), curve_set.stored("replicas") is not None
        values = []
        for name in names:
            absent = filed and name in OF_BLOCKS and first[name] == OF_BLOCKS[name] and curve_set.stored(name) is None
            found = [first[name]] * count if absent else curve_set.column(name).tolist()
            values.append([math.nan if value != value else value for value in found])  # one object, which is equal to itself
        return cls(tuple(dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)))

    @cached_property
    def names(self):
        """The names in which the networks differ; of axes that are none of DESCRIPTIONS those that alone tell some apart."""
        if self.told:
            return [*self.told]
        found = varying_names(self.cells)
        for name in self.cells[0]:
            if name not in (*DESCRIPTIONS, *DERIVED) and self._groups([*found, name]) > self._groups(found):
                found.append(name)
        return found

    @cached_property
    def known(self):
        """All names: those of DESCRIPTIONS that a file of such networks has, DERIVED, and axes of the sweep that are none."""
        return [*described(self.cells), *(name for name in self.cells[0] if name not in DESCRIPTIONS)]

    def levels(self, name):
        """The different values of a column: increasing where all are numbers, else in order of appearance."""
        return levels(cell[name] for cell in self.cells)

    def check(self, option, name):
        """`name`, the name of a column in which the networks differ. Raises RequestError about `option`."""
        key = name.replace("-", "_") if isinstance(name, str) else name
        if not isinstance(key, str) or key not in self.known:
            raise unknown(option, name, self.names or self.known)
        if len(found := self.levels(key)) < 2:
            differ = f"they differ in {', '.join(self.names)}" if self.names else "they do not differ at all"
            raise RequestError(f"{option}: {key} is {found[0]} in all of these networks; {differ}")
        return key

    def apart(self, used):
        """The names in which networks differ that agree in all of `used`."""
        groups = self._groups(used)
        return [name for name in self.names if name not in used and self._groups([*used, name]) > groups]

    def keys(self, names):
        """The different combinations of values that `names` have, tuples in the order of the values of the first, then on."""
        places = [{value: k for k, value in enumerate(self.levels(name))} for name in names]
        found = {tuple(cell[name] for name in names) for cell in self.cells}
        return sorted(found, key=lambda key: [place[value] for place, value in zip(places, key, strict=True)])

    def side(self, names):
        """How many of `keys` stand side by side where they fill a table: of two names, as many as the second has values."""
        sizes = [len(self.levels(name)) for name in names]
        return sizes[1] if len(sizes) == 2 and sizes[0] * sizes[1] == self._groups(names) else None

    def _groups(self, names):
        return len({tuple(cell[name] for name in names) for cell in self.cells})


def levels(values):
    """The different ones of some values: increasing where all are numbers, else in order of appearance."""
    found = list(dict.fromkeys(values))
    numbers = [number(value) for value in found]
    return found if None in numbers else [found[k] for k in np.argsort(numbers, kind="stable")]


def number(value):
    """A described value as a float, texts of numbers too (seeds, scales); None where it is none, or not finite."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def listed(values):
    """Values in words, those in the middle left out where there are many."""
    texts = [shown(value) if isinstance(value, str) else f"{value}" for value in values]
    if len(texts) > MOST_SHOWN:
        texts = [*texts[: MOST_SHOWN - 2], "...", texts[-1]]
    return ", ".join(texts)
