"""Activations by name: those of the table (`kernels.activations`), and those that users give."""

from collections.abc import Callable

from ...errors import RequestError, shown, unknown
from ...kernels.activations import ACTIVATIONS, CODES, CUSTOM, Activation
from ...typed import Numbers
from ..libraries import SLOPE, of_activation
from ..libraries import values as library_values
from ..schemes import bound, canonical, named, numbers, parse
from .custom import custom_entry
from .importing import load

_BY_NAME = {name: entry for entry in ACTIVATIONS for name in (entry.name, *entry.aliases)}
_GIVEN: dict[str, Activation] = {}  # users' activations by name
LARGEST_PARAMETER = 1e30  # of |a|: a h is then a float32
_GATED = "a product of two projections of its input, not a function of one number, and it scales otherwise"
_SEVERAL = "it takes several numbers, and an activation here is a function of one"
NOT_HERE = {  # names that people know, next to which a near miss would be another function
    **dict.fromkeys(("glu", "swiglu", "geglu", "reglu", "seglu", "bilinear"), _GATED),
    **dict.fromkeys(("maxout", "softmax", "softmin", "log_softmax", "logsoftmax", "crelu", "groupsort"), _SEVERAL),
    "prelu": "at initialization it is leaky_relu(0.25), PyTorch's start",
    "rrelu": "its slope is random; in evaluation it is leaky_relu(0.2292), PyTorch's mean slope",
    "celu": "celu with alpha 1 is elu; another alpha is a function of your own: --activation=module:function",
    **dict.fromkeys(
        ("sign", "step", "heaviside", "threshold"), "its derivative is zero almost everywhere, so no gradient comes back"
    ),
}


def find_activation(text):
    """The (Activation, parameter) of "tanh", "leaky_relu(0.2)", or of a user's activation that this process was given.

    Nothing is imported: the text may come from a file. Raises RequestError for anything else, and for parameters beyond
    LARGEST_PARAMETER.
    """
    if isinstance(text, str) and text.strip() in _GIVEN:
        return _GIVEN[text.strip()], 0.0
    if isinstance(text, str) and ":" in text:
        raise RequestError(f"--activation: {_not_given(text)}")
    name, parts = parse("--activation", text)
    spelling, name = of_activation(name, named(parts))
    if spelling is not None:
        wrong = f"--activation: {shown(text)} should be written {spelling[0]}{spelling[1].form}"
        name, arguments = spelling[1].resolve(*library_values("--activation", text, wrong, spelling[1], parts))
        return _with_parameter(text, _BY_NAME[name], arguments)
    if name in NOT_HERE:
        raise RequestError(f"--activation: there is no {name}: {NOT_HERE[name]}")
    if name not in _BY_NAME:
        raise unknown("--activation", name, [*_BY_NAME, *_GIVEN])
    entry = _BY_NAME[name]
    form = f"{name} or {name}(a)" if entry.parameter is not None else name
    given = bound(
        f"--activation: {shown(text)} should be written {form}", parts, () if entry.parameter is None else ("a",), SLOPE
    )
    return _with_parameter(text, entry, numbers("--activation", text, given.values()))


def _with_parameter(text, entry, arguments):
    if entry.parameter is None:
        return entry, 0.0
    a = arguments[0] if arguments else entry.parameter
    if not abs(a) <= LARGEST_PARAMETER:
        raise RequestError(
            f"--activation: {shown(text)}: the parameter is from {-LARGEST_PARAMETER:g} to {LARGEST_PARAMETER:g}"
        )
    return entry.with_parameter(a), a


def _not_given(*names):
    many = len(names) > 1
    return (
        f"the user's function{'s' if many else ''} {', '.join(map(repr, names))} {'are' if many else 'is'} not known to this "
        "process, and a file never imports code; give it first with gradsim.activation(name, f, df), or by its module: "
        f'gradsim.mlp(activation="module:function"), gradsim plot --activation module:function'
    )


def typed_activation(text):
    """As `find_activation`, of a text that the user of this process typed: "module:function" is imported."""
    if isinstance(text, str) and ":" in text and text.strip() not in _GIVEN:
        _GIVEN[text.strip()] = load(text.strip())
    return find_activation(text)


def users_activations():
    """The names of all that this process was given."""
    return tuple(_GIVEN)


def canonical_activation(text):
    """The one text of all that mean the same activation as `text`. Raises RequestError."""
    entry, a = find_activation(text)
    if entry.addresses[0]:
        return text.strip()
    return canonical(entry.name, () if entry.parameter is None else (a,), _defaults(entry.name))


def _defaults(name):
    default = _BY_NAME[name].parameter
    return () if default is None else (default,)


def check_given(*networks):
    """Raises RequestError unless the networks' activations are known here, and those that the networks were made with."""
    parts = dict.fromkeys(part for network in networks for part in network.activations)
    missing = {part.name for part in parts if ":" in part.name or part.digest} - _GIVEN.keys()
    if missing:
        raise RequestError(f"--activation: {_not_given(*sorted(missing))}")
    for part in parts:
        entry, _ = find_activation(part.name)
        if part.digest not in (None, entry.digest):
            now = entry.digest[:8] if entry.digest else "of the table"
            raise RequestError(
                f"--activation: {part.name!r} was another function when this network was made (digest "
                f"{part.digest[:8]}, now {now}); give that one again"
            )


def activation(name: str, f: Callable[[float], float], df: Callable[[float], float], kinks: Numbers = ()) -> Activation:
    """Make the function f, with derivative df, an activation that networks can name; returns its Activation.

    f and df take and give one number (a float64) and are written with `math` or `numpy`, as for `numba.njit`. They are
    compiled by themselves, evaluated in float64 and rounded to float32; how f behaves at 0 and at infinity is found by
    evaluating it there. `kinks` are the points where f or a derivative of it jumps: a simulation does not need them,
    theory does. Raises RequestError where Numba cannot compile them, df is not the derivative, or the name is taken by
    gradsim.
    """
    if not isinstance(name, str) or not name.isidentifier() or name.lower().rstrip("_") in _BY_NAME:
        raise RequestError(f"activation: {shown(name)} is not a free name; one is letters, digits and _ and not in the table")
    _GIVEN[name] = custom_entry(name, f, df, kinks)
    return _GIVEN[name]


__all__ = [
    "ACTIVATIONS",
    "CODES",
    "CUSTOM",
    "Activation",
    "activation",
    "canonical_activation",
    "check_given",
    "find_activation",
    "typed_activation",
    "users_activations",
]
