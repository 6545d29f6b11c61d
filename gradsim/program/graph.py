"""A network as a graph of steps, each naming the vectors that it reads: what the kernels' program, the reference and theory
are all made from.

Vector k is the one that node k makes. Nodes stand in an order in which they can be computed; the last one is the loss.
"""

from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from ..model.form import Branch, Run, once_a_form
from ..model.parts import Linear, Part
from ..steps import BLOCK_STEPS

INPUT, LINEAR, ACTIVATION, LOSS = PLAIN_KINDS = ("input", "linear", "activation", "loss")  # of chains
KINDS = (*PLAIN_KINDS, *BLOCK_STEPS)


class Node(NamedTuple):
    """One step. `sources` are the numbers of the nodes it reads: none for the input, two for the sum of a residual.

    `number` counts the nodes of a kind from 1 on, linear maps for instance: random numbers go by it. `place` is the column
    of what is recorded: the number among all that are `recorded_at` the same, for what stands for another that of this one,
    and -1 for it elsewhere (see `model.part`). `block` is 0 before the first block and the number of blocks + 1 behind the
    last. `stream` is l for the node that makes the stream x_l, -1 for others. `name` tells nodes of a block apart:
    "linear1", "linear2", "skip1". `weights` is how many weights a linear map has, 0 of the others.
    """

    kind: str
    family: type  # of its part, Part itself for the input and the loss
    part: object  # of `model.parts` (in an outline, its Leaf); for a sum, the Residual; None for the input and the loss
    sources: tuple
    width: int
    number: int
    place: int
    block: int
    stream: int
    name: str
    weights: int = 0


class _Builder:
    """Nodes so far; every method takes the number of the node that it reads and gives that of the last one it adds."""

    def __init__(self, input_width):
        self.nodes = [Node(INPUT, Part, None, (), input_width, 0, 0, 0, -1, INPUT)]
        self.counts, self.recorded, self.block, self.names = Counter(), Counter(), 0, {}

    def open_block(self):
        self.block, self.names = self.block + 1, {}

    def add(self, part, sources, width, name=None):
        name = name or part.family.kind
        self.names[name] = self.names.get(name, 0) + 1
        weights = self.nodes[sources[0]].width * width if issubclass(part.family, Linear) else 0
        return self.node(part.family, part, sources, width, f"{name}{self.names[name]}", weights)

    def node(self, family, part, sources, width, name, weights=0):
        """A node of such a `name` in its block."""
        self.counts[family.kind] += 1
        number = self.counts[family.kind]
        place = self.place(family, number, self.nodes[sources[0]])
        self.nodes.append(Node(family.kind, family, part, sources, width, number, place, self.block, -1, name, weights))
        return len(self.nodes) - 1

    def place(self, family, number, before):
        """That of a node behind the node `before`."""
        if family.stands_for is not None:
            return before.place if before.kind == family.stands_for else -1
        if family.recorded_at is None:
            return number
        self.recorded[family.recorded_at] += 1
        return self.recorded[family.recorded_at]

    def through(self, parts, x):
        for part in parts:
            x = self.one(part, x)
        return x

    def one(self, part, x):
        width = self.nodes[x].width
        if isinstance(part, Run):
            for _ in range(part.times):
                x = self.through(part.parts, x)
            return x
        if isinstance(part, Branch):
            branch = self.through(part.parts, x)
            skip = x if part.skip is None else self.add(part.skip, (x,), part.skip.width, "skip")
            return self.add(part.leaf, (skip, branch), self.nodes[branch].width)
        return self.add(part, (x,), part.width if issubclass(part.family, Linear) else width)

    def mark_stream(self, x, number):
        self.nodes[x] = self.nodes[x]._replace(stream=number)


@once_a_form
def outline(form):
    """The nodes of all networks of a Form, the loss included: a tuple. Their parts are the form's leaves, or None of what an
    `Observed` model did."""
    build = _Builder(form.input_width)
    x = form.walk(build)
    build.nodes.append(Node(LOSS, Part, None, (x,), build.nodes[x].width, 0, 0, build.block, -1, LOSS))
    return tuple(build.nodes)


@lru_cache(2)
def graph(network):
    """The nodes of a Network, the loss included: a tuple."""
    nodes, parts = outline(network.form), network.form.parts
    return tuple(node if node.part is None else node._replace(part=parts[node.part.number]) for node in nodes)
