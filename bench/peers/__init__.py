"""The same job in other libraries, written as one would who knows them well.

Each module offers `variants(job)`: several ways to do the job, the plainest first, of which the benchmark keeps the
fastest. They take every shortcut that float32 allows at this depth: none carries exponents or extreme logarithms.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from gradsim.kernels.record import TABLE

ALONE = tuple(recorded for recorded in TABLE if not recorded.pairs)  # of one input
RECORDED = tuple(recorded.name for recorded in ALONE if recorded.at not in ("norm", "stream"))  # of a chain
SATURATION = 0.01
# init: (law of a weight, n Var W): stated here once more, so that the agreement of the programs tests it
INITS = {
    "he_normal": ("normal", 2.0),
    "he_uniform": ("uniform", 2.0),
    "lecun_normal": ("normal", 1.0),
    "lecun_uniform": ("uniform", 1.0),
}


@dataclass(frozen=True)
class Job:
    """Networks of `depth` layers of `width` units, one input each, forward and backward from a Gaussian probe."""

    width: int
    depth: int
    activation: str
    init: str

    @property
    def normal(self):
        return INITS[self.init][0] == "normal"

    @property
    def scale(self):
        """Standard deviation of a normal weight, half the range of a uniform one."""
        std = math.sqrt(INITS[self.init][1] / self.width)
        return std if self.normal else math.sqrt(3.0) * std


@dataclass(frozen=True)
class Variant:
    """One way to do the job: `run(batches)` gives records of shape (batches * batch, len(RECORDED), depth + 1).

    `plain`: with the library's own threads only; otherwise a thread of the user's own for every core.
    """

    name: str
    batch: int
    run: Callable
    plain: bool
