"""The folder of a sweep that is not finished, `OUT.work` beside its output: the lock, what is computed, how far it is.

`lock` is held by the process at work; `plan.json` says what is computed; `parts` has the cells that are finished, `draws` what
is drawn of large ones on the way; `status.json` says how far it is, about once a second. It goes when the output is there.
"""

import json
import os
import shutil
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from ..errors import RequestError, shown
from ..store.files import UNFINISHED, whole
from ..version import __version__
from .lock import Lock, held, holder
from .plan import HISTOGRAMS, REPLICAS, SHARD
from .tasks import digest

FORMAT = 1
PLAN, STATUS, LOCK, PARTS, DRAWS = "plan.json", "status.json", "lock", "parts", "draws"
RAISED = (REPLICAS, HISTOGRAMS)  # how many networks of each cell: what may grow
MOST_SHOWN = 3  # options in the words of a difference


def work_folder(out):
    """Where the work on an output is: beside the file itself, where `out` is a link to it."""
    return Path(f"{_file(out)}.work")


def draws_folder(out):
    """Where what was drawn stays beside an output."""
    return Path(f"{_file(out)}.draws")


def _file(out):
    return os.path.realpath(out) if os.path.islink(out) else os.fspath(out)


class Folder:
    """The folder of the work on `out`, made and locked. Raises RequestError, OSError."""

    def __init__(self, out):
        self.path = work_folder(out)
        while True:
            self.path.mkdir(exist_ok=True)
            try:
                self.lock = Lock(self.path / LOCK, f"--out: {os.fspath(out)!r}")
                break
            except FileNotFoundError:  # who was at work has finished meanwhile, and removed it
                continue

    def plan(self):
        """What is computed there (see `described`); None where it does not say yet. Raises RequestError."""
        return read_plan_of(self.path)

    def begin(self, described):
        """Says what is computed from now on, and takes away what a process that was killed was writing."""
        for path in self.path.glob(f"{UNFINISHED}*"):
            path.unlink()
        with whole(self.path / PLAN) as stream:
            stream.write(json.dumps(described).encode())

    def clear(self):
        """Forgets what was computed."""
        for name in (PLAN, STATUS):
            with suppress(FileNotFoundError):
                os.unlink(self.path / name)
        for name in (PARTS, DRAWS):
            shutil.rmtree(self.path / name, ignore_errors=True)

    def remove(self):
        """Removes it, and gives the lock back."""
        self.clear()
        for path in self.path.glob(f"{UNFINISHED}*"):
            path.unlink()
        (self.path / LOCK).unlink()
        self.path.rmdir()
        self.lock.release()


def described(request, tasks, kin, precision, theory):
    """What `plan.json` says of a sweep: the request, and a digest of what decides the numbers, the `kin` of its Tasks.

    A shard of one sweep is none of another, even where it has the same cells.
    """
    request = json.loads(json.dumps(request, default=str))
    return {
        "format": FORMAT,
        "gradsim_version": __version__,
        "request": request,
        "precision": None if precision is None else precision.asked,
        "theory": theory,
        "kinds": digest(kin) if SHARD not in request else digest([kin, but_raised(request)]),
        REPLICAS: runs(task.least for task in tasks),
        HISTOGRAMS: runs(task.counted for task in tasks),
    }


def runs(counts):
    """[[count, how often it stands in a row]] of some counts, one a cell."""
    return [[count, len(list(group))] for count, group in groupby(counts)]


def but_raised(request):
    """A request without that which may be raised; None for what is no grid."""
    return {name: value for name, value in request.items() if name not in RAISED} if isinstance(request, dict) else None


def read_plan_of(folder):
    """What `plan.json` in a folder says. Raises RequestError for one of a later version, or damaged."""
    try:
        said = json.loads((folder / PLAN).read_bytes())
        version = said["format"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise RequestError(
            f"{str(folder / PLAN)!r} is damaged; remove {str(folder)!r}, or begin anew with --overwrite=True"
        ) from None
    if version != FORMAT:
        raise RequestError(f"{str(folder)!r} has format {version}; this gradsim reads {FORMAT}")
    return said


def raised(before, after):
    """Whether what is asked for now is what was asked `before` (both as `described`), with as many replicas and histograms
    or more."""
    if any(before[name] != after[name] for name in ("kinds", "precision", "theory")):
        return False
    pairs = (pair for name in RAISED for pair in zip(_each(before, name), _each(after, name), strict=True))
    return all(old <= new for old, new in pairs)


def _each(said, name):
    """One count a cell; before sweeps had histograms, none of them."""
    found = said[name] if name in said else [[0, sum(times for _, times in said[REPLICAS])]]
    return [count for count, times in found for _ in range(times)]


def difference(before, after):
    """In words, what is asked for now that was not asked `before`, and the reverse: both are as `described`."""
    old, new = before["request"], after["request"]
    words = [
        f"{name}: {_values(old, name)} there, {_values(new, name)} now"
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]
    words += [
        f"{name}: {shown(before[name])} there, {shown(after[name])} now"
        for name in ("precision", "theory")
        if before[name] != after[name]
    ]
    if words:
        rest = len(words) - MOST_SHOWN
        return "; ".join(words[:MOST_SHOWN]) + (f"; and {rest} more" if rest > 0 else "")
    counts = [sum(times for _, times in said["replicas"]) for said in (before, after)]
    if counts[0] != counts[1]:
        return f"{counts[0]:,} cells there, {counts[1]:,} now"
    versions = before["gradsim_version"], after["gradsim_version"]
    if versions[0] != versions[1]:
        return f"gradsim {versions[0]} there decides otherwise than {versions[1]} how it is computed"
    return "files or functions that it names are not what they were"


def _values(request, name):
    if name not in request:
        return "not given"
    values = request[name]
    if isinstance(values, list) and len(values) > 6:
        return f"{len(values):,} values from {shown(values[0])} to {shown(values[-1])}"
    return shown(values[0] if isinstance(values, list) and len(values) == 1 else values)


def state(out):
    """What is known of the work on `out`, from outside: a dict, or None where there is no folder of it.

    `plan` and `status` are what the files say (None where they do not), `running` whether a process is at work (None where
    that cannot be found out), `holder` who was last.
    """
    folder = work_folder(out)
    if not folder.is_dir():
        return None
    try:
        status = json.loads((folder / STATUS).read_bytes())
    except (OSError, ValueError):
        status = None
    plan, lock = read_plan_of(folder), folder / LOCK
    return {"plan": plan, "status": status, "running": held(lock), "holder": holder(lock)}
