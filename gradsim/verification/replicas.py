"""Checks without chance: everything that is recorded of single networks of every family, against the same in float64.

The networks are shallow, so that float32 and float64 do not part. What rounding may do is measured: the float64 network
is computed again with all that was drawn changed by a few roundings of float32.
"""

from functools import partial

import numpy as np

from ..model.activations import ACTIVATIONS
from ..model.data import Samples
from ..model.initializers import INITIALIZERS
from ..model.network import mlp
from ..program.graph import ACTIVATION, LINEAR, graph
from ..simulation.chunks import record_chunks
from .check import Check, from_share
from .twins import Twin

SHAKES, SHAKE = 3, 2.0**-21  # eight roundings: so many are behind a number drawn, polynomials and all
MARGIN, FLOOR = 8.0, 1e-5  # root mean squares of what shaking does, and a sum of 300 terms of float32, one by one
REPLICAS = 2

RANDOM = np.random.default_rng(20)
ROWS = Samples("rows", RANDOM.normal(size=(9, 7)) * 10.0 ** np.linspace(-2, 1, 9)[:, None])
LABELS = Samples("labels", np.arange(9.0)[:, None] % 5)
TARGETS = Samples("targets", RANDOM.normal(size=(9, 5)))

ARGUMENTS = {
    "constant": ("constant(0.3)",),
    "normal": ("normal(0.1,0.5)",),
    "truncated_normal": ("truncated_normal(0.1,0.5)",),
    "corrected_truncated_normal": ("corrected_truncated_normal(-0.1,0.5)",),
    "trunc_normal": ("trunc_normal(0.1,0.5,-0.25,0.3)", "trunc_normal(0,0.4,0.5,9)"),
    "uniform": ("uniform(-1,0.7)",),
    "rademacher": ("rademacher", "rademacher(0.4)"),
    "sparse": ("sparse(3)", "sparse(2,0.7)"),
    "sparse_columns": ("sparse_columns(0.3)", "sparse_columns(0.7,0.5)"),
    "identity": ("identity", "identity(1.3)"),
    "orthogonal": ("orthogonal", "orthogonal(1.4)"),
    "variance_scaling": ("variance_scaling(1.5,fan_avg,uniform)",),
    **{f"he_{kind}": (f"he_{kind}", f"he_{kind}(fan_out,0.3)") for kind in ("normal", "uniform", "truncated_normal")},
}
SCHEMES = tuple(scheme for entry in INITIALIZERS for scheme in ARGUMENTS.get(entry.name, (entry.name,)))
WIDE = (
    "normal(0,0.1)",
    "lecun_uniform",
    "lecun_truncated_normal",
    "trunc_normal(0.1,0.1,-0.2,0.2)",
    "rademacher(0.1)",
    "sparse(15,0.3)",
    "sparse_columns(0.9,0.3)",
    "orthogonal",
)
# What lies on the diagonal alone, or is the same for all, has gradients that are exactly zero or equal
BIASES = ("normal(0.4)", "uniform(-0.6,0.3)", "constant(0.2)", "fan_in_uniform", "zeros")


def shaken(rng):
    """Numbers changed by about SHAKE of themselves, and of their root mean square by an eighth of that."""

    def shake(numbers):
        size = np.sqrt(np.mean(np.square(numbers))) if numbers.size else 0.0
        return numbers * (1 + SHAKE * rng.normal(size=numbers.shape)) + SHAKE / 8 * size * rng.normal(size=numbers.shape)

    return shake


def compare(cases, scale, seed):
    """The Result of `cases`, tuples (network, options): their first replicas against their Twins.

    The numbers are always those of seed 0, since a kink or a threshold lies within a rounding now and then.
    """
    worst, where, count = 0.0, "", 0
    for network, options in cases:
        records = next(iter(record_chunks(network, replicas=REPLICAS, **options)))
        for replica in range(REPLICAS):
            ratio, name, numbers = one(network, replica, records[replica], options)
            count += numbers
            if not ratio <= worst or not where:
                worst, where = ratio, f"{name} of {described(network, options)}"
    return from_share(worst, f"{count:,} numbers of {len(cases) * REPLICAS} networks", where)


