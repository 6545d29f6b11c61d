"""A network in the words of Flax (linen)."""

from ..model.parts import Activation, BatchNorm, Dropout, LayerNorm, Linear, RMSNorm
from .draft import Draft, activation, body, indented
from .draws import number

ACTIVATIONS = {
    "linear": "{x}",
    "relu": "jax.nn.relu({x})",
    "leaky_relu": "jax.nn.leaky_relu({x}, {a})",
    "abs": "jnp.abs({x})",
    "hard_tanh": "jax.nn.hard_tanh({x})",
    "hard_sigmoid": "jax.nn.hard_sigmoid({x})",
    "relu6": "jax.nn.relu6({x})",
    "hard_swish": "jax.nn.hard_silu({x})",
    "sigmoid": "jax.nn.sigmoid({x})",
    "tanh": "jnp.tanh({x})",
    "erf": "jax.lax.erf({x})",
    "softsign": "jax.nn.soft_sign({x})",
    "sin": "jnp.sin({x})",
    "gelu": "jax.nn.gelu({x}, approximate=False)",
    "gelu_tanh": "jax.nn.gelu({x}, approximate=True)",
    "silu": "jax.nn.silu({x})",
    "mish": "jax.nn.mish({x})",
    "softplus": "jax.nn.softplus({x})",
    "elu": "jax.nn.elu({x}, {a})",
    "selu": "jax.nn.selu({x})",
}
NORMS = {LayerNorm: "LayerNorm", RMSNorm: "RMSNorm", BatchNorm: "BatchNorm"}
DRAWS = {
    "normal": "{0} + {1} * jax.random.normal(key, shape, dtype)",
    "uniform": "jax.random.uniform(key, shape, dtype, {0}, {1})",
    "truncated_normal": "{0} + {1} * jax.random.truncated_normal(key, -2.0, 2.0, shape, dtype)",
    "constant": "jnp.full(shape, {0}, dtype)",
    "rademacher": "{0} * jax.random.rademacher(key, shape, dtype)",
    "cut_normal": "{0} + {1} * jax.random.truncated_normal(key, ({2} - {0}) / {1}, ({3} - {0}) / {1}, shape, dtype)",
    "sparse": "sparse(key, shape, dtype, {0}, {1})",
    "sparse_columns": "sparse(key, shape, dtype, {0}, {1}, axis=1)",
    "identity": "{0} * jnp.eye(*shape, dtype=dtype)",
    "orthogonal": "jax.nn.initializers.orthogonal({0})(key, shape, dtype)",
}
SPARSE = '''
def sparse(key, shape, dtype, k, std, axis=0):
    """k normal weights at random places of each unit; with axis 1 of each input"""
    places, values = jax.random.split(key)
    chosen = jnp.argsort(jax.random.uniform(places, shape), axis=axis) < k
    return jnp.where(chosen, std * jax.random.normal(values, shape, dtype), 0.0)
'''
USE = "# make_model().init({'params': key}, x)['params'] are the weights; dropout takes rngs={'dropout': key} too."


def code(network):
    """Lines for Flax, one text."""
    draft = Draft(network)
    lines = [
        *draft.notes("Flax"),
        USE,
        *draft.imports,
        "import jax",
        "import jax.numpy as jnp",
        "from flax import linen as nn",
        "",
    ]
    lines += SPARSE.split("\n") if draft.draws_by("sparse") or draft.draws_by("sparse_columns") else []
    for (drawn, shifted), name in draft.functions.items():
        lines += ["", f"def {name}(fan_in, fan_out):", *indented(_linear(drawn, shifted)), ""]
    train = ", train=True" if draft.has(BatchNorm, Dropout) else ""
    lines += ["", "class Network(nn.Module):", *indented(["@nn.compact", f"def __call__(self, x{train}):"])]
    lines += indented([*body(draft, lambda part, width, x: _call(draft, part, width, x)), "return x"], 2)
    return "\n".join([*lines, "", "", "def make_model():", *indented(["return Network()"])]) + "\n"


def _linear(drawn, shifted):
    for name, draw in (("kernel", drawn), ("bias", shifted)):
        yield f"def {name}(key, shape, dtype=jnp.float32):"
        yield from indented([f"return {DRAWS[draw.kind].format(*draw.numbers)}", ""])
    yield "return nn.Dense(fan_out, kernel_init=kernel, bias_init=bias)"


def _call(draft, part, width, x):
    if isinstance(part, Linear):
        return f"{draft.linear(part, width)}({x})"
    if isinstance(part, Activation):
        return activation(part, ACTIVATIONS, "{name}({x})", x)
    if isinstance(part, Dropout):
        return f"nn.Dropout({number(part.p)}, deterministic=not train)({x})"
    averages = "use_running_average=not train, " if isinstance(part, BatchNorm) else ""
    return f"nn.{NORMS[type(part)]}({averages}epsilon={number(part.epsilon)})({x})"
