"""out = skip + scale branch, the sum of a residual. The scale stays what it is."""

import math

from ....kernels.compilation import elementary
from ....kernels.steps.add import EXPONENT, SCALE
from ....kernels.windows import row


def own_numbers(n_in, n):
    return 0


def kept_numbers(rows, n):
    return 0


@elementary
def scale_of(step):
    return step.x.dtype.type(math.ldexp(step.p[SCALE], int(step.p[EXPONENT])))


@elementary
def forward(step):
    scale, columns = scale_of(step), step.columns
    for b in range(step.rows):
        skip, branch, out = row(step.x, b), row(step.other, b), row(step.out, b)
        for i in range(columns):
            out[i] = skip[i] + scale * branch[i]


@elementary
def backward(step):
    """The cotangent of a sum goes to its branch, and unchanged to its skip, which takes over its room if it is the first."""
    scale, columns, fresh, other_fresh = scale_of(step), step.columns, step.fresh, step.other_fresh
    for b in range(step.rows):
        d, skip, branch = row(step.d, b), row(step.g, b), row(step.other_g, b)
        for i in range(columns):
            part = scale * d[i]
            branch[i] = part if other_fresh else branch[i] + part
        if not fresh:
            for i in range(columns):
                skip[i] += d[i]
