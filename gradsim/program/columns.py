"""Which column of a record holds what: a run of columns for each quantity that a network has, logs first."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..kernels.record import LOGS, NOT_RECORDED, RECORDED, TABLE
from ..model.form import once_a_form
from ..typed import Ints
from .graph import outline


class Placed(NamedTuple):
    """Where a quantity is: its columns, and of each the block (0: the input or the stem, so many + 1: behind the last)
    and the name of the node in its block ("" for the stream and what there is once)."""

    columns: slice
    blocks: Ints  # (columns,)
    names: tuple[str, ...]


@dataclass(frozen=True)
class Columns:
    """`starts` int64 as `kernels.record.put` wants them; `logs` of all `size` columns are logs and come first."""

    starts: Ints
    placed: dict[str, Placed]
    logs: int
    size: int
    places: int  # one more than the largest place of any quantity


def columns(nodes, inputs, lacking=frozenset()):
    """The Columns of a graph whose network gets so many `inputs`, without quantities that are `lacking`."""
    alike = {  # quantities that lie alike share their arrays
        (at, with_input): _places(nodes, at, with_input)
        for at, with_input in {(quantity.at, quantity.input) for quantity in TABLE}
    }
    starts, placed, end, logs = np.full(len(RECORDED), NOT_RECORDED, np.int64), {}, 0, 0
    for number, quantity in enumerate(TABLE):
        first, blocks, names = alike[quantity.at, quantity.input]
        if names and (inputs > 1 or not quantity.pairs) and quantity.name not in lacking:
            starts[number] = end - first
            placed[quantity.name] = Placed(slice(end, end + len(names)), blocks, names)
            end += len(names)
        if number == len(LOGS) - 1:
            logs = end
    return Columns(starts, placed, logs, end, max(first + len(names) for first, _, names in alike.values()))


@once_a_form
def columns_of(form, inputs):
    """Those of all networks of a Form."""
    return columns(outline(form), inputs, frozenset(form.lacking))


def _places(nodes, at, with_input):
    """(first place, blocks, names) of all nodes that have what is recorded `at` them, places one after another."""
    if at == "network":
        found = [(0, 0, "")]
    elif at == "stream":
        found = sorted((node.stream, node.stream, "") for node in nodes if node.stream >= 0)
    else:
        found = [(node.place, node.block, node.name) for node in nodes if node.family.recorded_at == at]
    if with_input:
        found = [(0, 0, ""), *found]
    first = found[0][0] if found else 0
    return first, np.array([block for _, block, _ in found], np.int64), tuple(name for *_, name in found)