def one(network, replica, found, options):
    """(largest error over what is allowed, of which quantity, how many numbers) of one replica."""
    rng = np.random.default_rng(replica)
    with np.errstate(divide="ignore", invalid="ignore"):
        twin = Twin(network, replica, **options)
        expected, placed = twin.records(), twin.placed
        others = np.array([Twin(network, replica, shaken=shaken(rng), **options).records() for _ in range(SHAKES)])
        reach = np.sqrt(np.mean(np.square(others - expected), axis=0))
        allowed = MARGIN * np.nan_to_num(reach, posinf=0.0) + np.nan_to_num(rounding(expected, placed))
        least = twin.unresolved()
        found, expected = (np.where(row < least, least, row) for row in (found, expected))
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        ratio = np.nan_to_num(np.where(same, 0.0, np.abs(found - expected) / allowed), nan=np.inf)
    worst = int(np.argmax(ratio))
    return ratio[worst], _name_of(placed, worst), int(np.isfinite(expected).sum())


def _name_of(placed, column):
    """Which quantity is recorded in a column, and where."""
    for quantity, at in placed.items():
        if at.columns.start <= column < at.columns.stop:
            place = column - at.columns.start
            return " ".join([quantity, "at block", str(at.blocks[place]), at.names[place]]).strip()
    raise AssertionError(f"nothing is recorded in column {column}")


def rounding(expected, placed):
    """What a recorded number may be off anyway: a share of itself, of 1 if it is a log, a cosine or a fraction."""
    size = np.maximum(1, np.abs(expected))
    if "activation_mean" in placed:
        variance, mean = placed["activation_unit_variance"].columns, placed["activation_mean"].columns
        size[variance] = expected[variance]
        size[mean] = np.exp(expected[placed["activation"].columns][1:] / 2)  # the first one is the input's
    allowed = FLOOR * size
    if "log_one_minus_correlation" in placed:
        columns = placed["log_one_minus_correlation"].columns
        allowed[columns] += SHAKE / np.exp(expected[columns] / 2)  # unit vectors of float32, and their distance
    return allowed


def described(network, options):
    words = []
    for node in graph(network):
        if node.kind == LINEAR:
            words += [node.part.init, f"bias {node.part.bias}"]
        elif node.part is not None:
            words.append(node.part.name if node.kind == ACTIVATION else type(node.part).__name__)
    words += [f"{name} {getattr(value, 'name', value)}" for name, value in options.items()]
    return ", ".join(dict.fromkeys(words))


def of_activations(**options):
    return [
        (mlp(width=[6, 9, 5], activation=name, init="normal(0.1,0.5)", bias_std=0.4, input_width=7), options)
        for name in (*(entry.name for entry in ACTIVATIONS), "leaky_relu(-0.4)", "elu(0.3)")
    ]


def of_initializers(**options):
    cases = []
    for k, scheme in enumerate(SCHEMES):
        network = mlp(
            width=[6, 9, 5],
            activation=("tanh", "gelu", "leaky_relu")[k % 3],
            init=scheme,
            weight_gain=-0.3 if k % 2 else 1.0,
            bias=BIASES[k % 5],
            input_width=7,
            outputs=3 if k % 3 == 1 else None,
        )
        cases.append((network, {"inputs": 1 + 2 * (k % 4 != 1), "engine": "dense", **options}))
    for scheme in WIDE:
        cases.append((mlp(width=[150, 37], init=scheme, input_width=70), {"inputs": 2, "engine": "dense", **options}))
    return cases


def of_losses(**options):
    network = mlp(width=[9, 6], activation="gelu", input_width=7, outputs=5, bias_std=0.3)
    return [
        (network, {"inputs": inputs, **more, **options})
        for inputs in (1, 4)
        for more in (
            {"input_correlation": 0.7},
            {"probe": "shared"},
            {"loss": "mse"},
            {"loss": "cross_entropy"},
            {"input_file": ROWS},
            {"input_file": ROWS, "loss": "mse", "target_file": TARGETS},
            {"input_file": ROWS, "loss": "cross_entropy", "target_file": LABELS},
            {"input_correlation": -0.3, "loss": "cross_entropy"},
        )
        if inputs > 1 or "input_correlation" not in more
    ]


SMALL, LARGE = ((1e-14, 0.0), (1e-6, 1e-7)), ((1e13, 0.0), (1e5, 10.0))  # (weight gain, standard deviation of biases)
EVERYWHERE = ("linear", "relu", "abs", "softsign")  # neither phi nor phi' leaves float64 far out
NEAR_ZERO = ("gelu", "softplus", "sin", "elu(0.3)")


