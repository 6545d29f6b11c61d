"""What a program needs to know of each kind of step: its operation, its parameters, what it keeps. A line a kind in STEPS.

The kernels of a family are in gradsim/kernels/steps/, its twin in gradsim/reference/steps/, its mean field in
gradsim/theory/steps/, under one name. What a linear map is depends on the engine (`engine`, `linear`).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from ..kernels import layout
from ..kernels.activations import CODES, CUSTOM
from ..kernels.steps import batch_norm, dropout, norm
from ..kernels.steps.add import scale_parameters
from ..kernels.steps.deviation import epsilon_parameters
from ..kernels.workspace import padded_width
from ..model.activations import find_activation
from ..model.parts import RMSNorm
from .graph import ACTIVATION, ADD, BATCH_NORM, DROPOUT, NORM


def _none(rows, n):
    return 0


class StepKind(NamedTuple):
    """`parameters(part)` gives (variant, parameters), `kept(rows, n)` the float32 numbers behind its vector of n units."""

    operation: int
    parameters: Callable
    kept: Callable = _none


def _activation(part):
    """A user's function may be given anew, at another address."""
    return _of_activation(part.name) if part.digest or ":" in part.name else _of_the_table(part.name)


def _of_activation(name):
    entry, parameter = find_activation(name)
    row = (
        parameter,
        entry.value_zero,
        *entry.slope_zero,
        *entry.slope,
        *entry.intercept,
        entry.largest_derivative,
        entry.homogeneous,
        *entry.addresses,
    )
    return CODES.get(entry.name, CUSTOM), row


_of_the_table = lru_cache(256)(_of_activation)


def _slopes(rows, n):
    return rows * padded_width(n)


def _norm(part):
    return (norm.RMS_NORM if isinstance(part, RMSNorm) else norm.LAYER_NORM), epsilon_parameters(part.epsilon)


STEPS = {
    ACTIVATION: StepKind(layout.ACTIVATE, _activation, _slopes),
    NORM: StepKind(layout.NORM, _norm, norm.kept_numbers),
    BATCH_NORM: StepKind(layout.BATCH_NORM, lambda part: (0, epsilon_parameters(part.epsilon)), batch_norm.kept_numbers),
    DROPOUT: StepKind(layout.DROPOUT, lambda part: (0, dropout.dropout_parameters(part.p)), dropout.kept_numbers),
    ADD: StepKind(layout.ADD, lambda part: (0, scale_parameters(part.scale))),
}
