"""A PyTorch model as parts of gradsim: its graph, as torch.fx traces it, read from the input to the output.

A value of the graph is a Step: what it is made from, and the parts on the way. A sum of two values is a residual from where
their ways part.
"""

import operator
from collections import Counter
from typing import NamedTuple

import torch
import torch.fx
import torch.nn.functional as F

from ..errors import RequestError
from ..model.parts import Activation, BatchNorm, Dropout, LayerNorm, Linear, Residual, RMSNorm
from .library import said
from .recognising import activation_of, is_plain, laws_of

SUMS = (operator.add, operator.iadd, torch.add)
PRODUCTS = (operator.mul, operator.imul, torch.mul)
QUOTIENTS = (operator.truediv, operator.itruediv, torch.div)
SHAPES = ("view", "reshape", "flatten", "contiguous", "clone", torch.flatten)  # of an input's numbers, which stay what they are
SIZES = ("size", "dim", getattr)  # what is no tensor
METHODS = {"add": operator.add, "add_": operator.add, "mul": operator.mul, "mul_": operator.mul, "div": operator.truediv}
MOST_TOLD = 5


class Step(NamedTuple):
    """A value: `parts` behind the Step `before`; `depth` counts Steps up to the input, which has none before it."""

    before: "Step | None"
    parts: tuple
    depth: int


class Factor(NamedTuple):
    """A number that a value is multiplied by: the scale of a branch, if nothing stands behind it there. `said`: where it is."""

    number: float
    said: str


class Tracer(torch.fx.Tracer):
    def is_leaf_module(self, m, qualname):
        """Modules made of no others are looked at as one, too."""
        return super().is_leaf_module(m, qualname) or not any(True for _ in m.children())