def of_scales(**options):
    """Far below one phi is its tangent, far above its asymptote."""
    return [
        (mlp(width=[6, 9, 5], activation=name, init=init, weight_gain=gain, bias_std=bias, input_width=7), options)
        for gains, names in ((SMALL, EVERYWHERE + NEAR_ZERO), (LARGE, EVERYWHERE))
        for gain, bias in gains
        for name in names
        for init in ("normal(0.1,0.5)", "xavier_uniform")
        if not (name == "softplus" and gain < 1e-6)  # float64 itself loses 1e-14 beside log 2
    ]


def of_gaussian():
    networks = (
        mlp(width=[6, 9, 5], activation="tanh", init="normal(0.1,0.5)", bias_std=0.4, input_width=7),
        mlp(width=[6, 9, 5], activation="gelu", init="he_normal", input_width=7, outputs=3),
        mlp(width=[300, 40], activation="relu", init="normal(0,0.1)", input_width=33),
        mlp(width=8, depth=3, activation="sigmoid", init="xavier_normal", weight_gain=-2.5, bias="constant(0.2)"),
        mlp(width=4, depth=2, activation="sigmoid", init="constant(0.5)", bias_std=0.2, outputs=1),
        mlp(width=16, depth=2, activation="relu", init="he_normal", outputs=2),
    )
    return [(network, {"inputs": inputs, "engine": "matrix_free"}) for network in networks for inputs in (1, 2, 3, 7)]


def of_haar():
    networks = (
        mlp(width=[9, 6, 6, 14], activation="gelu", init="orthogonal", weight_gain=-1.7, bias_std=0.2, input_width=7),
        mlp(width=[9, 6, 6, 14], activation="tanh", init="orthogonal(1.3)", input_width=7, outputs=4),
        mlp(width=[130, 40, 40], activation="erf", init="orthogonal", input_width=40),
    )
    return [(network, {"inputs": inputs, "engine": "matrix_free"}) for network in networks for inputs in (1, 2, 3, 7)]


BLOCKS = (
    {"block": "residual"},
    {"block": "residual", "block_depth": 1, "residual_scale": "1/sqrt(depth)", "activation": "tanh", "outputs": 3},
    {"block": "pre_norm", "norm": "batch", "input_width": 5},
    {"block": "pre_norm", "norm": "layer", "final_norm": True, "outputs": 3},
    {"block": "pre_norm", "norm": "rms", "dropout": 0.2},
    {"block": "post_norm", "norm": "layer", "residual_scale": 0.5},
    {"block": "plain", "norm": "batch", "activation": "tanh"},
    {"block": "plain", "norm": "rms", "dropout": 0.3},
)


def of_blocks(**options):
    """Families of blocks by both engines, with weights that have no matrix and with such that do."""
    cases = []
    for k, family in enumerate(BLOCKS):
        network = mlp(**{"width": 12, "depth": 3, "activation": "gelu", "init": "lecun_normal", "bias_std": 0.3, **family})
        orthogonal = mlp(**{"width": 12, "depth": 3, "activation": "silu", "init": "orthogonal", "bias_std": 0.3, **family})
        for made, engine in ((network, "dense"), (network, "matrix_free"), (orthogonal, "matrix_free")):
            inputs = (1, 3, 5)[k % 3] if not network.has_batch_norm else 5
            cases.append((made, {"inputs": inputs, "engine": engine, "loss": ("mse", "probe")[k % 2], **options}))
    return cases


def _check(name, claim, cases):
    return Check(
        f"replica: {name}",
        "identity",
        f"everything recorded, {claim}",
        "the same networks in float64",
        lambda scale, seed: compare(cases(), scale, seed),
    )


CHECKS = (
    _check("activations", "every activation", partial(of_activations, inputs=3, engine="dense")),
    _check("initializers", "every initializer, biases, readout", of_initializers),
    _check("losses", "every loss, inputs correlated and from data, targets and labels", of_losses),
    _check("scales", "preactivations of 1e-14 to 1e13", partial(of_scales, inputs=2, engine="dense")),
    _check("Gaussian", "without matrices, 1 to 7 inputs", of_gaussian),
    _check("orthogonal", "without matrices, 1 to 7 inputs", of_haar),
    _check("blocks", "residuals, norms and dropout, by both engines", of_blocks),
    _check("float32", "plain float32", partial(of_initializers, arithmetic="float32")),
    _check("float64", "plain float64", partial(of_initializers, arithmetic="float64")),
    _check("float32, losses", "losses and inputs in plain float32", partial(of_losses, arithmetic="float32")),
)
