"""The executable specification: one network in NumPy float64, with explicit matrices and plain arrays.

Slow and readable. It walks the same graph as the kernels' program and is fed the same random numbers (the same Philox
words, made into normals in float64), so every step of theirs can be held against it. No carried exponents: shallow
networks only.
"""

from .draw import Draw, draw
from .network import backward, forward, loss, loss_gradient, record_row, records, run, unresolved_sums
from .random import bias_of, dropout_mask, matrix_of, philox, unit_numbers, words_of
from .steps import STEPS
from .steps.loss import sum_of_loss_gradients

__all__ = [
    "STEPS",
    "Draw",
    "backward",
    "bias_of",
    "draw",
    "dropout_mask",
    "forward",
    "loss",
    "loss_gradient",
    "matrix_of",
    "philox",
    "record_row",
    "records",
    "run",
    "sum_of_loss_gradients",
    "unit_numbers",
    "unresolved_sums",
    "words_of",
]
