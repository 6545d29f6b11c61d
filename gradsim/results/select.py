"""Some of the networks of a set: those that have the values asked for."""

import math
import re

from ..errors import RequestError, in_place_of, is_list, plain, shown
from ..model.activations import canonical_activation
from ..model.initializers import canonical_bias, canonical_init
from ..model.options import OPTIONS
from .columns import CLOSE, levels, listed, number

CANONICAL = {
    "activation": canonical_activation,
    "last_activation": canonical_activation,
    "init": canonical_init,
    "first_init": canonical_init,
    "last_init": canonical_init,
    "bias": canonical_bias,
}
OTHERWISE = ("engine", "final_norm", "layers")  # are described in other words than the options of these names take
RANGE = re.compile(r"(?P<least>.*?)\.\.(?P<most>.*)")


def chosen(curve_set, wanted, option="select"):
    """The numbers of those networks of a CurveSet that have all that is `wanted`, in order.

    `wanted` maps names of columns to a value, a list of values any of which will do, or a slice of numbers, both ends
    included (either may be None). A value is checked as the option of its name is ("ReLU" is relu), and numbers are equal
    to 9 digits; what stands in the table of verdicts will do too. Raises RequestError about `option`: where a name is not
    known, or no network has a value.
    """
    result = range(len(curve_set))
    for name, value in wanted.items():
        key = name.replace("-", "_") if isinstance(name, str) else name
        with in_place_of("column", option):
            values = curve_set.column(key).tolist()
        found = levels(values)
        several = value if _is_several(value) else [value]
        allowed = {level for one in map(plain, several) for level in _matching(found, key, one, option)}
        result = [k for k in result if values[k] in allowed]
    if not result:
        raise RequestError(f"{option}: no network has all of {', '.join(f'{n}={_text(v)}' for n, v in wanted.items())}")
    return result


def select(curve_set, wanted, option="select"):
    """The set, of the same kind, of those networks of a CurveSet that have what is `wanted` (see `chosen`)."""
    if not wanted:
        return curve_set
    return curve_set.part(chosen(curve_set, wanted, option))


def parsed(texts, option="--select"):
    """What `chosen` wants, of texts "NAME=VALUE"; a name that is given again allows one value more.

    A value LEAST..MOST of two numbers is the range between them; either may be left out. Raises RequestError.
    """
    result = {}
    for text in texts:
        name, equal, value = text.partition("=")
        if not equal or not name.strip():
            raise RequestError(f"{option}: {shown(text)} is not NAME=VALUE, like weight_gain=1.2")
        result.setdefault(name.strip().replace("-", "_"), []).append(_range(value.strip()))
    return result


def _range(text):
    """A slice where the text is that of a range, else the text."""
    found = RANGE.fullmatch(text)
    ends = [(part.strip(), number(part)) for part in found.groups()] if found else []
    if not ends or any(part and value is None for part, value in ends) or not any(part for part, _ in ends):
        return text
    return slice(*(value for _, value in ends))


def _matching(found, name, value, option):
    """The levels that one wanted value stands for."""
    if isinstance(value, slice):
        matching = _within(found, name, value, option)
    else:
        matching = [level for level in found if str(level) == str(value)] or _equal(found, _checked(name, value, option))
    if not matching:
        raise RequestError(f"{option}: no network has {name}={_text(value)}; there are {listed(found)}")
    return matching


def _within(found, name, ends, option):
    least, most = (None if end is None else number(end) for end in (ends.start, ends.stop))
    if ends.step is not None or (least is None) != (ends.start is None) or (most is None) != (ends.stop is None):
        raise RequestError(f"{option}: {name}={shown(ends)} is not a range of two numbers")
    numbers = {level: level if isinstance(level, float) else number(level) for level in found}
    if None in numbers.values():
        raise RequestError(f"{option}: {name} is not a number in all of these networks; there are {listed(found)}")
    margin = {level: CLOSE * abs(value) if math.isfinite(value) else 0.0 for level, value in numbers.items()}
    return [
        level
        for level, value in numbers.items()
        if (least is None or value >= least - margin[level]) and (most is None or value <= most + margin[level])
    ]


def _checked(name, value, option):
    """A value as the option of that name would have it."""
    if name not in OPTIONS or name in OTHERWISE or value is None or value == "":
        return value
    known = OPTIONS[name]
    with in_place_of(known.flag, f"{option} {name}"):
        value = known.read(value) if isinstance(value, str) else known.check(value)
        return CANONICAL[name](value) if name in CANONICAL and isinstance(value, str) else value


def _equal(found, value):
    wanted = number(value)
    if wanted is None:
        return [level for level in found if str(level) == str(value)]
    numbers = {level: number(level) for level in found}
    return [k for k, held in numbers.items() if held is not None and abs(held - wanted) <= CLOSE * max(abs(held), abs(wanted))]


def _text(value):
    if isinstance(value, slice):
        return "..".join("" if end is None else f"{end:g}" for end in (value.start, value.stop))
    if _is_several(value):
        return " or ".join(map(_text, value))
    value = plain(value)
    return shown(value) if not isinstance(value, str) else value


def _is_several(value):
    return is_list(value) or isinstance(value, set | frozenset)
