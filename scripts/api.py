"""What is public in gradsim, room by room, with what it returns; `page` is docs/api.md, from docstrings and annotations."""

import ast
import importlib
import inspect
import json
import re
import textwrap
from dataclasses import MISSING, fields, is_dataclass
from functools import cached_property
from itertools import pairwise

from gradsim.model.parts import PARTS

# (heading, module, names): the names of the package, and the classes of what these give
PUBLIC = (
    ("Networks", "gradsim", ("mlp", "network", "activation", "Network")),
    (
        "Parts",
        "gradsim",
        tuple(PARTS),
    ),
    ("Presets", "gradsim", ("preset", "presets", "code_for")),
    ("Presets", "gradsim.model.presets", ("Preset", "Law", "FeedForward")),
    ("Simulation", "gradsim", ("simulate", "open", "Curves", "CurveSet", "Verdict", "RequestError")),
    ("Training", "gradsim", ("train", "TrainingCurves")),
    ("Advice", "gradsim", ("advise", "recommend")),
    ("Advice", "gradsim.advice.advise", ("Advice", "Scheme")),
    ("Advice", "gradsim.advice.recommendation", ("Recommendation", "Checked", "Remedy")),
    ("Sweeps", "gradsim.sweep", ("run", "read_plan", "combine", "Plan", "Precision")),
    ("Sweeps", "gradsim.sweep.plan", ("PlannedCell",)),
    (
        "Theory",
        "gradsim.theory",
        (
            "mean_field",
            "finite_width",
            "exact_stream",
            "precision",
            "fixed_point",
            "critical_point",
            "edge_of_chaos",
            "half_stable_points",
            "phase_diagram",
            "MeanField",
            "FiniteWidth",
            "ExactStream",
            "Precision",
            "FixedPoint",
            "CriticalPoint",
            "HalfStablePoint",
            "PhaseDiagram",
        ),
    ),
    ("PyTorch", "gradsim.torch", ("observe", "translate")),
    ("Verification", "gradsim.verification", ("verify", "select", "Report", "Check", "Result")),
)
SPECIAL = ("__init__", "__getitem__", "__len__", "__contains__")  # methods that users call by another sign


def public():
    """Yield (heading, name as users write it, object)."""
    for heading, module, names in PUBLIC:
        home = importlib.import_module(module)
        for name in names:
            yield heading, f"{module}.{name}", getattr(home, name)


def members(kind):
    """{name: function or property} of what a class of gradsim, or one that it comes from, says that users may call."""
    found = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("gradsim"):
            found |= {name: member for name, member in vars(base).items() if _is_open(name) and _is_callable(member)}
    return found


def _is_open(name):
    return not name.startswith("_") or name in SPECIAL


def _is_callable(member):
    return inspect.isfunction(member) or isinstance(member, property | cached_property | classmethod | staticmethod)


def function_of(member):
    """The function behind a member."""
    if isinstance(member, property):
        return member.fget
    return getattr(member, "func", None) or getattr(member, "__func__", member)


MADE = (  # classes that users make themselves; others are given by functions
    *(f"gradsim.{name}" for name in PARTS),
    *("gradsim.CurveSet", "gradsim.sweep.Precision"),
)
LONG = 100  # characters of arguments side by side
QUOTES = "'\""  # around annotations of what is imported later


def page():
    """The names with their signatures and docstrings, as Markdown."""
    lines = []
    for room in dict.fromkeys(heading for heading, _, _ in public()):
        names = [(name, found) for heading, name, found in public() if heading == room]
        lines += [f"## {room}", ", ".join(f"`{name}`" for name, _ in names)]
        for name, found in names:
            lines += _class(name, found) if inspect.isclass(found) else [f"### {name}", *_function(name, found)]
    return _together(lines)


def _function(name, found):
    node = _node(found)
    yield f"```\n{name}{_signature(node, found)}{_given(node)}\n```"
    yield _text(found)


