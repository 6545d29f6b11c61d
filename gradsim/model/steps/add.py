"""The sum of a residual."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import RequestError, finite_number, shown
from ...typed import Number
from ..part import Part, Parts, hold, set_fields
from .linear import Linear


@dataclass(frozen=True)
class Residual(Part):
    """skip(x) + scale f(x), f the `parts` one after another; `skip` is x itself (None) or a Linear."""

    kind = "add"
    keeps_balance = True

    parts: tuple[Part, ...]
    scale: float = 1.0
    skip: Linear | None = None

    if TYPE_CHECKING:

        def __init__(self, parts: Parts, scale: Number = 1.0, skip: Linear | None = None) -> None: ...

    def _check(self) -> None:
        scale = finite_number("Residual: scale", self.scale) + 0.0
        if self.skip is not None and not isinstance(self.skip, Linear):
            raise RequestError(f"Residual: skip: {shown(self.skip)} is not a Linear or None")
        hold(self, self.parts, 1)
        set_fields(self, scale=scale, size=self.size + 1 + (self.skip is not None))
