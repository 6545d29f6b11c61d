"""Everything that is kept of an ensemble, as one addable object."""

from dataclasses import dataclass

import numpy as np

from ..kernels.fold import count_leaving
from ..kernels.record import LOG_QUANTITIES, RECORDED
from ..precision import PRECISIONS, log_square_limits
from ..quantities import IN_PRECISION, QUANTITIES
from .moments import LogOfMean, Moments, folded

LOGS = len(LOG_QUANTITIES)
_ENTRIES = [RECORDED.index(name) for name in IN_PRECISION]
_LARGEST = [RECORDED.index(QUANTITIES[name].largest) for name in IN_PRECISION]


@dataclass(frozen=True)
class EnsembleStatistics:
    """Statistics of records of shape (replicas, quantities, layers), elementwise over quantities and layers.

    `zeros` and `nonfinite` count replicas; so do `overflows` and `underflows`, of shape (len(IN_PRECISION),
    precisions, layers). `nonfinite` is meaningful where the quantity is defined.
    """

    replicas: int
    moments: Moments
    means: LogOfMean
    quantiles: object  # Samples or Histograms, rows are (quantity, layer)
    zeros: np.ndarray
    nonfinite: np.ndarray
    overflows: np.ndarray
    underflows: np.ndarray

    @classmethod
    def of(cls, records, collector):
        """From records of shape (replicas, quantities, layers), kept no longer than this call."""
        replicas, _, layers = records.shape
        moments, means, zeros = folded(records, LOGS)
        over, under = (np.zeros((len(IN_PRECISION), len(PRECISIONS), layers), np.int64) for _ in range(2))
        for k, (entry, largest) in enumerate(zip(_ENTRIES, _LARGEST, strict=True)):
            values, tops = (np.ascontiguousarray(records[:, row]) for row in (entry, largest))
            count_leaving(values, tops, *log_square_limits(), under[k], over[k])
        return cls(
            replicas,
            moments,
            means,
            collector.of(records[:, :LOGS].reshape(replicas, -1)),
            zeros,
            replicas - moments.count - zeros,
            over,
            under,
        )

    def __add__(self, other):
        return EnsembleStatistics(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def variables(self, network, inputs, probabilities, threads=1):
        """Yield (name, array) for every variable of `quantities.VARIABLES` that these statistics determine.

        Arrays are over (layer, quantile or precision); layers on which a quantity is not defined hold NaN, or -1 in
        a count.
        """
        quantiles = self.quantiles.quantiles(probabilities, threads).reshape(LOGS, -1, len(probabilities))
        for row, (name, quantity) in enumerate(QUANTITIES.items()):
            if quantity.pairs and inputs == 1:
                continue
            arrays = {"nonfinite_count": self.nonfinite[row]}
            mean = np.where(self.moments.count[row] > 0, self.moments.mean[row], np.nan)
            if quantity.log:
                arrays["log_mean"] = mean
                arrays["log_variance"] = self.moments.variance[row]
                arrays["log_quantile"] = quantiles[row]
                arrays["log_of_mean"] = self.means.log_of_mean[row]
                arrays["effective_sample_size"] = self.means.effective_sample_size[row]
                arrays["zero_count"] = self.zeros[row]
            else:
                arrays["mean"], arrays["variance"] = mean, self.moments.variance[row]
            if quantity.largest:
                place = IN_PRECISION.index(name)
                arrays["overflow_fraction"] = self.overflows[place].T / self.replicas
                arrays["underflow_fraction"] = self.underflows[place].T / self.replicas
            for statistic, array in arrays.items():
                yield f"{name}_{statistic}", restricted(array, quantity, network)


def restricted(array, quantity, network, axis=0):
    """`array` with only the layers on which `quantity` is defined; without the layer axis if it is one a network."""
    layers = quantity.layers(network)
    if quantity.place == "network":
        return np.take(array, 0, axis=axis)
    missing = np.ones(array.shape[axis], bool)
    missing[layers] = False
    result = array.copy()
    np.moveaxis(result, axis, 0)[missing] = -1 if result.dtype.kind == "i" else np.nan
    return result
