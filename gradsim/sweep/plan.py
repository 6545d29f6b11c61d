"""From a sweep file to the list of its cells: every one checked, before anything is computed."""

import json
import os
import re
import tomllib
from array import array
from collections.abc import Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np

from ..errors import RequestError, as_keys, several, shown
from ..errors import plain as plain_value
from ..memory import gib
from ..model.data.plain import plain_text
from ..model.kin import Kin
from ..model.network import Network
from ..model.options import NETWORK, RUN
from ..model.request import checked
from ..simulation.settled import Settled, outline
from ..store.layout import Share, digest_of
from ..typed import File, Options, Whole
from .exclude import plain
from .grids import CELLS, Asked, read_grids
from .identity import digest, identity, run_text, settled_text
from .overrides import overridden

MOST_CELLS = 100_000  # of a grid, those that are left out included: all are checked before the first one is computed
LARGEST_GRID = 2**24  # bytes of a TOML file
KEPT = 1024  # runs and kinds of networks that are not made again
REPLICAS, HISTOGRAMS, SHARD = "replicas", "histograms", "shard"
SCALES = ("weight_gain", "bias_std")  # in which networks are kin
BUILT_IN = {name: Path(__file__).with_name(f"{name}.toml") for name in ("classic", "blocks")}


def read_plan(source: File | Options, settings: Options | None = None) -> "Plan":
    """The Plan of a TOML file, of a built-in sweep ("classic", "blocks"), or of a dict of options.

    `settings`, {option: value}, stand in place of what it says of these options (see `overrides`).

    Any option may be a list, a one-dimensional array of numbers or a range: then it is an axis of the grid. docs/sweeps.md has
    all that may stand in a sweep file. A file of rows is read once, and shared by all cells. With `shard = "2/3"` in it the
    Plan is that shard. Raises RequestError for what cannot be.
    """
    with as_keys():
        given = overridden(dict(source if isinstance(source, dict) else _read_toml(source)), settings or {})
        shard = given.pop(SHARD, None)
        plan = Plan(read_grids(given))
        return plan if shard is None else plan.shard(shard)


