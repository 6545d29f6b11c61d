"""Options given beside a sweep file, in place of what it says of them: `gradsim sweep FILE --set width=64`."""

import re
import tomllib

from ..errors import RequestError, shown
from .grids import CELLS, DEFAULTS, ZIP

NAME = re.compile(r"[A-Za-z]\w*(\([^()]*\))?")  # a text that needs no quotes: tanh, normal(0,0.1)


def parsed(texts, option="--set"):
    """{name: value} of texts "NAME=VALUE", the values as TOML has them, or a name without quotes. Raises RequestError."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise RequestError(f"{option}: {shown(text)} is not NAME=VALUE")
        if name in found:
            raise RequestError(f"{option}: {name} is given twice")
        found[name] = _value(option, name, value.strip())
    return found


def _value(option, name, text):
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError) as error:
        if NAME.fullmatch(text):
            return text
        reason = " ".join(str(error).split())[:200]
        raise RequestError(f"{option}: {name}: {shown(text)} is not a value in TOML: {reason}") from None
    if len(found) != 1:
        raise RequestError(f"{option}: {name}: {shown(text)} is not one value in TOML")
    return found["value"]


def overridden(given, settings):
    """`given`, a sweep file as a dict, with the `settings` in place of what stands under their names in any of its tables.

    What no table has is added; `exclude` stays, whose tables hold conditions. In a table of options that vary together one
    value goes with all values of the others. What is wrong with a table is found out by whoever reads it.
    """
    for name, value in settings.items():
        given = _replaced(given, name, value, everywhere=True)
    return given


def _replaced(table, name, value, everywhere=False):
    """A table with the value wherever it has the name; `everywhere`: also where it does not."""
    found = {key: _within(key, entry, name, value) for key, entry in table.items()}
    own = [key for key in found if _same(key, name)]
    zipped = any(_same(key, name) for entry in _tables(found.get(ZIP)) for key in entry)
    for key in own[1:]:
        del found[key]
    if own:
        found[own[0]] = value
    elif everywhere and not zipped:
        found[name] = value
    return found


def _within(key, entry, name, value):
    if key == DEFAULTS and isinstance(entry, dict):
        return _replaced(entry, name, value)
    if key == CELLS and isinstance(entry, list):
        return [_replaced(one, name, value) if isinstance(one, dict) else one for one in entry]
    if key == ZIP and isinstance(entry, list):
        return [_zipped(one, name, value) if isinstance(one, dict) else one for one in entry]
    return entry


def _zipped(table, name, value):
    one = not isinstance(value, list | dict)
    return {key: _repeated(entry, value, one) if _same(key, name) else entry for key, entry in table.items()}


def _repeated(entry, value, one):
    return [value] * len(entry) if one and isinstance(entry, list) else value


def _tables(entries):
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _same(key, name):
    return isinstance(key, str) and key.replace("-", "_") == name
