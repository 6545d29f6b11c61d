"""The table of initializers: what law a scheme gives the weights of a layer with given fans.

Sources: Glorot & Bengio 2010 (Xavier), He et al. 2015 (arXiv:1502.01852), LeCun et al. 1998 (Efficient BackProp),
Martens 2010 (sparse: 15 unit Gaussians a unit), Saxe et al. 2014 (arXiv:1312.6120, orthogonal).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from ..errors import RequestError, shown, unknown
from .cut_normal import cuts_of, moments
from .laws import TRUNCATED_STD, UNIT_LAWS, WeightLaw
from .libraries import FAN_MODES, LAWS, of_initializer, scaled
from .libraries import values as library_values
from .schemes import bound, canonical, named, numbers, parse

STEEPEST = 1e150  # its square is still a float64
FANS = ("fan_in", "fan_out")


@dataclass(frozen=True)
class Initializer:
    """`law(fan_in, fan_out, *arguments)` gives the WeightLaw; `arguments` names what stands in the parentheses.

    The last `len(defaults)` arguments may be left out. `bias` is the law of biases that comes with it.
    """

    name: str
    law: Callable
    summary: str
    arguments: tuple = ()
    aliases: tuple = ()
    defaults: tuple = ()
    bias: str = "zeros"

    @property
    def form(self):
        """How it is written, optional arguments in brackets."""
        required = len(self.arguments) - len(self.defaults)
        names = [n if k < required else f"[{n}]" for k, n in enumerate(self.arguments)]
        return f"{self.name}({', '.join(names)})" if names else self.name


def _law(kind, mean, scale):
    return WeightLaw(kind if scale else "constant", mean, scale)


def _given_std(name, kind, parent=1.0):
    """The law of `kind` with the given mean and std; `parent` is what a std of one means for the unit law."""

    def law(fan_in, fan_out, mean, std):
        if std < 0:
            raise RequestError(f"--init: {name}(mean, std) needs std >= 0, not {std:g}")
        return _law(kind, mean, std / parent)

    return law


def _uniform(fan_in, fan_out, low, high):
    if low > high:
        raise RequestError(f"--init: uniform(min, max) needs min <= max, not {low:g} > {high:g}")
    return _law("uniform", 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low)


def _sparse(fan_in, fan_out, k, std):
    if k != int(k) or not 0 <= k <= fan_in:
        raise RequestError(f"--init: sparse(k) needs a whole number of weights from 0 to fan-in, here {fan_in}, not {k:g}")
    if std < 0:
        raise RequestError(f"--init: sparse(k, std) needs std >= 0, not {std:g}")
    return WeightLaw("sparse", 0.0, std, k / fan_in) if k and std else WeightLaw("constant", 0.0, 0.0)


def _sparse_columns(fan_in, fan_out, sparsity, std):
    if not 0 <= sparsity <= 1:
        raise RequestError(f"--init: sparse_columns(sparsity, std) needs a share of zeros from 0 to 1, not {sparsity:g}")
    if std < 0:
        raise RequestError(f"--init: sparse_columns(sparsity, std) needs std >= 0, not {std:g}")
    kept = fan_out - math.ceil(sparsity * fan_out)
    return WeightLaw("sparse_columns", 0.0, std, kept / fan_out) if kept and std else WeightLaw("constant", 0.0, 0.0)


def _trunc_normal(fan_in, fan_out, mean, std, a, b):
    cuts = cuts_of(mean, std, a, b)
    shift, variance, _ = moments(*cuts)
    return WeightLaw("cut_normal", mean + std * shift, std * math.sqrt(variance), cuts=cuts)


def _structured(kind):
    """The law of a matrix whose largest dimension sets the mean square of its entries."""
    return lambda fan_in, fan_out, gain: (
        WeightLaw(kind, 0.0, gain, 1 / max(fan_in, fan_out)) if gain else WeightLaw("constant", 0.0, 0.0)
    )


def _by_variance(name, aliases, formula, variance, arguments=(), defaults=()):
    """The normal, uniform and truncated normal initializer with Var W = variance(fan_in, fan_out, *arguments)."""
    return tuple(
        Initializer(
            f"{name}_{kind}",
            lambda i, o, *more, kind=kind: _law(kind, 0.0, math.sqrt(variance(i, o, *more) / UNIT_LAWS[kind][0])),
            f"{kind.replace('_', ' ')}, mean 0, Var W = {formula}",
            arguments,
            tuple(f"{alias}_{kind}" for alias in aliases),
            defaults,
        )
        for kind in ("normal", "uniform", "truncated_normal")
    )


def _he(fan_in, fan_out, fan, slope):
    if abs(slope) > STEEPEST:
        raise RequestError(f"--init: the slope of he is from {-STEEPEST:g} to {STEEPEST:g}, not {slope:g}")
    return 2 / (1 + slope * slope) / (fan_in if fan == "fan_in" else fan_out)


def _variance_scaling(fan_in, fan_out, scale, mode, law):
    fan, kind = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode], LAWS[law]
    return _law(kind, 0.0, math.sqrt(scale / fan / UNIT_LAWS[kind][0]))


def _fan_in_uniform(fan_in, fan_out):
    return WeightLaw("uniform", 0.0, 1 / math.sqrt(fan_in))


INITIALIZERS = (
    Initializer("zeros", lambda i, o: WeightLaw("constant", 0.0, 0.0), "every weight 0"),
    Initializer("ones", lambda i, o: WeightLaw("constant", 1.0, 0.0), "every weight 1"),
    Initializer("constant", lambda i, o, c: WeightLaw("constant", c, 0.0), "every weight c", ("c",)),
    Initializer("normal", _given_std("normal", "normal"), "normal with the given mean and standard deviation", ("mean", "std")),
    Initializer(
        "truncated_normal",
        _given_std("truncated_normal", "truncated_normal"),
        "normal(mean, std) cut at two standard deviations, which leaves 0.8796 std (Keras, JAX; PyTorch's trunc_normal_ cuts "
        "elsewhere, see below)",
        ("mean", "std"),
    ),
    Initializer(
        "corrected_truncated_normal",
        _given_std("corrected_truncated_normal", "truncated_normal", TRUNCATED_STD),
        "the same, widened so that what is left has the given std",
        ("mean", "std"),
    ),
    Initializer(
        "trunc_normal",
        _trunc_normal,
        "normal(mean, std) cut at a and b themselves, as PyTorch does; what is left has another mean and a smaller std",
        ("mean", "std", "a", "b"),
    ),
    Initializer("uniform", _uniform, "uniform between min and max", ("min", "max")),
    Initializer("rademacher", lambda i, o, c: _law("rademacher", 0.0, c), "-c or c, 1 if not given", ("c",), defaults=(1.0,)),
    Initializer(
        "sparse",
        _sparse,
        "each unit has k incoming weights at random places, normal with std (1 if not given)",
        ("k", "std"),
        defaults=(1.0,),
    ),
    Initializer(
        "sparse_columns",
        _sparse_columns,
        "each input has a share of zeros, rounded up, among its outgoing weights, the others normal with std (1 if not given)",
        ("sparsity", "std"),
        defaults=(1.0,),
    ),
    Initializer("identity", _structured("identity"), "gain (1) on the diagonal", ("gain",), ("eye",), (1.0,)),
    Initializer(
        "orthogonal",
        _structured("orthogonal"),
        "gain (1) times a random matrix with orthonormal columns, or rows where they are fewer",
        ("gain",),
        defaults=(1.0,),
    ),
    Initializer("fan_in_uniform", _fan_in_uniform, "uniform on +-1/sqrt(fan_in)"),
    *_by_variance("xavier", ("glorot",), "2 / (fan_in + fan_out)", lambda i, o: 2 / (i + o)),
    *_by_variance(
        "he", ("kaiming",), "2 / (1 + slope^2) / fan; fan_in and slope 0 if not given", _he, ("fan", "slope"), ("fan_in", 0.0)
    ),
    *_by_variance("lecun", (), "1 / fan_in", lambda i, o: 1 / i),
    Initializer(
        "torch_default",
        _fan_in_uniform,
        "PyTorch's Linear: weights and biases uniform on +-1/sqrt(fan_in)",
        bias="fan_in_uniform",
    ),
    Initializer(
        "keras_default", lambda i, o: _law("uniform", 0.0, math.sqrt(6 / (i + o))), "Keras' Dense: xavier_uniform, biases 0"
    ),
    Initializer(
        "variance_scaling",
        _variance_scaling,
        "mean 0, Var W = scale / fan; scale 1, mode fan_in (or fan_out, fan_avg), law truncated_normal (or untruncated_normal, "
        "uniform) if not given; with the scales of he, lecun and xavier these",
        ("scale", "mode", "law"),
        defaults=(1.0, "fan_in", "truncated_normal"),
    ),
)
_BY_NAME = {name: entry for entry in INITIALIZERS for name in (entry.name, *entry.aliases)}
_CUTS = "; PyTorch's trunc_normal(mean, std, a, b) cuts at a and b themselves"
NOT_HERE = {  # names that people know, next to which a near miss would be another law
    "dirac": "it is made for convolutions; identity is its like here",
    "delta_orthogonal": "it is made for convolutions; orthogonal is its like here",
    "default": "write torch_default or keras_default",
}
WORDS = {"fan": FANS, "mode": FAN_MODES, "law": tuple(LAWS)}  # arguments that are no numbers
ASSUMED = {"mean": 0.0}  # of arguments that must be given, what they are where others are given by name
SYNONYMS = (  # of arguments, as other libraries call them
    ("mode", "fan"),
    ("a", "slope"),
    ("negative_slope", "slope"),
    ("stddev", "std"),
    ("value", "c"),
    ("val", "c"),
    ("a", "min"),
    ("b", "max"),
    ("minval", "min"),
    ("maxval", "max"),
    ("low", "min"),
    ("high", "max"),
    ("distribution", "law"),
)


def find_initializer(scheme):
    """The (Initializer, arguments) of e.g. "he_normal" or "normal(0,1)". Raises RequestError for anything else.

    Arguments may stand by name, normal(std=0.02). PyTorch's spelling with an underscore at the end ("kaiming_normal_") is
    understood too, and what other libraries call otherwise (`libraries`).
    """
    return _known(scheme) if type(scheme) is str else _read(scheme)


def _read(scheme):
    name, parts = parse("--init", scheme)
    spelling, bare = of_initializer(name, named(parts))
    if spelling is not None:
        name, arguments = spelling[1].resolve(*_of_library(scheme, *spelling, parts))
        return _BY_NAME[name], arguments
    if bare in NOT_HERE:
        raise RequestError(f"--init: there is no {bare}: {NOT_HERE[bare]}")
    if bare not in _BY_NAME:
        raise unknown("--init", bare, _BY_NAME)
    entry = _BY_NAME[bare]
    arguments = _arguments(scheme, entry, parts)
    if entry.name == "variance_scaling":
        name, arguments = scaled(*arguments)
        entry = _BY_NAME[name]
    return entry, arguments


_known = lru_cache(4096)(_read)


def _arguments(scheme, entry, parts):
    """The values of the arguments of an Initializer, those that are left out too."""
    written = f"--init: {shown(scheme)} should be written {entry.form}"
    wrong = f"{written}{_CUTS if entry.name.endswith('truncated_normal') and len(parts) == 4 else ''}"
    given = _bound(wrong, parts, entry.arguments)
    defaults = dict(zip(reversed(entry.arguments), reversed(entry.defaults), strict=False))
    if named(parts):
        defaults = ASSUMED | defaults
    values = []
    for name in entry.arguments:
        text, words = given.get(name), WORDS.get(name, ())
        if text is None and name not in defaults:
            raise RequestError(wrong)
        if text is not None and (text.lower() in (*FAN_MODES, *LAWS) or words) and text.lower() not in words:
            what = f"no {name}: {' or '.join(words)}" if words else "not a number"
            raise RequestError(f"{written}; {text!r} is {what}")
        values.append(defaults[name] if text is None else numbers("--init", scheme, (text,), words)[0])
    return tuple(values)


def _bound(wrong, parts, arguments):
    """As `bound`, with the synonyms of these arguments."""
    return bound(
        wrong, parts, arguments, {other: name for other, name in SYNONYMS if name in arguments and other not in arguments}
    )


def _of_library(scheme, name, spelling, parts):
    """The same of another library's arguments."""
    wrong = f"--init: {shown(scheme)} should be written {name}{spelling.form}"
    return library_values("--init", scheme, wrong, spelling, parts)


