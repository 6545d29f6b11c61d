"""The one exception that means: the request cannot be carried out as asked. Its text is one line for the user."""

import math
import numbers
from contextlib import contextmanager
from difflib import get_close_matches

LONGEST_SHOWN = 80  # characters of a value in a message
EXACT_FLOAT = 2**53  # up to here every whole number is a float


class RequestError(ValueError):
    """Names the option, the value and what is allowed."""


@contextmanager
def in_place_of(option, other):
    """A RequestError about `option` becomes one about the `other` option, which takes the same values."""
    try:
        yield
    except RequestError as error:
        text = str(error)
        if not text.startswith(f"{option}:"):
            raise
        raise RequestError(other + text.removeprefix(option)) from None


def shown(value):
    """`value` as messages show it: its repr on one line, cut where it is long, and its type where there is no repr."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a whole number of more digits than Python writes, or a repr that raises
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 4]} ..."


def unknown(option, value, allowed):
    """The error for a name that does not exist, with the nearest one that does."""
    names = {str(name).casefold(): name for name in allowed}
    near = get_close_matches(value.casefold(), names, n=1) if isinstance(value, str) else []
    hint = f"did you mean {names[near[0]]}?" if near else f"known: {', '.join(sorted(allowed))}"
    return RequestError(f"{option}: unknown name {shown(value)}; {hint}")


def whole_number(option, value, least=1, most=None):
    """`value` as an int; raises RequestError unless it is a whole number within the bounds.

    A float is one up to 2^53; beyond, neighbouring whole numbers share a float, and it is not known which one was meant.
    """
    allowed = f"a whole number of {least:,} or more" if most is None else f"a whole number from {least:,} to {_bound(most)}"
    written = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    number = written or (isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value))
    if number and not written and abs(value) > EXACT_FLOAT:
        raise RequestError(f"{option}: {shown(value)} is not exact; write whole numbers beyond {EXACT_FLOAT:,} digit by digit")
    if not number or not (written or int(value) == value) or value < least or (most is not None and value > most):
        raise RequestError(f"{option}: {shown(value)} is not {allowed}")
    return int(value)


def _bound(most):
    return f"2^{most.bit_length()} - 1" if most >= EXACT_FLOAT else f"{most:,}"


def finite_number(option, value, least=-math.inf):
    """`value` as a float; raises RequestError unless it is finite and at least `least`."""
    bound = "" if least == -math.inf else f" of {least:g} or more"
    refusal = RequestError(f"{option}: {shown(value)} is not a finite number{bound}")
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise refusal
    try:
        number = float(value)
    except OverflowError:
        raise refusal from None
    if not math.isfinite(number) or number < least:
        raise refusal
    return number


class MissingVariable(RequestError, KeyError):
    """A variable that is not among those of some curves, with the nearest ones that are."""

    def __init__(self, name, variables):
        near = get_close_matches(name, variables, n=3) if isinstance(name, str) else []
        hint = f"did you mean {' or '.join(near)}?" if near else "see sorted(curves.variables)"
        super().__init__(f"no variable {name!r} here; {hint}")

    def __str__(self):  # a KeyError would put quotes around it
        return self.args[0]
