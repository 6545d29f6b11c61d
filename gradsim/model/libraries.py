"""Initializers and activations as Keras, JAX and PyTorch call them, where a name or its arguments mean something else there.

`library.name` is what the library has under that name; names of classes, HeNormal, are Keras'. Each is another text for a
scheme that is here, and none is a law of its own: the scheme stands in a network's identity.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import RequestError
from .cut_normal import cuts_of
from .schemes import bound, numbers

FAN_MODES = ("fan_in", "fan_out", "fan_avg")
LAWS = {"truncated_normal": "truncated_normal", "untruncated_normal": "normal", "uniform": "uniform"}  # Keras' name: ours
FAR = 9.0  # standard deviations: cuts there change the variance by less than a rounding of a float64
CLOSE = 1e-9  # of cuts at two standard deviations
GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 25 / 9, "selu": 9 / 16}  # squares of PyTorch's calculate_gain
RELUS = ("leaky_relu", "relu")
_LIBRARY = re.compile(
    r"(?:(?:tf\.)?(?P<keras>keras)(?:\.(?:initializers|activations|layers))?|(?P<jax>jax)(?:\.nn(?:\.initializers)?)?"
    r"|(?P<torch>torch)(?:\.nn(?:\.init|\.functional)?)?|(?P<nn>nn)(?:\.init|\.functional)?)\.(?P<name>\w+)"
)


@dataclass(frozen=True)
class Spelling:
    """`resolve(*values)` gives the name of the scheme and its arguments, of values in the order of `defaults`.

    `defaults` maps the names of arguments to what they are unless given, None where they must be; `words` those that are no
    numbers to what they may be, and `synonyms` other names to these. `others` are names that mean the same.
    """

    resolve: Callable
    summary: str
    defaults: dict = field(default_factory=dict)
    words: dict = field(default_factory=dict)
    synonyms: dict = field(default_factory=dict)
    others: tuple = ()

    @property
    def form(self):
        """What stands behind the name, in parentheses; arguments that may be left out with what they are then."""
        texts = [
            name if value is None else f"{name}={value if isinstance(value, str) else format(value, 'g')}"
            for name, value in self.defaults.items()
        ]
        return f"({', '.join(texts)})" if texts else ""


def scaled(scale, mode, law):
    """The scheme of weights of Var W = scale / fan and mean 0, by the name of a paper where there is one."""
    if scale <= 0:
        raise RequestError(f"--init: variance_scaling(scale, mode, law) needs scale > 0, not {scale:g}")
    kind = LAWS[law]
    if scale == 2 and mode != "fan_avg":
        return f"he_{kind}", (mode, 0.0)
    if scale == 1 and mode != "fan_out":
        return (f"lecun_{kind}" if mode == "fan_in" else f"xavier_{kind}"), ()
    return "variance_scaling", (scale, mode, law)


def _cut(mean, std, a, b):
    """PyTorch's trunc_normal_: the normal(mean, std), given that it is from a to b."""
    low, high = cuts_of(mean, std, a, b)
    if low <= -FAR and high >= FAR:
        return "normal", (mean, std)
    if abs(low + 2) < CLOSE and abs(high - 2) < CLOSE:
        return "truncated_normal", (mean, std)
    return "trunc_normal", (mean, std, a, b)


