"""Where the quantities of a network lie in its curves: in layers, which are its blocks, and in named places within these."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ..kernels.record import TABLE
from ..model.form import once_a_form
from ..program.columns import Columns, columns_of
from ..program.graph import LINEAR, outline
from ..typed import Floats, Ints
from .quantities import IN_BLOCKS, QUANTITIES

if TYPE_CHECKING:
    from ..model.network import Network

INPUT = "input"  # the name of the place of the input
Numbers: TypeAlias = npt.NDArray[Any]  # of any kind: floats, or counts
RECORDED = {recorded.name: recorded for recorded in TABLE}


class Rows(NamedTuple):
    """Of a quantity: its `columns` of a record and, of each, its layer and the number of its name among all `names`."""

    columns: slice | Ints
    layers: Ints  # (columns,)
    names: Ints  # (columns,)


class Way(NamedTuple):
    """The columns of a quantity, and of its largest entries, in the order in which their numbers are made.

    `log_entries` is the log of how many numbers each has; `layers` and `names` are those of `Rows`. `beside`: they lie beside
    a stream, which goes on without them where they are exactly zero.
    """

    quantity: str
    columns: Ints
    largest: Ints
    log_entries: Floats
    layers: Ints
    names: Ints
    beside: bool


class Spread(NamedTuple):
    """How a statistic of all columns of a record becomes arrays over layers (and places), one for each quantity.

    `columns`, int64, are those of one array after another, -1 where there is none; a quantity's are a `piece` of it, (name,
    start, stop, shape).
    """

    columns: Ints
    pieces: tuple[tuple[str, int, int, tuple[int, ...]], ...]

    def __call__(self, values: Numbers) -> Numbers:
        """`values`, whose second axis counts the columns of a record, with one of `columns` in its place; NaN, or -1 in
        a count, where there are none."""
        last = _missing((len(values), 1, *values.shape[2:]), values.dtype)
        return np.concatenate([values, last], axis=1).take(self.columns, axis=1)


@dataclass(frozen=True, eq=False)
class Blocks:
    """What `blocks_of` knows of a network.

    Layer 0 is the input or the stem, 1 to `depth` are blocks, depth + 1 is what comes behind them, if anything does;
    `widths`, int64 (layers,), are the units behind each. Where a block holds several linear maps, activations or norms,
    these have an axis more, of `names` ("input", "linear1", "activation1", ...), and the network is `placed`.
    """

    depth: int
    widths: Ints
    names: tuple[str, ...]
    placed: bool
    columns: Columns
    rows: dict[str, Rows]  # of quantities that are recorded
    own: dict[
        str, Ints
    ]  # {"linear", "activation" or "norm": (layers,), the number of the name of each layer's last one, or -1}
    ways: tuple[Way, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """The names along the axis of places; empty where there is no such axis."""
        return self.names if self.placed else ()

    def shape(self, quantity: str) -> tuple[int, ...]:
        """Of an array of one number for each place of the quantity: (), (layers,) or (layers, places)."""
        at = QUANTITIES[quantity].at
        if at == "network":
            return ()
        return (len(self.widths), len(self.names)) if self.placed and at in IN_BLOCKS else (len(self.widths),)

    def where(self, quantity: str, layers: Any, names: Any) -> tuple[Any, ...]:
        """The index of an array of that shape at so many layers and names: a tuple."""
        return (layers, names)[: len(self.shape(quantity))]

    def spread(self, quantity: str, values: Numbers, axis: int = 0) -> Numbers:
        """`values`, whose `axis` counts the quantity's columns, with layers (and places) there; NaN, or -1 in a count, where
        there are none."""
        rows, shape = self.rows[quantity], self.shape(quantity)
        if not shape:
            return np.take(values, 0, axis=axis)
        result = _missing((*values.shape[:axis], *shape, *values.shape[axis + 1 :]), values.dtype)
        result[(*[slice(None)] * axis, *self.where(quantity, rows.layers, rows.names))] = values
        return result

    @cached_property
    def logs(self) -> Spread:
        """The Spread of quantities that are recorded as logs."""
        return self._spread_of([name for name in self.rows if QUANTITIES[name].log])

    @cached_property
    def plain(self) -> Spread:
        """That of the others."""
        return self._spread_of([name for name in self.rows if not QUANTITIES[name].log])

    def _spread_of(self, names: list[str]) -> Spread:
        numbers, found, pieces, start = np.arange(self.columns.size), [np.zeros(0, np.int64)], [], 0
        for name in names:
            found.append(np.ravel(self.spread(name, numbers[self.rows[name].columns])))
            pieces.append((name, start, start + len(found[-1]), self.shape(name)))
            start += len(found[-1])
        return Spread(np.concatenate(found), tuple(pieces))

    def of(self, quantity: str, records: Numbers) -> Numbers:
        """What `records`, of shape (replicas, columns), hold of the quantity, spread likewise: (replicas, layers, ...)."""
        return self.spread(quantity, records[:, self.rows[quantity].columns], 1)

    def defined(self, quantity: str) -> npt.NDArray[np.bool_]:
        """Boolean, over layers (and places): where the network has the quantity."""
        if quantity not in self.rows:
            return np.zeros(self.shape(quantity), bool)
        return self.spread(quantity, np.ones(len(self.rows[quantity].layers), np.int64)) == 1

    def last(self, quantity: str, values: Numbers, axis: int = 0) -> Numbers:
        """`values`, whose `axis` counts layers (and the next one places), with one a layer: that of its last place."""
        return self.closed(quantity, values, axis) if len(self.shape(quantity)) == 2 else values

    def opened(self, quantity: str, values: Numbers, axis: int) -> Numbers:
        """`values` of a network without places, whose `axis` counts layers, with an axis of `names` behind it."""
        own = self.own[QUANTITIES[quantity].at]
        shape = (*values.shape[: axis + 1], len(self.names), *values.shape[axis + 1 :])
        before: tuple[Any, ...] = (slice(None),) * axis
        result, (layers,) = _missing(shape, values.dtype), np.nonzero(own >= 0)
        result[(*before, layers, own[layers])] = values[(*before, layers)]
        return result

    def closed(self, quantity: str, values: Numbers, axis: int) -> Numbers:
        """The reverse of `opened`."""
        own = self.own[QUANTITIES[quantity].at]
        shape = (*values.shape[: axis + 1], *values.shape[axis + 2 :])
        before: tuple[Any, ...] = (slice(None),) * axis
        result, (layers,) = _missing(shape, values.dtype), np.nonzero(own >= 0)
        result[(*before, layers)] = values[(*before, layers, own[layers])]
        return result


def _missing(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Numbers:
    return np.full(shape, -1 if dtype.kind == "i" else np.nan, dtype)


def blocks_of(network: "Network", inputs: int) -> Blocks:
    """The Blocks of a network that gets so many `inputs`."""
    return _blocks_of(network.form, inputs)


@once_a_form
def _blocks_of(form, inputs):
    nodes, found = outline(form), columns_of(form, inputs)
    widths = np.zeros(nodes[-2].block + 1, np.int64)
    for node in nodes[:-1]:
        widths[node.block] = node.width
    unrecorded = {quantity for node in nodes for quantity in node.family.unrecorded}
    numbers, rows, several = {name: number for number, name in enumerate(_names(nodes))}, {}, False
    ranked = {(): np.zeros(0, np.int64)}  # names of all quantities that lie alike are looked up once
    for quantity, placed in found.placed.items():
        recorded = RECORDED[quantity]
        drop = int(recorded.input and recorded.at == LINEAR)  # the input's largest entry: for `ways` alone
        if placed.names not in ranked:
            ranked[placed.names] = np.array([numbers.get(name or INPUT, -1) for name in placed.names], np.int64)
        own = slice(placed.columns.start + drop, placed.columns.stop)
        rows[quantity] = Rows(own, placed.blocks[drop:], ranked[placed.names][drop:])
        if quantity in unrecorded:
            families = (node.family for node in nodes if node.family.recorded_at == recorded.at)
            there = np.array([quantity not in family.unrecorded for family in families], bool)
            rows[quantity] = Rows(np.arange(own.start, own.stop)[there], *(part[there] for part in rows[quantity][1:]))
        if recorded.at in IN_BLOCKS:
            several |= len(np.unique(rows[quantity].layers)) < len(rows[quantity].layers)
    own = {at: np.full(len(widths), -1, np.int64) for at in IN_BLOCKS}
    for at, quantity in (("linear", "preactivation"), ("activation", "activation"), ("norm", "norm_gain_gradient")):
        own[at][0] = -1 if at == "norm" else 0
        if quantity in rows:
            own[at][rows[quantity].layers] = rows[quantity].names
    depth = nodes[-1].block - 1
    return Blocks(depth, widths, tuple(numbers), several, found, rows, own, _ways(nodes, inputs, found, rows))


def _names(nodes):
    """Of what a block may hold several of, in the order of the blocks; the input first."""
    several = [node for node in nodes if node.family.recorded_at in IN_BLOCKS]
    found = {node.name: node.block for node in reversed(several)}  # block: the first that has it
    inside = (node.name for node in several if node.block == max(1, found[node.name]))
    return tuple(dict.fromkeys((INPUT, *inside, *found)))


def _ways(nodes, inputs, found, rows):
    """The Way of every quantity that may leave a float type: from the input up, from the last layer down, or one number."""
    maps = [node for node in nodes if node.kind == LINEAR]
    widths, weights = (np.array([getattr(node, name) for node in maps], float) for name in ("width", "weights"))
    entries = {"loss": np.ones(1), "preactivation": widths * inputs, "weight_gradient": weights}
    entries["gradient"] = entries["preactivation"]
    streams = sorted((node.stream, node.width) for node in nodes if node.stream >= 0)
    entries["stream"] = entries["stream_gradient"] = np.array([width for _, width in streams], float) * inputs
    result = []
    for name, quantity in QUANTITIES.items():
        if not quantity.leaving or name not in rows:
            continue
        order = slice(None, None, -1) if "gradient" in name else slice(None)
        own, largest = rows[name], found.placed[quantity.largest or name].columns
        numbers, tops = (np.arange(part.start, part.stop) for part in (own.columns, largest))
        parts = [numbers, np.log(entries[name]), own.layers, own.names]
        if len(tops) > len(numbers):  # the way begins at the input
            start = (found.placed["activation"].columns.start, np.log(float(nodes[0].width * inputs)), 0, 0)
            parts = [np.concatenate([[first], part]) for first, part in zip(start, parts, strict=True)]
        beside = bool(streams) and quantity.at == LINEAR
        result.append(Way(name, parts[0][order], tops[order], *(part[order] for part in parts[1:]), beside))
    return tuple(result)
