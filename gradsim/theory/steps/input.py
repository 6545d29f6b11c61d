"""The inputs: standard normal units scaled to the mean square and the correlation that are asked for."""

from ..units import NORMAL, OTHER, Units, log

BLIND = True


def forward(node, sources, walk):
    """Rows of a file have no law that theory knows, only a mean square."""
    square = log(walk.square)
    law = NORMAL if walk.gaussian else OTHER
    return Units(square, log(walk.square * (1 - (walk.correlation or 0.0))), law, square), None


def backward(node, cotangent, kept, walk):
    return ()