class Plan:
    """The cells of a sweep, in order; `request` says in plain values what was asked, and `read_plan` reads it again.

    Of cells that are the same network and run the first one is kept: `repeated` counts the others. `excluded` says of each rule
    how many combinations it left out. `axes` maps options that have more than one value to these, plain ones.

    A Plan may be a part of another one, the whole: `numbers` are the places of its cells in that, which has so many
    `of_cells`, and by `digest` is told from others. Axes, and what is repeated and excluded, are those of the whole.
    """

    request: dict[str, Any]
    identities: tuple[str, ...]
    excluded: tuple[int, ...]
    numbers: Sequence[int]
    repeated: int
    of_cells: int
    digest: str

    def __init__(self, asked: Asked) -> None:
        """Of `grids.Asked`. Raises RequestError where a cell cannot be."""
        self._grids, self.request, self.rules = asked.grids, asked.request, asked.rules
        _check_size(asked)
        self._makers = tuple(map(_Maker, asked.grids))
        kept = [self._chosen(grid) for grid in asked.grids]
        self.excluded = tuple(sum(counts) for counts in zip(*(counts for _, counts in kept), strict=True))
        self._check_all([numbers for numbers, _ in kept])

    def _chosen(self, grid):
        """(numbers of the combinations of a grid that no rule leaves out, how many each rule does)."""
        out, counts = np.zeros(grid.size, bool), []
        for rule in self.rules:
            found = grid.matching(rule)
            out |= found
            counts.append(int(found.sum()))
        return np.flatnonzero(~out).tolist(), counts

    def _check_all(self, chosen):
        """Makes every cell once, to find out whether it can be, what it is called, and what it takes."""
        known, settled, self.repeated = {}, {}, 0
        self._settled, texts = [], []
        self._columns = tuple(array("q") for _ in range(5))  # grid, combination, settled, replicas, histograms
        for number, combinations in enumerate(chosen):
            maker = self._makers[number]
            for combination in combinations:
                network, run, run_words = maker.made(combination)
                key = outline(network, run)
                if key not in settled:
                    settled[key] = len(self._settled)
                    self._settled.append(Settled.of(network, run))
                    texts.append(settled_text(self._settled[-1]))
                name = digest(network.to_json(), run_words, texts[settled[key]])
                if name in known:
                    self.repeated += 1
                    continue
                known[name] = None
                row = (number, combination, settled[key], run[REPLICAS], run[HISTOGRAMS])
                for column, value in zip(self._columns, row, strict=True):
                    column.append(value)
        self.identities = tuple(known)
        if not known:
            raise RequestError("sweep: there are no cells left: every combination is excluded")
        self.numbers, self.of_cells, self.digest = range(len(known)), len(known), digest_of(known)

    def __len__(self) -> int:
        return len(self.identities)

    def with_replicas(self, replicas: Whole) -> "Plan":
        """The Plan with so many networks in every cell, in place of what the sweep says; of a shard, that shard of it.

        Raises RequestError.
        """
        return self._with(REPLICAS, replicas)

    def with_histograms(self, histograms: Whole) -> "Plan":
        """The Plan with the units of so many networks of every cell counted, in place of what the sweep says; otherwise as
        `with_replicas`."""
        return self._with(HISTOGRAMS, histograms)

    def _with(self, name, value):
        value = RUN[name].check(value)
        axes = [axis for grid in self._grids for axis in grid.axes if name in axis.names]
        if any(len(axis.points) > 1 or len(axis.names) > 1 for axis in axes):
            raise RequestError(f"{RUN[name].flag}: the sweep has several itself; give one there, or none here")
        grids = tuple(grid.with_value(name, value) for grid in self._grids)
        tables = [{key: values for key, values in table.items() if key != name} for table in self.request.get(CELLS, [])]
        request = self.request | {name: [value]} | ({CELLS: tables} if tables else {})
        shard = request.pop(SHARD, None)
        with as_keys():
            plan = Plan(Asked(grids, self.rules, request))
        return plan if shard is None else plan.shard(shard)

    def shard(self, which: str | tuple[Whole, Whole]) -> "Plan":
        """Shard number i of n, as a Plan: every n-th cell from the i-th on. `which` is "i/n" or the pair of them.

        All shards of a sweep have each of its cells once, and about the same work. Raises RequestError for what is no shard.
        """
        number, count = shard_of(which)
        if SHARD in self.request:
            raise RequestError(f"--shard: the sweep is shard {self.request[SHARD]} already")
        numbers = range(number - 1, len(self), count)
        if not numbers:
            raise RequestError(f"--shard: shard {number}/{count} has no cell: the sweep has {len(self):,}; give fewer shards")
        found = self.part(numbers)
        found.request = self.request | {SHARD: f"{number}/{count}"}
        return found

    def part(self, numbers: Sequence[int]) -> "Plan":
        """Some of the cells, as a Plan whose `request` is that of the whole; `numbers` is a sequence of their places."""
        found = copy(self)
        found.__dict__.pop("networks", None)
        found.numbers = tuple(self.numbers[k] for k in numbers)
        found._columns = tuple(array("q", (column[k] for k in numbers)) for column in self._columns)
        found.identities = tuple(self.identities[k] for k in numbers)
        return found

    @property
    def share(self) -> Share:
        """The `store.layout.Share` that a file of its cells is."""
        values = tuple(json.dumps(cell.coordinates, default=str) for cell in self.cells)
        return Share(self.of_cells, self.digest, tuple(self.numbers), values)

    @property
    def cells(self) -> "Cells":
        """A Sequence of PlannedCells, which are made when they are asked for."""
        return Cells(self)

    def words(self, number: int) -> str:
        """In a few words, which cell that is, by its place in the whole, and what tells it from the others."""
        cell = self.cells[number]
        found = ", ".join(f"{name} {value}" for name, value in cell.coordinates.items())
        return f"cell {self.numbers[number]} ({found or cell.network_and_run()[0].usual_activation})"

    @cached_property
    def axes(self) -> dict[str, tuple[Any, ...]]:
        """In the order of the file; of schemes the canonical texts, as in `PlannedCell.coordinates`."""
        found = {}
        for name in dict.fromkeys(name for grid in self._grids for axis in grid.axes for name in axis.names):
            values = {repr(value): value for maker in self._makers for value in maker.plain(name)}
            if len(values) > 1:
                found[name] = tuple(values.values())
        return found

    @property
    def coordinates(self) -> dict[str, list[Any]]:
        """{axis: its value in every cell}."""
        found = [cell.coordinates for cell in self.cells]
        return {name: [values[name] for values in found] for name in self.axes}

    @cached_property
    def arithmetics(self) -> list[str]:
        """All that its cells may be computed in, sorted."""
        return sorted({value for maker in self._makers for value in maker.plain("arithmetic")})

    @cached_property
    def networks(self) -> int:
        """How many are drawn in all."""
        return sum(self._columns[3])


