"""A network in PyTorch's words."""

from ..model import chain
from ..model.parts import Activation, BatchNorm, Dropout, LayerNorm, Linear, Residual, RMSNorm
from .draft import Draft, activation, indented
from .draws import number

ACTIVATIONS = {
    "linear": "nn.Identity()",
    "relu": "nn.ReLU()",
    "leaky_relu": "nn.LeakyReLU({a})",
    "abs": "Function(torch.abs)",
    "hard_tanh": "nn.Hardtanh()",
    "hard_sigmoid": "nn.Hardsigmoid()",
    "relu6": "nn.ReLU6()",
    "hard_swish": "nn.Hardswish()",
    "sigmoid": "nn.Sigmoid()",
    "tanh": "nn.Tanh()",
    "erf": "Function(torch.erf)",
    "softsign": "nn.Softsign()",
    "sin": "Function(torch.sin)",
    "gelu": "nn.GELU()",
    "gelu_tanh": 'nn.GELU(approximate="tanh")',
    "silu": "nn.SiLU()",
    "mish": "nn.Mish()",
    "softplus": "nn.Softplus()",
    "elu": "nn.ELU({a})",
    "selu": "nn.SELU()",
}
NORMS = {LayerNorm: "nn.LayerNorm", RMSNorm: "nn.RMSNorm", BatchNorm: "nn.BatchNorm1d"}
DRAWS = {  # {w} is a tensor; a cut one needs its deviation twice
    "normal": ("nn.init.normal_({w}, {0}, {1})",),
    "uniform": ("nn.init.uniform_({w}, {0}, {1})",),
    "truncated_normal": ("std = {1}", "nn.init.trunc_normal_({w}, {0}, std, {0} - 2 * std, {0} + 2 * std)"),
    "constant": ("nn.init.constant_({w}, {0})",),
    "rademacher": ("{w}.bernoulli_(0.5).mul_(2 * {0}).sub_({0})",),
    "sparse": ("{w}.normal_(0.0, {1}).mul_(torch.rand_like({w}).argsort(dim=1) < {0})  # so many weights a unit",),
    "sparse_columns": ("{w}.normal_(0.0, {1}).mul_(torch.rand_like({w}).argsort(dim=0) < {0})  # so many weights an input",),
    "cut_normal": ("nn.init.trunc_normal_({w}, {0}, {1}, {2}, {3})",),
    "identity": ("nn.init.eye_({w}).mul_({0})",),
    "orthogonal": ("nn.init.orthogonal_({w}, {0})",),
}
RESIDUAL = '''
class Residual(nn.Module):
    """skip(x) + scale * branch(x)"""

    def __init__(self, branch, scale=1.0, skip=None):
        super().__init__()
        self.branch, self.scale, self.skip = nn.Sequential(*branch), scale, nn.Identity() if skip is None else skip

    def forward(self, x):
        return self.skip(x) + self.scale * self.branch(x)
'''
FUNCTION = '''
class Function(nn.Module):
    """A function as a module"""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)
'''


def code(network):
    """Lines for PyTorch, one text."""
    draft = Draft(network)
    made = _made(draft)
    lines = [*draft.notes("PyTorch"), *draft.imports, "import torch", "from torch import nn", ""]
    lines += RESIDUAL.split("\n") if draft.has(Residual) else []
    lines += FUNCTION.split("\n") if any("Function(" in line for line in made) else []
    for (drawn, shifted), name in draft.functions.items():
        lines += ["", f"def {name}(fan_in, fan_out):", *indented(_linear(drawn, shifted)), ""]
    return (
        "\n".join([*lines, "", "def make_model():", *indented(["layers = []", *made, "return nn.Sequential(*layers)"])]) + "\n"
    )


def _linear(drawn, shifted):
    yield "layer = nn.Linear(fan_in, fan_out)"
    yield "with torch.no_grad():"
    for draw, tensor in ((drawn, "layer.weight"), (shifted, "layer.bias")):
        yield from indented(line.format(*draw.numbers, w=tensor) for line in DRAWS[draw.kind])
    yield "return layer"


def _made(draft):
    """The lines that fill the list of layers."""
    found = []
    for times, parts, width in draft.sections():
        own = ["layers += [", *indented(_modules(draft, parts, width)), "]"]
        found += [f"for _ in range({times}):", *indented(own)] if times > 1 else own
    return found


def _modules(draft, parts, width):
    """Yield the lines of a list of modules."""
    for part in parts:
        if isinstance(part, Residual):
            yield "Residual("
            yield from indented(["[", *indented(_modules(draft, part.parts, width)), "],"])
            yield from indented([f"scale={number(part.scale)},"] if part.scale != 1 else [])
            yield from indented([f"skip={draft.linear(part.skip, width)},"] if part.skip is not None else [])
            yield "),"
        else:
            yield f"{_module(draft, part, width)},"
        width = chain.width_behind((part,), width)


def _module(draft, part, width):
    if isinstance(part, Linear):
        return draft.linear(part, width)
    if isinstance(part, Activation):
        return activation(part, ACTIVATIONS, "Function({name})")
    if isinstance(part, Dropout):
        return f"nn.Dropout({number(part.p)})"
    return f"{NORMS[type(part)]}({width}, eps={number(part.epsilon)})"
