"""Dropout, masks drawn anew for each batch; what is held out goes through it unchanged."""

import math

import numpy as np

from ....kernels.compilation import internal
from ....kernels.philox import fill_words
from ....kernels.sampling import ROLE_DROPOUT, ROW_TILE, blocks_per_row
from ....kernels.steps.dropout import EXPONENT, FACTOR, THRESHOLD
from ....kernels.windows import row
from .activation import line


def own_numbers(n_in, n):
    return 0


def kept_numbers(rows, n):
    """What units are multiplied by."""
    return rows * n


@internal
def draw_mask(step, b, mask):
    """As `kernels.steps.dropout` draws it, of row first_row + b."""
    last_dropped, blocks = np.uint32(step.p[THRESHOLD] - 1.0), blocks_per_row(step.n)
    factor = math.ldexp(step.p[FACTOR], int(step.p[EXPONENT]))
    for start in range(0, blocks, ROW_TILE):
        count = min(ROW_TILE, blocks - start)
        first = (step.first_row + b) * blocks + start
        fill_words(step.key, step.layer, step.replica, ROLE_DROPOUT, first, count, step.words)
        for k in range(4):
            for j in range(count):
                i = k * blocks + start + j
                if i < step.n:
                    mask[i] = factor if step.words[k, j] > last_dropped else 0.0


@internal
def forward(step):
    n, drops = step.n, step.training and step.p[THRESHOLD] != 0.0
    for b in range(step.rows):
        x, mask, out = row(step.x, b), line(step, b), row(step.out, b)
        for i in range(n):
            mask[i] = 1.0
        if drops:
            draw_mask(step, b, mask)
        for i in range(n):
            out[i] = mask[i] * x[i]


@internal
def backward(step):
    n = step.n
    for b in range(step.rows):
        d, mask, g = row(step.d, b), line(step, b), row(step.g, b)
        for i in range(n):
            g[i] = mask[i] * d[i]
