"""h = W x + b: W is trained, and b too, whatever it starts as."""

from ....kernels.compilation import elementary
from ....kernels.windows import row, window
from ..products import multiply, transpose


def own_numbers(n_in, n):
    return n_in * n + n


def kept_numbers(rows, n):
    return 0


@elementary
def forward(step):
    multiply(step.x, step.in_columns, 1, step.rows, step.n_in, step.own, step.columns, step.out)
    bias = window(step.own, step.in_columns * step.columns, (step.columns,))
    for b in range(step.rows):
        out = row(step.out, b)
        for i in range(step.columns):
            out[i] += bias[i]


@elementary
def backward(step):
    """Gradients of the weights and of the bias, sums over the inputs, and the cotangent of x, where anybody wants it."""
    multiply(step.x, 1, step.in_columns, step.n_in, step.rows, step.d, step.columns, step.own_gradients)
    bias = window(step.own_gradients, step.in_columns * step.columns, (step.columns,))
    bias[:] = 0.0
    for b in range(step.rows):
        d = row(step.d, b)
        for i in range(step.columns):
            bias[i] += d[i]
    if not step.first:
        transpose(step.own, step.in_columns, step.columns, step.turned)
        multiply(step.d, step.columns, 1, step.rows, step.n, step.turned, step.in_columns, step.g)
