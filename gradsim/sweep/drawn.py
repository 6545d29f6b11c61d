"""What has been drawn of a cell: it can be put aside at any chunk, taken up later, and be gone on with to the same bits."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..errors import RequestError
from ..simulation.chunks import Replicas, folded_chunks
from ..simulation.simulate import curves_of
from ..statistics.ensemble import EnsembleStatistics
from ..statistics.leaving import Leaving
from ..statistics.moments import LogOfMean, Moments
from ..statistics.quantiles import Binned, Binning, Histograms, Samples, collector, rows_of

HISTOGRAM = ("exponent", "start", "stop", "counts", "zeros", "tops")


@dataclass(frozen=True)
class Drawn:
    """Replicas 0 to `replicas` - 1 of a cell.

    `whole`, EnsembleStatistics, is of its whole chunks (None before the first), added one after another; `records` (replicas,
    columns) and `unresolved` (replicas, places) are those of the chunk behind them, which may not be whole; `kept` holds
    everybody's logs where they are asked for.
    """

    whole: EnsembleStatistics | None
    records: np.ndarray | None = None
    unresolved: np.ndarray | None = None
    kept: tuple = ()

    @property
    def replicas(self):
        """How many there are, and how many of them in whole chunks."""
        whole = 0 if self.whole is None else self.whole.replicas
        return whole + (0 if self.records is None else len(self.records)), whole

    def curves(self, task, threads):
        """The Curves of all that is drawn: those of a run of so many replicas, to the bit."""
        count, _ = self.replicas
        kind = collector(rows_of(task.blocks.columns), count)
        total = None if self.whole is None else _collected(self.whole, kind)
        if self.records is not None and len(self.records):
            rest = EnsembleStatistics.of(self.records, kind, task.blocks, self.unresolved)
            total = rest if total is None else total + rest
        kept = np.concatenate(self.kept) if task.run["keep_samples"] else None
        found = curves_of(task.network, task.run | {"replicas": count}, total, kept, threads=threads)
        if task.precision is None:
            return found
        return replace(found, run=found.run | {"precision": task.precision.asked | {"least": task.least}})

    def arrays(self):
        """(what `from_arrays` must be told, JSON-able; a dict of arrays)."""
        arrays = {f"kept{k}": logs for k, logs in enumerate(self.kept)}
        if self.records is not None:
            arrays |= {"records": self.records, "records_unresolved": self.unresolved}
        if self.whole is None:
            return {"replicas": 0}, arrays
        whole, quantiles = self.whole, self.whole.quantiles
        arrays |= {f"moments_{name}": getattr(whole.moments, name) for name in Moments.__dataclass_fields__}
        arrays |= {f"means_{name}": getattr(whole.means, name) for name in LogOfMean.__dataclass_fields__}
        arrays |= {name: getattr(whole, name) for name in ("zeros", "nonfinite", "unresolved")}
        arrays |= {f"leaving{k}": counts for k, counts in enumerate(whole.leaving.counts)}
        said = {"replicas": whole.replicas}
        if isinstance(quantiles, Samples):
            return said, arrays | {"samples": np.concatenate(quantiles.chunks)}
        for k, part in enumerate(quantiles.histograms()):
            arrays |= {f"{name}{k}": getattr(part, name) for name in HISTOGRAM}
        return said | {"bins": quantiles.bins}, arrays

    @classmethod
    def from_arrays(cls, task, said, arrays):
        """What `arrays` gave of a task of the same kind. Raises RequestError for what does not fit it."""
        try:
            return cls(
                None if not said["replicas"] else _statistics(task, said, arrays),
                arrays.get("records"),
                arrays.get("records_unresolved"),
                tuple(_numbered(arrays, "kept")),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise RequestError(f"what was drawn does not fit: {error}") from None


def draw(task, drawn, threads, progress, pause=None, desk=None):
    """The Drawn of a task that is complete, from one that is not (None: nothing is drawn yet).

    `progress(n)` is called after every n more replicas, `pause(drawn)` behind every whole chunk. With a `desk`, a Desk of the
    thread's own, that thread alone computes it, of a task that is known to fit the memory. Raises RequestError.
    """
    drawn = Drawn(None) if drawn is None else drawn
    chunks = partial(_chunks, task, threads, desk)
    drawn = _completed(task, drawn, chunks, progress)
    count, whole = drawn.replicas
    kind = collector(rows_of(task.blocks.columns), task.least)
    if count >= task.most or (count == whole and _enough(task, drawn)):
        return drawn
    for statistics, records, unresolved, kept in chunks(partial(_folded, task, kind), count, task.most):
        drawn = _with(task, drawn, statistics, records, unresolved, kept)
        progress(statistics.replicas if records is None else len(records))
        if records is None and pause is not None:
            pause(drawn)
        if _enough(task, drawn):
            break
    return drawn


def usable(task, drawn):
    """Whether a task can go on from there: it has not come further than this one may."""
    return drawn.replicas[0] <= task.most


def _chunks(task, threads, desk, fold, begin, end):
    """Yield fold(records, unresolved) for replicas `begin` to `end` - 1."""
    run = task.run | {"threads": threads, "replicas": end}
    if desk is None:
        return folded_chunks(task.network, fold, begin, **run)
    return Replicas(task.network, run).folded(fold, begin, desk)


def _completed(task, drawn, chunks, progress):
    """With the chunk that is not whole made whole, or as large as it is to be."""
    count, whole = drawn.replicas
    end = min(whole + task.chunk, task.most)
    if count == whole or count >= end:
        return drawn
    copies = list(chunks(_copied, count, end))
    records = np.concatenate([drawn.records, *(records for records, _ in copies)])
    unresolved = np.concatenate([drawn.unresolved, *(flags for _, flags in copies)])
    progress(end - count)
    kind = collector(rows_of(task.blocks.columns), task.least)
    statistics, records, unresolved, kept = _folded(task, kind, records, unresolved)
    before = Drawn(drawn.whole, kept=_cut(drawn.kept, whole))
    return _with(task, before, statistics, records, unresolved, kept)


def _cut(kept, count):
    return (np.concatenate(kept)[:count],) if kept else ()


def _with(task, drawn, statistics, records, unresolved, kept):
    kept = drawn.kept if kept is None else (*drawn.kept, kept)
    if records is not None:
        return Drawn(drawn.whole, records, unresolved, kept)
    if drawn.whole is None:
        return Drawn(statistics, kept=kept)
    kind = collector(rows_of(task.blocks.columns), drawn.whole.replicas + statistics.replicas)
    for quantiles in (drawn.whole.quantiles, statistics.quantiles):
        if isinstance(quantiles, Binned):  # as they will be in the end: samples are not held on the way
            kind = Binning(quantiles.bins)
    return Drawn(_collected(drawn.whole, kind) + _collected(statistics, kind), kept=kept)


def _copied(records, unresolved):
    return np.array(records), np.array(unresolved)


def _folded(task, kind, records, unresolved):
    """(statistics, None, None, logs or None) of a whole chunk; (None, records, unresolved, logs or None) of another."""
    kept = np.array(records[:, : task.blocks.columns.logs]) if task.run["keep_samples"] else None
    if len(records) < task.chunk:
        return None, *_copied(records, unresolved), kept
    return EnsembleStatistics.of(records, kind, task.blocks, unresolved), None, None, kept


def _collected(statistics, kind):
    """The same statistics with their samples counted, where `kind` counts them."""
    if kind is Samples or isinstance(statistics.quantiles, Binned):
        return statistics
    first, *rest = (kind.of(logs) for logs in statistics.quantiles.chunks)
    return replace(statistics, quantiles=sum(rest, first))


def _enough(task, drawn):
    """Whether a task that runs for a precision has it: asked behind whole chunks only."""
    count, whole = drawn.replicas
    if task.precision is None:
        return count >= task.least
    if count != whole or count < task.least or not whole:
        return False
    gradient = "stream_gradient" if task.network.has_stream else "gradient"
    return task.precision.reached(drawn.whole.moments, task.blocks, gradient)


def _statistics(task, said, arrays):
    if "samples" in arrays:
        quantiles = Samples((arrays["samples"],))
    else:
        parts = zip(*(_numbered(arrays, name) for name in HISTOGRAM), strict=True)
        quantiles = Binned(said["bins"], (), tuple(Histograms(*part) for part in parts))
    moments = Moments(*(arrays[f"moments_{name}"] for name in Moments.__dataclass_fields__))
    means = LogOfMean(*(arrays[f"means_{name}"] for name in LogOfMean.__dataclass_fields__))
    leaving = Leaving(task.blocks.ways, tuple(_numbered(arrays, "leaving")))
    if len(moments.mean) != task.blocks.columns.size:
        raise ValueError(f"{len(moments.mean)} columns, where there are {task.blocks.columns.size}")
    others = arrays["zeros"], arrays["nonfinite"], leaving, arrays["unresolved"]
    return EnsembleStatistics(said["replicas"], moments, means, quantiles, *others)


def _numbered(arrays, name):
    k = 0
    while f"{name}{k}" in arrays:
        yield arrays[f"{name}{k}"]
        k += 1
