"""Checks without chance: what is said of an ensemble, against NumPy on the records of all of its networks."""

import numpy as np

from ..model.network import mlp
from ..simulation.chunks import record_chunks
from ..simulation.simulate import simulate
from ..statistics.blocks import blocks_of
from ..statistics.ensemble import EnsembleStatistics
from ..statistics.quantiles import FINEST, MOST_BINS, Binning, bins_of
from ..statistics.quantities import QUANTILES, QUANTITIES
from .check import Check, Result

# Layers of two units: many are dead, so there are zeros, and cosines that are not numbers
NETWORK, OPTIONS = mlp(width=[4, 2, 3, 2], input_width=3, outputs=2), {"inputs": 2, "replicas": 700}
CLOSE = 1e-11


def numpy_says(name, values):
    """{variable: array over layers} of records (replicas, layers) of one quantity."""
    finite = np.isfinite(values)
    kept = np.where(finite, values, np.nan)
    count = finite.sum(axis=0)
    with np.errstate(all="ignore"):
        mean = np.nansum(kept, axis=0) / count
        variance = np.where(count > 1, np.nansum((kept - mean) ** 2, axis=0) / (count - 1), np.nan)
    zeros = (values == -np.inf).sum(axis=0)
    if not QUANTITIES[name].log:
        return {f"{name}_mean": mean, f"{name}_variance": variance, f"{name}_nonfinite_count": len(values) - count}
    squares = np.exp(np.where(finite, values, -np.inf))
    with np.errstate(all="ignore"):
        of_mean, size = np.log(squares.sum(axis=0) / (count + zeros)), squares.sum(axis=0) ** 2 / np.sum(squares**2, axis=0)
    return {
        f"{name}_log_mean": mean,
        f"{name}_log_variance": variance,
        f"{name}_log_of_mean": np.where(count + zeros, of_mean, np.nan),
        f"{name}_effective_sample_size": np.where(count, size, 0.0),
        f"{name}_zero_count": zeros,
        f"{name}_nonfinite_count": len(values) - count - zeros,
        f"{name}_log_quantile": quantiles(values),
    }


def quantiles(values):
    """Linear between order statistics, as numpy.quantile: zeros at the bottom, what is not a number at the top."""
    ordered = np.sort(np.where(np.isnan(values), np.inf, values), axis=0)
    result = []
    for q in QUANTILES:
        place = q * (len(ordered) - 1)
        low, high = ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)]
        with np.errstate(invalid="ignore"):
            between = low + (place - int(place)) * (high - low)
        result.append(np.where(np.isinf(low) | (low == high), low, np.where(np.isinf(high), high, between)))
    return np.stack(result, axis=-1)


def statistics(scale, seed):
    chunks = list(record_chunks(NETWORK, seed=seed, **OPTIONS))
    records, found = np.concatenate(chunks), simulate(NETWORK, seed=seed, **OPTIONS)
    blocks = blocks_of(NETWORK, OPTIONS["inputs"])
    parts = [EnsembleStatistics.of(chunk, Binning(bins_of(blocks.columns.logs)), blocks) for chunk in chunks]
    binned = dict(sum(parts[1:], parts[0]).variables(blocks, QUANTILES))
    wrong, count = [], 0
    for name in blocks.rows:
        values, where = records[:, blocks.rows[name].columns], np.atleast_1d(blocks.defined(name))

        def there(array, where=where):
            return (array[None] if where.size == 1 else array)[where]

        for variable, b in numpy_says(name, values).items():
            a = there(np.asarray(found[variable]))
            count += a.size
            if not np.allclose(a, b, rtol=CLOSE, atol=CLOSE, equal_nan=True):
                wrong.append(variable)
            if variable.endswith("_log_quantile") and not in_bins(there(binned[variable]), values):
                wrong.append(f"{variable} by histograms")
    words = f"wrong: {', '.join(wrong)}" if wrong else f"{count:,} numbers of {len(records)} networks, and histograms"
    return Result(float(not wrong), words)


def in_bins(found, values):
    """Whether quantiles by histograms are within a bin of the order statistics beside them."""
    ordered = np.sort(np.where(np.isnan(values), np.inf, values), axis=0)
    finite = np.where(np.isfinite(ordered), ordered, np.nan)
    # as wide as powers of two make it that the bins cover all values
    width = np.maximum(2.0**FINEST, 4 * (np.nanmax(finite, axis=0) - np.nanmin(finite, axis=0)) / MOST_BINS)
    good = True
    for k, q in enumerate(QUANTILES):
        place = q * (len(ordered) - 1)
        low, high = ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)]
        value = found[..., k]
        inside = (value >= low - width) & (value <= high + width)
        good &= bool(np.all(inside | np.isinf(low) | np.isinf(high)))
    return good


CHECKS = (
    Check(
        "statistics",
        "identity",
        "means, variances, quantiles, zeros, logs of means and effective sizes of every quantity",
        "NumPy on all records",
        statistics,
    ),
)
