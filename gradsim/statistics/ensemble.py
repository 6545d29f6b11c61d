"""Everything that is kept of an ensemble, as one addable object."""

from dataclasses import dataclass

import numpy as np

from ..kernels.record import LOG_QUANTITIES
from .leaving import Leaving
from .moments import LogOfMean, Moments, folded
from .quantities import QUANTITIES

LOGS = len(LOG_QUANTITIES)


@dataclass(frozen=True)
class EnsembleStatistics:
    """Statistics of records of shape (replicas, quantities, layers), elementwise over quantities and layers.

    `zeros` and `nonfinite` count replicas; `nonfinite` is meaningful where the quantity is defined.
    """

    replicas: int
    moments: Moments
    means: LogOfMean
    quantiles: object  # Samples or Histograms, rows are (quantity, layer)
    zeros: np.ndarray
    nonfinite: np.ndarray
    leaving: Leaving
    unresolved: np.ndarray  # int64 (logs, layers): replicas that float32 cannot tell from zero, on record as their bounds

    @classmethod
    def of(cls, records, collector, ways, unresolved=None):
        """From records of shape (replicas, quantities, layers), kept no longer than this call; `ways` as `leaving.ways`.

        `unresolved`, int64 (replicas, layers), says by bits which of their quantities are (none unless given).
        """
        replicas, _, layers = records.shape
        moments, means, zeros = folded(records, LOGS)
        return cls(
            replicas,
            moments,
            means,
            collector.of(records[:, :LOGS].reshape(replicas, -1)),
            zeros,
            replicas - moments.count - zeros,
            Leaving.of(records, ways),
            count_bits(unresolved, LOGS) if unresolved is not None else np.zeros((LOGS, layers), np.int64),
        )

    def __add__(self, other):
        return EnsembleStatistics(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def variables(self, network, inputs, probabilities, threads=1):
        """Yield (name, array) for every variable of `quantities.VARIABLES` that these statistics determine.

        Arrays are over (layer, quantile or precision); layers on which a quantity is not defined hold NaN, or -1 in
        a count.
        """
        mean = np.where(self.moments.count > 0, self.moments.mean, np.nan)
        plain = {"nonfinite_count": self.nonfinite, "mean": mean, "variance": self.moments.variance}
        logs = {
            "nonfinite_count": self.nonfinite,
            "log_mean": mean,
            "log_variance": plain["variance"],
            "log_quantile": self.quantiles.quantiles(probabilities, threads).reshape(LOGS, -1, len(probabilities)),
            "log_of_mean": self.means.log_of_mean,
            "effective_sample_size": self.means.effective_sample_size,
            "zero_count": self.zeros,
            "unresolved_count": self.unresolved,
        }
        for row, (name, quantity) in enumerate(QUANTITIES.items()):
            if quantity.pairs and inputs == 1:
                continue
            for statistic, array in (logs if quantity.log else plain).items():
                yield f"{name}_{statistic}", restricted(array[row], quantity, network)
        yield from self.leaving.fractions(self.replicas)


def count_bits(flags, bits):
    """How often each bit is set, int64 (bits, columns), in flags of shape (rows, columns)."""
    counts = np.zeros((bits, flags.shape[1]), np.int64)
    rows = flags[flags.any(axis=1)]
    if len(rows):
        for bit in range(bits):
            counts[bit] = ((rows >> bit) & 1).sum(axis=0)
    return counts


def restricted(array, quantity, network, axis=0):
    """`array` with only the layers on which `quantity` is defined; without the layer axis if it is one a network."""
    layers = quantity.layers(network)
    if quantity.place == "network":
        return np.take(array, 0, axis=axis)
    result = np.full_like(array, -1 if array.dtype.kind == "i" else np.nan)
    defined = (*[slice(None)] * axis, layers)
    result[defined] = array[defined]
    return result
