"""Counts of units: single networks are run once more, and their vectors read from the tape before the next one comes.

Kernels know nothing of it: the program has a slot of its own for every cotangent, so that none is written over on the way
back, and a chunk has one replica. Records are the same bits, and so are the vectors.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from ..kernels import layout
from ..kernels.workspace import Tape, padded_width
from ..program.graph import ACTIVATION, INPUT, LINEAR, outline
from ..program.slots import own_slots
from ..statistics.blocks import blocks_of
from ..statistics.units import HISTOGRAMMED, counted, exponent_of
from .chunks import Replicas, Workplace
from .footprint import COUNTED_AT_ONCE, counters

DROPOUT = "dropout"  # behind an activation it makes what the next part reads


def unit_histograms(network, run, threads):
    """{variable: array} of how many units of the first networks have which values, `histograms` of them, for a checked run
    that fits the memory. A function of the problem only, whatever the threads.
    """
    replicas, blocks = Replicas(network, run), blocks_of(network, run["inputs"])
    program, nodes = _apart(replicas.program, network), {name: _nodes(network, name) for name in HISTOGRAMMED}
    count = run["histograms"]
    threads = min(counters(network, run, threads), count)

    def tapes(first, step):
        """Those of networks first, first + step, ..., each good until the next."""
        desk = Workplace(program, run["arithmetic"], 1)
        for number in range(first, count, step):
            desk.fill(program, replicas.key, number, 1)
            yield desk.tape

    def exponents(tape):
        return {name: _of_all(program, tape, name, found, exponent_of) for name, found in nodes.items()}

    own = exponents(next(tapes(0, count)))

    def total(first):
        sums = dict.fromkeys(HISTOGRAMMED, 0)
        for tape in tapes(first, threads):
            for name, found in nodes.items():
                sums[name] = sums[name] + _of_all(program, tape, name, found, counted, own[name])
        return sums

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(total, range(threads)))
    result = {}
    for name in HISTOGRAMMED:
        result[f"{name}_histogram"] = blocks.spread(name, sum(part[name] for part in parts))
        result[f"{name}_histogram_exponent"] = blocks.spread(name, own[name].astype(float))
    return result


def _apart(program, network):
    """The Program with a slot for every cotangent; a sum and what it hands its own on to still share one."""
    steps = program.steps.copy()
    steps[:, layout.SLOT], slots = own_slots([node.sources for node in outline(network.form)])
    return replace(program, steps=steps, slots=slots, layout=(program.layout, "apart"))


def _nodes(network, name):
    """The numbers of the nodes whose vectors, or their cotangents, the quantity is of: int64, in the order of its places."""
    kinds = (INPUT, ACTIVATION, DROPOUT) if name == "activation" else (LINEAR,)
    found = {node.place: number for number, node in enumerate(outline(network.form)) if node.kind in kinds and node.place >= 0}
    return np.array([found[place] for place in sorted(found)], np.int64)


def _of_all(program, tape, name, nodes, function, *more):
    """function(values, exponents, *more) of all of these vectors, some of one width at a time: an array over them."""
    result, widths = [None] * len(nodes), program.steps[nodes, layout.WIDTH]
    for width in np.unique(widths):
        alike = np.flatnonzero(widths == width)
        together = max(1, COUNTED_AT_ONCE // (program.inputs * int(width)))
        for start in range(0, len(alike), together):
            chosen = alike[start : start + together]
            found = function(*_read(program, tape, name, nodes[chosen], int(width)), *(part[chosen] for part in more))
            for place, part in zip(chosen, found, strict=True):
                result[place] = part
    return np.array(result)


def _read(program, tape, name, nodes, width):
    """(values, exponents): of vectors of that width, of shape (vectors, inputs, width) and (vectors, inputs)."""
    rows = program.inputs
    size = rows * padded_width(width)
    if name == "gradient":
        places = program.steps[nodes, layout.SLOT]
        values = tape.cotangents[places, :size]
    else:
        places = nodes
        values = tape.values[program.steps[nodes, layout.OFFSET][:, None] + np.arange(size)]
    values = values.reshape(len(nodes), rows, -1)[..., :width]
    if not isinstance(tape, Tape):  # plain numbers
        return values, np.zeros(values.shape[:2], np.int64)
    return values, (tape.d_exponents if name == "gradient" else tape.exponents)[places]
