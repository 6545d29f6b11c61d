"""What code in all frameworks has in common: names for linear maps, loops over blocks, and what must be said beside it."""

from ..model import chain
from ..model.activations import find_activation
from ..model.parts import BatchNorm, Residual
from .draws import biases, needs_math, number, weights

STEP = "    "


class Draft:
    """A Network on its way into code: `functions` maps the different (weights, biases) of its linear maps to names."""

    def __init__(self, network):
        self.network = network
        found = dict.fromkeys((weights(part), biases(part)) for _, part in network.linear_maps)
        names = ["linear"] if len(found) == 1 else [f"linear_{count}" for count in range(1, len(found) + 1)]
        self.functions = dict(zip(found, names, strict=True))
        self.draws = tuple(draw for pair in found for draw in pair)
        self.parts = tuple(chain.inner(part for _, parts, _ in self.sections() for part in parts))

    def has(self, *kinds):
        """Whether there is a part of such a kind."""
        return any(isinstance(part, kinds) for part in self.parts)

    def draws_by(self, kind):
        """Whether a law is of this kind."""
        return any(draw.kind == kind for draw in self.draws)

    @property
    def imports(self):
        """Of the standard library."""
        return ["import math", ""] if needs_math(self.draws) else []

    def linear(self, part, fan_in):
        """The call that makes a linear map."""
        return f"{self.functions[weights(part), biases(part)]}({fan_in}, {part.width})"

    def sections(self):
        """Yield (times, parts, fan-in) of the network from its input to its end; a first block of another fan-in is its own."""
        width = self.network.input_width
        rows = [
            (1, self.network.stem),
            *((repeat.times, repeat.parts) for repeat in self.network.blocks),
            (1, self.network.readout),
        ]
        for times, parts in rows:
            if not parts:
                continue
            behind = chain.width_behind(parts, width)
            if times > 1 and behind != width:
                yield 1, parts, width
                times -= 1
                width = behind
            yield times, parts, width
            width = behind

    def notes(self, framework):
        """Comments at the top: what is drawn, and what cannot be said in the framework."""
        yield f"# {framework}: make_model() draws a network anew, each weight and bias with the law that it has in gradsim."
        for name in _users(self.network):
            yield f"# Not here: the activation {name} is a function of yours; define {called(name)}(x) first."
        if any(isinstance(part, Residual) and part.scale == 0 for part in self.parts):
            yield "# A branch times 0: ReZero and SkipInit train that factor, so make it a parameter that begins with 0."
        if any(isinstance(part, BatchNorm) for part in self.parts):
            yield "# Batch norm is that of training here; gradsim has no running averages."


def _users(network):
    return [part.name for part in network.activations if _own(part.name)]


def _own(name):
    return ":" in name or bool(find_activation(name)[0].addresses[0])


def called(name):
    """The name of a user's function."""
    return name.rpartition(":")[2]


def activation(part, table, own, x="x"):
    """The text of `table` for an Activation, with `x` and the parameter in their places; `own` with the name of a user's."""
    if _own(part.name):
        return own.format(name=called(part.name), x=x)
    entry, a = find_activation(part.name)
    return table[entry.name].format(x=x, a=number(a))


def statements(draft, parts, width, call, x="x", depth=0):
    """Yield lines that send `x` through parts; call(part, fan_in, x) is the expression of one that holds no others."""
    for part in parts:
        if isinstance(part, Residual):
            branch = f"branch{depth or ''}"
            yield f"{branch} = {x}"
            yield from statements(draft, part.parts, width, call, branch, depth + 1)
            kept = x if part.skip is None else call(part.skip, width, x)
            yield f"{x} = {kept} + {branch if part.scale == 1 else f'{number(part.scale)} * {branch}'}"
        elif (text := call(part, width, x)) != x:
            yield f"{x} = {text}"
        width = chain.width_behind((part,), width)


def body(draft, call):
    """Yield the lines that send x through the whole network, in loops."""
    for times, parts, width in draft.sections():
        lines = list(statements(draft, parts, width, call))
        if times > 1 and lines:
            yield f"for _ in range({times}):"
            yield from (STEP + line for line in lines)
        else:
            yield from lines


def indented(lines, by=1):
    """The lines further in; empty ones stay empty."""
    return [STEP * by + line if line else line for line in lines]
