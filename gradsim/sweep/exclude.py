"""Rules that leave combinations of a grid out: tables of options, each with the values that the rule speaks of."""

import math
from typing import NamedTuple

from ..errors import RequestError, finite_number, in_place_of, is_list, shown, unknown
from ..errors import plain as plain_number
from ..model.activations import canonical_activation, typed_activation
from ..model.data import Samples
from ..model.initializers import canonical_bias, canonical_init
from ..model.options import NETWORK, OPTIONS
from ..model.parts import Part
from ..model.request import FILES
from ..model.tables import table


def _activation(text):
    typed_activation(text)
    return canonical_activation(text)


ACTIVATION, INIT, BIAS = ("--activation", _activation), ("--init", canonical_init), ("--bias", canonical_bias)
SCHEMES = {  # option: (what its errors are called, the one text of all that mean the same)
    "activation": ACTIVATION,
    "last_activation": ACTIVATION,
    "init": INIT,
    "first_init": INIT,
    "last_init": INIT,
    "bias": BIAS,
}


def plain(name, value):
    """A checked value of an option as JSON has it, one for all that mean the same: schemes by their canonical text, rows by
    where they came from, parts as tables. Raises RequestError for a scheme that does not exist."""
    if isinstance(value, list):
        return [table(entry) if isinstance(entry, Part) else entry for entry in value]
    if isinstance(value, Samples):
        return value.source
    if value is None or name not in SCHEMES:
        return value
    called, canonical = SCHEMES[name]
    with in_place_of(called, NETWORK[name].flag):
        return canonical(value)


class Interval(NamedTuple):
    """Numbers from `low` to `high`, both among them."""

    low: float
    high: float

    def __contains__(self, value):
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high


class Rule:
    """`conditions` maps options to what holds the values that it speaks of, a list or an Interval; `request` says the same in
    plain values."""

    def __init__(self, given):
        """Of a table of a sweep file. Raises RequestError."""
        self.conditions, self.request = {}, {}
        for name, value in given.items():
            key = name.replace("-", "_") if isinstance(name, str) else name
            if key not in OPTIONS or not OPTIONS[key].in_grids:
                raise unknown("sweep: exclude", name, [name for name, option in OPTIONS.items() if option.in_grids])
            if isinstance(value, dict):
                self.conditions[key] = _interval(OPTIONS[key], value)
                self.request[key] = {end: plain_number(number) for end, number in value.items()}
            else:
                self.conditions[key] = self.request[key] = _values(OPTIONS[key], value)
        if not self.conditions:
            raise RequestError("sweep: exclude: a rule is empty; it would leave out every cell")

    def holds(self, name, value):
        """Whether the rule speaks of a checked `value` of an option that is one of its conditions."""
        return plain(name, value) in self.conditions[name]

    def __str__(self):
        """As in "activation relu or tanh, weight_gain from 1.5"."""
        return ", ".join(f"{name} {_words(value)}" for name, value in self.request.items())


def _words(value):
    if isinstance(value, dict):
        return " ".join(f"{name} {number}" for name, number in value.items())
    return " or ".join(map(str, value))


def _interval(option, given):
    for name in given:
        if name not in ("from", "to"):
            raise unknown(f"{option.flag}: an excluded range", name, ("from", "to"))
    if not given:
        raise RequestError(f"{option.flag}: {shown(given)}: an excluded range has from, to, or both")
    low, high = (
        finite_number(f"{option.flag}: {name} of a range", given[name]) if name in given else open_end
        for name, open_end in (("from", -math.inf), ("to", math.inf))
    )
    if low > high:
        raise RequestError(f"{option.flag}: {shown(given)}: an excluded range goes from a number up to another")
    return Interval(low, high)


def _values(option, value):
    """The values of a rule as JSON has them; a file is not read for it."""
    several = value if is_list(value) else [value]
    if option.name == "layers" and is_list(value) and option.kind.holds(list(value)):
        several = [value]
    if not len(several):
        raise RequestError(f"{option.flag}: an excluded list is empty")
    return [str(entry) if option.name in FILES else plain(option.name, option.check(entry)) for entry in several]
