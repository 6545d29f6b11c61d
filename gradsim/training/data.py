"""What networks are trained on: samples with targets or labels, some of them held out."""

from dataclasses import dataclass, replace

import numpy as np

from ..errors import RequestError, finite_number, shown
from ..kernels.sampling import ROLE_SAMPLE
from ..model.data import Samples, samples
from ..model.streams import stream_key
from ..reference.random import words_of

DIGITS = "digits"
HELD_OUT = "held out"  # name of the random stream that says which samples are


@dataclass(frozen=True)
class Split:
    """Rows that are trained on, with targets as the loss wants them: (n, outputs), or one label a row; and what is held out, of
    which there may be none. `labels` are None where targets stand for no classes, so that there is no accuracy."""

    inputs: Samples
    targets: Samples
    labels: np.ndarray | None  # int64 (n,)
    held_out: np.ndarray  # (m, width)
    held_out_labels: np.ndarray | None


def digits():
    """The 1,797 handwritten digits of scikit-learn, and their labels; all pixels together have mean 0 and variance 1.

    Raises RequestError where scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise RequestError('--data: the digits are those of scikit-learn: pip install "gradsim[digits]"') from None
    pixels, labels = load_digits(return_X_y=True)
    return Samples(DIGITS, (pixels - pixels.mean()) / pixels.std()), Samples(DIGITS, labels[:, None].astype(float))


def given(data):
    """(inputs, targets) as Samples. Raises RequestError."""
    if isinstance(data, str) and data == DIGITS:
        return digits()
    if isinstance(data, str) or not isinstance(data, tuple | list) or len(data) != 2:
        raise RequestError(f"--data: {shown(data)} is neither {DIGITS!r} nor a pair (inputs, targets) of files or arrays")
    if data[1] is None:
        raise RequestError("--target-file: there are no targets to learn; give one label or one row of targets a sample")
    inputs, targets = samples("--input-file", data[0]), samples("--target-file", data[1])
    if len(inputs.values) != len(targets.values):
        raise RequestError(
            f"--target-file: {targets.name!r} has {len(targets.values)} rows, but {inputs.name!r} has {len(inputs.values)}"
        )
    return inputs, targets


def whole_labels(targets):
    """int64 (n,) of targets that are one whole number from 0 on a row; None of others."""
    values = targets.values
    if values.shape[1] != 1 or (values != values.round()).any() or values.min() < 0 or values.max() >= 2**31:
        return None
    return values[:, 0].astype(np.int64)


def split(data, loss, outputs, held_out, seed):
    """The Split of what is `given`, for a network with so many outputs.

    The share `held_out` of the samples, drawn from `seed`, is not trained on. Labels become rows of zeros and ones for "mse" if
    there are several outputs. Raises RequestError.
    """
    inputs, targets = given(data)
    share = finite_number("--held-out", held_out, 0.0)
    count = len(inputs.values)
    aside = round(share * count)
    if share >= 1 or aside >= count:
        raise RequestError(f"--held-out: {held_out:g} of {count} samples leaves none to train on; give a share below 1")
    labels = whole_labels(targets)
    if loss == "mse" and (labels is None or outputs == 1):
        labels = None
    elif labels is None:
        raise RequestError(f"--target-file: {targets.name!r} is not one label a row, whole numbers from 0 on")
    elif labels.max() >= outputs:
        raise RequestError(f"--target-file: {targets.name!r} has the label {labels.max()}, the network {outputs} outputs")
    elif loss == "mse":
        targets = replace(targets, values=np.eye(outputs)[labels])
    words = words_of(stream_key(seed, HELD_OUT), 0, 0, ROLE_SAMPLE, 1, count)[0]
    order = np.argsort(words, kind="stable")
    kept, away = np.sort(order[aside:]), np.sort(order[:aside])
    return Split(
        Samples(inputs.name, inputs.values[kept]),
        Samples(targets.name, targets.values[kept]),
        None if labels is None else labels[kept],
        inputs.values[away],
        None if labels is None else labels[away],
    )


def shape_of(data):
    """(units of an input, outputs) that a network for what is `given` has, labels taken for classes."""
    inputs, targets = given(data)
    labels = whole_labels(targets)
    return inputs.values.shape[1], targets.values.shape[1] if labels is None else int(labels.max()) + 1
