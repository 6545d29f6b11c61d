"""Dropout, which is on record with the activation before it."""

from dataclasses import dataclass

from ...errors import RequestError, finite_number, shown
from ..part import Part, set_fields


@dataclass(frozen=True)
class Dropout(Part):
    """Units are zero with probability p, and divided by 1 - p otherwise (Srivastava et al. 2014, JMLR 15)."""

    kind = "dropout"
    stands_for = "activation"

    p: float

    def _check(self) -> None:
        p = finite_number("Dropout: p", self.p)
        if not 0 <= p < 1:
            raise RequestError(f"Dropout: p: {shown(self.p)} is not from 0 to below 1; it is the probability of dropping")
        set_fields(self, p=p + 0.0)
