"""The form of a network: its parts without what is a number to the kernels, which is all that most cells of a sweep differ in.

Networks of one form have the same graph, the same records and a program of the same steps: what is found out by walking along
a network is found out once a form. Their parts differ in laws and gains, in activations, in the scale of a branch.
"""

from functools import lru_cache
from typing import NamedTuple

from .parts import Linear, Repeat, Residual

SMALL = 1000  # blocks: what belongs to larger forms takes megabytes
MOST_SMALL, MOST_LARGE = 64, 2  # forms whose findings are kept


class Leaf(NamedTuple):
    """A part of a form: number `number` of `Form.parts`. `width` is that of a Linear, None for the others."""

    number: int
    family: type
    width: int | None


class Branch(NamedTuple):
    """A Residual: `leaf` is itself, `skip` a Leaf or None."""

    leaf: Leaf
    parts: tuple
    skip: Leaf | None


class Run(NamedTuple):
    """`parts` so many `times`."""

    parts: tuple
    times: int


class Form:
    """Of a Network; equal to that of another one where they differ in no more than numbers.

    `stem` and `readout` are tuples of Leaf, Branch and Run, `blocks` of Runs. `parts` are the network's own, in the order of
    the leaves' numbers; equal blocks have them in common. Quantities that are `lacking` are in no record of it.
    """

    lacking = frozenset()

    def __init__(self, network):
        self.parts, known = [], {}
        self.input_width, self.has_stream, self.size = network.input_width, network.has_stream, network.depth
        self.stem = self._several(network.stem)
        for repeat in network.blocks:
            if id(repeat) not in known:
                known[id(repeat)] = Run(self._several(repeat.parts), repeat.times)
        self.blocks = tuple(known[id(repeat)] for repeat in network.blocks)
        self.readout = self._several(network.readout)
        self._key = self.input_width, self.stem, self.blocks, self.readout
        self._hash = hash(self._key)

    def __eq__(self, other):
        return isinstance(other, Form) and self._key == other._key

    def __hash__(self):
        return self._hash

    def __setstate__(self, state):
        vars(self).update(state)
        self._hash = hash(self._key)  # types and texts have other hashes in another process

    def walk(self, build):
        """Has a builder of graphs (see `program.graph`) note all parts in their order; the number of the last node."""
        x = build.through(self.stem, 0)
        if self.has_stream:
            build.mark_stream(x, 0)
        for run in self.blocks:
            for _ in range(run.times):
                build.open_block()
                x = build.through(run.parts, x)
                if self.has_stream:
                    build.mark_stream(x, build.block)
        build.open_block()
        return build.through(self.readout, x)

    def _several(self, parts):
        return tuple(map(self._one, parts))

    def _one(self, part):
        if isinstance(part, Repeat):
            return Run(self._several(part.parts), part.times)
        leaf = Leaf(len(self.parts), type(part), part.width if isinstance(part, Linear) else None)
        self.parts.append(part)
        if isinstance(part, Residual):
            return Branch(leaf, self._several(part.parts), None if part.skip is None else self._one(part.skip))
        return leaf


def once_a_form(function):
    """`function`, whose first argument is a Form: what it gives is kept for the latest forms."""
    small, large = lru_cache(MOST_SMALL)(function), lru_cache(MOST_LARGE)(function)

    def kept(form, *rest):
        return (small if form.size <= SMALL else large)(form, *rest)

    return kept
