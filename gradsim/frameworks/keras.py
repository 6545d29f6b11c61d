"""A network in the words of Keras 3."""

from ..model.parts import Activation, BatchNorm, Dropout, LayerNorm, Linear, RMSNorm
from .draft import Draft, activation, body, indented
from .draws import number

ACTIVATIONS = {
    "linear": "{x}",
    "relu": "keras.activations.relu({x})",
    "leaky_relu": "keras.activations.leaky_relu({x}, negative_slope={a})",
    "abs": "keras.ops.abs({x})",
    "hard_tanh": "keras.activations.hard_tanh({x})",
    "hard_sigmoid": "keras.activations.hard_sigmoid({x})",
    "relu6": "keras.activations.relu6({x})",
    "hard_swish": "keras.ops.hard_silu({x})",
    "sigmoid": "keras.activations.sigmoid({x})",
    "tanh": "keras.activations.tanh({x})",
    "erf": "keras.ops.erf({x})",
    "softsign": "keras.activations.softsign({x})",
    "sin": "keras.ops.sin({x})",
    "gelu": "keras.activations.gelu({x}, approximate=False)",
    "gelu_tanh": "keras.activations.gelu({x}, approximate=True)",
    "silu": "keras.activations.silu({x})",
    "mish": "{x} * keras.ops.tanh(keras.ops.softplus({x}))",
    "softplus": "keras.activations.softplus({x})",
    "elu": "keras.activations.elu({x}, alpha={a})",
    "selu": "keras.activations.selu({x})",
}
NORMS = {LayerNorm: "LayerNormalization", RMSNorm: "RMSNormalization", BatchNorm: "BatchNormalization"}
DRAWS = {
    "normal": "keras.initializers.RandomNormal({0}, {1})",
    "uniform": "keras.initializers.RandomUniform({0}, {1})",
    "truncated_normal": "keras.initializers.TruncatedNormal({0}, {1})",
    "constant": "keras.initializers.Constant({0})",
    "rademacher": "rademacher({0})",
    "cut_normal": "cut_normal({0}, {1}, {2}, {3})",
    "sparse": "sparse({0}, {1})",
    "sparse_columns": "sparse({0}, {1}, axis=1)",
    "identity": "keras.initializers.Identity({0})",
    "orthogonal": "keras.initializers.Orthogonal({0})",
}
OWN = {
    "rademacher": '''
def rademacher(c):
    """-c or c"""
    return lambda shape, dtype=None: keras.ops.where(keras.random.uniform(shape) < 0.5, -c, c)
''',
    "sparse": '''
def sparse(k, std, axis=0):
    """k normal weights at random places of each unit; with axis 1 of each input"""

    def draw(shape, dtype=None):
        chosen = keras.ops.argsort(keras.random.uniform(shape), axis=axis) < k
        return keras.ops.where(chosen, keras.random.normal(shape, 0.0, std), 0.0)

    return draw
''',
    "cut_normal": '''
def cut_normal(mean, std, low, high):
    """normal(mean, std), given that it is from low to high"""

    def draw(shape, dtype=None):
        ends = (keras.ops.erf((end - mean) / (std * 2**0.5)) for end in (low, high))
        return keras.ops.clip(mean + std * 2**0.5 * keras.ops.erfinv(keras.random.uniform(shape, *ends)), low, high)

    return draw
''',
}


def code(network):
    """Lines for Keras, one text."""
    draft = Draft(network)
    lines = [*draft.notes("Keras"), *draft.imports, "import keras", ""]
    for kind, text in OWN.items():
        lines += text.split("\n") if draft.draws_by(kind) or draft.draws_by(f"{kind}_columns") else []
    for (drawn, shifted), name in draft.functions.items():
        lines += ["", f"def {name}(fan_in, fan_out):", *indented(_linear(drawn, shifted)), ""]
    lines += ["", "def make_model():", *indented([f"x = inputs = keras.Input(({network.input_width},))"])]
    lines += indented(body(draft, lambda part, width, x: _call(draft, part, width, x)))
    return "\n".join([*lines, *indented(["return keras.Model(inputs, x)"])]) + "\n"


def _linear(drawn, shifted):
    kernel, bias = (DRAWS[draw.kind].format(*draw.numbers) for draw in (drawn, shifted))
    return [
        "return keras.layers.Dense(",
        *indented(["fan_out,", f"kernel_initializer={kernel},", f"bias_initializer={bias},"]),
        ")",
    ]


def _call(draft, part, width, x):
    if isinstance(part, Linear):
        return f"{draft.linear(part, width)}({x})"
    if isinstance(part, Activation):
        return activation(part, ACTIVATIONS, "{name}({x})", x)
    if isinstance(part, Dropout):
        return f"keras.layers.Dropout({number(part.p)})({x})"
    return f"keras.layers.{NORMS[type(part)]}(epsilon={number(part.epsilon)})({x})"
