"""Losses: they end the forward pass and start the backward pass."""

import math

import numpy as np

from .compilation import kernel
from .record import LOSS
from .sampling import LAW_NORMAL, ROLE_PROBE, sample_row
from .vectors import LN2, NO_EXPONENT, dot, largest, normalise, power_of_two


@kernel
def probe(key, layer, replica, x, x_exponents, n, d, d_exponents, words, values, record):
    """L = sum_b g_b . x_b / sqrt(n) with independent standard normal g_b; d = dL/dx. Records log L^2."""
    factor = np.float32(1.0 / math.sqrt(n))
    top = NO_EXPONENT
    for b in range(x.shape[0]):
        sample_row(LAW_NORMAL, key, layer, replica, ROLE_PROBE, b, n, words, values, d[b])
        for i in range(n):
            d[b, i] *= factor
        d_exponents[b] = normalise(d[b], n, 0)
        if largest(x[b], n) > 0.0:
            top = max(top, x_exponents[b] + d_exponents[b])
    total = 0.0
    for b in range(x.shape[0]):
        product = dot(d[b], x[b], n)
        if product != 0.0:
            total += product * power_of_two(x_exponents[b] + d_exponents[b] - top)
    record[LOSS, 0] = 2.0 * (math.log(abs(total)) + LN2 * top) if total != 0.0 else -np.inf
