"""How many units have which values: bins of signed numbers by their logs, so that any size has as many of them.

What is counted are multiples of a power of two of the layer's own, its exponent: a layer at 1e-90 and one at 1e60 use the
same bins. Counts are whole numbers and add up in any order.
"""

import numpy as np

HISTOGRAMMED = ("preactivation", "activation", "gradient")
A_DOUBLING = 16  # bins: each is 4.4 % wide
REACH = 16  # doublings on either side of the layer's power of two
SIDE = 2 * REACH * A_DOUBLING + 2  # bins of a sign: what is smaller comes before them, what is larger behind
BINS = 2 * SIDE + 1


def edges():
    """(low, high), float64 (BINS,): bin k has what is above low and not above high if positive, the mirror image of that if
    negative; zero has a bin of its own, in the middle, and both ends reach to infinity."""
    sizes = 2.0 ** (np.arange(-REACH * A_DOUBLING, REACH * A_DOUBLING + 1) / A_DOUBLING)
    low, high = np.concatenate([[0.0], sizes]), np.concatenate([sizes, [np.inf]])
    return np.concatenate([-high[::-1], [0.0], low]), np.concatenate([-low[::-1], [0.0], high])


def middles():
    """One number in each bin, float64 (BINS,), increasing: what a file calls the bins by."""
    sizes = 2.0 ** ((np.arange(-REACH * A_DOUBLING, REACH * A_DOUBLING) + 0.5) / A_DOUBLING)
    side = np.concatenate([[2.0 ** (-REACH - 1)], sizes, [np.inf]])
    return np.concatenate([-side[::-1], [0.0], side])


def exponent_of(values, exponents):
    """The power of two nearest to the root mean square of each of some vectors, int64: 0 of what is zero or not finite.

    `values`, (vectors, rows, units), times 2^`exponents`, int64 (vectors, rows).
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        logs = np.log2(np.square(values, dtype=float).mean(axis=2)) / 2 + exponents
    top = logs.max(axis=1)
    found = np.where(np.isfinite(top), top, 0.0)
    return np.round(found).astype(np.int64)


def counted(values, exponents, own):
    """How many units are in each bin, int64 (vectors, BINS), of such vectors as multiples of 2^`own`; NaN in none."""
    fraction, power = np.frexp(np.abs(values.astype(float)))
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.ceil((np.log2(fraction) + power + (exponents - own[:, None])[:, :, None]) * A_DOUBLING)
    size = np.clip(np.nan_to_num(place, nan=0.0, posinf=1e9, neginf=-1e9), -REACH * A_DOUBLING, REACH * A_DOUBLING + 1)
    bins = SIDE + (np.sign(values) * (size + REACH * A_DOUBLING + 1)).astype(float)
    known = ~np.isnan(values)
    vectors = np.broadcast_to(np.arange(len(values))[:, None, None], values.shape)
    flat = vectors[known] * BINS + bins[known].astype(np.int64)
    return np.bincount(flat, minlength=len(values) * BINS).reshape(len(values), BINS)
