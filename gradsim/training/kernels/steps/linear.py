"""h = W x + b: W is trained, and b too, whatever it starts as."""

from ....kernels.compilation import elementary, widest_vectors
from ....kernels.windows import row, window
from ..products import multiply, transpose


def own_numbers(n_in, n):
    return n_in * n + n


def kept_numbers(rows, n):
    return 0


@elementary
def add(source, target, n):
    widest_vectors()
    for i in range(n):
        target[i] += source[i]


@elementary
def forward(step):
    columns = step.columns
    multiply(step.x, step.in_columns, 1, step.rows, step.n_in, step.own, columns, step.out)
    bias = window(step.own, step.in_columns * columns, (columns,))
    for b in range(step.rows):
        add(bias, row(step.out, b), columns)


@elementary
def backward(step):
    """Gradients of the weights and of the bias, sums over the inputs, and the cotangent of x, where anybody wants it."""
    columns = step.columns
    multiply(step.x, 1, step.in_columns, step.n_in, step.rows, step.d, columns, step.own_gradients)
    bias = window(step.own_gradients, step.in_columns * columns, (columns,))
    bias[:] = 0.0
    for b in range(step.rows):
        add(row(step.d, b), bias, columns)
    if not step.first:
        transpose(step.own, step.in_columns, columns, step.turned)
        multiply(step.d, columns, 1, step.rows, step.n, step.turned, step.in_columns, step.g)