def canonical_init(scheme):
    """The one text of all that mean the same initializer as `scheme`. Raises RequestError."""
    entry, arguments = find_initializer(scheme)
    return canonical(entry.name, arguments, entry.defaults)


@lru_cache(4096)
def weight_law(scheme, fan_in, fan_out, gain=1.0):
    """The WeightLaw of `scheme` (e.g. "he_normal", "normal(0,1)") with its scale and mean multiplied by `gain`.

    Raises RequestError for an unknown name, a wrong number of arguments, or arguments outside their range.
    """
    entry, arguments = find_initializer(scheme)
    law = entry.law(fan_in, fan_out, *arguments)
    scaled = replace(law, mean=gain * law.mean, scale=gain * law.scale)
    if not (math.isfinite(scaled.mean) and math.isfinite(scaled.scale)):
        raise RequestError(f"--weight-gain: {gain:g} times {shown(scheme)} is beyond the largest float64")
    return scaled if scaled.scale else WeightLaw("constant", scaled.mean, 0.0)


_BIAS_ARGUMENTS = {"zeros": (), "constant": ("c",), "normal": ("std",), "uniform": ("min", "max"), "fan_in_uniform": ()}
BIASES = {name: len(arguments) for name, arguments in _BIAS_ARGUMENTS.items()}  # name: number of arguments