def _kaiming(law):
    def resolve(a, mode, nonlinearity):
        if nonlinearity in RELUS:
            return f"he_{LAWS[law]}", (mode, a if nonlinearity == "leaky_relu" else 0.0)
        return scaled(GAINS[nonlinearity], mode, law)

    return Spelling(
        resolve,
        f"he_{LAWS[law]}, with the gain of another nonlinearity where one is given",
        {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
        {"mode": FAN_MODES[:2], "nonlinearity": (*RELUS, *GAINS)},
    )


def _named(name, summary, defaults=None, synonyms=None, others=()):
    """Of a scheme that has these arguments, in this order."""
    return Spelling(lambda *values: (name, values), summary, defaults or {}, {}, synonyms or {}, others)


def _truncated(name, paper, others=()):
    arguments = ("fan_in", 0.0) if paper == "he" else ()
    summary = f"{paper}_truncated_normal: cut at two standard deviations, with the variance of {paper}_normal"
    return name, Spelling(lambda: (f"{paper}_truncated_normal", arguments), summary, others=others)


def _plain(name, paper, others=()):
    arguments = ("fan_in", 0.0) if paper == "he" else ()
    return name, Spelling(lambda: (f"{paper}_uniform", arguments), f"{paper}_uniform", others=others)


INITIALIZERS = dict(
    [
        _truncated("keras.he_normal", "he", ("HeNormal", "jax.he_normal", "jax.kaiming_normal")),
        _truncated("keras.glorot_normal", "xavier", ("GlorotNormal", "jax.glorot_normal", "jax.xavier_normal")),
        _truncated("keras.lecun_normal", "lecun", ("LecunNormal", "jax.lecun_normal")),
        _plain("keras.he_uniform", "he", ("HeUniform",)),
        _plain("keras.glorot_uniform", "xavier", ("GlorotUniform",)),
        _plain("keras.lecun_uniform", "lecun", ("LecunUniform",)),
    ]
) | {
    "keras.random_normal": _named("normal", "normal(mean, stddev)", {"mean": 0.0, "stddev": 0.05}, others=("RandomNormal",)),
    "keras.random_uniform": _named(
        "uniform", "uniform(minval, maxval)", {"minval": -0.05, "maxval": 0.05}, others=("RandomUniform",)
    ),
    "keras.truncated_normal": _named(
        "truncated_normal", "truncated_normal(mean, stddev)", {"mean": 0.0, "stddev": 0.05}, others=("TruncatedNormal",)
    ),
    "keras.variance_scaling": Spelling(
        scaled,
        "variance_scaling(scale, mode, law)",
        {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"},
        {"mode": FAN_MODES, "distribution": tuple(LAWS)},
        {"law": "distribution"},
        ("VarianceScaling",),
    ),
    "jax.normal": Spelling(lambda stddev: ("normal", (0.0, stddev)), "normal(0, stddev)", {"stddev": 0.01}),
    "jax.uniform": Spelling(lambda scale: ("uniform", (0.0, scale)), "uniform(0, scale)", {"scale": 0.01}),
    "jax.truncated_normal": Spelling(
        lambda stddev: ("truncated_normal", (0.0, stddev)), "truncated_normal(0, stddev)", {"stddev": 0.01}
    ),
    "torch.trunc_normal": Spelling(
        _cut,
        "the normal(mean, std) cut at a and b themselves: normal(mean,std) where they are 9 standard deviations out or more, "
        "truncated_normal(mean,std) at two",
        {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0},
        others=("trunc_normal",),
    ),
    "torch.sparse": _named(
        "sparse_columns",
        "sparse_columns(sparsity, std); our sparse(k,std) has k weights a unit",
        {"sparsity": None, "std": 0.01},
    ),
    "torch.normal": _named("normal", "normal(mean, std)", {"mean": 0.0, "std": 1.0}),
    "torch.uniform": _named("uniform", "uniform(a, b)", {"a": 0.0, "b": 1.0}),
    "torch.kaiming_normal": _kaiming("untruncated_normal"),
    "torch.kaiming_uniform": _kaiming("uniform"),
    "torch.xavier_normal": Spelling(
        lambda gain: scaled(gain * gain, "fan_avg", "untruncated_normal"), "xavier_normal times gain", {"gain": 1.0}
    ),
    "torch.xavier_uniform": Spelling(
        lambda gain: scaled(gain * gain, "fan_avg", "uniform"), "xavier_uniform times gain", {"gain": 1.0}
    ),
}
SLOPE = {"negative_slope": "a", "alpha": "a", "slope": "a"}
EXACT, ROUGH = ("none", "false"), ("tanh", "true")


def _leaky(summary, slope, others=()):
    return _named("leaky_relu", summary, {"negative_slope": slope}, {"alpha": "negative_slope"}, others)


def _gelu(summary, default, others=()):
    def resolve(approximate):
        return ("gelu_tanh" if approximate in ROUGH else "gelu"), ()

    return Spelling(resolve, summary, {"approximate": default}, {"approximate": EXACT + ROUGH}, others=others)


ACTIVATIONS = {
    "LeakyReLU": _leaky(
        "leaky_relu; its slope must be given, as PyTorch has 0.01 (torch.LeakyReLU) and Keras 0.3 (keras.LeakyReLU)", None
    ),
    "torch.LeakyReLU": _leaky("leaky_relu, of slope 0.01 unless given", 0.01, ("torch.leaky_relu", "jax.leaky_relu")),
    "keras.LeakyReLU": _leaky("leaky_relu(0.3), Keras' layer", 0.3),
    "keras.leaky_relu": _leaky("leaky_relu(0.2), Keras' function", 0.2),
    "torch.GELU": _gelu("gelu, or with approximate=tanh gelu_tanh", "none", ("torch.gelu", "keras.gelu")),
    "jax.gelu": _gelu("gelu_tanh, or with approximate=false gelu", "true"),
    "keras.hard_silu": _named("hard_swish", "hard_swish", others=("hard_silu", "HardSilu")),
}


def _by_name(table):
    found = {}
    for key, spelling in table.items():
        library = key.rpartition(".")[0]
        for name in (key, *spelling.others):
            found[name.lower()] = key, spelling
            if "." not in name and library:  # keras.HeNormal is HeNormal
                found[f"{library}.{name.lower()}"] = key, spelling
    return found


_INITIALIZERS, _ACTIVATIONS = _by_name(INITIALIZERS), _by_name(ACTIVATIONS)


def of_initializer(name, named):
    """((its name, the Spelling) or None, the name without its library) of a lower-case name with arguments called `named`.

    A name that is both PyTorch's and ours is PyTorch's with an argument that is PyTorch's: kaiming_normal(nonlinearity=tanh).
    """
    found, bare = _find(_INITIALIZERS, name)
    if found is None and "." not in name and f"torch.{name}" in _INITIALIZERS and {"nonlinearity", "gain"}.intersection(named):
        return _INITIALIZERS[f"torch.{name}"], bare
    return found, bare


def of_activation(name, named):
    """The same of an activation."""
    found, bare = _find(_ACTIVATIONS, name)
    if found is None and bare == "gelu" and "approximate" in named:
        return _ACTIVATIONS["torch.gelu"], bare
    return found, bare


def _find(table, name):
    inside = _LIBRARY.fullmatch(name)
    if inside is None:
        return table.get(name), name
    library = next(lib for lib in ("keras", "jax", "torch", "nn") if inside[lib])
    bare = inside["name"]
    return table.get(f"{'torch' if library == 'nn' else library}.{bare}"), bare


def values(option, scheme, wrong, spelling, parts):
    """The values of a Spelling's arguments. Raises RequestError, which begins with `wrong`."""
    given, found = bound(wrong, parts, tuple(spelling.defaults), spelling.synonyms), []
    for name, default in spelling.defaults.items():
        text, words = given.get(name), spelling.words.get(name, ())
        if text is None and default is None:
            raise RequestError(f"{wrong}: {spelling.summary}")
        if text is not None and words and text.lower() not in words:
            raise RequestError(f"{wrong}; {text!r} is no {name}: {' or '.join(words)}")
        found.append(default if text is None else numbers(option, scheme, (text,), words)[0])
    return found


def rows(table):
    """(name with its arguments, other names, meaning) of a table here, for tables of names."""
    return [(f"{name}{spelling.form}", spelling.others, spelling.summary) for name, spelling in table.items()]
