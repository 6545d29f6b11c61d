"""The steps of a network in float64, a family a file with the name that it has in `kernels.steps`. Each has

forward(node, drawn, *vectors): the vector that the node makes, from those of its sources, arrays (B, width);
backward(node, drawn, cotangent, *vectors): a tuple, the cotangents of its sources from that of what it makes;
recorded(nodes, k, drawn, tape, cotangents): {quantity: value} of node k; `tape` and `cotangents` are by number of node;

and if it draws random numbers of its own, draw(node, key, replica, inputs), which gives what will stand in `drawn.own`.
"""

from ...program.graph import KINDS
from ...steps import files

STEPS = files(__name__, KINDS)
