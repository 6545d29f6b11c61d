"""Errors in kernels that change the law of networks: two samples of small networks, against explicit matrices, must show them.

What they change may be no quantity's mean, and no number that two engines, or a reference, would disagree on.
"""

from typing import NamedTuple

from . import steps

GAUSSIAN, HAAR, FRAMES = (f"kernels/{name}.py" for name in ("steps/linear_gaussian", "steps/linear_haar", "frames"))
CHAINS, BLOCKS = "two_sample", "block_samples"  # modules of `tests.oracles`


class Sampled(NamedTuple):
    """As a Fault; so many networks of the one cell of a module's grid whose name has all `cells` show it, by these engines."""

    path: str
    text: str
    instead: str
    module: str
    replicas: int
    engines: str
    cells: tuple


def _chain(path, text, instead, replicas, *cells):
    return Sampled(path, text, instead, CHAINS, replicas, "matrix_free", cells)


def _block(name, *cells):
    fault = steps.COMPILED[name]
    return Sampled(fault.path, fault.text, fault.instead, BLOCKS, 200, "matrix_free,dense", cells)


FAULTS = {
    "no projection backward, one input": _chain(
        GAUSSIAN,
        "(along - length * overlap / norm)",
        "(along - 0.0 * overlap / norm)",
        600,
        "normal(0.3,0.6928203230275509) sigmoid 3-3-3-3 1 inputs",
    ),
    "no projection backward, several inputs": _chain(
        GAUSSIAN,
        "scratch.first[k, b] -= scratch.second[k, b]",
        "scratch.first[k, b] -= 0.0",
        300,
        "normal",
        "sigmoid 3-3-3-3-3 2 inputs",
    ),
    "a fresh matrix backward, one input": _chain(
        GAUSSIAN,
        "lift = p[SCALE] * (along - length * overlap / norm) / norm",
        "lift = 0.0",
        1500,
        "normal",
        "tanh 3-3-3-3-3 1 inputs",
    ),
    "a fresh matrix backward, several inputs": _chain(
        GAUSSIAN,
        "add_mix(scratch.first, rank, q, g.n, b, row(g.values, b))",
        "pass",
        500,
        "normal(0.3,0.6928203230275509) gelu 3-3-3-3 2 inputs",
    ),
    "the mean forgotten backward": _chain(
        GAUSSIAN,
        "shift = mean_times(p, after, d.n, 0, scratch) if p[MEAN] != 0.0 else 0.0",
        "shift = 0.0",
        150,
        "normal(0.3,0.39999999999999997) sigmoid 9-5-9-5 1 inputs",
    ),
    "the mean forgotten forward": _chain(
        GAUSSIAN,
        "shift = mean_times(p, before, x.n, 0, scratch)",
        "shift = 0.0",
        150,
        "normal(0.3,0.39999999999999997) sigmoid 9-5-9-5 1 inputs",
    ),
    "a wrong sign in R": _chain(
        FRAMES,
        "coefficients[rank, pivot] = 1.0 / inverse",
        "coefficients[rank, pivot] = -1.0 / inverse",
        150,
        "normal",
        "sigmoid 3-3-3-3-3 2 inputs",
    ),
    "frames whose signs are not free": _chain(
        HAAR,
        "    mix(scratch.first, rank, v, h.n, h.values)\n",
        "    for k in range(rank):\n        if v[k, 0] > 0.0:\n"
        "            for i in range(n):\n                v[k, i] = -v[k, i]\n    mix(scratch.first, rank, v, h.n, h.values)\n",
        150,
        "orthogonal",
        "gelu 3-3-3-3-3 2 inputs",
    ),
    "orthogonal: the fresh frame not across the inputs, several inputs": _chain(
        HAAR,
        "squares[k] = subtract(dot(direction, row(residuals, k), g.n), direction, g.n, row(residuals, k))",
        "pass",
        700,
        "orthogonal(1.3) tanh 9-5-9-5 2 inputs",
    ),
    "orthogonal: no projection of the fresh frame": _chain(
        HAAR,
        "subtract(dot(before, fresh, x.n) / x_square, before, x.n, fresh)",
        "pass",
        800,
        "orthogonal(1.3) sigmoid 3-3-3-3-3 1 inputs",
    ),
}
FAULTS |= {
    name: _block(name, *cells)
    for name, cells in {
        "norms: no projection backward": ("pre_norm rms", "normal", "2 inputs"),
        "BatchNorm: the sum over the inputs forgotten": ("batch norm:", "orthogonal"),
        "dropout: another mask on the way back": ("residual dropout", "orthogonal", "2 inputs"),
        "dropout: p for 1 - p": ("plain dropout", "normal", "2 inputs"),
        "a cotangent not added where a vector is read twice": ("post_norm layer", "orthogonal", "1 inputs"),
        "a sum whose scale is forgotten backward": ("residual:", "normal", "1 inputs"),
    }.items()
}
# Where nothing is planted
WITHOUT = {
    "chains": Sampled("", "", "", CHAINS, 500, "matrix_free", ("normal(0.3,0.6928203230275509) gelu 3-3-3-3 2 inputs",)),
    "blocks": Sampled("", "", "", BLOCKS, 200, "matrix_free,dense", ("residual dropout", "orthogonal", "2 inputs")),
}
