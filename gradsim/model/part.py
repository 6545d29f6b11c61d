"""What all parts of a network have in common: they are frozen and checked, and say what their steps mean to others."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias, TypeVar

from ..errors import RequestError, is_list, shown

DEEPEST = 50  # parts in parts
P = TypeVar("P", bound="Part")


class Part:
    """The base of all parts. `_check` makes numbers plain ones; `_name` makes texts canonical, and looks up what they name:
    not of a part that a file describes, whose texts stay as they are (`tables.stored`).

    Of its step, which keeps the width of what it reads unless it is a linear map, a part says:

    `kind`: its name, which is that of its files (`gradsim.steps`).
    `recorded_at`: what is on record of it, the `at` of `kernels.record`; nothing but the stream if None. `unrecorded` are
    quantities there that it does not have.
    `stands_for`: right behind a step of this kind, it is on record in the place of that one.
    `balances`: the gradients that it gives add up to zero over the inputs, in rounding too. `keeps_balance`: they do where
    those that it gets do.
    """

    kind: ClassVar[str | None] = None
    recorded_at: ClassVar[str | None] = None
    stands_for: ClassVar[str | None] = None
    unrecorded: ClassVar[tuple[str, ...]] = ()
    balances: ClassVar[bool] = False
    keeps_balance: ClassVar[bool] = False
    nesting = size = 1  # how deep parts lie in each other, and how many of them there are, repetitions included

    def __post_init__(self) -> None:
        self._check()
        self._name()

    def _check(self) -> None:
        pass

    def _name(self) -> None:
        pass


Parts: TypeAlias = Part | Sequence[Part]


def set_fields(part: Part, **fields: Any) -> None:
    """Of a part that is being made."""
    for name, value in fields.items():
        object.__setattr__(part, name, value)


def changed(part: P, **fields: Any) -> P:
    """`part` with other fields, which are right already."""
    other = object.__new__(type(part))
    vars(other).update(vars(part), **fields)
    return other


def hold(part: Part, parts: Parts, times: int) -> None:
    """Have a part that is being made hold `parts`, so many `times`. Raises RequestError."""
    name = type(part).__name__
    parts = parts_of(name, parts)
    nesting = 1 + max(inner.nesting for inner in parts)
    if nesting > DEEPEST:
        raise RequestError(f"{name}: parts lie in each other more than {DEEPEST} deep")
    set_fields(part, parts=parts, nesting=nesting, size=times * sum(inner.size for inner in parts))


def parts_of(owner: str, parts: Parts) -> tuple[Part, ...]:
    """A tuple of parts, from one or from several. Raises RequestError for none, and for what is no part."""
    if isinstance(parts, Part):
        parts = (parts,)
    if not is_list(parts):
        raise RequestError(f"{owner}: {shown(parts)} is not a list of parts")
    for part in parts:
        if not isinstance(part, Part):
            raise RequestError(f"{owner}: {shown(part)} is not a part; parts are Linear, Activation, LayerNorm, Residual, ...")
    if not len(parts):
        raise RequestError(f"{owner}: there are no parts")
    return tuple(parts)
