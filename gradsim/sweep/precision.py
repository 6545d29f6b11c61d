"""When enough networks are drawn: adaptive stopping, by a rule that looks at the request and at what was drawn, in order."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import RequestError, finite_number, in_place_of, plain, shown, unknown, whole_number
from ..model.options import MOST
from ..statistics.blocks import Blocks
from ..statistics.moments import Moments
from ..typed import Number, Whole

MOST_REPLICAS = 100_000


@dataclass(frozen=True)
class Precision:
    """A cell runs until the standard error of what is asked is `error` or less in every layer.

    Of the mean log gradient (the stream's, where there is one) and of the means of the `others`, quantities by name: of those
    that are logs the mean log. It draws its own `replicas` at least and `most` at most, and looks where a chunk is whole: how
    many networks it draws is a function of the request.
    """

    error: float
    others: tuple[str, ...] = ()
    most: int = MOST_REPLICAS

    if TYPE_CHECKING:  # what may be given is more than what is kept

        def __init__(self, error: Number, others: str | Iterable[str] = (), most: Whole = MOST_REPLICAS) -> None: ...

    def __post_init__(self) -> None:
        error = finite_number("--precision", self.error)
        if error <= 0:
            raise RequestError(f"--precision: {error:g} is not above 0; it is a standard error, of a natural log")
        object.__setattr__(self, "error", error)
        object.__setattr__(self, "others", self._names())
        object.__setattr__(self, "most", whole_number("most", self.most, 1, MOST))

    def _names(self) -> tuple[str, ...]:
        others = plain(self.others)
        try:
            names = {others} if isinstance(others, str) else set(map(plain, others))
        except TypeError:
            names = {None}
        if not all(isinstance(name, str) for name in names):
            raise RequestError(f"others: {shown(self.others)} is neither the name of a quantity nor a list of them")
        return tuple(sorted(map(str, names)))

    @property
    def asked(self) -> dict[str, Any]:
        """As plain values."""
        return {"error": self.error, "others": list(self.others), "most": self.most}

    def check_known(self, names: Iterable[str]) -> None:
        """Raises RequestError for a quantity that is none of `names`."""
        for name in self.others:
            if name not in names:
                raise unknown("others", name, names)

    def reached(self, moments: Moments, blocks: Blocks, gradient: str) -> bool:
        """Whether the Moments of columns, which lie as Blocks say, are as precise as is asked; `gradient` is its name.

        A place where no network has a finite value is passed over: more networks tell nothing of it. One that has a single
        one is not known.
        """
        return all(
            _largest_error(moments, blocks.rows[name].columns) <= self.error
            for name in (gradient, *self.others)
            if name in blocks.rows
        )


def _largest_error(moments: Moments, columns: Any) -> float:
    count = moments.count[columns]
    known = count > 0
    errors = np.sqrt(moments.variance[columns][known] / count[known])
    return np.max(np.where(np.isnan(errors), np.inf, errors), initial=0.0)


def precision_of(error: Any, others: Iterable[str] = (), most: Any = None) -> Precision | None:
    """The Precision of what was given on the command line, numbers as texts; None where there is none. Raises RequestError."""
    if error is None:
        for option, given in (("--precision-of", others), ("--most-replicas", most)):
            if given:
                raise RequestError(f"{option}: goes with --precision")
        return None
    with in_place_of("most", "--most-replicas"):
        return Precision(_number(error), others, MOST_REPLICAS if most is None else _number(most))


def _number(text: Any) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except (ValueError, TypeError):
            continue
    return text
