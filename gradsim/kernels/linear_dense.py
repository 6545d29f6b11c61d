"""The linear step with its matrix, made from the counter on the way and made again on the way back."""

import numpy as np

from .compilation import internal
from .linear import MEAN, NONZERO, SCALE, finish_backward, finish_forward, record_gradient, record_preactivation
from .sampling import LAW_SPARSE
from .weights import transposed_weights_times, weights_times


@internal
def cancels(law, p):
    """Whether sums of terms that are not zero may: of other laws, matrices have zeros."""
    return law < LAW_SPARSE and (p[SCALE] != 0.0 or p[MEAN] != 0.0)


@internal
def dense_forward(law, p, key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, scratch, record):
    h[:] = 0.0
    if p[SCALE] != 0.0:
        weights_times(law, np.int64(p[NONZERO]), key, layer, replica, x, n_in, n_out, scratch.room, scratch, h)
    finish_forward(p, cancels(law, p), key, layer, replica, x, x_exponents, n_in, n_out, h, h_exponents, scratch)
    record_preactivation(h, h_exponents, n_out, layer, scratch, record)


@internal
def dense_backward(law, p, key, layer, replica, x, x_exponents, d, d_exponents, n_in, n_out, g, g_exponents, scratch, record):
    """g = W^T d; d is left over (changed by orthogonal weights, whose mean is 0)."""
    record_gradient(x, x_exponents, d, d_exponents, n_in, n_out, layer, scratch, record)
    g[:] = 0.0
    if p[SCALE] != 0.0:
        transposed_weights_times(law, np.int64(p[NONZERO]), key, layer, replica, d, n_in, n_out, scratch, g)
    finish_backward(p, cancels(law, p), d, d_exponents, n_in, n_out, g, g_exponents, scratch)