class Reader:
    """Reads the graph of a model; `init`, `gain` and `bias` as `translating.translate` has them.

    `strange` are, in words, what gradsim has no part for. `parts` are those of the model, `width` that of its input.
    """

    def __init__(self, model, init, gain, bias):
        self.modules, self.strange, self.values, self.width = dict(model.named_modules()), [], {}, None
        try:
            graph = Tracer().trace(model)
        except Exception as error:
            raise RequestError(f"translate: torch.fx cannot trace {type(model).__name__}: {said(error)}") from error
        self.attributes = dict(model.named_parameters()) | dict(model.named_buffers())
        called = [node for node in graph.nodes if node.op == "call_module"]
        linears = Counter(node.target for node in called if isinstance(self.modules[node.target], torch.nn.Linear))
        if not linears:
            raise RequestError(f"translate: {type(model).__name__} calls no torch.nn.Linear, which a network of gradsim needs")
        self.strange += [f"{path} (Linear, called {n} times with one matrix)" for path, n in linears.items() if n > 1]
        for node in called:
            if self._part(node.target, {}) is None:
                self._note(node)
        self._refuse()  # before the weights of what is left are looked at
        self.laws = laws_of({path: self.modules[path] for path in linears}, init, gain, bias)
        self.parts = self._read_all(graph)

    def _read_all(self, graph):
        """The parts from the input to the output of a graph. Raises RequestError."""
        last = None
        for node in graph.nodes:
            if node.op == "output":
                last = self._value(node.args[0])
            else:
                self.values[node] = self._read(node)
        self._refuse()
        if last is None:
            raise RequestError("translate: what the model gives is not one tensor")
        parts = self._between(None, last)
        self.strange += [part.said for part in parts if isinstance(part, Factor)]
        self._refuse()
        return parts

    def _refuse(self):
        """Raises RequestError where there is something strange."""
        found = list(dict.fromkeys(self.strange))
        if found:
            more = f" and {len(found) - MOST_TOLD:,} more" if len(found) > MOST_TOLD else ""
            raise RequestError(
                f"translate: gradsim has no part for {', '.join(found[:MOST_TOLD])}{more}; it has Linear, activations, "
                "LayerNorm, RMSNorm, BatchNorm1d, Dropout and residual sums; gradsim.torch.observe takes any model"
            )

    def _note(self, node, why=""):
        """Notes a node that has no part."""
        if node.op == "call_module":
            self.strange.append(f"{node.target} ({type(self.modules[node.target]).__name__}{why})")
        else:
            self.strange.append(f"{node.name} ({getattr(node.target, '__name__', node.target)}{why})")

    def _read(self, node):
        """The Step that a node makes; None of what is no value of the network."""
        if node.op == "placeholder":
            if any(other.op == "placeholder" for other in self.values) and node.users:
                self.strange.append(f"{node.target} (a second input)")
            return Step(None, (), 0)
        if node.op == "get_attr" or node.target in SIZES:
            return None
        if node.op == "call_module":
            return self._behind(node, self._part(node.target, self.laws))
        function = METHODS.get(node.target, node.target) if node.op == "call_method" else node.target
        values = [arg for arg in node.args[:2] if self._value(arg) is not None]
        if function in SUMS and len(values) == 2:
            return self._sum(node)
        if function in PRODUCTS + QUOTIENTS and len(values) == 1:
            return self._product(node, values[0], function in QUOTIENTS)
        return self._behind(node, self._function(node))

    def _value(self, arg):
        return self.values.get(arg) if isinstance(arg, torch.fx.Node) else None

    def _behind(self, node, parts):
        """The Step of `parts` behind what the node takes; None of parts is noted as strange."""
        before = self._value(node.args[0]) if node.args else None
        if parts is None or before is None:
            if before is not None or node.op == "call_module":
                self._note(node)
            return before
        return Step(before, parts, before.depth + 1)

    def _part(self, path, laws):
        """The parts, none or one, that a module is; None where it is none."""
        module = self.modules[path]
        if isinstance(module, torch.nn.Linear):
            self.width = module.in_features if self.width is None else self.width
            init, gain, bias = laws.get(path, ("zeros", 1.0, "zeros"))
            return (Linear(module.out_features, init, gain, bias),)
        if isinstance(module, torch.nn.LayerNorm | torch.nn.RMSNorm | torch.nn.BatchNorm1d):
            return self._norm(module)
        if isinstance(module, torch.nn.Dropout):
            return () if not module.training else (Dropout(module.p),) if module.p < 1 else None
        if isinstance(module, torch.nn.Identity | torch.nn.Flatten):
            return ()
        if isinstance(module, torch.nn.PReLU) and module.num_parameters == 1:
            return (Activation(f"leaky_relu({float(module.weight.item())!r})"),)
        return None if any(True for _ in module.parameters()) else self._activation(module)

    def _norm(self, module):
        batch = isinstance(module, torch.nn.BatchNorm1d)
        if len(getattr(module, "normalized_shape", (0,))) > 1 or not is_plain(module) or (batch and not module.training):
            return None
        if batch:
            return (BatchNorm(module.eps),)
        self.width = module.normalized_shape[0] if self.width is None else self.width
        kind = LayerNorm if isinstance(module, torch.nn.LayerNorm) else RMSNorm
        return (kind(torch.finfo(torch.float32).eps if module.eps is None else module.eps),)

    def _function(self, node):
        """The same of a function or method."""
        if node.target in SHAPES:
            return ()
        rest = node.args[1:]
        if node.target is F.dropout:
            options = dict(zip(("p", "training"), rest, strict=False)) | node.kwargs
            return (Dropout(options.get("p", 0.5)),) if options.get("training", True) else ()
        if any(isinstance(value, torch.fx.Node) for value in (*rest, *node.kwargs.values())):
            return None
        if node.op == "call_method":
            return self._activation(lambda x: getattr(x, node.target)(*rest, **node.kwargs))
        return self._activation(lambda x: node.target(x, *rest, **node.kwargs))

    def _activation(self, function):
        name = activation_of(function)
        return None if name is None else () if name == "linear" else (Activation(name),)

    def _product(self, node, value, inverse):
        """A value times a number, or a parameter that is one; over it with `inverse`."""
        other = node.args[1] if node.args[0] is value else node.args[0]
        number = self._number(other)
        before = self._value(value)
        if number is None or (inverse and (value is node.args[1] or not number)):
            self._note(node)
            return before
        return Step(before, (Factor(1 / number if inverse else number, f"{node.name} (a factor)"),), before.depth + 1)

    def _number(self, value):
        if isinstance(value, torch.fx.Node) and value.op == "get_attr" and value.target in self.attributes:
            found = self.attributes[value.target]
            return float(found.item()) if found.numel() == 1 else None
        return float(value) if isinstance(value, int | float) else None

    def _sum(self, node):
        """The Step of a residual."""
        first, second = map(self._value, node.args[:2])
        start = _common(first, second)
        arms = [self._between(start, first), self._between(start, second)]
        if (alpha := node.kwargs.get("alpha", 1)) != 1:
            arms[1] = (*arms[1], Factor(float(alpha), ""))
        skip = next((k for k, arm in enumerate(arms) if not arm), None)
        if skip is None:
            skip = next((k for k, arm in enumerate(arms) if len(arm) == 1 and isinstance(arm[0], Linear)), None)
        residual = None if skip is None else _residual(arms[1 - skip], arms[skip])
        if residual is None:
            self._note(node, ", of which neither term is its input or a linear map of it")
            return first
        return Step(start, (residual,), start.depth + 1)

    def _between(self, start, end):
        """The parts from one Step, or the input, to another."""
        found = []
        while end is not start and end is not None:
            found.append(end.parts)
            end = end.before
        return tuple(part for parts in reversed(found) for part in parts)


def _common(first, second):
    """The last Step that both come from."""
    while first is not second:
        if first.depth >= second.depth:
            first = first.before
        else:
            second = second.before
    return first


def _residual(branch, skip):
    """The Residual of the parts of a branch, and of one linear map or none beside it; None where it is none."""
    scale, branch = 1.0, list(branch)
    while branch and isinstance(branch[-1], Factor):
        scale *= branch.pop().number
    if not branch or any(isinstance(part, Factor) for part in branch):
        return None
    return Residual(branch, scale, skip[0] if skip else None)
