"""Variables by name, held in a few arrays: most of an ensemble's are made, handed on and written together."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np


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
        self.of, self._stacks, self._others = {}, 0, {}

    def add(self, pieces):
        """A stack more, which rows of these pieces fill: [(names, one a row, start, stop, shape)]."""
        for names, *where in pieces:
            self.of |= {name: Piece(self._stacks, row, *where) for row, name in enumerate(names)}
        self._stacks += 1

    @classmethod
    def along(cls, listed):
        """Of arrays one after another, (name, dtype, shape) of each: a stack of one row for each run of one dtype.

        And these stacks: (dtype, number of elements) of each.
        """
        found, runs = cls(), []
        for name, dtype, shape in listed:
            if not runs or runs[-1][0] != dtype:
                runs.append((dtype, 0))
            start, stop = runs[-1][1], runs[-1][1] + math.prod(shape)
            found.of[name], runs[-1] = Piece(len(runs) - 1, 0, start, stop, shape), (dtype, stop)
        return found, tuple(runs)

    def without(self, name):
        """Those of the other names: the same object every time."""
        if name not in self._others:
            self._others[name] = others = Pieces()
            others.of = {other: piece for other, piece in self.of.items() if other != name}
        return self._others[name]


class Stacked(Mapping):
    """{name: array} by Pieces, in `stacks`: arrays of shape (rows, elements, ...), whose rows these fill."""

    __slots__ = ("_pieces", "stacks")

    def __init__(self, pieces, stacks):
        self._pieces, self.stacks = pieces, tuple(stacks)

    def __getitem__(self, name):
        stack, row, start, stop, shape = self._pieces.of[name]
        held = self.stacks[stack]
        return held[row, start:stop].reshape(shape + held.shape[2:])[()]

    def __or__(self, other):
        """A dict, with what another mapping has in place of these."""
        return {**self, **other}

    def without(self, name):
        """All but one, in the same stacks."""
        return Stacked(self._pieces.without(name), self.stacks)

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


class Together(Stacked):
    """The variables of several Stacked, each with a leading axis that counts these."""

    __slots__ = ()

    @classmethod
    def of(cls, several):
        """None where some are not Stacked, or not alike."""
        first = several[0]
        if any(not isinstance(one, Stacked) or one._pieces is not first._pieces for one in several):
            return None
        stacks = [*zip(*(one.stacks for one in several), strict=True)]
        if any(held.shape != stack[0].shape for stack in stacks for held in stack):
            return None
        return cls(first._pieces, map(np.stack, stacks))

    def __getitem__(self, name):
        stack, row, start, stop, shape = self._pieces.of[name]
        held = self.stacks[stack]
        return held[:, row, start:stop].reshape(len(held), *shape, *held.shape[3:])


@lru_cache(16)  # a sweep may have networks of a hundred thousand forms
def _listed(pieces, stacks):
    order = sorted(pieces.of, key=lambda name: pieces.of[name][:3])
    return tuple((name, stacks[at.stack][0], (*at.shape, *stacks[at.stack][1])) for name in order for at in (pieces.of[name],))
