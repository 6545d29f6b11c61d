"""The sum of a residual, skip + a f (Yang & Schoenholz 2017, arXiv:1712.08969).

The branch ends in a linear map with weights of mean zero (norms and dropout may follow), or the skip does: so, over these
weights, the two are uncorrelated but for the means of biases, and mean squares and covariances add. Backward each gets the
whole gradient, the branch a times that; what comes together again at x has gone through independent matrices of mean
zero, or through none, and adds in mean square.
"""

import math

from ..units import NO_BIAS, NORMAL, OTHER, Cotangent, Units, log, log_sum, unknown

BLIND = True


def forward(node, sources, walk):
    (skip, branch), scale = sources, node.part.scale
    since = min(skip.since, branch.since)
    if not scale:
        return skip, True
    if not (branch.since > node.sources[0] or skip.since > node.sources[1]):
        return unknown(f"the branch of {walk.where(node)} does not end in a linear map, so that it hangs together with x"), None
    gain = 2 * math.log(abs(scale))
    square, lean = _square(skip, branch, gain, math.copysign(1.0, scale))
    apart = log_sum(skip.log_apart, gain + branch.log_apart)
    if skip.law == branch.law == NORMAL and (fixed := _fixed(skip.fixed, branch.fixed, scale)):
        normal = log_sum(skip.log_normal, gain + branch.log_normal)
        return Units(square, apart, NORMAL, normal, fixed, lean, since), True
    return Units(square, apart, OTHER, lean=lean, since=since), True


def backward(node, cotangent, kept, walk):
    """Numbers, if only two vectors are independent."""
    if kept is None:
        why = f"the branch of {walk.where(node)} does not end in a linear map, so that it hangs together with x"
        lost = Cotangent(math.nan, math.nan, why=why)
        return lost, lost
    through = cotangent.log_square + 2 * log(abs(node.part.scale))
    return cotangent._replace(along=None), Cotangent(through, cotangent.alike)


def _square(skip, branch, gain, sign):
    """(log of the mean square, lean) of the sum."""
    parts = skip.log_square, gain + branch.log_square
    square = log_sum(*parts)
    if not (skip.lean or branch.lean) or square == -math.inf:
        return square, 0.0
    shares = [math.exp(0.5 * (part - square)) for part in parts]
    means = skip.lean * shares[0], sign * branch.lean * shares[1]
    common = math.log1p(max(2 * means[0] * means[1], -1 + 1e-16))
    return square + common, min(max(sum(means) * math.exp(-0.5 * common), -1.0), 1.0)


def _fixed(skip, branch, scale):
    """(low, high) of the sum of what is fixed in the biases; None where two uniform ones would add."""
    if skip[0] != skip[1] and branch[0] != branch[1]:
        return None
    ends = sorted(scale * end for end in branch)
    return (skip[0] + ends[0], skip[1] + ends[1]) if (skip, branch) != (NO_BIAS, NO_BIAS) else NO_BIAS
