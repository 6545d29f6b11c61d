"""What a network is made of: parts, frozen and checked, each with the canonical texts that stand in an identity.

A part reads a vector of units and gives one. `Residual` and `Repeat` hold other parts. Those that a step computes are in
`steps`, and PARTS has all.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import whole_number
from ..typed import Whole
from .options import MOST
from .part import Part, Parts, changed, hold, parts_of, set_fields
from .steps import PARTS as OF_BLOCKS
from .steps.activation import Activation
from .steps.add import Residual
from .steps.batch_norm import BatchNorm
from .steps.dropout import Dropout
from .steps.linear import Linear
from .steps.norm import EPSILON, LayerNorm, RMSNorm

__all__ = [
    "EPSILON",
    "PARTS",
    "Activation",
    "BatchNorm",
    "Dropout",
    "LayerNorm",
    "Linear",
    "Part",
    "Parts",
    "RMSNorm",
    "Repeat",
    "Residual",
    "changed",
    "parts_of",
    "set_fields",
]


@dataclass(frozen=True)
class Repeat(Part):
    """The `parts` one after another, so many `times`."""

    parts: tuple[Part, ...]
    times: int

    if TYPE_CHECKING:

        def __init__(self, parts: Parts, times: Whole) -> None: ...

    def _check(self) -> None:
        set_fields(self, times=whole_number("Repeat: times", self.times, 1, MOST))
        hold(self, self.parts, self.times)


PARTS = {"Linear": Linear, "Activation": Activation, **OF_BLOCKS, "Repeat": Repeat}
