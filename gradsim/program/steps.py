"""What a program needs to know of each kind of step: its operation, its parameters, what it costs.

Steps of blocks say so in their files in gradsim/kernels/steps/ (see `gradsim.steps`). What a linear map is depends on the
engine (`engine`, `program`).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from ..kernels import layout, steps
from ..kernels.activations import CODES, CUSTOM
from ..kernels.workspace import padded_width
from ..model.activations import find_activation
from ..steps import files
from .graph import ACTIVATION


class StepKind(NamedTuple):
    """`parameters(part)` gives (variant, parameters), `kept(rows, n)` the float32 numbers behind its vector of n units,
    `nanoseconds(rows, n)` the time that it adds to that of the linear maps, which is theirs with an activation each."""

    operation: int
    parameters: Callable
    kept: Callable
    nanoseconds: Callable


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


STEPS = {
    ACTIVATION: StepKind(layout.ACTIVATE, _activation, _slopes, lambda rows, n: 0.0),
    **{
        name: StepKind(layout.BLOCK_OPERATIONS[name], step.parameters, step.kept_numbers, step.nanoseconds)
        for name, step in files(steps.__name__).items()
    },
}
