"""A network as a graph of steps, each naming the vectors that it reads: what the kernels' program, the reference and theory
are all made from.

Vector k is the one that node k makes. Nodes stand in an order in which they can be computed; the last one is the loss.
"""

from functools import lru_cache
from typing import NamedTuple

from ..model.form import Branch, Run, once_a_form
from ..model.parts import Activation, BatchNorm, Dropout, LayerNorm, Linear

INPUT, LINEAR, ACTIVATION, NORM, BATCH_NORM, DROPOUT, ADD, LOSS = KINDS = (
    "input",
    "linear",
    "activation",
    "norm",
    "batch_norm",
    "dropout",
    "add",
    "loss",
)
FAMILIES = {Linear: LINEAR, Activation: ACTIVATION, BatchNorm: BATCH_NORM, LayerNorm: NORM, Dropout: DROPOUT}


class Node(NamedTuple):
    """One step. `sources` are the numbers of the nodes it reads: none for the input, two for the sum of a residual.

    `number` counts the nodes of a kind from 1 on, linear maps for instance: random numbers go by it. `place` is the column
    of what is recorded: the number, but for norms that of both kinds together, for dropout behind an activation that of
    the activation, since what the next part reads is on record, and -1 for dropout elsewhere. `block` is 0 before the
    first block and the number of blocks + 1 behind the last. `stream` is l for the node that makes the stream x_l, -1 for
    others. `name` tells nodes of a block apart: "linear1", "linear2", "skip1".
    """

    kind: str
    part: object  # of `model.parts` (in an outline, its Leaf); for a sum, the Residual; None for the input and the loss
    sources: tuple
    width: int
    number: int
    place: int
    block: int
    stream: int
    name: str


class _Builder:
    """Nodes so far; every method takes the number of the node that it reads and gives that of the last one it adds."""

    def __init__(self, input_width):
        self.nodes = [Node(INPUT, None, (), input_width, 0, 0, 0, -1, INPUT)]
        self.counts, self.block, self.names = dict.fromkeys(KINDS, 0), 0, {}

    def open_block(self):
        self.block, self.names = self.block + 1, {}

    def add(self, kind, part, sources, width, name=None):
        self.counts[kind] += 1
        number = place = self.counts[kind]
        if kind in (NORM, BATCH_NORM):
            place = self.counts[NORM] + self.counts[BATCH_NORM]
        if kind == DROPOUT:
            before = self.nodes[sources[0]]
            place = before.place if before.kind == ACTIVATION else -1
        name = name or kind
        self.names[name] = self.names.get(name, 0) + 1
        self.nodes.append(Node(kind, part, sources, width, number, place, self.block, -1, f"{name}{self.names[name]}"))
        return len(self.nodes) - 1

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
            skip = x if part.skip is None else self.add(LINEAR, part.skip, (x,), part.skip.width, "skip")
            return self.add(ADD, part.leaf, (skip, branch), self.nodes[branch].width)
        family = next(kind for of, kind in FAMILIES.items() if issubclass(part.family, of))
        return self.add(family, part, (x,), part.width if family == LINEAR else width)

    def mark_stream(self, x, number):
        self.nodes[x] = self.nodes[x]._replace(stream=number)


@once_a_form
def outline(form):
    """The nodes of all networks of a Form, the loss included: a tuple. Their parts are the form's leaves."""
    build = _Builder(form.input_width)
    x = build.through(form.stem, 0)
    if form.has_stream:
        build.mark_stream(x, 0)
    for run in form.blocks:
        for _ in range(run.times):
            build.open_block()
            x = build.through(run.parts, x)
            if form.has_stream:
                build.mark_stream(x, build.block)
    build.open_block()
    x = build.through(form.readout, x)
    build.nodes.append(Node(LOSS, None, (x,), build.nodes[x].width, 0, 0, build.block, -1, LOSS))
    return tuple(build.nodes)


@lru_cache(2)
def graph(network):
    """The nodes of a Network, the loss included: a tuple."""
    nodes, parts = outline(network.form), network.form.parts
    return tuple(node if node.part is None else node._replace(part=parts[node.part.number]) for node in nodes)
