"""Statistics over the networks of a training run: the sums and quantiles that curves at initialization are made of."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..statistics.moments import LogOfMean, Moments, folded
from ..statistics.quantiles import collector
from .program import LOGS, QUANTITIES

ONCE_A_STEP = ("loss", "accuracy", "held_out_accuracy")


class Columns(NamedTuple):
    """Of a network's row: logs of all recorded steps, then what is no log, then what is on record once a step.

    `starts` are those of a record (see `program`), `recorded` the steps that there are records of, `steps` how many updates.
    """

    starts: tuple
    recorded: int
    steps: int
    once: tuple  # names of ONCE_A_STEP that come to be

    @property
    def logs(self):
        return self.recorded * self.starts[len(LOGS)]

    @property
    def layers(self):
        """Places along the axis `layer`."""
        return max(self.starts[1] + 1, self.starts[len(LOGS)] - self.starts[len(LOGS) - 1])

    def row(self, records, curve):
        """One network's, from records (recorded, columns) and a curve (steps + 1, 3)."""
        split = self.starts[len(LOGS)]
        kept = curve[:, [ONCE_A_STEP.index(name) for name in self.once]]
        return np.concatenate([records[:, :split].ravel(), records[:, split:].ravel(), kept.T.ravel()])

    def of(self, name, values):
        """Those of a quantity among `values` (columns, ...): (recorded, layers, ...), what is not there NaN or -1."""
        k = QUANTITIES.index(name)
        split, size = self.starts[len(LOGS)], self.starts[-1]
        begin, width = (0, split) if k < len(LOGS) else (self.logs, size - split)
        block = values[begin : begin + self.recorded * width].reshape(self.recorded, width, *values.shape[1:])
        at = self.starts[k] - (0 if k < len(LOGS) else split)
        found = block[:, at : at + self.starts[k + 1] - self.starts[k]]
        missing = -1 if values.dtype.kind == "i" else np.nan
        laid = np.full((self.recorded, self.layers, *values.shape[1:]), missing, values.dtype)
        first = 0 if name == "activation" else 1
        laid[:, first : first + found.shape[1]] = found
        return laid

    def once_a_step(self, name, values):
        """The same of ONCE_A_STEP: (steps + 1, ...)."""
        begin = self.recorded * self.starts[-1] + self.once.index(name) * (self.steps + 1)
        return values[begin : begin + self.steps + 1]


@dataclass(frozen=True)
class TrainingStatistics:
    """Of rows of `Columns`, column by column; they can be added."""

    columns: Columns
    replicas: int
    moments: Moments
    means: LogOfMean
    zeros: np.ndarray
    quantiles: object
    nonfinite_steps: tuple  # of each network, at which the loss was no number or infinite first; -1: never

    @classmethod
    def of(cls, columns, rows, nonfinite_steps, kind):
        moments, means, zeros = folded(rows, columns.logs)
        return cls(columns, len(rows), moments, means, zeros, kind.of(rows), tuple(nonfinite_steps))

    @staticmethod
    def kind(columns, replicas):
        """What keeps the quantiles of so many networks."""
        return collector(columns.recorded * columns.starts[-1] + len(columns.once) * (columns.steps + 1), replicas)

    def __add__(self, other):
        added = (getattr(self, name) + getattr(other, name) for name in list(self.__dataclass_fields__)[1:])
        return TrainingStatistics(self.columns, *added)

    @cached_property
    def nonfinite(self):
        return self.replicas - self.moments.count - self.zeros

    def variables(self, probabilities):
        """{name: array} over (recorded_step, layer) or (step,), and quantiles; names as in docs/training.md."""
        columns, logs = self.columns, self.columns.logs
        mean, variance = np.where(self.moments.count > 0, self.moments.mean, np.nan), self.moments.variance
        quantiles = self.quantiles.quantiles(probabilities)
        wide = np.full((2, len(mean)), np.nan)
        wide[:, :logs] = self.means.log_of_mean, self.means.effective_sample_size
        found = {}
        for name in QUANTITIES:
            prefix = f"{name}_log" if name in LOGS else name
            found[f"{prefix}_mean"], found[f"{prefix}_variance"] = columns.of(name, mean), columns.of(name, variance)
            found[f"{prefix}_quantile"] = columns.of(name, quantiles)
            if name in LOGS:
                found[f"{name}_log_of_mean"] = columns.of(name, wide[0])
                found[f"{name}_effective_sample_size"] = columns.of(name, wide[1])
                found[f"{name}_zero_count"] = columns.of(name, self.zeros)
            found[f"{name}_nonfinite_count"] = columns.of(name, self.nonfinite)
        for name in columns.once:
            found[f"{name}_mean"], found[f"{name}_variance"] = (columns.once_a_step(name, v) for v in (mean, variance))
            found[f"{name}_quantile"] = columns.once_a_step(name, quantiles)
            found[f"{name}_nonfinite_count"] = columns.once_a_step(name, self.nonfinite)
        found["nonfinite_step"] = np.array(self.nonfinite_steps, np.int64)
        return found
