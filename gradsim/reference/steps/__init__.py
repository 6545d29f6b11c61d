"""The steps of a network in float64, a family a file with the name that it has in `kernels.steps`. Each has

forward(node, drawn, *vectors): the vector that the node makes, from those of its sources, arrays (B, width);
backward(node, drawn, cotangent, *vectors): a tuple, the cotangents of its sources from that of what it makes;
recorded(nodes, k, drawn, tape, cotangents): {quantity: value} of node k; `tape` and `cotangents` are by number of node.
"""

from ...program.graph import ACTIVATION, ADD, BATCH_NORM, DROPOUT, INPUT, LINEAR, LOSS, NORM
from . import activation, add, batch_norm, dropout, input, linear, loss, norm

STEPS = {
    INPUT: input,
    LINEAR: linear,
    ACTIVATION: activation,
    NORM: norm,
    BATCH_NORM: batch_norm,
    DROPOUT: dropout,
    ADD: add,
    LOSS: loss,
}
