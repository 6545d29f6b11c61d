"""The one exception that means: the request cannot be carried out as asked. Its text is one line for the user."""

from difflib import get_close_matches


class RequestError(ValueError):
    """Names the option, the value and what is allowed."""


def unknown(option, value, allowed):
    """The error for a name that does not exist, with the nearest one that does."""
    near = get_close_matches(value, allowed, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(sorted(allowed))}"
    return RequestError(f"{option}: unknown name {value!r}{hint}")
