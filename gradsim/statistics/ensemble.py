"""Everything that is kept of an ensemble, as one addable object."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..kernels.record import LOG_QUANTITIES, RECORDED
from .leaving import Leaving
from .moments import LogOfMean, Moments, folded, lead_of


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
        """Yield (name, array) for every variable of `quantities.VARIABLES` that these statistics determine.

        Arrays are over (layer, place where there are any, quantile or precision); where a quantity is not defined they hold
        NaN, or -1 in a count.
        """
        mean, variance = np.where(self.moments.count > 0, self.moments.mean, np.nan), self.moments.variance
        logs = len(self.unresolved)
        counts = {
            "nonfinite_count": self.nonfinite[:logs],
            "zero_count": self.zeros[:logs],
            "unresolved_count": self.unresolved,
        }
        numbers = {
            "log_mean": mean[:logs],
            "log_variance": variance[:logs],
            "log_of_mean": self.means.log_of_mean,
            "effective_sample_size": self.means.effective_sample_size,
        }
        quantiles = {"log_quantile": self.quantiles.quantiles(probabilities, threads)}
        yield from _named(blocks.logs, counts, numbers, quantiles)
        yield from _named(blocks.plain, {"nonfinite_count": self.nonfinite}, {"mean": mean, "variance": variance})
        yield from self.leaving.fractions(self.replicas, blocks)


def _named(spread, *tables):
    """Yield (name, array) for the quantities of a Spread and the statistics of `tables`: {name: values of all columns}, each
    table's of one type and shape."""
    found = [(tuple(table), spread(np.array(tuple(table.values())))) for table in tables]
    for quantity, start, stop, shape in spread.pieces:
        for names, arrays in found:
            own = arrays[:, start:stop].reshape(len(names), *shape, *arrays.shape[2:])
            yield from zip(_full_names(quantity, names), own, strict=True)


@cache
def _full_names(quantity, statistics):
    return tuple(f"{quantity}_{name}" for name in statistics)


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
