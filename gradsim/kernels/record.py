"""What a run records: for each replica a flat float64 array, NaN where nothing came to be.

A quantity has a column for each of its places; that of place p is `starts[quantity] + p`, and no column is there for what a
program does not have. Columns of natural logs of mean squares come first. `preactivation_max` has the largest squared
entry of the input at place 0.
"""

from typing import NamedTuple

import numpy as np

from .compilation import inlined


class Recorded(NamedTuple):
    """`at` says what has it: "linear" maps, "activation"s, "norm"s, each x_l of the "stream", or the "network" once;
    with `input`, place 0 is there too. `pairs`: it takes two inputs or more."""

    name: str
    at: str
    input: bool = False
    pairs: bool = False


LOGS = (
    Recorded("preactivation", "linear"),
    Recorded("activation", "activation", input=True),
    Recorded("gradient", "linear"),
    Recorded("weight_gradient", "linear"),
    Recorded("bias_gradient", "linear"),
    Recorded("input_gradient", "network"),
    Recorded("loss", "network"),
    Recorded("loss_gradient", "network"),
    Recorded("preactivation_max", "linear", input=True),
    Recorded("gradient_max", "linear"),
    Recorded("stream", "stream"),
    Recorded("stream_gradient", "stream"),
    Recorded("stream_max", "stream"),
    Recorded("stream_gradient_max", "stream"),
    Recorded("norm_gain_gradient", "norm"),
    Recorded("norm_shift_gradient", "norm"),
)
PLAIN = (
    Recorded("activation_mean", "activation"),
    Recorded("activation_unit_variance", "activation"),
    Recorded("dead_fraction", "activation"),
    Recorded("saturated_fraction", "activation"),
    Recorded("correlation", "linear", pairs=True),
    Recorded("log_one_minus_correlation", "linear", pairs=True),
    Recorded("gradient_correlation", "linear", pairs=True),
    Recorded("stream_correlation", "stream", pairs=True),
    Recorded("stream_gradient_correlation", "stream", pairs=True),
)
TABLE = (*LOGS, *PLAIN)
RECORDED = tuple(recorded.name for recorded in TABLE)
LOG_QUANTITIES = tuple(recorded.name for recorded in LOGS)
PLAIN_QUANTITIES = tuple(recorded.name for recorded in PLAIN)
(
    PREACTIVATION,
    ACTIVATION,
    GRADIENT,
    WEIGHT_GRADIENT,
    BIAS_GRADIENT,
    INPUT_GRADIENT,
    LOSS,
    LOSS_GRADIENT,
    PREACTIVATION_MAX,
    GRADIENT_MAX,
    STREAM,
    STREAM_GRADIENT,
    STREAM_MAX,
    STREAM_GRADIENT_MAX,
    NORM_GAIN_GRADIENT,
    NORM_SHIFT_GRADIENT,
    ACTIVATION_MEAN,
    ACTIVATION_UNIT_VARIANCE,
    DEAD_FRACTION,
    SATURATED_FRACTION,
    CORRELATION,
    LOG_ONE_MINUS_CORRELATION,
    GRADIENT_CORRELATION,
    STREAM_CORRELATION,
    STREAM_GRADIENT_CORRELATION,
) = (np.int64(number) for number in range(len(RECORDED)))  # as in `sampling`: Python's have functions compiled anew
NOT_RECORDED = -(2**40)  # a start: no column is there


class Record(NamedTuple):
    """What is recorded of one replica."""

    values: np.ndarray  # float64 (columns,)
    starts: np.ndarray  # int64 (len(RECORDED),)


@inlined
def put(record, quantity, place, value):
    column = record.starts[quantity] + place
    if column >= 0:
        record.values[column] = value


@inlined
def got(record, quantity, place):
    """What `put` has put there."""
    return record.values[record.starts[quantity] + place]
