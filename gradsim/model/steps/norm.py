"""Norms over the units of an input."""

from dataclasses import dataclass

from ...errors import finite_number
from ..part import Part, set_fields

EPSILON = 1e-5  # of the norms, as in PyTorch's LayerNorm and BatchNorm


@dataclass(frozen=True)
class LayerNorm(Part):
    """Units of one input less their mean, over the root of their variance plus epsilon (Ba et al. 2016, arXiv:1607.06450)."""

    kind = recorded_at = "norm"
    centred = True  # the mean is taken off

    epsilon: float = EPSILON

    def _check(self) -> None:
        set_fields(self, epsilon=finite_number(f"{type(self).__name__}: epsilon", self.epsilon, 0.0) + 0.0)  # -0 is 0


@dataclass(frozen=True)
class RMSNorm(LayerNorm):
    """Units of one input over the root of their mean square plus epsilon (Zhang & Sennrich 2019, arXiv:1910.07467)."""

    unrecorded = ("norm_shift_gradient",)
    centred = False
