"""Two blocks of every family by both engines, as two samples: with matrices, and without. As `engines`, of narrow networks."""

from functools import partial
from zlib import crc32

import numpy as np
from scipy.stats import ks_2samp

from ..model.network import mlp, network
from ..model.parts import Activation, Dropout, LayerNorm, Linear, Repeat, Residual
from ..program.columns import columns
from ..program.graph import graph
from ..simulation.chunks import record_chunks
from .check import Check, from_p_values
from .engines import BESIDE, DIGITS

NETWORKS = 8_000


def features(of, inputs, rows):
    """{name: sample} of records (replicas, columns): every number, and joint ones of both ways and both of two vectors."""
    placed = columns(graph(of), inputs).placed
    values = np.clip(np.nan_to_num(rows, nan=BESIDE, posinf=BESIDE, neginf=-BESIDE), -BESIDE, BESIDE)
    each = {quantity: values[:, at.columns] for quantity, at in placed.items()}
    result = {f"{quantity} {place}": found[:, place] for quantity, found in each.items() for place in range(found.shape[1])}
    ahead, back = each["preactivation"], each["gradient"]
    for place in range(ahead.shape[1]):
        result |= {
            f"forward x backward {place}": ahead[:, place] + back[:, place],
            f"weight gradient over gradient {place}": each["weight_gradient"][:, place] - back[:, place],
            f"gradient x loss {place}": back[:, place] + each["loss"][:, 0],
        }
        if inputs > 1:
            c, gradient_c = each["correlation"][:, place], each["gradient_correlation"][:, place]
            result |= {f"both correlations {place}": c * gradient_c, f"correlation x gradient {place}": c * back[:, place]}
    for place in range(1, ahead.shape[1]):
        result[f"backward before and behind {place}"] = back[:, place] - back[:, place - 1]
        result[f"forward before x backward behind {place}"] = ahead[:, place - 1] + back[:, place]
    if "stream" in each:
        for place in range(each["stream"].shape[1]):
            result[f"stream x its gradient {place}"] = each["stream"][:, place] + each["stream_gradient"][:, place]
        result["growth of stream x that of gradient"] = (
            each["stream"][:, -1] - each["stream"][:, 0] + each["stream_gradient"][:, 0] - each["stream_gradient"][:, -1]
        )
    return {name: np.round(v, DIGITS) for name, v in result.items()}


def records(of, engine, scale, seed, options):
    stream = f"blocks by engines {crc32(of.to_json().encode())} {options} {engine}"
    found = record_chunks(of, replicas=NETWORKS * scale, seed=seed, stream=stream, engine=engine, **options)
    return np.concatenate(list(found))


def two_samples(of, options, scale, seed):
    """The smallest Kolmogorov-Smirnov p-value over all features, times their number."""
    one, two = (features(of, options["inputs"], records(of, e, scale, seed, options)) for e in ("dense", "matrix_free"))
    p = {name: ks_2samp(one[name], two[name], method="asymp").pvalue for name in one if np.ptp(one[name]) or np.ptp(two[name])}
    least = min(p, key=p.get)
    result = from_p_values(list(p.values()))
    return type(result)(result.p, f"{result.figures} ({least.rsplit(' ', 1)[0]})")


def _blocks(block, norm=None, init="normal(0,0.6)", width=5, **more):
    options = {"width": width, "activation": "tanh", "bias": "normal(0.3)", "outputs": 3} | more
    if isinstance(width, int):
        options["depth"] = 2
    return mlp(block=block, norm=norm, init=init, **options)


def _nested():
    linear, tanh = Linear(4, "orthogonal(1.2)", bias="normal(0.2)"), Activation("tanh")
    inner = Residual((LayerNorm(0.2), linear, tanh, Dropout(0.2), linear), 0.7)
    return network([Repeat((Residual((linear, inner, tanh, linear), 0.9),), 2)], 4, readout=(linear,))


CASES = (
    ("residual, projection", _blocks("residual", width=[5, 8], input_width=4, residual_scale=0.7), {"inputs": 2}),
    ("pre_norm, one input", _blocks("pre_norm", "layer", "normal(0.1,0.5)", width=4), {"inputs": 1}),
    ("pre_norm, orthogonal", _blocks("pre_norm", "rms", "orthogonal(1.3)", width=4), {"inputs": 2, "probe": "shared"}),
    ("post_norm", _blocks("post_norm", "layer", activation="gelu", width=6), {"inputs": 3, "loss": "mse"}),
    ("batch norm", _blocks("plain", "batch", width=6, activation="relu"), {"inputs": 5, "loss": "cross_entropy"}),
    ("resnet_v1, orthogonal", _blocks("resnet_v1", "batch", "orthogonal(1.2)", width=7), {"inputs": 5}),
    ("dropout", _blocks("residual", dropout=0.3, width=6), {"inputs": 3, "input_correlation": 0.4}),
    ("sums in sums, orthogonal", _nested(), {"inputs": 2}),
)
CHECKS = tuple(
    Check(
        f"two engines: {name}",
        "exact",
        f"two blocks, {options['inputs']} inputs, everything recorded and joint: one law with matrices and without",
        "docs/theory.md, layers without their matrix",
        partial(two_samples, of, options),
    )
    for name, of, options in CASES
)
