"""The one exception that means: the request cannot be carried out as asked. Its text is one line for the user."""

from difflib import get_close_matches


class RequestError(ValueError):
    """Names the option, the value and what is allowed."""


def unknown(option, value, allowed):
    """The error for a name that does not exist, with the nearest one that does."""
    near = get_close_matches(value, allowed, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(sorted(allowed))}"
    return RequestError(f"{option}: unknown name {value!r}{hint}")


class MissingVariable(RequestError, KeyError):
    """A variable that is not among those of some curves, with the nearest ones that are."""

    def __init__(self, name, variables):
        near = get_close_matches(name, variables, n=3) if isinstance(name, str) else []
        hint = f"did you mean {' or '.join(near)}?" if near else "see sorted(curves.variables)"
        super().__init__(f"no variable {name!r} here; {hint}")

    def __str__(self):  # a KeyError would put quotes around it
        return self.args[0]
