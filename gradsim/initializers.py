"""The table of initializers: what law a scheme gives the weights of a layer with given fans.

Sources: Glorot & Bengio 2010 (Xavier), He et al. 2015 (arXiv:1502.01852), LeCun et al. 1998 (Efficient BackProp).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from .errors import RequestError, unknown
from .schemes import parse


@dataclass(frozen=True)
class WeightLaw:
    """Independent weights: mean + scale * u, with u standard normal, uniform on [-1, 1], or absent (constant)."""

    kind: str  # "normal", "uniform" or "constant"
    mean: float
    scale: float

    @property
    def variance(self):
        return {"normal": 1.0, "uniform": 1 / 3, "constant": 0.0}[self.kind] * self.scale * self.scale

    @property
    def excess_kurtosis(self):
        """Of one weight: 0 normal, -1.2 uniform; NaN where the variance is zero."""
        return {"normal": 0.0, "uniform": -1.2, "constant": math.nan}[self.kind]


@dataclass(frozen=True)
class Initializer:
    """`law(fan_in, fan_out, *arguments)` gives the WeightLaw; `arguments` names what stands in the parentheses."""

    name: str
    law: Callable
    summary: str
    arguments: tuple = ()
    aliases: tuple = ()


def _law_of_variance(kind, variance):
    return WeightLaw(kind, 0.0, math.sqrt(variance if kind == "normal" else 3.0 * variance))


def _normal(fan_in, fan_out, mean, std):
    if std < 0:
        raise RequestError(f"--init: normal(mean, std) needs std >= 0, not {std:g}")
    return WeightLaw("normal" if std else "constant", mean, std)


def _uniform(fan_in, fan_out, low, high):
    if low > high:
        raise RequestError(f"--init: uniform(min, max) needs min <= max, not {low:g} > {high:g}")
    return WeightLaw("uniform" if low < high else "constant", 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low)


def _by_variance(name, aliases, formula, variance):
    """The normal and the uniform initializer with Var W = variance(fan_in, fan_out)."""
    return tuple(
        Initializer(
            f"{name}_{kind}",
            lambda fan_in, fan_out, kind=kind: _law_of_variance(kind, variance(fan_in, fan_out)),
            f"{kind}, mean 0, Var W = {formula}",
            aliases=tuple(f"{alias}_{kind}" for alias in aliases),
        )
        for kind in ("normal", "uniform")
    )


INITIALIZERS = (
    Initializer("zeros", lambda i, o: WeightLaw("constant", 0.0, 0.0), "every weight 0"),
    Initializer("ones", lambda i, o: WeightLaw("constant", 1.0, 0.0), "every weight 1"),
    Initializer("constant", lambda i, o, c: WeightLaw("constant", c, 0.0), "every weight c", ("c",)),
    Initializer("normal", _normal, "normal with the given mean and standard deviation", ("mean", "std")),
    Initializer("uniform", _uniform, "uniform between min and max", ("min", "max")),
    Initializer(
        "fan_in_uniform", lambda i, o: WeightLaw("uniform", 0.0, 1 / math.sqrt(i)), "uniform on +-1/sqrt(fan_in)"
    ),
    *_by_variance("xavier", ("glorot",), "2 / (fan_in + fan_out)", lambda i, o: 2 / (i + o)),
    *_by_variance("he", ("kaiming",), "2 / fan_in", lambda i, o: 2 / i),
    *_by_variance("lecun", (), "1 / fan_in", lambda i, o: 1 / i),
)
_BY_NAME = {name: entry for entry in INITIALIZERS for name in (entry.name, *entry.aliases)}


def weight_law(scheme, fan_in, fan_out, gain=1.0):
    """The WeightLaw of `scheme` (e.g. "he_normal", "normal(0,1)") with its scale and mean multiplied by `gain`.

    Raises RequestError for an unknown name, a wrong number of arguments, or arguments outside their range.
    """
    name, arguments = parse("--init", scheme)
    if name not in _BY_NAME:
        raise unknown("--init", name, _BY_NAME)
    entry = _BY_NAME[name]
    if len(arguments) != len(entry.arguments):
        form = f"{name}({', '.join(entry.arguments)})" if entry.arguments else name
        raise RequestError(f"--init: {scheme!r} should be written {form}")
    law = entry.law(fan_in, fan_out, *arguments)
    scaled = WeightLaw(law.kind, gain * law.mean, gain * law.scale)
    if not (math.isfinite(scaled.mean) and math.isfinite(scaled.scale)):
        raise RequestError(f"--weight-gain: {gain:g} times {scheme!r} is beyond the largest float64")
    return scaled