class Cells(Sequence["PlannedCell"]):
    """Those of a Plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __len__(self) -> int:
        return len(self._plan)

    @overload
    def __getitem__(self, index: int) -> "PlannedCell": ...
    @overload
    def __getitem__(self, index: slice) -> "list[PlannedCell]": ...
    def __getitem__(self, index: int | slice) -> "PlannedCell | list[PlannedCell]":
        if isinstance(index, slice):
            return [PlannedCell(self._plan, n) for n in range(len(self))[index]]
        return PlannedCell(self._plan, range(len(self))[index])


class PlannedCell:
    """One network and its run, to be: `index` is its place in the plan."""

    __slots__ = ("_plan", "index")

    def __init__(self, plan: Plan, index: int) -> None:
        self._plan, self.index = plan, index

    def __repr__(self) -> str:
        return f"PlannedCell({self.index}, {self.coordinates})"

    @property
    def _made(self):
        grids, combinations, *_ = self._plan._columns
        return self._plan._makers[grids[self.index]], combinations[self.index]

    @property
    def identity(self) -> str:
        """64 digits: see `sweep.identity`."""
        return self._plan.identities[self.index]

    @property
    def ensemble(self) -> str:
        """The identity of what each of its networks hangs on: the same whatever the number of replicas."""
        return identity(*self.network_and_run(), self.settled, extent=False)

    @property
    def settled(self) -> Settled:
        """`simulation.settled.Settled`: engine, chunk and quantiles, which decide bits, and costs."""
        return self._plan._settled[self._plan._columns[2][self.index]]

    @property
    def options(self) -> dict[str, Any]:
        """The options that the sweep gives it, checked."""
        maker, combination = self._made
        return maker.options(combination)

    @property
    def coordinates(self) -> dict[str, Any]:
        """Its plain value of each of the plan's axes: the default where its own grid does not give one."""
        maker, combination = self._made
        return maker.coordinates(combination, self._plan.axes)

    @property
    def replicas(self) -> int:
        """How many networks are drawn of it."""
        return self._plan._columns[3][self.index]

    @property
    def counted(self) -> int:
        """How many of them have their units counted."""
        return self._plan._columns[4][self.index]

    @property
    def work(self) -> float:
        """About how long it takes on one core, in ns."""
        return self.replicas * self.settled.nanoseconds + self.settled.counting

    def network_and_run(self) -> tuple[Network, dict[str, Any]]:
        """(Network, checked run): arguments of `simulate`. May be called by any thread."""
        maker, combination = self._made
        network, run, _ = maker.made(combination)
        return network, dict(run)


