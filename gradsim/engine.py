"""How linear layers are computed: with their matrix, or without it where the law allows (docs/theory.md).

A layer without its matrix has exactly the law of the layer with it, at every width. It costs O(inputs) random numbers a
unit and O(inputs^2) operations, where the matrix costs O(width) of both.
"""

from itertools import groupby

from .errors import RequestError
from .kernels.interpreter import LINEAR_DENSE, LINEAR_GAUSSIAN, LINEAR_HAAR

ENGINES = ("auto", "matrix_free", "dense")
# Laws of weights that have a matrix-free step. Constant weights are Gaussian ones without randomness; the identity draws
# nothing and has no matrix in either engine.
MATRIX_FREE = {
    "normal": LINEAR_GAUSSIAN,
    "constant": LINEAR_GAUSSIAN,
    "orthogonal": LINEAR_HAAR,
    "identity": LINEAR_DENSE,
}


def operation_of(engine, kind, inputs, fan_in, fan_out):
    """The operation (of kernels/interpreter.py) of one linear layer whose weights have a law of the given kind."""
    without = MATRIX_FREE.get(kind)
    if without is None or engine == "dense":
        return LINEAR_DENSE
    if engine == "auto" and kind not in ("constant", "identity") and dense_is_cheaper(kind, inputs, fan_in, fan_out):
        return LINEAR_DENSE
    return without


def nanoseconds(operation, kind, inputs, fan_in, fan_out):
    """About how long a linear layer and its activation take on one core, forward and backward."""
    units = fan_in + fan_out
    if operation == LINEAR_DENSE:
        return 500 + 2 * fan_in * fan_out + inputs * units
    return 500 + 1.5 * inputs * units + 0.5 * inputs * inputs * units


def dense_is_cheaper(kind, inputs, fan_in, fan_out):
    return False


def check_engine(engine, kinds, arithmetic):
    """Raises RequestError where no matrix can be avoided that is asked to be; `kinds` are those of the weights' laws."""
    if engine != "matrix_free":
        return
    if arithmetic != "carried":
        raise RequestError(f"--engine: {arithmetic} rounds every product of a weight and an input, so it needs the weights")
    for kind in kinds:
        if kind not in MATRIX_FREE:
            raise RequestError(
                f"--engine: matrix_free is exact for normal and orthogonal weights, which look the same in every direction; "
                f"{kind} weights do not, so they need their matrix: --engine dense or auto"
            )


def engine_used(engine, arithmetic, kinds, inputs, widths):
    """In words: "matrix-free", "dense", or which layers are which; `widths` begin with the input's."""
    names = []
    for kind, fan_in, fan_out in zip(kinds, widths, widths[1:], strict=True):
        with_matrix = arithmetic != "carried" or operation_of(engine, kind, inputs, fan_in, fan_out) == LINEAR_DENSE
        names.append("dense" if with_matrix and (kind != "identity" or engine == "dense") else "matrix-free")
    if len(set(names)) == 1:
        return names[0]
    parts, first = [], 1
    for name, group in groupby(names):
        last = first + len(list(group)) - 1
        parts.append(f"{name} (layer {first})" if first == last else f"{name} (layers {first}-{last})")
        first = last + 1
    return ", ".join(parts)
