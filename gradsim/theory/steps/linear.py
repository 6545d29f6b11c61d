"""A linear map: units become Gaussian, with the biases on top (Poole et al. 2016, arXiv:1606.05340).

v' = n_in Var W q + Var b      v' gap' likewise without biases      |d_in|^2 = n_out Var W |d|^2
"""

import math

from ..prediction import linear_law
from ..units import NORMAL, Cotangent, Units, log, log_sum

BLIND = True


def law(node, walk):
    """The `prediction.Linear` of a node."""
    return linear_law(node.part, walk.nodes[node.sources[0]].width, node.width, "mean-field theory")


def forward(node, sources, walk):
    (x,), layer = sources, law(node, walk)
    low, high = _fixed_bias(layer.biases)
    normal = layer.biases.variance if layer.biases.kind == "normal" else 0.0
    weight = log(layer.weights.variance * layer.fan_in)
    log_v = log_sum(weight + x.log_square, log(normal))
    log_q = log_sum(log_v, log((low * low + low * high + high * high) / 3))
    mean = 0.5 * low + 0.5 * high
    lean = mean * math.exp(-0.5 * log_q) if mean else 0.0
    return Units(log_q, weight + x.log_apart, NORMAL, log_v, (low, high), lean, walk.at), layer


def backward(node, cotangent, kept, walk):
    return (Cotangent(cotangent.log_square + log(kept.weights.variance * kept.fan_out), cotangent.alike),)


def _fixed_bias(law):
    """(low, high) of what is constant or uniform in the biases."""
    spread = law.scale if law.kind == "uniform" else 0.0
    return law.mean - spread, law.mean + spread