class _Maker:
    """Makes the cells of a grid: what they share is made once, or at least not for every one of them."""

    def __init__(self, grid):
        self._grid, self._runs, self._kin, self._plain = grid, {}, {}, {}
        names = [name for axis in grid.axes for name in axis.names]
        self._of_run = [name for name in names if name in RUN]
        self._of_kin = [name for name in names if name in NETWORK and name not in SCALES]

    def __getstate__(self):
        """Without what is remembered: it is found by the places of objects in this process."""
        return vars(self) | {"_runs": {}, "_kin": {}}

    def options(self, combination):
        return self._grid.options(combination)

    def made(self, combination):
        """(Network, checked run, the run's text in an identity). Raises RequestError."""
        options = self.options(combination)
        run, text = self._run(options)
        key = id(run["input_file"]), *(id(options[name]) for name in self._of_kin)
        kin = _once(self._kin, key, lambda: self._new_kin(options, run))
        return kin.network(*(options.get(name, NETWORK[name].default) for name in SCALES)), run, text

    def _run(self, options):
        given = {name: options[name] for name in self._of_run}

        def make():
            run = checked(**given)
            return run, run_text(run)

        return _once(self._runs, tuple(map(id, given.values())), make)

    def _new_kin(self, options, run):
        given = {name: options[name] for name in self._of_kin}
        if run["input_file"] is not None and given.get("input_width") is None:
            given["input_width"] = run["input_file"].values.shape[1]
        return Kin(given)

    def plain(self, name):
        """The plain values of an option, point by point of its axis."""
        if name not in self._plain:
            self._plain[name] = [plain(name, value) for value in self._grid.values(name)]
        return self._plain[name]

    def coordinates(self, combination, names):
        places = self._grid.places(combination)
        return {name: self.plain(name)[places.get(name, 0)] for name in names}


def shard_of(which):
    """(i, n) of "i/n" or a pair, 1 <= i <= n. Raises RequestError."""
    which = plain_value(which)
    parts = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", which) if isinstance(which, str) else None
    pair = parts.groups() if parts else several(which) if isinstance(which, tuple) else ()
    if len(pair) == 2 and (parts or all(type(entry) is int for entry in pair)):
        number, count = map(int, pair)
        if 1 <= number <= count:
            return number, count
    raise RequestError(f"--shard: {shown(which)} is not i/n, number i of n shards, from 1/n to n/n")


def _once(known, key, make):
    """known[key], made where it is not there; a few of them are remembered."""
    found = known.get(key)
    if found is None:
        found = make()
        if len(known) >= KEPT:
            known.clear()
        known[key] = found
    return found


def _check_size(asked):
    """Raises RequestError for more combinations than can be looked at one by one."""
    count = sum(grid.size for grid in asked.grids)
    if count <= MOST_CELLS:
        return
    several = [(len(axis.points), " and ".join(axis.names)) for axis in asked.grids[0].axes if len(axis.points) > 1]
    sizes = " x ".join(f"{points:,} {names}" for points, names in several)
    what = f"{len(asked.grids):,} tables of cells" if CELLS in asked.request else sizes
    maker = _Maker(asked.grids[0])
    curves = count * Settled.of(*maker.made(0)[:2]).curves
    raise RequestError(
        f"sweep: {what} are {count:,} cells, whose curves would take about {gib(curves)}; a grid has "
        f"{MOST_CELLS:,} cells at most"
    )


def _read_toml(source):
    if not isinstance(source, str | os.PathLike):
        raise RequestError(f"sweep: {shown(source)} is neither the name of a file, a built-in sweep nor a dict of options")
    path = BUILT_IN.get(str(source), source)
    try:
        return tomllib.loads(plain_text("sweep", path, LARGEST_GRID))
    except RequestError as error:
        near = "" if Path(path).suffix else f"; built in: {', '.join(BUILT_IN)}"
        raise RequestError(f"{error.text}{near}") from None
    except (ValueError, RecursionError) as error:  # a whole number of 5,000 digits is a ValueError, 1,000 brackets recurse
        reason = " ".join(str(error).split())[:200]
        raise RequestError(f"sweep: {shown(os.fspath(source))} is not TOML: {reason}") from None
