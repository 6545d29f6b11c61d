"""The linear step with its matrix, made from the counter on the way and made again on the way back."""

from ..compilation import internal
from ..sampling import LAW_SPARSE
from ..weights import transposed_weights_times, weights_times
from .linear import BALANCED, MEAN, SCALE, finish_backward, finish_forward, record_gradient, record_preactivation, shape_of


@internal
def cancels(law, p):
    """Whether sums of terms that are not zero may: of other laws, matrices have zeros."""
    return law < LAW_SPARSE and (p[SCALE] != 0.0 or p[MEAN] != 0.0)


@internal
def dense_forward(law, p, draws, x, h, scratch, record):
    """h = W x + b."""
    h.values[:] = 0.0
    if p[SCALE] != 0.0:
        weights_times(law, shape_of(p), draws, x.values, x.n, h.n, scratch.room, scratch, h.values)
    finish_forward(p, cancels(law, p), draws, x, h, scratch)
    record_preactivation(h, draws.layer, scratch, record)


@internal
def dense_backward(law, p, draws, x, d, g, scratch, record):
    """g = W^T d; d is left over (changed by orthogonal weights, whose mean is 0)."""
    record_gradient(p[BALANCED] != 0.0, x, d, draws.layer, scratch, record)
    g.values[:] = 0.0
    if p[SCALE] != 0.0:
        transposed_weights_times(law, shape_of(p), draws, d.values, x.n, d.n, scratch, g.values)
    finish_backward(p, cancels(law, p), d, g, scratch)
