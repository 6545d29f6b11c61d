import numpy as np
import pytest

from gradsim.statistics import quantiles
from gradsim.statistics.quantiles import Binning, Histograms, Samples, bins_of, collector, interpolate

PROBABILITIES = (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)


def logs(seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 3, (700, 6))
    rows[:, 1] = rng.normal(-7000, 400, 700)
    rows[:, 2] *= 1e6
    rows[::3, 3], rows[1::7, 3], rows[2::9, 3] = -np.inf, np.inf, np.nan
    rows[:, 4] = -np.inf
    rows[:, 5] = np.where(np.arange(700) < 690, np.inf, 1.5)
    return rows


def total(kind, rows, order, size=50):
    parts = [kind.of(rows[i : i + size]) for i in range(0, len(rows), size)]
    result = parts[order[0]]
    for k in order[1:]:
        result = result + parts[k]
    return result


def test_samples_are_exact_and_drop_nothing():
    rows = logs()
    result = total(Samples, rows, range(14)).quantiles(PROBABILITIES)
    for column in (0, 1, 2):
        assert np.allclose(result[column], np.quantile(rows[:, column], PROBABILITIES), rtol=1e-14)
    assert np.all(result[4] == -np.inf)
    assert result[5].tolist() == [1.5, 1.5] + [np.inf] * 5
    assert result[3, 2] == -np.inf and np.isfinite(result[3, 3]) and result[3, 5] == np.inf


@pytest.mark.parametrize("replicas", [1, 2, 20, 700])
def test_sorted_or_picked_and_by_however_many_threads(replicas, monkeypatch):
    rows = np.tile(logs(), (1, 9))[:replicas]
    expected = total(Samples, rows, range(-(-replicas // 50))).quantiles(PROBABILITIES)
    for name, value in (("SORTED", 0), ("FEW", 0), ("BLOCK", 1)):  # none of them, and a thread a row
        monkeypatch.setattr(quantiles, name, value)
        assert Samples.of(rows).quantiles(PROBABILITIES, 2).tobytes() == expected.tobytes()


@pytest.mark.parametrize("order", [range(14), range(13, -1, -1), [5, 1, 9, 13, 0, 2, 12, 3, 4, 11, 6, 10, 7, 8]])
def test_histograms_do_not_depend_on_the_order_and_stay_within_a_bin(order):
    rows = logs()
    histogram = total(Histograms, rows, list(order))
    whole = Histograms.of(rows)
    for name in ("exponent", "counts", "zeros", "tops"):
        assert np.array_equal(getattr(histogram, name), getattr(whole, name)), name
    ordered = np.sort(np.where(np.isnan(rows), np.inf, rows), axis=0)
    result, widths = histogram.quantiles(PROBABILITIES), np.ldexp(1.0, histogram.exponent)[:, None]
    position = np.array(PROBABILITIES) * 699
    low, high = (ordered[f(position).astype(int)].T for f in (np.floor, np.ceil))
    assert np.array_equal(np.isfinite(result), np.isfinite(Samples.of(rows).quantiles(PROBABILITIES)))
    finite = np.isfinite(result)
    assert np.all((result >= low - widths)[finite]) and np.all((result <= high + widths)[finite])


def test_no_bin_is_wider_than_the_range_asks_for():
    rows = logs()[:, :2]
    whole = Histograms.of(rows)
    span = rows.max(axis=0) - rows.min(axis=0)
    assert np.all(np.ldexp(1.0, whole.exponent) <= np.maximum(2 * span / (whole.counts.shape[1] - 1), 2.0**-10))


def test_the_choice_depends_on_the_problem_only():
    assert collector(900, 500) is Samples and collector(9000, 10_000) == Binning(bins_of(9000))
    rows = quantiles.SAMPLE_BYTES // 8 // 64  # numbers of eight bytes, up to the last that fits
    assert collector(rows, 64) is Samples and collector(rows + 1, 64) == Binning(bins_of(rows + 1))
    assert collector(rows, 65) == Binning(bins_of(rows))


@pytest.mark.parametrize("waiting_bytes", [1, 5000, 10**9])
def test_values_may_wait_to_be_counted(waiting_bytes, monkeypatch):
    monkeypatch.setattr(quantiles, "WAITING_BYTES", waiting_bytes)
    monkeypatch.setattr(quantiles, "HISTOGRAM_BYTES", 1)  # of the fewest bins, so that few values wait
    binning = Binning(bins_of(6))
    assert len((binning.of(logs()[:350]) + binning.of(logs()[350:])).counted) == (waiting_bytes < 10**9)
    rows = logs()
    parts = [binning.of(rows[i : i + 50]) for i in range(0, 700, 50)]
    left, right = parts[0], parts[7]
    for part in parts[1:7]:
        left = left + part
    for part in parts[8:]:
        right = right + part
    assert np.array_equal((left + right).quantiles(PROBABILITIES), Histograms.of(rows).quantiles(PROBABILITIES))


def test_between_infinite_neighbours():
    """Zeros are -inf and win from below, then what is not finite from above; a neighbour that is met is itself."""
    for low, high, fraction, expected in (
        (1.0, 3.0, 0.25, 1.5),
        (-np.inf, 3.0, 0.25, -np.inf),
        (-np.inf, np.inf, 0.75, -np.inf),
        (1.0, np.inf, 0.25, np.inf),
        (1.0, np.inf, 0.0, 1.0),
        (np.inf, np.inf, 0.5, np.inf),
        (-np.inf, -np.inf, 0.5, -np.inf),
    ):
        assert interpolate(*map(np.array, (low, high, fraction))) == expected