def _find_bias(scheme):
    name, parts = parse("--bias", scheme)
    if name not in BIASES:
        raise unknown("--bias", name, BIASES)
    arguments = _BIAS_ARGUMENTS[name]
    written = f"--bias: {shown(scheme)} should be written {name}{'(' + ','.join(arguments) + ')' if arguments else ''}"
    given = _bound(written, parts, arguments)
    if len(given) != len(arguments):
        raise RequestError(written)
    return name, numbers("--bias", scheme, [given[argument] for argument in arguments])


def canonical_bias(scheme):
    """The one text of all that mean the same law of biases as `scheme`. Raises RequestError.

    Numbers are written as Python writes floats, normal(1.0) where an initializer says normal(0,1): that is what
    `mlp(bias_std=1)` has always written, and its random numbers hang on it.
    """
    return canonical(*_find_bias(scheme), write=repr)


@lru_cache(4096)
def bias_law(scheme, fan_in):
    """The law of biases: "zeros", "constant(c)", "normal(std)", "uniform(min,max)" or "fan_in_uniform".

    Raises RequestError for anything else.
    """
    name, arguments = _find_bias(scheme)
    if name == "normal":
        if arguments[0] < 0:
            raise RequestError(f"--bias: normal(std) needs std >= 0, not {arguments[0]:g}")
        return _law("normal", 0.0, arguments[0])
    if name == "uniform" and arguments[0] > arguments[1]:
        raise RequestError(f"--bias: uniform(min,max) needs min <= max, not {arguments[0]:g} > {arguments[1]:g}")
    return _BY_NAME[name].law(fan_in, fan_in, *arguments)


def normal_std(bias):
    """The standard deviation of a law of normal biases; 0 of another one."""
    law = bias_law(bias, 1)
    return law.scale if law.kind == "normal" else 0.0
