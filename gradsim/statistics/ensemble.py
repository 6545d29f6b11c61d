"""Everything that is kept of an ensemble, as one addable object."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..kernels.record import LOG_QUANTITIES, RECORDED
from .leaving import Leaving, names_counted
from .moments import LogOfMean, Moments, folded, lead_of
from .stacked import Pieces, Stacked


@dataclass(frozen=True)
class EnsembleStatistics:
    """Statistics of records of shape (replicas, columns), column by column; what a column is, `blocks.Blocks` says.

    `zeros` and `nonfinite` count replicas.
    """

    replicas: int
    moments: Moments
    means: LogOfMean
    quantiles: object  # Samples or Binned, rows are the columns of logs
    zeros: np.ndarray
    nonfinite: np.ndarray
    leaving: Leaving
    unresolved: np.ndarray  # int64 (logs,): replicas that float32 cannot tell from zero, on record as their bounds

    @classmethod
    def of(cls, records, collector, blocks, unresolved=None):
        """From records of shape (replicas, columns), kept no longer than this call.

        `unresolved`, int64 (replicas, places), says by bits which quantities of a place are (none unless given).
        """
        replicas, logs = len(records), blocks.columns.logs
        moments, means, zeros = folded(records, logs, lead_of(blocks.columns))
        return cls(
            replicas,
            moments,
            means,
            collector.of(records[:, :logs]),
            zeros,
            replicas - moments.count - zeros,
            Leaving.of(records, blocks.ways),
            np.zeros(logs, np.int64) if unresolved is None else count_bits(unresolved, blocks.columns),
        )

    def __add__(self, other):
        return EnsembleStatistics(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def variables(self, blocks, probabilities, threads=1):
        """Every variable of `quantities.VARIABLES` that these statistics determine: Stacked, {name: array}.

        Arrays are over (layer, place where there are any, quantile or precision); where a quantity is not defined they hold
        NaN, or -1 in a count.
        """
        mean, variance = np.where(self.moments.count > 0, self.moments.mean, np.nan), self.moments.variance
        logs = len(self.unresolved)
        means = mean[:logs], variance[:logs], self.means.log_of_mean, self.means.effective_sample_size
        stacks = (
            blocks.logs(np.array([self.nonfinite[:logs], self.zeros[:logs], self.unresolved])),
            blocks.logs(np.array(means)),
            blocks.logs(self.quantiles.quantiles(probabilities, threads)[None]),
            blocks.plain(self.nonfinite[None]),
            blocks.plain(np.array([mean, variance])),
        )
        return Stacked(_pieces(blocks), (*stacks, *self.leaving.fractions(self.replicas, blocks)))


LOGS = (
    ("nonfinite_count", "zero_count", "unresolved_count"),
    ("log_mean", "log_variance", "log_of_mean", "effective_sample_size"),
    ("log_quantile",),
)
PLAIN = (("nonfinite_count",), ("mean", "variance"))


@lru_cache(16)
def _pieces(blocks):
    """The Pieces of what `variables` stacks."""
    found = Pieces()
    for spread, stacks in ((blocks.logs, LOGS), (blocks.plain, PLAIN)):
        for names in stacks:
            found.add([([f"{piece[0]}_{name}" for name in names], *piece[1:]) for piece in spread.pieces])
    for way in blocks.ways:
        shape = blocks.shape(way.quantity)
        found.add([(names_counted(way.quantity), 0, math.prod(shape), shape)])
    return found


def count_bits(flags, columns):
    """How often each log is flagged, int64 (logs,), in `flags` of shape (replicas, places): bit q is quantity q of a record."""
    counts = np.zeros(columns.logs, np.int64)
    rows = flags[flags.any(axis=1)]
    if len(rows):
        for bit in map(RECORDED.index, LOG_QUANTITIES):
            if RECORDED[bit] in columns.placed:
                own = columns.placed[RECORDED[bit]].columns
                places = slice(own.start - columns.starts[bit], own.stop - columns.starts[bit])
                counts[own] = ((rows[:, places] >> bit) & 1).sum(axis=0)
    return counts
