"""The one exception that means: the request cannot be carried out as asked. Its text is one line for the user."""

import math
import numbers
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

LONGEST_SHOWN = 80  # characters of a value in a message
_PLAIN = frozenset("biufU")  # kinds of NumPy's types: bools, whole numbers, floats, texts
EXACT_FLOAT = 2**53  # up to here every whole number is a float
# Options in a text, but for those in quotes, which are the user's, and in commands that are written out
_OPTIONS = re.compile(
    r"""
    (?<!\w)'(?:[^'\\]|\\.)*' | (?<!\w)"(?:[^"\\]|\\.)*" | \bgradsim\ \w+\ --[\w-]+
    | (?<![\w-])--(?P<name>[a-z][a-z-]*[a-z]|[a-z]) (?:=(?P<value>[\w.:+/-]+(?:\([^()]*\))?))?
    """,
    re.VERBOSE,
)


class RequestError(ValueError):
    """Names the option, the value and what is allowed.

    `text` writes options as the command line has them, and what else to give them: --weight-gain, --engine=auto,
    --overwrite=True. A reader in Python, or of a file of options, is told the name of the argument or key: weight_gain,
    engine="auto", overwrite=True. That is what `str` gives. Whoever typed a command is told what to type: `typed`.
    """

    @property
    def text(self) -> str:
        """With options that are not put into anybody's words yet, for another RequestError."""
        return str(self.args[0])

    @property
    def typed(self) -> str:
        """For the command line: --weight-gain, --engine auto, --overwrite."""
        return _OPTIONS.sub(_typed, self.text)

    def __str__(self) -> str:
        return _OPTIONS.sub(_argument, self.text)


def _typed(found: re.Match[str]) -> str:
    if found["name"] is None or found["value"] is None:
        return found[0]
    return f"--{found['name']}" + ("" if found["value"] == "True" else f" {found['value']}")


def _argument(found: re.Match[str]) -> str:
    if found["name"] is None:
        return found[0]
    name, value = found["name"].replace("-", "_"), found["value"]
    if value is None:
        return name
    try:
        float(value)
    except ValueError:
        return f"{name}={value}" if value == "True" else f'{name}="{value}"'
    return f"{name}={value}"


@contextmanager
def in_place_of(option: str, other: str) -> Iterator[None]:
    """A RequestError about `option` becomes one about the `other` option, which takes the same values."""
    try:
        yield
    except RequestError as error:
        if not error.text.startswith(f"{option}:"):
            raise
        raise RequestError(other + error.text.removeprefix(option)) from None


@contextmanager
def as_keys() -> Iterator[None]:
    """A RequestError about options becomes one about keys of a file or of a dict, whoever reads it."""
    try:
        yield
    except RequestError as error:
        raise RequestError(str(error)) from None


def shown(value: object) -> str:
    """`value` as messages show it: its repr on one line, cut where it is long, and its type where there is no repr."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a whole number of more digits than Python writes, or a repr that raises
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 4]} ..."


def unknown(option: str, value: object, allowed: Iterable[str]) -> RequestError:
    """The error for a name that does not exist, with the nearest one that does."""
    names = {str(name).casefold(): name for name in allowed}
    near = get_close_matches(value.casefold(), names, n=1) if isinstance(value, str) else []
    hint = f"did you mean {names[near[0]]}?" if near else f"known: {', '.join(sorted(allowed))}"
    return RequestError(f"{option}: unknown name {shown(value)}; {hint}")


def plain(value: Any) -> Any:
    """A NumPy scalar or array without axes as the plain number, bool or text that it holds; anything else as it is.

    So np.float32(0.1) is the float 0.10000000149011612, and np.True_ is True, which is no number.
    """
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind not in _PLAIN or getattr(value, "shape", None) != ():
        return value
    found = value.tolist()
    return value if found is None else found  # masked: no number


def is_list(value: Any) -> bool:
    """Whether a value is a list as users have them: a list, a tuple, a range, or an array with one axis."""
    return isinstance(value, list | tuple | range) or getattr(value, "ndim", 0) == 1


def several(value: Any) -> list[Any] | None:
    """The plain values of such a list; None for anything else."""
    return list(map(plain, value)) if is_list(value) else None


def whole_number(option: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """`value` as an int; raises RequestError unless it is a whole number within the bounds.

    A float is one up to 2^53; beyond, neighbouring whole numbers share a float, and it is not known which one was meant.
    """
    value = plain(value)
    allowed = f"a whole number of {least:,} or more" if most is None else f"a whole number from {least:,} to {_bound(most)}"
    written = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    number = written or (isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value))
    if number and not written and abs(value) > EXACT_FLOAT:
        raise RequestError(f"{option}: {shown(value)} is not exact; write whole numbers beyond {EXACT_FLOAT:,} digit by digit")
    if not number or not (written or int(value) == value) or value < least or (most is not None and value > most):
        raise RequestError(f"{option}: {shown(value)} is not {allowed}")
    return int(value)


def _bound(most: int) -> str:
    return f"2^{most.bit_length()} - 1" if most >= EXACT_FLOAT else f"{most:,}"


def finite_number(option: str, value: Any, least: float = -math.inf) -> float:
    """`value` as a float; raises RequestError unless it is finite and at least `least`."""
    value = plain(value)
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

    def __init__(self, name: object, variables: Iterable[str]) -> None:
        near = get_close_matches(name, variables, n=3) if isinstance(name, str) else []
        hint = f"did you mean {' or '.join(near)}?" if near else "see sorted(curves.variables)"
        super().__init__(f"no variable {name!r} here; {hint}")
