"""What is public in gradsim: the names, room by room, and what they return."""

import importlib
import inspect
from functools import cached_property

# (heading, module, names): the names of the package, and the classes of what these give
PUBLIC = (
    ("Networks", "gradsim", ("mlp", "network", "activation", "Network")),
    (
        "Parts",
        "gradsim",
        ("Linear", "Activation", "LayerNorm", "RMSNorm", "BatchNorm", "Dropout", "Residual", "Repeat"),
    ),
    ("Simulation", "gradsim", ("simulate", "open", "Curves", "CurveSet", "Verdict", "RequestError")),
    ("Advice", "gradsim", ("recommend",)),
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
