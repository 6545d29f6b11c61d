"""LayerNorm and RMSNorm: one number an input divides all units, which is certain where there are infinitely many.

RMSNorm divides by the root of q + epsilon, q the mean square; LayerNorm takes the mean over the units off first, which is
zero behind weights of mean zero, but for biases. Backward the same divisor; what the divisor and the mean themselves feel
is one direction, or two, of n, and vanishes.
"""

import math

from ..units import NORMAL, OTHER, log, log_sum, unknown

BLIND = False


def forward(node, sources, walk):
    """Keeps the log of the divisor's square."""
    (x,) = sources
    centred = node.part.centred
    log_square = _centred(x) if centred else x.log_square
    divisor = log_sum(log_square, log(node.part.epsilon))
    if divisor == -math.inf:
        return unknown(f"a norm without epsilon divides zero by zero ({walk.where(node)})"), None
    scale = math.exp(-0.5 * divisor) if any(x.fixed) else 0.0
    mean = 0.5 * (x.fixed[0] + x.fixed[1]) if centred else 0.0
    return x._replace(
        log_square=log_square - divisor,
        log_apart=x.log_apart - divisor,
        log_normal=x.log_normal if x.law == OTHER else x.log_normal - divisor,
        fixed=tuple(scale * (end - mean) for end in x.fixed),
        lean=0.0 if centred else x.lean,
    ), divisor


def backward(node, cotangent, kept, walk):
    return (cotangent._replace(log_square=cotangent.log_square - kept),)


def _centred(x):
    """Log of the variance of the units."""
    if x.law == NORMAL:
        return log_sum(x.log_normal, log((x.fixed[1] - x.fixed[0]) ** 2 / 12))
    return x.log_square + log(1 - x.lean * x.lean)
