"""The arrays that training works on, in named tuples, and the columns that a step has beside those of its program.

T is float32 or float64. A vector of the tape is (rows, columns): a row an input, columns its units padded with zeros to whole
vectors of the CPU; here all of them lie flat. Weights of a linear map are (units in, units out), the transpose of what is
usual, both padded; its bias comes behind them.
"""

from typing import NamedTuple

import numpy as np

from ...kernels.layout import STEP_COLUMNS

# Columns of `Code.steps` behind those of a program: columns of the step's vector, and where its own parameters begin among all
COLUMNS, OWN = range(len(STEP_COLUMNS), len(STEP_COLUMNS) + 2)
OWN_END = OWN + 1  # where they end
WIDER = OWN + 2  # columns in all
# Quantities of a record, in its order: logs of squares, then fractions; the columns of one follow another
WEIGHT, WEIGHT_CHANGE, WEIGHT_UPDATE, GRADIENT, WEIGHT_GRADIENT, ACTIVATION, DEAD_FRACTION, SATURATED_FRACTION = range(8)
LOSS, ACCURACY, HELD_OUT_ACCURACY = range(3)  # columns of what is on record once a step
SGD, ADAM = range(2)
LEARNING_RATE, MOMENTUM, SECOND, EPSILON = range(4)  # columns of an optimizer's options; the second is Adam's other beta


class Code(NamedTuple):
    steps: np.ndarray  # int64 (steps, WIDER)
    parameters: np.ndarray  # float64 (steps, 12): those of the program
    starts: np.ndarray  # int64 (9,): where the columns of a quantity begin in a record, and where they end


class Rows(NamedTuple):
    """Samples: inputs, and what is wanted of them; the arrays of what is not given have no rows."""

    inputs: np.ndarray  # T (samples, columns of the input)
    targets: np.ndarray  # T (samples, columns of the output)
    labels: np.ndarray  # int64 (samples,)


class Net(NamedTuple):
    """A network in training: all of its parameters one after another, T (numbers,) each."""

    weights: np.ndarray
    gradients: np.ndarray  # and then what is taken off the weights
    initial: np.ndarray
    first: np.ndarray  # moments that the optimizer keeps
    second: np.ndarray


class Tape(NamedTuple):
    values: np.ndarray  # T: the vectors
    kept: np.ndarray  # T: what steps keep for the way back
    cotangents: np.ndarray  # T (slots, inputs * widest columns)
    turned: np.ndarray  # T: room for a weight matrix
    tile: np.ndarray  # T (4, blocks): room for a tile of what is drawn
    square: np.ndarray  # T: room for three matrices, where some are drawn as a whole
    samples: np.ndarray  # int64 (inputs,)


class Step(NamedTuple):
    """A step, what it reads and writes, and its own parameters: windows into the tape and the network."""

    variant: int
    p: np.ndarray
    rows: int
    n_in: int
    n: int
    in_columns: int
    columns: int
    x: np.ndarray  # what it reads, the first of two
    other: np.ndarray
    out: np.ndarray
    kept: np.ndarray
    d: np.ndarray  # the cotangent of `out`, of `x`, and of `other`
    g: np.ndarray
    other_g: np.ndarray
    fresh: bool  # whether the cotangents are written, not added to
    other_fresh: bool
    first: bool  # whether it reads the input, whose cotangent nobody wants
    own: np.ndarray
    own_gradients: np.ndarray
    turned: np.ndarray
    key: np.ndarray  # of the random numbers of training, with the layer, the replica and the first row of this batch
    layer: int
    replica: int
    first_row: int
    training: bool  # and not a look at what is held out
    words: np.ndarray
