"""The one exception that means: the request cannot be carried out as asked. Its text is one line for the user."""

from difflib import get_close_matches

LONGEST_SHOWN = 80  # characters of a value in a message


class RequestError(ValueError):
    """Names the option, the value and what is allowed."""


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