def _class(name, kind):
    yield f"### {name}"
    if name in MADE:
        yield f"```\n{name}{_made(kind)}\n```"
    yield _text(kind)
    if name not in MADE and is_dataclass(kind):
        kinds = {field.name: text for field, text in zip(fields(kind), _fields(kind), strict=True)}
        yield from (f"- `.{field}: {text}`" for field, text in kinds.items())
    for at, member in members(kind).items():
        if at not in ("__init__", "__len__"):
            yield f"- {_member(kind.__name__, at, member)}"


def _member(owner, name, member):
    """Its name as users write it, and what its docstring says."""
    function = function_of(member)
    node, which = _node(function), re.sub("(?<!^)(?=[A-Z])", "_", owner).lower()
    signature, given = f"({', '.join(_arguments(node, function))})", _given(node)
    if isinstance(member, property | cached_property):
        written = f".{name}{given.replace(' -> ', ': ')}"
    elif name == "__getitem__":
        written = f"{which}[{signature[1:-1]}]{given}"
    elif name == "__contains__":
        written = f"name in {which}"
    else:
        written = f".{name}{signature}{given}"
    said = _text(function).replace("\n", "\n  ").replace("\n  \n", "\n\n")
    return f"`{written}`" + (f"<br>\n  {said}" if said else "")


def _together(lines):
    """Paragraphs, and lists whose entries stand side by side."""
    result = lines[0]
    for before, line in pairwise(lines):
        result += ("\n" if before.startswith("- ") and line.startswith("- ") else "\n\n") + line
    return result


def _node(found):
    return ast.parse(textwrap.dedent(inspect.getsource(found))).body[0]


def _given(node):
    return f" -> {_words(node.returns)}" if node.returns else ""


def _words(annotation):
    return ast.unparse(annotation).strip(QUOTES)


def _signature(node, found):
    return _broken(_arguments(node, found))


def _arguments(node, found):
    """Those of a function's node as they are written, with the values of their defaults; `found` is where it lives."""
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + arguments.defaults
    texts = [_argument(*pair, found) for pair in zip(plain, defaults, strict=True) if pair[0].arg not in ("self", "cls")]
    if arguments.vararg:
        texts.append(f"*{_argument(arguments.vararg, None, found)}")
    elif arguments.kwonlyargs:
        texts.append("*")
    texts += [_argument(*pair, found) for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    if arguments.kwarg:
        texts.append(f"**{_argument(arguments.kwarg, None, found)}")
    return texts


def _argument(argument, default, found):
    text = argument.arg + (f": {_words(argument.annotation)}" if argument.annotation else "")
    return text if default is None else f"{text} = {_value(default, found)}"


def _value(node, found):
    """What a default is: the value of an expression in the module of `found`, but for functions as they are written."""
    text = ast.unparse(node)
    value = eval(text, vars(importlib.import_module(found.__module__)))
    return text if callable(value) else _shown(value)


def _shown(value):
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _broken(texts):
    """Arguments in parentheses: a line each where there are many."""
    line = f"({', '.join(texts)})"
    return line if len(line) < LONG else "(\n" + "".join(f"    {text},\n" for text in texts) + ")"


def _made(kind):
    """The arguments with which a class is made: of what it says for checkers, if it does, else its fields."""
    inits = [node for node in ast.walk(_node(kind)) if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    if inits:
        return _signature(inits[0], kind)
    texts = []
    for field, text in zip(fields(kind), _fields(kind), strict=True):
        texts.append(f"{field.name}: {text}" + ("" if field.default is MISSING else f" = {_shown(field.default)}"))
    return _broken(texts)


def _fields(kind):
    """The annotations of a dataclass's fields as they are written, those of what it comes from first."""
    found = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("gradsim"):
            found |= {n.target.id: _words(n.annotation) for n in _node(base).body if isinstance(n, ast.AnnAssign)}
    return [found[field.name] for field in fields(kind)]


def _text(found):
    """The docstring for Markdown: pages of docs/ as links, and `<quantity>` as it stands."""
    text = inspect.cleandoc(found.__doc__ or "")
    text = re.sub(r"(?<![\w/`])docs/(\w+)\.md", r"[\1.md](\1.md)", text)
    return "".join(part if k % 2 else part.replace("<", "&lt;") for k, part in enumerate(re.split(r"(`[^`]*`)", text)))
