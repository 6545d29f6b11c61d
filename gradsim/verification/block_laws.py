"""Checks of exact laws of blocks: streams of pre_norm networks at finite width, ReLU with dropout, branches that are zero."""

import math
from functools import partial

import numpy as np

from ..model.network import mlp, network
from ..model.parts import Activation, Dropout, LayerNorm, Linear, Repeat, Residual, RMSNorm
from ..program.columns import columns
from ..program.graph import graph
from ..simulation.chunks import record_chunks
from ..theory import exact_stream
from .check import Check, Result, from_scores, mean_score
from .laws import samples

NETWORKS = 8_000
DROPPED, SHAPES = (0.1, 0.5, 0.75), ((16, 16), (8, 24), (40, 10))  # probabilities; (fan-in, fan-out)
# activation, norm, scale of branches, width of the stream and of the branch, blocks, input width, engine
STREAMS = (
    ("tanh", RMSNorm, 1.5, 4, 3, 3, 4, "matrix_free"),
    ("relu", LayerNorm, 1.0, 9, 16, 10, 9, "dense"),
    ("gelu", LayerNorm, -0.5, 16, 32, 16, 16, "matrix_free"),
    ("sigmoid", RMSNorm, 0.8, 5, 2, 6, 3, "matrix_free"),
)


def stream_network(activation, norm, scale, width, inner, blocks, input_width):
    """Blocks x + a W phi(W' norm(x)), Gaussian weights, no epsilon; a linear map first if the input has another width."""
    branch = (norm(0.0), Linear(inner, "he_normal"), Activation(activation), Linear(width, "lecun_normal"))
    stem = () if input_width == width else (Linear(width, "xavier_normal"),)
    return network([*stem, Repeat((Residual(branch, scale),), blocks)], input_width)


def squares(of, replicas, seed, stream, engine):
    """M_L of networks, shape (replicas,)."""
    rows = np.concatenate(list(record_chunks(of, replicas=replicas, seed=seed, stream=stream, engine=engine)))
    return np.exp(rows[:, columns(graph(of), 1).placed["stream"].columns][:, -1])


def of_stream(case, scale, seed):
    """Mean and variance of log M_l and the mean of M_l, at three l: each of networks of its own, so all are independent."""
    *made, blocks, input_width, engine = case
    scores, replicas = [], NETWORKS * scale
    for place in (1, blocks // 2, blocks):
        of = stream_network(*made, place, input_width)
        law, stream = exact_stream(of), f"stream {case} {place}"
        log_mean, log_variance = law["stream_log_mean"][-1], law["stream_log_variance"][-1]
        found = np.log(squares(of, replicas, seed, f"{stream} mean", engine))
        scores.append((found.mean() - log_mean) / np.sqrt(log_variance / replicas))
        found = np.log(squares(of, replicas, seed, f"{stream} variance", engine))
        fourth = np.mean((found - log_mean) ** 4)
        scores.append((found.var(ddof=1) - log_variance) / np.sqrt((fourth - log_variance**2) / replicas))
        found = squares(of, replicas, seed, f"{stream} square", engine)
        scores.append((found.mean() - law.mean[-1]) / np.sqrt(law.variance[-1] / replicas))
    return from_scores(scores)


def dropout(scale, seed):
    """What a layer does to the mean square, and the gradient behind it, of separate networks."""
    scores = []
    for p in DROPPED:
        for fan_in, fan_out in SHAPES:
            layer = Linear(fan_out, f"normal(0,{math.sqrt(2 * (1 - p) / fan_in)!r})"), Activation("relu"), Dropout(p)
            of = network([Repeat(layer, 1)], fan_in)
            forward, back = (samples(of, NETWORKS * scale, seed, f"dropout {p} {fan_in} {way}") for way in ("ahead", "back"))
            scores.append(mean_score(np.exp(forward["activation_log"][:, 1] - forward["activation_log"][:, 0]), 1.0))
            scores.append(mean_score(np.exp(back["gradient_log"][:, 1]), 1 / (2 * (1 - p) * fan_out)))
    return from_scores(scores)


def identities(scale, seed):
    """Networks whose branches are zero: streams are equal at every block, and so are their gradients and the input's."""
    wrong, count = [], 0
    for block, more in (("rezero", {}), ("skipinit", {}), ("fixup", {}), ("residual", {"residual_scale": "zero"})):
        of = mlp(width=7, depth=20, block=block, activation="tanh", init="he_normal", **more)
        placed = columns(graph(of), 2).placed
        for engine in ("dense", "matrix_free"):
            rows = np.concatenate(list(record_chunks(of, replicas=20, seed=seed, inputs=2, engine=engine)))
            stream, back, inner, weights = (
                rows[:, placed[name].columns] for name in ("stream", "stream_gradient", "input_gradient", "weight_gradient")
            )
            first = weights[:, [name == "linear1" for name in placed["weight_gradient"].names]]
            same = np.all(stream == stream[:, :1]) and np.all(back == inner) and np.isfinite(back).all()
            count += stream.size + back.size
            if not same or not np.all(first == -np.inf):
                wrong.append(f"{block}, {engine}")
    return Result(float(not wrong), f"wrong: {', '.join(wrong)}" if wrong else f"{count:,} equal logs of 4 recipes")


CHECKS = (
    *(
        Check(
            f"pre_norm streams: {case[0]}, width {case[3]}",
            "exact",
            f"E log M, Var log M and E M of x + a W phi(W' norm(x)) over {case[5]} blocks, norm {case[1].__name__}, {case[-1]}",
            "docs/theory.md, exact laws of streams",
            partial(of_stream, case),
        )
        for case in STREAMS
    ),
    Check(
        "mean: ReLU, dropout",
        "exact",
        "Var W = 2 (1 - p)/n_in keeps the mean square at every width; E mean square of dL/dh is 1/(2 (1 - p) n)",
        "Schoenholz et al. 2017 (arXiv:1611.01232), He et al. 2015",
        dropout,
    ),
    Check(
        "zero branches",
        "identity",
        "ReZero, SkipInit, Fixup and scale 0: stream and gradient are those of the identity, branches have none",
        "Bachlechner et al. 2020 (arXiv:2003.04887), Zhang et al. 2019 (arXiv:1901.09321)",
        identities,
    ),
)
