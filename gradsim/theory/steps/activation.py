"""An activation: averages over Gaussian units, alone and in pairs (Poole et al. 2016, arXiv:1606.05340; gradients:
Schoenholz et al. 2017, arXiv:1611.01232).

Units that were normalised over the inputs point uniformly among the directions across the mean of the inputs. A positively
homogeneous phi does not see how far they are from there: its averages are those of Gaussians with correlation -1/(B - 1)
(Yang et al. 2019, arXiv:1902.08129). Others have no closed form there.
"""

import math
from typing import NamedTuple

from ...model.activations import find_activation
from ..layers import Layer, Single, times
from ..units import BATCH, LOG_TWO, OTHER, Cotangent, Units, log, unknown

BLIND = False


class Kept(NamedTuple):
    kind: Layer
    single: Single
    product: float  # E phi'(u1) phi'(u2)
    cosine: float | None  # between two inputs, where they were normalised together


def forward(node, sources, walk):
    (x,), name = sources, node.part.name
    if x.law == OTHER:
        return unknown(f"the units that {name} reads in {walk.where(node)} have no law that theory knows"), None
    if x.law == BATCH and not find_activation(name)[0].homogeneous:
        return unknown(f"{name} of units normalised over {walk.inputs} inputs has no closed form ({walk.where(node)})"), None
    kind, log_v = Layer(name, x.fixed), x.log_normal
    single = walk.memory.single(kind, node.name, log_v)
    lean = x.mean_ratio * walk.memory.lean(kind, node.name, log_v)
    single = single._replace(mean=times(single.mean, log(x.mean_ratio)) if x.law == BATCH else single.mean)
    log_gap = min(x.log_apart - log_v, LOG_TWO) if log_v > -math.inf else -math.inf
    paired = walk.pairs or x.law == BATCH
    ratio, product = walk.memory.pair(kind, node.name, log_v, log_gap, walk.left) if paired else (math.nan, math.nan)
    apart = log_v + log_gap + log(ratio) if paired and log_gap > -math.inf else -math.inf
    units = Units(single.log_square, apart, lean=lean)
    return units, Kept(kind, single, product, units.cosine if x.law == BATCH else None)


def backward(node, cotangent, kept, walk):
    slope, alike = kept.single.log_slope_square, cotangent.alike
    alike *= kept.product / math.exp(slope) if alike and slope > -math.inf else 0.0 if alike else 1.0
    along = None if kept.cosine is None else 1 + (walk.inputs - 1) * cotangent.alike * kept.cosine
    return (Cotangent(cotangent.log_square + slope, alike, along),)
