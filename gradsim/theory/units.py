"""What theory knows of the units of one vector of a network, and of the gradient with respect to them.

All units of an infinitely wide vector follow one law; logs are natural, so that no depth overflows.
"""

import math
from typing import NamedTuple

import numpy as np

NO_BIAS = (0.0, 0.0)
NORMAL, BATCH, OTHER = "normal", "batch", "other"
LOG_TWO = math.log(2)


class Units(NamedTuple):
    """The units of a vector, and of two inputs' difference in it.

    `law` is NORMAL: b + sqrt(v) z with log v `log_normal` and b uniform on, or constant, `fixed` (low, high); BATCH: of
    variance v, normalised over the inputs, so that it is no Gaussian; or OTHER. `lean` is the mean over the root mean
    square. Given all vectors that do not hang on linear maps made from node `since` on, the mean of a unit is that of all
    units, whatever its place: those maps have weights of mean zero, and nothing bends behind them; -1 where no map does
    that. `mean_ratio` is E|x| over that of a Gaussian. `why` says in words why there are no numbers (NaN).
    """

    log_square: float  # log of the mean square
    log_apart: float  # log of half the mean squared difference of two inputs
    law: str = OTHER
    log_normal: float = math.nan
    fixed: tuple = NO_BIAS
    lean: float = 0.0
    since: int = -1
    mean_ratio: float = 1.0
    why: str = ""

    @property
    def cosine(self):
        """Between the vectors of two inputs; 1 where they are zero."""
        return one_minus(self.log_apart - self.log_square) if self.log_square > -math.inf else 1.0

    @property
    def log_gap(self):
        """Log of one minus that cosine; NaN where they are zero."""
        return self.log_apart - self.log_square if self.log_square > -math.inf else math.nan


class Cotangent(NamedTuple):
    """The gradient with respect to a vector: log of its mean square, and the cosine between those of two inputs.

    `along` is the mean square, over that of an entry, of its part in the direction in which the vector's unit points among
    the inputs; None where the two are independent.
    """

    log_square: float
    alike: float
    along: float | None = None
    why: str = ""


def unknown(why, since=-1):
    """Units of which theory says nothing."""
    return Units(math.nan, math.nan, since=since, why=why)


def added(cotangents):
    """The sum of independent Cotangents."""
    if len(cotangents) == 1:
        return cotangents[0]
    why = next((c.why for c in cotangents if c.why), "")
    total = log_sum(*(c.log_square for c in cotangents))
    if why or not math.isfinite(total):
        return cotangents[0]._replace(log_square=math.nan if why else total, why=why)
    shares = [math.exp(c.log_square - total) for c in cotangents]
    alike = sum(share * c.alike for share, c in zip(shares, cotangents, strict=True))
    if all(c.along is None for c in cotangents):
        return Cotangent(total, alike)
    along = (1 - c.alike if c.along is None else c.along for c in cotangents)
    return Cotangent(total, alike, sum(share * value for share, value in zip(shares, along, strict=True)))


def log(value):
    """Natural log, -inf at 0 and below."""
    return math.log(value) if value > 0 else -math.inf


@np.errstate(invalid="ignore")  # of what is unknown
def log_sum(*logs):
    """Log of a sum of two numbers, or more, of which the logs are given."""
    return float(np.logaddexp.reduce(logs))


def one_minus(log_gap):
    return 1 - math.exp(min(log_gap, LOG_TWO))
