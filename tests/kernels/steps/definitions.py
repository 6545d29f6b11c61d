"""The steps in NumPy float64, from their definitions, with derivatives by complex steps; and the kernels, ready to call."""

import numpy as np

from gradsim.kernels.compilation import for_python
from gradsim.kernels.record import RECORDED, Record
from gradsim.kernels.steps import add, batch_norm, dropout, norm
from gradsim.kernels.steps.deviation import epsilon_parameters
from gradsim.kernels.vectors import LN2
from gradsim.kernels.workspace import Vector, new_scratch, padded_width

norm_forward, norm_backward = for_python(norm.norm_forward), for_python(norm.norm_backward)
batch_forward, batch_backward = for_python(batch_norm.batch_norm_forward), for_python(batch_norm.batch_norm_backward)
dropout_forward, dropout_backward = for_python(dropout.dropout_forward), for_python(dropout.dropout_backward)
add_forward, add_backward, deliver = for_python(add.add_forward), for_python(add.add_backward), for_python(add.deliver)

PLACES, PLACE = 3, 1
LAYER, RMS, BATCH = KINDS = ("layer", "rms", "batch")
FAR = 400  # exponents beyond this are those of a limit: epsilon is nothing, or all there is


def centred(kind, x):
    return x if kind == RMS else x - x.mean(0 if kind == BATCH else 1, keepdims=True)


def normed(kind, x, epsilon):
    centre = centred(kind, x)
    return centre / np.sqrt((centre * centre).mean(0 if kind == BATCH else 1, keepdims=True) + epsilon)


def pulled_back(function, x, d):
    """The gradient of sum d function(x), by steps of 1e-60 i: a difference quotient without a difference."""
    g, moved = np.empty_like(x), x.astype(complex)
    for place in np.ndindex(x.shape):
        moved[place] += 1e-60j
        g[place] = (d * function(moved)).imag.sum() / 1e-60
        moved[place] = x[place]
    return g


def normed_and_back(kind, x, d, epsilon, exponent):
    """(y, g, exponent of y, exponent of g) for the input 2^exponent x."""
    if epsilon == 0 or exponent > FAR:
        return normed(kind, x, 0.0), pulled_back(lambda v: normed(kind, v, 0.0), x, d), 0, -exponent
    if exponent < -FAR:
        root = np.sqrt(epsilon)
        return centred(kind, x) / root, centred(kind, d) / root, exponent, 0
    x = np.ldexp(x, exponent)
    step = np.ldexp(1.0, exponent)  # of the same order as x
    return normed(kind, x, epsilon), pulled_back(lambda v: normed(kind, v * step, epsilon), x / step, d) / step, 0, 0


def vector(values, exponents=0):
    """A Vector of float64 rows, whose exponents are given beside."""
    rows, n = values.shape
    padded = np.zeros((rows, padded_width(n)), np.float32)
    padded[:, :n] = values
    exponents = np.broadcast_to(np.asarray(exponents, np.int64), (rows,)).copy()
    return Vector(padded, exponents, (padded.astype(float) ** 2).sum(1), n)


def empty(rows, n):
    """One that has been used before: nothing in it means anything."""
    return Vector(np.full((rows, padded_width(n)), 7.0, np.float32), np.full(rows, 5), np.full(rows, 3.0), n)


def plain(v, base=0):
    """The rows over 2^base in float64."""
    return np.ldexp(v.values[:, : v.n].astype(float), (v.exponents - base)[:, None])


def new_record():
    return Record(np.full(PLACES * len(RECORDED), np.nan), np.arange(len(RECORDED)) * PLACES)


def recorded(record, quantity):
    return record.values[record.starts[quantity] + PLACE]


def log_mean_square(values, exponent):
    with np.errstate(divide="ignore"):
        return np.log((values**2).mean()) + 2 * LN2 * exponent


def norm_parameters(epsilon):
    return np.array([*epsilon_parameters(epsilon), *[0.0] * 10])


def forward(kind, x, epsilon, scratch=None):
    """(out, kept, scratch)."""
    rows, out = len(x.exponents), empty(len(x.exponents), x.n)
    scratch = scratch or new_scratch(rows, x.n)
    if kind == BATCH:
        kept = np.full(batch_norm.kept_numbers(rows, x.n), 9.0, np.float32)
        batch_forward(norm_parameters(epsilon), x, out, kept, scratch)
    else:
        kept = np.full(norm.kept_numbers(rows, x.n), 9.0, np.float32)
        norm_forward(VARIANTS[kind], norm_parameters(epsilon), x, out, kept, scratch)
    return out, kept, scratch


def backward(kind, out, kept, d, epsilon, scratch):
    """(g, record)."""
    g, record = empty(len(d.exponents), d.n), new_record()
    if kind == BATCH:
        batch_backward(norm_parameters(epsilon), out, kept, d, g, PLACE, scratch, record)
    else:
        norm_backward(VARIANTS[kind], norm_parameters(epsilon), out, kept, d, g, PLACE, scratch, record)
    return g, record


VARIANTS = {LAYER: norm.LAYER_NORM, RMS: norm.RMS_NORM}


def assert_whole(v):
    """Rows are normalised, zeros behind their columns, and squares are theirs."""
    tops = abs(v.values).max(axis=1)
    assert np.all((tops == 0) | ((tops >= 1 / 16) & (tops < 16)))
    assert np.all(v.values[:, v.n :] == 0)
    assert np.all(v.exponents[tops == 0] == 0)


def assert_squares(v):
    assert np.allclose(v.squares, (v.values.astype(float) ** 2).sum(1), rtol=2e-6)


def assert_close(found, expected, tolerance):
    """By the largest entry of each row."""
    assert np.all(abs(found - expected) <= tolerance * abs(expected).max(axis=1, keepdims=True))
