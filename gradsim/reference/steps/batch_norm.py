"""BatchNorm: over the inputs of each unit (Ioffe & Szegedy 2015, arXiv:1502.03167, in training), with gain 1 and shift 0.

LayerNorm along the other axis.
"""

from .norm import centred, recorded, scaled, scaled_backward

__all__ = ["backward", "forward", "recorded"]


def forward(node, drawn, x):
    return scaled(centred(x, 0), node.part.epsilon, 0)[0]


def backward(node, drawn, cotangent, x):
    return (centred(scaled_backward(centred(x, 0), node.part.epsilon, cotangent, 0), 0),)
