"""How schemes are written, the same text everywhere: `name` or `name(number, number)`."""

import math
import re

from .errors import RequestError

_PATTERN = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*\Z")


def parse(option, text, words=()):
    """Split "normal(0, 1)" into ("normal", (0.0, 1.0)); arguments among `words` stay text. Raises RequestError."""
    match = _PATTERN.match(text) if isinstance(text, str) else None
    if match is None:
        raise RequestError(f"{option}: cannot read {text!r}; write a name or name(number, number)")
    name, inside = match.groups()
    try:
        parts = [part.strip() for part in inside.split(",")] if inside and inside.strip() else []
        arguments = tuple(part if part in words else float(part) for part in parts)
    except ValueError:
        raise RequestError(f"{option}: {text!r} has an argument that is not a number") from None
    if not all(math.isfinite(a) for a in arguments if a not in words):
        raise RequestError(f"{option}: {text!r} has an argument that is not finite")
    return name.lower(), arguments
