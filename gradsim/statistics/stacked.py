"""Variables by name, held in a few arrays: most of an ensemble's are made, handed on and written together."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple


class Piece(NamedTuple):
    """Where a variable is: the elements `start` to `stop` of a row of a stack, as an array of `shape` and of any further axes
    that the stack has."""

    stack: int
    row: int
    start: int
    stop: int
    shape: tuple


class Pieces:
    """{name: Piece} as `of`: the same for all networks that differ in numbers alone. Hashed by identity."""

    def __init__(self):
        self.of, self._stacks = {}, 0

    def add(self, pieces):
        """A stack more, which rows of these pieces fill: [(names, one a row, start, stop, shape)]."""
        for names, *where in pieces:
            self.of |= {name: Piece(self._stacks, row, *where) for row, name in enumerate(names)}
        self._stacks += 1


class Stacked(Mapping):
    """{name: array} by Pieces, in `stacks`: arrays of shape (rows, elements, ...), whose rows these fill."""

    __slots__ = ("_pieces", "stacks")

    def __init__(self, pieces, stacks):
        self._pieces, self.stacks = pieces, tuple(stacks)

    def __getitem__(self, name):
        stack, row, start, stop, shape = self._pieces.of[name]
        held = self.stacks[stack]
        return held[row, start:stop].reshape(shape + held.shape[2:])[()]

    def __iter__(self):
        return iter(self._pieces.of)

    def __len__(self):
        return len(self._pieces.of)

    def __contains__(self, name):
        return name in self._pieces.of

    @property
    def listed(self):
        """(name, kind of number, shape) of all, in the order in which the stacks hold them: a tuple."""
        return _listed(self._pieces, tuple((held.dtype.kind, held.shape[2:]) for held in self.stacks))


@cache
def _listed(pieces, stacks):
    order = sorted(pieces.of, key=lambda name: pieces.of[name][:3])
    return tuple((name, stacks[at.stack][0], (*at.shape, *stacks[at.stack][1])) for name in order for at in (pieces.of[name],))
