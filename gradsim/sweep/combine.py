"""Files of parts of one sweep become one file: that of one process, to the bit.

Nothing but these files is read, and no function of a user is needed: what a file must know of a sweep is in each of its parts.
Cells come from them some hundreds at a time, in the order of the sweep.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..curves import Curves, CurveSet, open_file
from ..errors import RequestError, shown
from ..store.files import RESULTS, check_output, file_name, same_file
from ..store.layout import Layout, Outline, Share, digest_of
from ..store.read import Stored
from ..store.write import pack
from ..typed import File
from .folder import difference
from .origins import cpu, origins, summary, unlike
from .plan import MOST_CELLS, SHARD, shard_of

AT_ONCE = 8  # blocks of the output that are in memory
QUOTE = "'"
MOST_SHOWN = 5  # shards, or runs of cells, in words


def combine(
    paths: File | Sequence[File],
    out: File,
    partial: bool = False,
    overwrite: bool = False,
    tell: Callable[[str], object] = lambda line: None,
) -> CurveSet:
    """The CurveSet of the file at `out`, which has the cells of all files at `paths`: of one sweep, in any order.

    A cell may be in several of them, the same to the bit. Where cells are missing this is refused, unless `partial`: then the
    output has those that are there, and is a part itself. An existing output that has all of it already is left as it is; any
    other is replaced with `overwrite` only. `tell(line)` takes what the user should know. Raises RequestError, and leaves all
    as it was.
    """
    found = Combination(paths, out, partial, overwrite)
    for line in found.notes:
        tell(line)
    if not found.is_there():
        found.write()
    return open_file(found.out)


class Combination:
    """The files at `paths` and their output, as `combine` has them; its length is the number of cells. Raises RequestError.

    `files` is how many files are read: one that is named twice is one. `notes` are lines that the user should see.
    """

    def __init__(self, paths, out, partial=False, overwrite=False):
        given = [paths] if isinstance(paths, str | bytes | os.PathLike) else paths
        try:
            paths = [file_name("combine", path) for path in given]
        except TypeError:
            raise RequestError(f"combine: {shown(given)} is not a list of names of files") from None
        if not paths:
            raise RequestError("combine: no file is given")
        self.out, self.overwrite = check_output("--out", out, True, RESULTS), overwrite
        for path in paths:
            if same_file(path, self.out):
                raise RequestError(f"--out: {str(self.out)!r} is a file that is read; give another name")
        self._parts = [_Part(path) for path in {os.path.realpath(path): path for path in paths}.values()]
        self.files = len(self._parts)
        for part in self._parts[1:]:
            _check_same_sweep(self._parts[0], part)
        self._merged = _Merged(self._parts)
        self._merged.check_whole(partial)
        self._origins = [found for part in self._parts for found in part.origins]
        self.notes = tuple(unlike(self._origins))

    def __len__(self):
        return len(self._merged.numbers)

    def is_there(self):
        """Whether the output has all of it already. Raises RequestError where there is another one, which must stay."""
        if self.overwrite or not self.out.exists():
            return False
        exists = f"--out: {str(self.out)!r} exists; allow its replacement with --overwrite=True"
        try:
            there = _Part(self.out)
            _check_same_sweep(self._parts[0], there)
            if set(there.share.numbers) != set(self._merged.numbers):
                raise RequestError(f"it has {len(there.share.numbers):,} cells, they have {len(self):,}")
            merged = _Merged([there, *self._parts])
            for _ in merged.curves(merged.layout()):
                pass
        except RequestError as error:
            reason = error.text.removeprefix("combine: ")
            raise RequestError(f"{exists}; it is not what the files give: {reason}") from None
        return True

    def write(self, progress=None):
        """Has the output hold all of it; `progress(share, cells)` is called as in `gradsim.sweep.run`. Raises RequestError."""
        layout = self._merged.layout()

        def update(cells):
            if progress is not None:
                progress(cells / layout.cells, cells)

        said = {"parts": summary(self._origins)}
        pack(self.out, layout, self._merged.curves(layout), self.overwrite, provenance=said, progress=update)


class _Part:
    """One of the files. Raises RequestError where it says no part of a sweep."""

    def __init__(self, path):
        self.path, self.stored = path, Stored(path, lean=True)
        self.share, self.identities = self.stored.share, self.stored.column("identity")
        if self.share is None or self.identities is None:
            raise RequestError(f"{self.name}: does not say which cells of which sweep it has, so that it cannot be combined")
        if self.share.cells > MOST_CELLS:
            raise RequestError(f"{self.name}: is of a sweep of {self.share.cells:,} cells; there are {MOST_CELLS:,} at most")
        self.origins = origins(self.stored.provenance, path.name, len(self.share.numbers))
        self._precision = self.stored[0].run.get("precision")
        if not isinstance(self._precision, dict | None):
            raise RequestError(f"{self.name}: precision is {shown(self._precision)}")

    @property
    def name(self):
        return repr(str(self.path))

    @property
    def request(self):
        """That of the sweep."""
        asked = self.stored.request
        return {name: value for name, value in asked.items() if name != SHARD} if isinstance(asked, dict) else asked

    @property
    def described(self):
        """What was asked for, in the words of `folder.described`."""
        asked = self._precision
        return {
            "request": self.request if isinstance(self.request, dict) else {},
            "precision": None if asked is None else {name: value for name, value in asked.items() if name != "least"},
            "theory": any(name.startswith("mean_field_") for name in self.stored.names),
            "replicas": [[1, self.share.cells]],
            "gradsim_version": shown(self.origins[0].get("gradsim")),
        }

    @property
    def shard(self):
        """(i, n) of a file that a shard wrote; None of others."""
        try:
            return shard_of(self.stored.request[SHARD])
        except (RequestError, KeyError, TypeError):
            return None

    def words(self, row):
        """In a few words, what tells a cell from the others."""
        try:
            return ", ".join(f"{name} {shown(value).strip(QUOTE)}" for name, value in self.values(row).items())
        except RequestError:
            return ""

    def values(self, row):
        """{axis of the sweep: value} of a cell."""
        try:
            found = json.loads(self.share.values[row])
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise RequestError(f"{self.name}: sweep_values of cell {row} is not JSON of an object")
        return found

    def curves(self, rows):
        """Yield the Curves of some rows, increasing ones; those that lie side by side are read together."""
        for start, stop in _runs(rows):
            for row, cell in enumerate(self.stored.together(start, stop), start):
                if cell.cut:
                    raise RequestError(f"{self.name}: lacks {cell.cut} of cell {row}, so that it cannot be combined")
                yield row, Curves(*cell)


class _Merged:
    """The cells of several _Parts, in the order of their sweep."""

    def __init__(self, parts):
        self.parts, self.where = parts, {}  # by its number in the sweep: the places of a cell, (part, row)
        for part in parts:
            for row, number in enumerate(part.share.numbers):
                self.where.setdefault(number, []).append((part, row))
        self.numbers = sorted(self.where)
        self._check_identities()

    def _first(self, number):
        return self.where[number][0]

    def _check_identities(self):
        for number in self.numbers:
            part, row = self._first(number)
            for other, place in self.where[number][1:]:
                if part.identities[row] != other.identities[place] or part.share.values[row] != other.share.values[place]:
                    raise RequestError(
                        f"combine: cell {number} ({part.words(row)}) of {part.name} is another one than that of {other.name}"
                    )

    def check_whole(self, partial):
        """Raises RequestError where cells are missing, unless that may be so, and where they are not those of the sweep."""
        whole = self.parts[0].share
        missing = whole.cells - len(self.numbers)
        if missing and not partial:
            raise RequestError(
                f"combine: {missing:,} of {whole.cells:,} cells are missing: {self._missing()}; give the files of these too, "
                "or write those that are there with --partial=True"
            )
        if missing or self.parts[0].described["precision"] is not None:  # with a precision they are other ones
            return
        places = (self._first(number) for number in self.numbers)
        if digest_of(part.identities[row] for part, row in places) != whole.digest:
            raise RequestError("combine: the identities of the cells are not those of the sweep that the files speak of")

    def _missing(self):
        """In words: shards, where these are what is missing."""
        cells = range(self.parts[0].share.cells)
        missing = [number for number in cells if number not in self.where]
        given = {part.shard for part in self.parts} - {None}
        for count in {count for _, count in given}:
            absent = [shard for shard in range(1, min(count, len(cells)) + 1) if shard - 1 not in self.where]
            if sorted(number for shard in absent for number in cells[shard - 1 :: count]) == missing:
                return _listed("shard", [f"{shard}/{count}" for shard in absent])
        return _listed("cell", [f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in _runs(missing)])

    def layout(self):
        """That of the output. Raises RequestError."""
        places = [self._first(number) for number in self.numbers]
        values = [part.values(row) for part, row in places]
        axes = tuple(values[0])
        if any(tuple(found) != axes for found in values):
            raise RequestError("combine: the cells do not have values of the same axes")
        whole = self.parts[0].share
        share = Share(whole.cells, whole.digest, tuple(self.numbers), tuple(part.share.values[row] for part, row in places))
        return Layout.of(
            self._outlines(places),
            self.parts[0].request,
            {axis: [found[axis] for found in values] for axis in axes},
            [part.identities[row] for part, row in places],
            share,
        )

    def _outlines(self, places):
        for part, row in places:
            cell = part.stored[row]
            yield Outline(cell.network, cell.run, cell.quantiles, part.stored.names)

    def curves(self, layout):
        """Yield the Curves of all cells. Raises RequestError where a cell differs between two files."""
        size = AT_ONCE * layout.block
        for start in range(0, len(self.numbers), size):
            numbers, rows = self.numbers[start : start + size], {}
            for number in numbers:
                for part, row in self.where[number]:
                    rows.setdefault(part, []).append(row)
            found = {part: dict(part.curves(sorted(chosen))) for part, chosen in rows.items()}
            for number in numbers:
                part, row = self._first(number)
                curves = found[part].pop(row)
                for other, place in self.where[number][1:]:
                    _check_equal(f"cell {number} ({part.words(row)})", curves, part, found[other].pop(place), other)
                yield replace(curves, variables=dict(curves.variables))  # each is read once


def _check_same_sweep(first, other):
    """Raises RequestError where two files are not of one sweep."""
    before, after = first.described, other.described
    asked = all(before[name] == after[name] for name in ("precision", "theory"))
    if first.request == other.request and asked and first.share.said == other.share.said:
        return
    raise RequestError(f"combine: {first.name} and {other.name} are of different sweeps: {difference(before, after)}")


def _check_equal(cell, curves, part, again, other):
    """Raises RequestError where the Curves of a cell are not the same in two files, to the bit."""
    name = _differs(curves, again)
    if name is None:
        return
    kinds = [", ".join(dict.fromkeys(cpu(origin) for origin in found.origins)) for found in (part, other)]
    where = "" if kinds[0] == kinds[1] else f"; computed on {kinds[0]} and on {kinds[1]}, which differ in their last digits"
    raise RequestError(f"combine: {cell} differs in {name} between {part.name} and {other.name}{where}")


def _differs(one, other):
    """The name of what differs between two Curves; None where nothing does."""
    if one.network.to_json() != other.network.to_json():
        return "its network"
    if one.run != other.run:
        return next(name for name in (*one.run, *other.run) if one.run.get(name) != other.run.get(name))
    if one.quantile_method != other.quantile_method or not np.array_equal(one.quantiles, other.quantiles):
        return "its quantiles"
    first, second = dict(one.variables), dict(other.variables)
    for name in dict.fromkeys((*first, *second)):
        if name not in first or name not in second or first[name].tobytes() != second[name].tobytes():
            return name
    return None


def _runs(numbers):
    """Yield (first, one behind the last) of the runs of increasing numbers."""
    numbers = list(numbers)
    ends = [0, *(k for k, (a, b) in enumerate(pairwise(numbers), 1) if b != a + 1), len(numbers)]
    for start, stop in pairwise(ends):
        if stop > start:
            yield numbers[start], numbers[stop - 1] + 1


def _listed(what, names):
    rest = len(names) - MOST_SHOWN
    several = "" if len(names) == 1 and " to " not in names[0] else "s"
    return f"{what}{several} {', '.join(names[:MOST_SHOWN])}{f' and {rest:,} more' if rest > 0 else ''}"
