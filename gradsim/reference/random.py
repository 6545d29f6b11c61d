"""Random numbers in NumPy float64, from the same Philox words as the kernels': unit laws, matrices, inputs, labels, masks."""

import math
from statistics import NormalDist

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from ..kernels.sampling import (
    ROLE_BIAS,
    ROLE_DROPOUT,
    ROLE_INPUT,
    ROLE_LABEL,
    ROLE_PLACE,
    ROLE_SAMPLE,
    ROLE_WEIGHT,
)
from ..model.cut_normal import moments

_normal_quantile = np.vectorize(NormalDist().inv_cdf, otypes=[float])


def philox(counters, key):
    """Philox4x32-10 (Salmon et al. 2011): uint64 arrays of 32-bit words, counters (..., 4) and key (2,), to (..., 4)."""
    c = [counters[..., i].astype(np.uint64) for i in range(4)]
    k = [int(word) for word in key]
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(b >> half) ^ c[1] ^ np.uint64(k[0]), b & low, (a >> half) ^ c[3] ^ np.uint64(k[1]), a & low]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return np.stack(c, axis=-1)


def words_of(key, layer, replica, role, rows, columns, first_block=0):
    """Uint32 of shape (rows, columns): column k * blocks + j is word k of block first_block + row * blocks + j."""
    blocks = -(-columns // 4)
    counters = np.zeros((rows * blocks, 4), np.uint64)
    counters[:, 0] = first_block + np.arange(rows * blocks)
    counters[:, 1:] = layer, replica, role
    words = philox(counters, key).astype(np.uint32)
    return words.reshape(rows, blocks, 4).transpose(0, 2, 1).reshape(rows, 4 * blocks)[:, :columns]


def unit_numbers(kind, key, layer, replica, role, rows, columns, first_block=0):
    """Numbers of a unit law, shape (rows, columns), from the words of `words_of`."""
    blocks = -(-columns // 4)
    words = words_of(key, layer, replica, role, rows, 4 * blocks, first_block)
    signed = (words.view(np.int32) + 0.5) * 2.0**-31  # in (-1, 1), symmetric
    if kind == "uniform":
        numbers = signed
    elif kind == "rademacher":
        numbers = np.sign(signed)
    elif kind == "truncated_normal":  # the quantile function of a normal given that it is within [-2, 2]
        numbers = _normal_quantile(0.5 + 0.5 * math.erf(math.sqrt(2)) * signed)
    else:  # Box & Muller 1958: words 0 and 2 give radii, 1 and 3 angles
        words, signed = (v.reshape(rows, 2, 2, blocks) for v in (words, signed))
        radius = np.sqrt(-2 * np.log(np.minimum((words[:, :, 0] + 0.5) * 2.0**-32, 1 - 2.0**-24)))
        angle = np.pi * signed[:, :, 1]
        numbers = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2).reshape(rows, 4 * blocks)
    return numbers[:, :columns]


def matrix_of(law, key, layer, replica, rows, columns, role=ROLE_WEIGHT):
    """The matrix of a WeightLaw, shape (rows, columns): (fan_out, fan_in) for weights."""
    if not law.scale:
        return np.full((rows, columns), law.mean)
    if law.kind == "identity":
        unit = np.eye(rows, columns)
    elif law.kind == "orthogonal":
        tall = _orthonormal_columns(key, layer, replica, max(rows, columns), min(rows, columns))
        unit = tall if rows >= columns else tall.T
    elif law.kind == "sparse":
        unit = _sparse_rows(law.density, key, layer, replica, rows, columns)
    elif law.kind == "sparse_columns":
        unit = _sparse_rows(law.density, key, layer, replica, columns, rows).T
    elif law.kind == "cut_normal":
        mean, variance, _ = moments(*law.cuts)
        unit = (_cut_normals(*law.cuts, words_of(key, layer, replica, role, rows, columns)) - mean) / math.sqrt(variance)
    else:
        unit = unit_numbers(law.kind, key, layer, replica, role, rows, columns)
    return law.mean + law.scale * unit


def _cut_normals(low, high, words):
    """The quantiles of a standard normal given that it is from low to high, of words: by the smaller tail, in logarithms."""
    share, rest = np.log((words + 0.5) * 2.0**-32), np.log((~words + 0.5) * 2.0**-32)
    below, above = (np.logaddexp(rest + log_ndtr(s * low), share + log_ndtr(s * high)) for s in (1, -1))
    return np.where(below < above, ndtri_exp(np.minimum(below, above)), -ndtri_exp(np.minimum(below, above)))


def _sparse_rows(density, key, layer, replica, rows, columns):
    kept = _places(key, layer, replica, rows, columns, round(density * columns))
    return kept * unit_numbers("normal", key, layer, replica, ROLE_WEIGHT, rows, columns)


def _orthonormal_columns(key, layer, replica, n, m):
    """The Q of a QR factorization with positive R of an n x m Gaussian matrix, reflection by reflection (Stewart 1980)."""
    q = np.eye(n, m)
    for k in reversed(range(m)):
        z = unit_numbers("normal", key, layer, replica, ROLE_WEIGHT, 1, n - k, first_block=k * -(-n // 4))[0]
        sign = 1.0 if z[0] >= 0 else -1.0
        u = z + sign * np.linalg.norm(z) * np.eye(n - k)[0]
        q[k] *= -sign
        q[k:] -= np.outer(u, 2 / (u @ u) * (u @ q[k:]))
    return q


def _places(key, layer, replica, rows, columns, wanted):
    """Which entries of a sparse matrix are not zero: `wanted` of each row (Knuth 3.4.2, Algorithm S)."""
    words = words_of(key, layer, replica, ROLE_PLACE, rows, columns)
    kept = np.zeros((rows, columns), bool)
    for r, i in np.ndindex(rows, columns):
        kept[r, i] = (int(words[r, i]) * (columns - i)) >> 32 < wanted - kept[r].sum()
    return kept


def _below(words, count):
    """Whole numbers from 0 to count - 1 from 32-bit words."""
    return (words.astype(np.uint64) * np.uint64(count)) >> np.uint64(32)


def _root_of_correlation(inputs, correlation):
    mean = np.full((inputs, inputs), 1 / inputs)
    common = max(1 + (inputs - 1) * correlation, 0)
    return math.sqrt(1 - correlation) * (np.eye(inputs) - mean) + math.sqrt(common) * mean


def sample_rows(key, replica, inputs, count):
    """Distinct rows by Floyd's algorithm."""
    rows = []
    for b, word in enumerate(words_of(key, 0, replica, ROLE_SAMPLE, inputs, 1)[:, 0]):
        newest = count - inputs + b
        row = int(_below(word, newest + 1))
        rows.append(newest if row in rows else row)
    return rows


def bias_of(law, key, layer, replica, n):
    """The biases of a law, shape (n,)."""
    return matrix_of(law, key, layer, replica, 1, n, ROLE_BIAS)[0]


def gaussian_inputs(key, replica, inputs, width, correlation):
    """Shape (inputs, width): standard normals, each two rows with the given correlation."""
    normals = unit_numbers("normal", key, 0, replica, ROLE_INPUT, inputs, width)
    return _root_of_correlation(inputs, correlation) @ normals


def labels_of(key, replica, inputs, classes):
    """A label an input, shape (inputs, 1)."""
    return _below(words_of(key, 0, replica, ROLE_LABEL, inputs, 1), classes)


def dropout_mask(p, key, layer, replica, rows, columns):
    """What units are multiplied by, shape (rows, columns): 0 with probability p, else 1 / (1 - p)."""
    words = words_of(key, layer, replica, ROLE_DROPOUT, rows, columns)
    return np.where(words >= round(p * 2**32), 1 / (1 - p), 0.0)
