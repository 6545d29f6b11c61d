import numpy as np
import pytest

from gradsim.statistics.moments import folded

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("split", [0, 1, 37, 100])
def test_sums_of_parts_are_the_whole(split):
    logs = RNG.normal(-7000, 3, (100, 5))
    logs[::7, 1], logs[::9, 2], logs[:, 3], logs[3, 4] = -np.inf, np.nan, -np.inf, np.inf
    parts = [logs[:split], logs[split:]]
    parts = [part for part in parts if len(part)]
    folds = [folded(part, 5) for part in parts]
    moments, means, zeros = (sum(rest, first) for first, *rest in zip(*folds, strict=True))
    assert np.array_equal(zeros, (logs == -np.inf).sum(axis=0))
    for column in range(5):
        finite = logs[np.isfinite(logs[:, column]), column]
        assert moments.count[column] == finite.size
        if finite.size:
            assert moments.mean[column] == pytest.approx(finite.mean(), rel=1e-14)
            assert moments.variance[column] == pytest.approx(finite.var(ddof=1), rel=1e-10)
            used = (logs[:, column] < np.inf).sum()
            weights = np.exp(finite - finite.max())
            assert means.log_of_mean[column] == pytest.approx(finite.max() + np.log(weights.sum() / used), rel=1e-14)
            size = weights.sum() ** 2 / (weights**2).sum()
            assert means.effective_sample_size[column] == pytest.approx(size, rel=1e-10)
    assert means.log_of_mean[3] == -np.inf and np.isnan(moments.variance[3])


def test_one_network_in_a_million_is_seen_in_the_effective_sample_size():
    logs = np.zeros((1000, 1))
    logs[5] = 50.0
    assert folded(logs, 1)[1].effective_sample_size[0] == pytest.approx(1.0)
