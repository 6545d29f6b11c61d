"""A sweep that survives anything: what is finished is on the disk, and the same request goes on from it, to the same bits."""

import json
import os
import shutil
import threading
import time
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

import numba
import numpy as np

from ..curves import CurveSet, open_file
from ..errors import RequestError
from ..statistics.quantities import COUNTED, QUANTILES
from ..store.files import discard, unfinished, whole
from ..store.layout import Layout, Outline
from ..store.provenance import machine_words
from ..store.requests import requests
from ..store.write import pack
from .cells import curves_from
from .cluster import Cluster
from .crew import compute_by
from .draws import KEPT_BYTES, PART_BYTES, Draws, draws_bytes
from .folder import (
    DRAWS,
    PARTS,
    RAISED,
    STATUS,
    Folder,
    but_raised,
    described,
    difference,
    draws_folder,
    raised,
    runs,
    work_folder,
)
from .parts import places, read
from .plan import HISTOGRAMS, REPLICAS, SHARD
from .runner import compute
from .shelf import Shelf
from .tasks import Tasks, functions_of
from .work import Work

STATUS_SECONDS = 1.0
LEAVE_SECONDS = 10.0  # for workers that were begun here
MOST_SHOWN = 3
# Of a run in a file, what was not asked for, or is said elsewhere
UNTOLD = ("threads", *RAISED, "engine_used", "activation_fault", "precision")


