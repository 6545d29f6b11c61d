"""Parts as tables, the form that they have in JSON and TOML: {"part": "Linear", "width": 64}, parts within parts as lists."""

from dataclasses import MISSING, fields

from ..errors import RequestError, is_list, shown, unknown
from .parts import PARTS, Linear, Part, set_fields

ABSENT = {(Linear, "bias"): "zeros"}  # what is meant where JSON says nothing, unless it is the default of the field
TEXTS = ("init", "bias", "name", "digest")


def _default(kind, field):
    return ABSENT.get((kind, field.name), field.default)


def table(part):
    """The canonical table of a part: only what is not at its default."""
    found = {"part": type(part).__name__}
    for field in fields(part):
        value = getattr(part, field.name)
        if value != _default(type(part), field):
            found[field.name] = (
                tables(value) if isinstance(value, tuple) else table(value) if isinstance(value, Part) else value
            )
    return found


def tables(parts):
    return [table(part) for part in parts]


def typed(owner, given):
    """The parts of a list of tables that the user of this process wrote (or of parts, which stay as they are).

    Raises RequestError for what is no part.
    """
    return _parts(owner, given, lambda kind, values: kind(**values))


def stored(owner, given):
    """The parts of a list of tables of a file: with the texts that stand there, and nothing is looked up or imported.

    Raises RequestError for what is no part.
    """
    return _parts(owner, given, stored_part)


def stored_part(kind, values):
    """A part with the texts of `values` as they stand, the rest at what JSON means where it says nothing."""
    part = object.__new__(kind)
    rest = {f.name: _default(kind, f) for f in fields(kind)}
    set_fields(part, **rest | values)
    for name in TEXTS:
        value = getattr(part, name, None)
        if not isinstance(value, str) and (value is not None or rest.get(name) is not None):
            raise RequestError(f"{kind.__name__}: {name} is {shown(value)}, not a text")
    part._check()
    return part


def _parts(owner, given, make):
    if not is_list(given):
        raise RequestError(f"{owner}: {shown(given)} is not a list of parts")
    return tuple(_part(owner, entry, make) for entry in given)


def _part(owner, given, make):
    if isinstance(given, Part):
        return given
    if not isinstance(given, dict) or "part" not in given:
        raise RequestError(f'{owner}: {shown(given)} is not a part; write {{part = "Linear", width = 64}}, for instance')
    if not isinstance(given["part"], str) or given["part"] not in PARTS:
        raise unknown(f"{owner}: part", given["part"], PARTS)
    kind = PARTS[given["part"]]
    names = {field.name: field.default is MISSING for field in fields(kind) if field.name != "digest" or make is stored_part}
    values = {name: value for name, value in given.items() if name != "part"}
    for name in values:
        if name not in names:
            raise unknown(f"{owner}: {kind.__name__}", name, names)
    for name, needed in names.items():
        if needed and name not in values:
            raise RequestError(f"{owner}: {kind.__name__}: {name} is not given: {shown(given)}")
    if "parts" in values:
        values["parts"] = _parts(f"{owner}: {kind.__name__}", values["parts"], make)
    if values.get("skip") is not None:
        values["skip"] = _part(f"{owner}: {kind.__name__}: skip", values["skip"], make)
    return make(kind, values)
