"""How schemes are written, the same text everywhere: `name`, `name(number, number)` or `name(argument=number)`.

Many texts mean one scheme: blanks, case, the underscore at the end of PyTorch's names, 0.25 and .25. `canonical` is the one
that stands in a network's identity.
"""

import math
import re

from ..errors import RequestError, plain, shown

_PATTERN = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(?:\(([^()]*)\))?\s*\Z")


def parse(option, text):
    """Split "Normal_(0, .5)" into ("normal", ("0", ".5")). Raises RequestError."""
    text = plain(text)
    match = _PATTERN.match(text) if isinstance(text, str) else None
    if match is None:
        raise RequestError(f"{option}: cannot read {shown(text)}; write a name or name(number, number)")
    name, inside = match.groups()
    parts = [part.strip() for part in inside.split(",")] if inside and inside.strip() else []
    return name.lower().rstrip("_"), tuple(parts)


def named(parts):
    """The names of arguments that parts say."""
    return [part.partition("=")[0].strip().lower() for part in parts if "=" in part]


def bound(wrong, parts, arguments, synonyms):
    """{argument: text} of the parts of a scheme, in the order of `arguments` or by name, `synonyms` being other names of them.

    Raises RequestError, which begins with `wrong`.
    """
    found = {}
    for place, part in enumerate(parts):
        name, equal, value = part.partition("=")
        key = synonyms.get(name.strip().lower(), name.strip().lower()) if equal else None
        if equal and key not in arguments:
            raise RequestError(f"{wrong}; there is no argument {shown(name.strip())}")
        if not equal and (place >= len(arguments) or named(parts[:place])):
            raise RequestError(f"{wrong}{'; arguments by name come last' if named(parts[:place]) else ''}")
        key = key if equal else arguments[place]
        if key in found:
            raise RequestError(f"{wrong}; {key} is given twice")
        found[key] = (value if equal else part).strip().strip("\"'")
    return found


def numbers(option, text, parts, words=()):
    """The parts of a scheme as floats, those among `words` as these. Raises RequestError."""
    try:
        found = tuple(part.lower() if part.lower() in words else float(part) + 0.0 for part in parts)  # -0 is 0
    except ValueError:
        raise RequestError(f"{option}: {shown(text)} has an argument that is not a number") from None
    if not all(math.isfinite(a) for a in found if a not in words):
        raise RequestError(f"{option}: {shown(text)} has an argument that is not finite")
    return found


def shortest(number):
    """A float as people write it: 1 for 1.0, 1e-6 for 1e-06; read back, it is the same float."""
    digits, _, exponent = repr(number).partition("e")
    return digits.removesuffix(".0") + (f"e{int(exponent)}" if exponent else "")


def canonical(name, arguments, defaults=(), write=shortest):
    """The one text of a scheme: arguments at the end that equal their defaults are left out."""
    kept = list(arguments)
    for default in reversed(defaults):
        if not kept or kept[-1] != default:
            break
        kept.pop()
    return f"{name}({','.join(a if isinstance(a, str) else write(a) for a in kept)})" if kept else name
