"""Do the engines have the law of networks with explicit matrices? `two_sample` of two blocks with residuals, norms and dropout.

The same null law, the same bound on false alarms: each p-value is held against FALSE_ALARMS divided by their number.

From the command line: python -m tests.oracles.block_samples REPLICAS [TEXT ...]: the cells whose names contain each TEXT.
"""

from dataclasses import dataclass
from itertools import cycle

import numpy as np

from gradsim.model.network import mlp, network
from gradsim.model.parts import Activation, Dropout, LayerNorm, Linear, Repeat, Residual
from gradsim.program.graph import LINEAR, graph

from .explicit import PHI
from .explicit_graph import ExplicitGraph
from .two_sample import LOSSES, Cell, main

INITS = ("normal(0.1,{})", "orthogonal(1.2)")
KINDS = {  # options of mlp; one that is batch norm takes five inputs
    "residual": {"block": "residual", "residual_scale": 0.7},
    "residual of one map": {"block": "residual", "block_depth": 1},
    "projection": {"block": "residual", "residual_scale": -0.6},
    "pre_norm layer": {"block": "pre_norm", "norm": "layer"},
    "pre_norm rms": {"block": "pre_norm", "norm": "rms", "residual_scale": 1.5},
    "post_norm layer": {"block": "post_norm", "norm": "layer"},
    "post_norm rms": {"block": "post_norm", "norm": "rms", "final_norm": True},
    "plain layer": {"block": "plain", "norm": "layer"},
    "batch norm": {"block": "plain", "norm": "batch"},
    "resnet_v1": {"block": "resnet_v1", "norm": "batch"},
    "resnet_v2": {"block": "resnet_v2", "norm": "batch", "final_norm": True},
    "plain dropout": {"block": "plain", "dropout": 0.3},
    "residual dropout": {"block": "residual", "dropout": 0.5},
    "deepnorm": {"block": "deepnorm"},
}


@dataclass(frozen=True)
class BlockCell(Cell):
    kind: str = ""

    def explicit(self, replicas, seed):
        return ExplicitGraph(self.network, replicas, self.inputs, self.loss, self.probe, seed)

    def features(self, found):
        return features(graph(self.network), found)

    @property
    def name(self):
        n = self.network
        parts = (f"{self.kind}:", n.linear_maps[0][1].init, n.usual_activation, f"{n.input_width} to {n.widths[0]}")
        return " ".join((*parts, f"{self.inputs} inputs", self.loss, self.probe))


def grid():
    """Every kind of block at widths 4, 7 and 16 in turn, Gaussian and orthogonal, one input and several."""
    cells, widths, activations, losses = [], cycle((4, 7, 16)), cycle(PHI), cycle(LOSSES)
    for kind, options in KINDS.items():
        for init in INITS:
            for inputs in (5,) if options.get("norm") == "batch" else (1, 2):
                width, (loss, probe) = next(widths), next(losses)
                of = mlp(
                    width=[width, width + 2] if kind == "projection" else [width] * 2,
                    input_width=width + (1 if kind in ("pre_norm rms", "residual") else 0),
                    activation=next(activations),
                    init=init.format(repr(round(1.2 / width**0.5, 3))),
                    bias_std=0.4,
                    outputs=3,
                    **options,
                )
                cells.append(BlockCell(of, inputs, loss, probe, kind))
    return cells + [BlockCell(_nested(init), 2, "probe", "independent", "sums in sums") for init in INITS]


def _nested(init):
    linear, tanh = Linear(5, init.format(0.6), bias="normal(0.2)"), Activation("tanh")
    inner = Residual((LayerNorm(0.2), linear, tanh, Dropout(0.2), linear), 0.7)
    return network([Repeat((Residual((linear, inner, tanh, linear), 0.9),), 2)], 5, readout=(linear,))


def features(nodes, found):
    """{statistic: (numbers, sizes)} of every vector and its cotangent: norms, overlaps, products both ways, components; of
    linear maps also their gradients, and what is joint across them."""
    x, d, result = found.values, found.deltas, {}
    for k, node in enumerate(nodes[:-1]):
        xx, dd = (np.sqrt(np.sum(v * v, axis=(1, 2))) for v in (x[k], d[k]))
        both, root = xx * dd, np.sqrt(x[k].shape[2])
        result |= {
            f"norm of {k} {node.name}": (xx, xx),
            f"gradient norm of {k} {node.name}": (dd, dd),
            f"both norms of {k} {node.name}": (both, both),
            f"overlap with the gradient, {k} {node.name}": (np.sum(x[k] * d[k], axis=(1, 2)), both),
            f"a component, {k} {node.name}": (x[k][:, 0, 0], xx / root),
            f"a component of the gradient, {k} {node.name}": (d[k][:, -1, -1], dd / root),
        }
        if x[k].shape[1] > 1:
            result |= {
                f"overlap of inputs, {k} {node.name}": (np.sum(x[k][:, 0] * x[k][:, 1], axis=1), xx * xx),
                f"overlap of gradients, {k} {node.name}": (np.sum(d[k][:, 0] * d[k][:, 1], axis=1), dd * dd),
                f"an input and another's gradient, {k} {node.name}": (np.sum(x[k][:, 0] * d[k][:, 1], axis=1), both),
            }
        if node.kind == LINEAR:
            (source,) = node.sources
            weight = np.sqrt(np.sum(np.einsum("rbi,rbj->rij", d[k], x[source]) ** 2, axis=(1, 2)))
            before = np.sqrt(np.sum(d[source] ** 2, axis=(1, 2)))
            result |= {
                f"weight gradient of {k} {node.name}": (weight, weight),
                f"components both ways, {k} {node.name}": (x[k][:, 0, -1] * d[source][:, 0, 0], xx * before / root),
                f"gradient before x norm behind, {k} {node.name}": (xx * before, xx * before),
            }
    return result


if __name__ == "__main__":
    main(grid())
