"""Dropout: units are kept with probability 1 - p and divided by it, by masks that are independent for every input.

A mean square grows to q / (1 - p), forward and backward; what two inputs have in common stays as it is, since their masks
are independent: the covariance, not the correlation, goes through.
"""

import math

from ..units import OTHER, Cotangent, log, log_sum

BLIND = True


def forward(node, sources, walk):
    (x,), p = sources, node.part.p
    if not p:
        return x, None
    apart = log_sum(x.log_square + log(p / (1 - p)), x.log_apart)
    square = x.log_square - math.log1p(-p)
    return x._replace(log_square=square, log_apart=apart, law=OTHER, lean=x.lean * math.sqrt(1 - p)), None


def backward(node, cotangent, kept, walk):
    p = node.part.p
    if not p:
        return (cotangent,)
    return (Cotangent(cotangent.log_square - math.log1p(-p), cotangent.alike * (1 - p)),)