class Sweep:
    """A Plan and its output at `out`, and the work that leads from one to the other.

    `precision` is a Precision or None, `keep` whether what is drawn stays in `OUT.draws` (None: where that is not much),
    `theory` whether theory stands beside the curves. Where `overwrite` is not given, an output of another request is refused,
    and one of the same request goes on: with more replicas, or not at all if it is finished. `tell(line)` takes what the user
    should know meanwhile.
    """

    def __init__(self, plan, out, precision=None, keep=None, overwrite=False, theory=False, tell=lambda line: None):
        self.plan, self.out, self.tasks = plan, Path(out), Tasks(plan, precision)
        self.precision, self.overwrite, self.theory, self._tell = precision, overwrite, theory, tell
        self.keep = self._keeps() if keep is None else keep
        self._kin = tuple(task.kin for task in self.tasks)
        self.described = described(plan.request, self.tasks, self._kin, precision, theory)
        self._folder = self._parts = self._drawn = self._work = None
        self._replace, self._by, self._machines = overwrite, {}, set()
        self._told, self._start, self._before = 0.0, time.monotonic(), 0
        self._others_left = threading.Event()
        self._others_left.set()

    def is_finished(self):
        """Whether the output is that of this very request, so that there is nothing to do.

        Raises RequestError where it is another one's and must stay, OSError.
        """
        if self.overwrite or not self.out.exists():
            return False
        before = self._of_output()
        if not raised(before, self.described):
            raise RequestError(
                f"--out: {os.fspath(self.out)!r} exists; allow its replacement with --overwrite=True, or give "
                f"another --out; it is of another sweep: {difference(before, self.described)}"
            )
        self._replace = True
        same = all(before[name] == self.described[name] for name in RAISED)
        return same and before["digest"] == self.plan.digest

    def begin(self):
        """Takes the lock and finds what is there; how many cells are finished. Raises RequestError, OSError."""
        try:
            self._folder = Folder(self.out)
        except FileExistsError:
            raise RequestError(f"--out: {os.fspath(work_folder(self.out))!r} is in the way of its work") from None
        try:
            return self._begin()
        except BaseException:
            for shelf in (self._parts, self._drawn):
                if shelf is not None:
                    shelf.close()
            self._folder.lock.release()
            self._folder = None
            raise

    def _begin(self):
        if self._folder.lock.missing:
            self._tell(f"{os.fspath(self._folder.path)}: the file system has no locks; let no other process work on it")
        before = self._folder.plan()
        if before is not None and not raised(before, self.described):
            if not self.overwrite:
                raise RequestError(
                    f"--out: {os.fspath(self._folder.path)!r} exists; begin anew with --overwrite=True, or give "
                    f"another --out; it has the work on another sweep: {difference(before, self.described)}"
                )
            self._folder.clear()
        self._folder.begin(self.described)
        self._parts = Shelf(self._folder.path / PARTS)
        drawn = draws_folder(self.out)
        self._drawn = Shelf(drawn if self.keep else self._folder.path / DRAWS, durable=False, size=PART_BYTES)
        known, kin = {task.identity for task in self.tasks}, set(self._kin)
        self._parts.drop(lambda identity: identity not in known)
        self._drawn.drop(lambda found: found not in kin)
        self._before = sum(task.identity in self._parts for task in self.tasks)
        damage = [*self._parts.damage, *self._drawn.damage]
        if damage:
            rest = f", and {len(damage) - 3} more" if len(damage) > 3 else ""
            self._tell(f"damaged: {'; '.join(damage[:3])}{rest}; what is lost is computed again")
        return self._before

    @property
    def share(self):
        """The share of the work that was found done."""
        total = sum(task.work for task in self.tasks)
        return sum(task.work for task in self.tasks if task.identity in self._parts) / total if total else 1.0

    def run(self, threads, progress=None, dask=None):
        """Computes what is missing and has it on the disk; the Work. Raises what stops it: what is finished is kept.

        `dask` is None, the address of a scheduler, "local" (as many workers as `threads`), or a Dask Client.
        """
        threads = threads or numba.config.NUMBA_NUM_THREADS
        self._by = {"threads": threads}
        missing = [number for number, task in enumerate(self.tasks) if task.identity not in self._parts]
        total = sum(task.work for task in self.tasks)
        self._start = time.monotonic()

        def tell(share, cells):
            self._tell_state(share, cells)
            if progress is not None:
                progress(share, cells)

        self._work = Work(total, tell, total - sum(self.tasks[number].work for number in missing), self._before)
        try:
            with closing(self._parts), closing(self._drawn):
                self._compute(missing, threads, dask)
        except OSError as error:
            where = os.fspath(self._folder.path if error.filename is None else error.filename)
            raise RequestError(f"--out: cannot write {where!r}: {error.strerror or error}; {self.kept}") from None
        self._tell_state(self._work.share, self._work.finished, at_once=True)
        return self._work

    def _compute(self, missing, threads, dask):
        """Has all that is missing come in."""
        finish, work, draws = self._parts.add, self._work, Draws(self._drawn, self.keep)
        if dask is None:
            compute(self.tasks, missing, threads, finish, work, draws)
        elif missing:
            self._others_left.clear()
            try:
                functions = functions_of(self.tasks, missing)
                with Cluster(dask, threads, self._tell) as cluster:
                    self._by = {"workers": cluster.workers}
                    cluster.take(self.tasks, self.keep, functions)
                    compute_by(cluster, self.tasks, missing, finish, work, draws)
            finally:
                self._others_left.set()

    def pack(self):
        """Has the output hold all cells, and takes away what led to it. Raises RequestError: then all is kept."""
        identities = [task.identity for task in self.tasks]
        layout = Layout.of(self._outlines(), self.plan.request, self.plan.coordinates, identities, self.plan.share)
        more = self._by | {"seconds": round(time.monotonic() - self._start, 3)}
        machines = sorted(self._machines)
        if machines != [machine_words()]:
            more["machines"] = machines
        if len(machines) > 1:
            self._tell(f"cells were computed on {len(machines)} kinds of CPUs: last digits differ between them")
        try:
            pack(self.out, layout, self._curves(), self._replace, provenance=more, folder=self._folder.path)
        except RequestError as error:
            raise RequestError(f"{error.text}; {self.kept}") from None
        if not self.keep:
            shutil.rmtree(draws_folder(self.out), ignore_errors=True)
        self._folder.remove()
        self._folder = None

    def finished(self, most):
        """The CurveSet of the first `most` cells that are finished, sealed or not; None where there are none."""
        found = islice((task for task in self.tasks if self._parts.has_met(task.identity)), most)
        curves = [curves_from(*self._parts.get(task.identity), task.network) for task in found]
        return CurveSet(curves) if curves else None

    def tidy(self):
        """Takes away what led to an output that is finished, if whoever wrote that was ended before it did so."""
        if work_folder(self.out).is_dir():
            with suppress(RequestError, OSError):
                folder = Folder(self.out)
                folder.remove() if folder.plan() in (None, self.described) else folder.lock.release()

    def leave(self):
        """Gives the lock back; what is finished stays. Without anything finished nothing stays."""
        for shelf in (self._parts, self._drawn):
            with suppress(OSError):
                shelf.close()
        if self._folder is not None:
            if self._folder_is_needed:
                self._folder.lock.release()
            else:
                self._remove_folder()
            self._folder = None

    def stop(self):
        """Has all that is finished on the disk, and nothing begun from then on; in words, what is kept, None if nothing is."""
        if self._parts is None or self._folder is None:
            return None
        if self._work is not None:
            self._work.stopping.set()
        for shelf in (self._parts, self._drawn):
            with suppress(OSError):
                shelf.close()
        self._others_left.wait(LEAVE_SECONDS)
        for temporary in tuple(unfinished):  # of the output: what it is made of is kept
            discard(temporary)
        if not self._folder_is_needed:
            self._remove_folder()
        return self.kept if self._parts or self._drawn else None

    @property
    def _folder_is_needed(self):
        return bool(self._parts or (self._drawn and not self.keep))

    def _remove_folder(self):
        with suppress(OSError):  # of two threads that end at once the other may have done it
            self._folder.remove()
        with suppress(OSError):
            draws_folder(self.out).rmdir()  # if it is empty

    @property
    def kept(self):
        """In words, what is kept and how to go on."""
        count = sum(task.identity in self._parts for task in self.tasks)
        if count:
            what = f"{count:,} of {len(self.tasks):,} cells are kept in {os.fspath(work_folder(self.out))}"
        elif self._drawn:
            what = f"what was drawn is kept in {os.fspath(self._drawn.folder)}"
        else:
            return "nothing is finished yet"
        return f"{what}; the same command goes on from there"

    def _outlines(self):
        """Yield what the file must know of each cell beforehand."""
        for task in self.tasks:
            if self.theory:
                yield self._curves_of(task)
                continue
            said, names = self._parts.outline(task.identity)
            self._machines.add(said.get("machine", "unknown"))
            yield Outline(task.network, said["run"], np.array(QUANTILES), names)

    def _curves(self):
        yield from map(self._curves_of, self.tasks)

    def _curves_of(self, task):
        said, arrays = self._parts.get(task.identity)
        self._machines.add(said.get("machine", "unknown"))
        curves = curves_from(said, arrays, task.network)
        return curves.with_theory() if self.theory else curves

    def _keeps(self):
        """Whether what is drawn is kept where nothing is said of it."""
        if draws_folder(self.out).is_dir():
            return True
        known, total = {}, 0  # by what is settled of them: all that are alike take as much
        for task in self.tasks:
            alike = id(task.cell.settled)
            known[alike] = known[alike] if alike in known else draws_bytes(task)
            total += known[alike]
        return total <= KEPT_BYTES

    def at_work(self):
        """In words, the cells that are computed just now."""
        numbers = sorted(set(self._work.at_work.copy().values()))
        return ", ".join(map(self.plan.words, numbers[:MOST_SHOWN]))

    def _tell_state(self, share, cells, at_once=False):
        now = time.monotonic()
        if not at_once and now - self._told < STATUS_SECONDS:
            return
        self._told = now
        seconds, before = now - self._start, self._work.before
        said = {
            "cells": len(self.tasks),
            "finished": cells,
            "share": share,
            "rate": (cells - self._before) / seconds if seconds else 0.0,
            "left": seconds * (1 - share) / (share - before) if share > before else None,
            "at_work": self.at_work(),
            "failed": [[self.plan.words(number), str(error)] for number, error in self._work.failed[:MOST_SHOWN]],
            "updated": time.time(),
        }
        # It is for others to see: what is computed does not hang on it
        with suppress(OSError), whole(self._folder.path / STATUS, durable=False) as stream:
            stream.write(json.dumps(said).encode())

    def _of_output(self):
        """What is in the output, in the words of `described`."""
        cells, names, grid, share = requests(self.out)
        same = self._has_its_cells(len(cells), grid, share)
        replicas, precision = [], None
        for cell, task in zip(cells, self.tasks, strict=False):
            run = cell["run"]
            adaptive = run.get("precision")
            if adaptive is not None:
                precision = {name: value for name, value in adaptive.items() if name != "least"}
            replicas.append(run["replicas"] if adaptive is None else adaptive["least"])
            found, asked = (
                {name: value for name, value in given.items() if name not in UNTOLD} for given in (run, task.plain_run)
            )
            same = same and found == asked and cell["network"] == json.loads(task.network.to_json())
        counts = {REPLICAS: replicas, HISTOGRAMS: self._counted_in_output(len(cells), names)}
        found = {name: runs(values) for name, values in counts.items()}
        request = self.described["request"] if same else grid
        request = request if isinstance(request, dict) else {}  # of networks that were no grid there are descriptions only
        for name, values in counts.items():
            if same and found[name] != self.described[name]:
                request = request | {name: sorted(set(values))}
        return self.described | {
            "request": request,
            "precision": precision,
            "theory": any(name.startswith("mean_field_") for name in names),
            "kinds": self.described["kinds"] if same else "others",
            "digest": share.digest if share is not None and SHARD in self.plan.request else self.plan.digest,
            **found,
        }

    def _counted_in_output(self, cells, names):
        """Of how many networks of each cell the output has the units counted."""
        if COUNTED.isdisjoint(names):
            return [0] * cells
        return [curves.counted for curves in open_file(self.out)]

    def _has_its_cells(self, count, grid, share):
        """Whether an output of so many cells has those of the plan, as far as its `grid` and its Share tell.

        A shard's are of this sweep, or of one of fewer replicas.
        """
        numbers = range(count) if share is None else share.numbers
        if tuple(numbers) != tuple(self.plan.numbers):
            return False
        same_sweep = SHARD not in self.plan.request or (share is not None and share.digest == self.plan.digest)
        return same_sweep or but_raised(grid) == but_raised(self.described["request"])


def open_unfinished(folder):
    """The CurveSet of the cells that are finished, of a sweep that is not: of its folder `OUT.work`. Raises RequestError."""
    parts, found = Path(folder) / PARTS, {}
    for path in sorted(parts.glob("*.part")) if parts.is_dir() else ():
        for place in places(str(path))[0]:
            _, said, arrays = read(place)
            found[said["cell"]] = curves_from(said, arrays)
    if not found:
        raise RequestError(f"open: {os.fspath(folder)!r} is a folder in which no cell of a sweep is finished")
    return CurveSet([found[number] for number in sorted(found)])
