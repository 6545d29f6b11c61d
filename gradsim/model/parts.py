"""What a network is made of: parts, frozen and checked, each with the canonical texts that stand in an identity.

A part reads a vector of units and gives one. `Residual` and `Repeat` hold other parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ..errors import RequestError, finite_number, is_list, shown, whole_number
from ..typed import Number, Whole
from .activations import canonical_activation, typed_activation
from .initializers import canonical_bias, canonical_init, find_initializer
from .options import LARGEST_WIDTH, MOST

EPSILON = 1e-5  # of the norms, as in PyTorch's LayerNorm and BatchNorm
DEEPEST = 50  # parts in parts
P = TypeVar("P", bound="Part")


class Part:
    """The base of all parts. `_check` makes numbers plain ones; `_name` makes texts canonical, and looks up what they name:
    not of a part that a file describes, whose texts stay as they are (`tables.stored`)."""

    nesting = size = 1  # how deep parts lie in each other, and how many of them there are, repetitions included

    def __post_init__(self) -> None:
        self._check()
        self._name()

    def _check(self) -> None:
        pass

    def _name(self) -> None:
        pass


Parts: TypeAlias = Part | Sequence[Part]


def _set(part: Part, **fields: Any) -> None:
    for name, value in fields.items():
        object.__setattr__(part, name, value)


def changed(part: P, **fields: Any) -> P:
    """`part` with other fields, which are right already."""
    other = object.__new__(type(part))
    vars(other).update(vars(part), **fields)
    return other


@dataclass(frozen=True)
class Linear(Part):
    """A linear map with biases: `width` units (as many as come in unless given), the scheme of the weights and its gain.

    `bias` is a scheme, that of the initializer unless given.
    """

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
        _set(self, width=width, gain=finite_number("Linear: gain", self.gain))

    def _name(self) -> None:
        bias = find_initializer(self.init)[0].bias if self.bias is None else self.bias
        _set(self, init=canonical_init(self.init), bias=canonical_bias(bias))


@dataclass(frozen=True)
class Activation(Part):
    """An activation by name; `digest` tells a user's function from others of its name."""

    name: str
    digest: str | None = None

    def _name(self) -> None:
        entry, _ = typed_activation(self.name)
        _set(self, name=canonical_activation(self.name), digest=entry.digest)


@dataclass(frozen=True)
class LayerNorm(Part):
    """Units of one input less their mean, over the root of their variance plus epsilon (Ba et al. 2016, arXiv:1607.06450)."""

    epsilon: float = EPSILON

    def _check(self) -> None:
        _set(self, epsilon=finite_number(f"{type(self).__name__}: epsilon", self.epsilon, 0.0) + 0.0)  # -0 is 0


@dataclass(frozen=True)
class RMSNorm(LayerNorm):
    """Units of one input over the root of their mean square plus epsilon (Zhang & Sennrich 2019, arXiv:1910.07467)."""


@dataclass(frozen=True)
class BatchNorm(LayerNorm):
    """A unit over the inputs that are carried side by side: less its mean, over the root of its variance plus epsilon
    (Ioffe & Szegedy 2015, arXiv:1502.03167, in training)."""


@dataclass(frozen=True)
class Dropout(Part):
    """Units are zero with probability p, and divided by 1 - p otherwise (Srivastava et al. 2014, JMLR 15)."""

    p: float

    def _check(self) -> None:
        p = finite_number("Dropout: p", self.p)
        if not 0 <= p < 1:
            raise RequestError(f"Dropout: p: {shown(self.p)} is not from 0 to below 1; it is the probability of dropping")
        _set(self, p=p + 0.0)


@dataclass(frozen=True)
class Residual(Part):
    """skip(x) + scale f(x), f the `parts` one after another; `skip` is x itself (None) or a Linear."""

    parts: tuple[Part, ...]
    scale: float = 1.0
    skip: Linear | None = None

    if TYPE_CHECKING:

        def __init__(self, parts: Parts, scale: Number = 1.0, skip: Linear | None = None) -> None: ...

    def _check(self) -> None:
        scale = finite_number("Residual: scale", self.scale) + 0.0
        if self.skip is not None and not isinstance(self.skip, Linear):
            raise RequestError(f"Residual: skip: {shown(self.skip)} is not a Linear or None")
        _hold(self, self.parts, 1)
        _set(self, scale=scale, size=self.size + 1 + (self.skip is not None))


@dataclass(frozen=True)
class Repeat(Part):
    """The `parts` one after another, so many `times`."""

    parts: tuple[Part, ...]
    times: int

    if TYPE_CHECKING:

        def __init__(self, parts: Parts, times: Whole) -> None: ...

    def _check(self) -> None:
        _set(self, times=whole_number("Repeat: times", self.times, 1, MOST))
        _hold(self, self.parts, self.times)


def _hold(part: Part, parts: Parts, times: int) -> None:
    name = type(part).__name__
    parts = parts_of(name, parts)
    nesting = 1 + max(inner.nesting for inner in parts)
    if nesting > DEEPEST:
        raise RequestError(f"{name}: parts lie in each other more than {DEEPEST} deep")
    _set(part, parts=parts, nesting=nesting, size=times * sum(inner.size for inner in parts))


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
