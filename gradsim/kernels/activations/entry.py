"""What is stated of an activation."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Activation:
    """One activation function.

    `phi` and `derivative` are jitted float32 functions of (h, a), `log_abs` and `log_abs_derivative` float64 ones that
    give (sign, log|value|). `slope_zero` is (left, right); `slope` and `intercept` are (at -inf, at +inf), NaN slopes
    where there is no asymptote. `largest_derivative` is sup|phi'|. `homogeneous` says phi(c h) = c phi(h) for c > 0.
    `parameter` is the default of the one optional parameter a, and `adapted(a)` what it changes of the other fields.
    A user's own activation has Python functions of h for `phi` and `derivative`, no logs, and the `addresses` of both as
    compiled functions, which live as long as `compiled`, the `kinks` that the user names (those of the table's are in
    `exact`), a `digest` that tells it from others of its name, and `faults`, where compiled code notes what fails.
    """

    name: str
    phi: Callable[..., float] = field(repr=False)
    derivative: Callable[..., float] = field(repr=False)
    log_abs: Callable[..., tuple[float, float]] | None = field(repr=False)
    log_abs_derivative: Callable[..., tuple[float, float]] | None = field(repr=False)
    value_zero: float
    slope_zero: tuple[float, float]
    slope: tuple[float, float]
    intercept: tuple[float, float]
    largest_derivative: float
    homogeneous: bool = False
    parameter: float | None = None
    adapted: Callable[[float], dict[str, Any]] | None = field(default=None, repr=False)
    aliases: tuple[str, ...] = ()
    summary: str = ""
    addresses: tuple[int, int] = (0, 0)
    compiled: Any = field(default=None, repr=False)
    kinks: tuple[float, ...] = ()
    digest: str | None = None
    faults: Any = field(default=None, repr=False, compare=False)

    def with_parameter(self, a: float) -> "Activation":
        """This entry with its parameter set to `a`."""
        assert self.adapted is not None, self.name
        return replace(self, parameter=a, **self.adapted(a))

    def watched(self) -> AbstractContextManager[None]:
        """A context in which faults of a user's functions are noted."""
        return nullcontext() if self.faults is None else self.faults.watched()

    def check_faults(self) -> None:
        """Raises RequestError where a user's function raised."""
        if self.faults is not None:
            self.faults.check(self.name, (self.phi, self.derivative))

    @property
    def fault(self) -> str | None:
        """In words, where a user's function was not finite at a finite h; None where it was, or there is none."""
        return None if self.faults is None else self.faults.sentence(self.name, [c.ctypes for c in self.compiled])
