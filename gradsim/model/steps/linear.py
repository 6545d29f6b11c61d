"""A linear map."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import finite_number, whole_number
from ...typed import Number, Whole
from ..initializers import canonical_bias, canonical_init, find_initializer
from ..options import LARGEST_WIDTH
from ..part import Part, set_fields


@dataclass(frozen=True)
class Linear(Part):
    """A linear map with biases: `width` units (as many as come in unless given), the scheme of the weights and its gain.

    `bias` is a scheme, that of the initializer unless given.
    """

    kind = recorded_at = "linear"
    keeps_balance = True

    width: int | None = None
    init: str = "he_normal"
    gain: float = 1.0
    bias: str | None = None

    if TYPE_CHECKING:  # what may be given is more than what is kept

        def __init__(
            self, width: Whole | None = None, init: str = "he_normal", gain: Number = 1.0, bias: str | None = None
        ) -> None: ...

    def _check(self) -> None:
        width = None if self.width is None else whole_number("Linear: width", self.width, 1, LARGEST_WIDTH)
        set_fields(self, width=width, gain=finite_number("Linear: gain", self.gain))

    def _name(self) -> None:
        bias = find_initializer(self.init)[0].bias if self.bias is None else self.bias
        set_fields(self, init=canonical_init(self.init), bias=canonical_bias(bias))
