"""Whole matrices of the structured laws: what they claim to be, and the law of orthogonal ones against a real QR."""

import numpy as np
import pytest
from scipy.stats import chisquare, ks_2samp

from gradsim import reference
from gradsim.kernels import weights, workspace
from gradsim.kernels.compilation import for_python
from gradsim.kernels.sampling import LAW_ORTHOGONAL, LAW_SPARSE, LAW_SPARSE_COLUMNS
from gradsim.model.initializers import weight_law
from gradsim.model.laws import WeightLaw

weights_times = for_python(weights.weights_times)
transposed_weights_times = for_python(weights.transposed_weights_times)
new_scratch = workspace.new_scratch
KEY = np.array([3, 4], np.uint32)


def matrix(law, n_out, n_in, replica=0, nonzero=0, backward=False):
    """The matrix column by column: what it does to unit vectors, forward or backward."""
    pad_in, pad_out = -(-n_in // 4) * 4, -(-n_out // 4) * 4
    scratch = new_scratch(max(n_in, n_out), max(n_in, n_out))
    shape = np.array([nonzero, 0.0, 0.0, 0.0])
    if backward:
        d, g = np.eye(n_out, pad_out, dtype=np.float32), np.zeros((n_out, pad_in), np.float32)
        transposed_weights_times(law, shape, workspace.Draws(KEY, 1, replica), d, n_in, n_out, scratch, g)
        return g[:, :n_in].astype(float)
    x, y = np.eye(n_in, pad_in, dtype=np.float32), np.zeros((n_in, pad_out), np.float32)
    weights_times(law, shape, workspace.Draws(KEY, 1, replica), x, n_in, n_out, scratch.room, scratch, y)
    return y[:, :n_out].T.astype(float)


SHAPES = [(1, 1), (2, 2), (5, 5), (3, 9), (9, 3), (64, 64), (33, 70), (1, 6), (6, 1)]


@pytest.mark.parametrize("n_out, n_in", SHAPES)
def test_orthogonal_both_ways(n_out, n_in):
    w = matrix(LAW_ORTHOGONAL, n_out, n_in)
    small = w.T @ w if n_out >= n_in else w @ w.T
    assert np.allclose(small, np.eye(min(n_out, n_in)), atol=3e-6)
    assert np.allclose(matrix(LAW_ORTHOGONAL, n_out, n_in, backward=True), w, atol=3e-6)
    law = WeightLaw("orthogonal", 0.0, 1.0, 1 / max(n_out, n_in))
    assert np.allclose(reference.matrix_of(law, KEY, 1, 0, n_out, n_in), w, atol=3e-6)


def haar(rng, n_out, n_in):
    """Q of a Gaussian matrix, signs fixed so that R is positive: Mezzadri 2007, arXiv:math-ph/0609050."""
    q, r = np.linalg.qr(rng.normal(size=(max(n_out, n_in), min(n_out, n_in))))
    q = q * np.sign(np.diag(r))
    return q if n_out >= n_in else q.T


@pytest.mark.parametrize("n_out, n_in", [(1, 1), (2, 2), (4, 4), (3, 5), (5, 2)])
def test_orthogonal_has_the_law_of_a_real_qr(n_out, n_in):
    """Single entries, products of entries and traces: Kolmogorov-Smirnov at 1e-6 each, 4,000 matrices a side."""
    rng, replicas = np.random.default_rng(9), 4000
    found = np.array([matrix(LAW_ORTHOGONAL, n_out, n_in, r) for r in range(replicas)])
    expected = np.array([haar(rng, n_out, n_in) for _ in range(replicas)])
    features = (
        lambda w: w[:, 0, 0],
        lambda w: w[:, -1, -1],
        lambda w: w[:, 0, -1] * w[:, -1, 0],
        lambda w: np.trace(w, axis1=1, axis2=2),
        lambda w: w[:, 0, 0] ** 2 * w[:, -1, -1],
    )
    rng = np.random.default_rng(10)
    for feature in features:
        # 1 x 1 matrices are signs: a hair of noise breaks the ties without changing the law's comparison
        a, b = (feature(w) + 1e-4 * rng.normal(size=replicas) for w in (found, expected))
        assert ks_2samp(a, b).pvalue > 1e-6


def test_a_planted_wrong_sign_is_found():
    """Without fixing the signs of R, numpy's Q has negative diagonals more often than not: the test above can fail."""
    rng = np.random.default_rng(9)
    found = np.array([matrix(LAW_ORTHOGONAL, 4, 4, r)[0, 0] for r in range(4000)])
    unfixed = np.array([np.linalg.qr(rng.normal(size=(4, 4)))[0][0, 0] for _ in range(4000)])
    assert ks_2samp(found, unfixed).pvalue < 1e-20


def test_sparse_rows_hold_k_weights_at_even_places():
    replicas, n_out, n_in, k = 400, 6, 10, 3
    w = np.array([matrix(LAW_SPARSE, n_out, n_in, r, nonzero=k) for r in range(replicas)])
    assert np.all((w != 0).sum(axis=2) == k)
    assert chisquare((w != 0).sum(axis=(0, 1))).pvalue > 1e-6
    pairs = [(w[:, :, i] != 0) & (w[:, :, j] != 0) for i in range(n_in) for j in range(i)]
    assert chisquare([p.sum() for p in pairs]).pvalue > 1e-6
    assert abs(w[w != 0].var() - 1) < 6 * np.sqrt(2 / (w != 0).sum())
    assert np.allclose(matrix(LAW_SPARSE, n_out, n_in, 7, nonzero=k, backward=True), w[7])
    law = weight_law("sparse(3)", n_in, n_out)
    assert np.allclose(reference.matrix_of(law, KEY, 1, 7, n_out, n_in), w[7], atol=1e-5)


@pytest.mark.parametrize("n_out, n_in", [(7, 5), (6, 33), (70, 3)])
def test_sparse_columns_are_the_transpose_of_sparse_rows(n_out, n_in):
    """Both ways, and beside widths that are no multiple of four."""
    w = matrix(LAW_SPARSE_COLUMNS, n_out, n_in, 7, nonzero=3)
    assert np.array_equal(w, matrix(LAW_SPARSE, n_in, n_out, 7, nonzero=3).T)
    assert np.all((w != 0).sum(axis=0) == 3)
    assert np.array_equal(matrix(LAW_SPARSE_COLUMNS, n_out, n_in, 7, nonzero=3, backward=True), w)
    law = WeightLaw("sparse_columns", 0.0, 1.0, 3 / n_out)
    assert np.allclose(reference.matrix_of(law, KEY, 1, 7, n_out, n_in), w, atol=1e-5)
