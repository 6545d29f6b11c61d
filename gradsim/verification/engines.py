"""Deep networks of three inputs by both engines, as two samples: with matrices, and without."""

from functools import partial
from itertools import cycle, islice

import numpy as np
from scipy.stats import ks_2samp

from ..model.network import mlp
from ..simulation.chunks import record_chunks
from ..statistics.blocks import blocks_of
from .check import Check, from_p_values

NETWORKS, DEPTH, DIGITS = 12_000, 9, 4
BESIDE = 1e6  # stands for what is not finite


def records(network, engine, scale, seed, options):
    """{quantity: samples of shape (replicas, layers), or (replicas,) of the network}."""
    stream = f"engines {network.to_json()} {options.get('loss')} {engine}"
    found = record_chunks(network, replicas=NETWORKS * scale, seed=seed, stream=stream, engine=engine, inputs=3, **options)
    found, blocks = np.concatenate(list(found)), blocks_of(network, 3)
    return {name: blocks.of(name, found) for name in blocks.rows}


def features(found):
    """{name: sample}: every quantity at the first, a middle and the last layer, and joint ones."""
    value = {name: np.clip(np.nan_to_num(logs, nan=BESIDE), -BESIDE, BESIDE) for name, logs in found.items()}
    first, middle, last = 1, DEPTH // 2, DEPTH
    result = {}
    for name, values in value.items():
        for layer in (0,) if values.ndim == 1 else (first, middle, last):
            result[f"{name} {layer}"] = values if values.ndim == 1 else values[:, layer]
    for layer in (first, middle, last):
        forward, backward = value["preactivation"][:, layer], value["gradient"][:, layer]
        c, gradient_c = value["correlation"][:, layer], value["gradient_correlation"][:, layer]
        result |= {
            f"forward x backward {layer}": forward + backward,
            f"weight gradient over both {layer}": value["weight_gradient"][:, layer]
            - value["activation"][:, layer - 1]
            - backward,
            f"bias gradient over gradient {layer}": value["bias_gradient"][:, layer] - backward,
            f"both correlations {layer}": c * gradient_c,
            f"correlation x gradient {layer}": c * backward,
            f"loss x gradient {layer}": value["loss"] + backward,
        }
    result["both ends"] = value["activation"][:, last] + value["input_gradient"]
    return {name: np.round(v, DIGITS) for name, v in result.items()}


def two_samples(network, options, scale, seed):
    """The smallest Kolmogorov-Smirnov p-value over all features, times their number."""
    one, two = (features(records(network, engine, scale, seed, options)) for engine in ("dense", "matrix_free"))
    p = {name: ks_2samp(one[name], two[name], method="asymp").pvalue for name in one if np.ptp(one[name]) or np.ptp(two[name])}
    least = min(p, key=p.get)
    result = from_p_values(list(p.values()))
    return type(result)(result.p, f"{result.figures} ({least.rsplit(' ', 1)[0]})")


def _network(init, activation, **more):
    widths = tuple(islice(cycle((4, 6, 5)), DEPTH))
    return mlp(width=list(widths), input_width=5, activation=activation, init=init, **more)


CASES = (
    ("Gaussian, probe", _network("normal(0.1,0.5)", "tanh", bias_std=0.3), {"input_correlation": 0.3}),
    ("Gaussian, shared probe", _network("he_normal", "relu"), {"probe": "shared"}),
    ("Gaussian, mse", _network("xavier_normal", "gelu", weight_gain=1.5, bias="uniform(-0.3,0.5)"), {"loss": "mse"}),
    ("Gaussian, cross-entropy", _network("lecun_normal", "softsign", outputs=4), {"loss": "cross_entropy"}),
    ("orthogonal, probe", _network("orthogonal(1.3)", "tanh", bias_std=0.3), {"input_correlation": 0.3}),
    ("orthogonal, mse", _network("orthogonal(1.4)", "relu"), {"loss": "mse"}),
    ("orthogonal, cross-entropy", _network("orthogonal", "sin", outputs=4), {"loss": "cross_entropy"}),
)
CHECKS = tuple(
    Check(
        f"two engines: {name}",
        "exact",
        f"{DEPTH} layers, three inputs, everything recorded and joint: one law with matrices and without",
        "docs/theory.md, layers without their matrix",
        partial(two_samples, network, options),
    )
    for name, network, options in CASES
)
