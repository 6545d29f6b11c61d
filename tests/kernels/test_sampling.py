"""Philox against its published vectors; normals and uniforms against their laws (fixed key: no false alarms)."""

import numpy as np
import pytest
from numba import njit
from scipy import stats
from scipy.special import log_ndtr, ndtri_exp

from gradsim.kernels import sampling
from gradsim.kernels.compilation import for_python
from gradsim.kernels.philox import fill_words
from gradsim.kernels.sampling import LAW_NORMAL, LAW_RADEMACHER, LAW_TRUNCATED, LAW_UNIFORM

sample_blocks = for_python(sampling.sample_blocks)
cut_normals = for_python(sampling.cut_normals)

KNOWN = [  # Random123, kat_vectors: counter, key, block
    ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0], "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize("counter, key, block", KNOWN)
def test_philox_known_answers(counter, key, block):
    words = np.zeros((4, 1), np.uint32)
    first, layer, replica, role = counter
    fill_words(np.array(key, np.uint32), layer, replica, role, first, 1, words)
    assert [f"{w:08x}" for w in words[:, 0]] == block.split()


def draw(law, role=1, layer=3, replica=5, blocks=250_000):
    words, values = np.zeros((4, blocks), np.uint32), np.zeros((4, blocks), np.float32)
    sample_blocks(law, np.array([7, 9], np.uint32), layer, replica, role, 0, blocks, words, values, 0)
    return values.astype(float).ravel()


@pytest.mark.parametrize(
    "law, cdf",
    [(LAW_NORMAL, stats.norm.cdf), (LAW_UNIFORM, stats.uniform(-1, 2).cdf), (LAW_TRUNCATED, stats.truncnorm(-2, 2).cdf)],
)
def test_law(law, cdf):
    assert stats.kstest(draw(law), cdf).pvalue > 1e-4


EDGES = [0, 1, 2, 1000, 2**20, 2**31 - 1, 2**31, 2**32 - 2**20, 2**32 - 2, 2**32 - 1]
WORDS = np.concatenate([EDGES, np.random.default_rng(5).integers(0, 2**32, 3990)]).astype(np.uint32).reshape(4, 1000)


@pytest.mark.parametrize(
    "low, high",
    [(-2, 2), (-8.9, 8.9), (-0.7, 0.4), (-1e-3, 2e-3), (-3, 1), (0, np.inf), (1, 1.001), (5, 7), (-30.5, -30), (29.9, 1e300)],
)
def test_cut_normals_are_quantiles(low, high):
    """In both tails, of the first and the last word too: within 6e-7 of the larger of x and one, or of the wider cut."""
    found = np.zeros((4, 1000), np.float32)
    cut_normals(np.array([low, high, 0.0, 1.0]), 1000, WORDS, found)
    share, rest = np.log((WORDS + 0.5) * 2.0**-32), np.log((~WORDS + 0.5) * 2.0**-32)
    below, above = (np.logaddexp(rest + log_ndtr(s * low), share + log_ndtr(s * high)) for s in (1, -1))
    exact = np.where(below < above, 1, -1) * ndtri_exp(np.minimum(below, above))
    assert np.all(abs(found - exact) <= 6e-7 * np.maximum(abs(exact), min(1.0, max(-low, high))))
    shifted = np.zeros((4, 1000), np.float32)
    cut_normals(np.array([low, high, 0.25, 4.0]), 1000, WORDS, shifted)
    assert np.allclose(shifted, 4 * (found - np.float32(0.25)), atol=1e-5)


def test_rademacher_is_a_fair_sign():
    signs = draw(LAW_RADEMACHER)
    assert set(signs) == {-1.0, 1.0} and abs(signs.mean()) < 5 / np.sqrt(signs.size)


def test_normal_moments_and_tails():
    z = draw(LAW_NORMAL)
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - moment) < 5 * np.sqrt(variance / z.size)
    expected = 2 * stats.norm.sf(4) * z.size
    assert abs((abs(z) > 4).sum() - expected) < 5 * np.sqrt(expected)


def test_blocks_differ_between_roles_layers_and_replicas():
    draws = [draw(LAW_UNIFORM, *place, blocks=1000) for place in ((0, 3, 5), (1, 3, 5), (1, 4, 5), (1, 3, 6))]
    assert len({d.tobytes() for d in draws}) == 4
    assert np.all(abs(np.corrcoef(draws) - np.eye(4)) < 5 / np.sqrt(4000))


def test_no_block_is_drawn_twice_by_roles_layers_or_replicas():
    words, seen = np.zeros((4, 500), np.uint32), []
    for role in range(4):
        for layer in range(6):
            for replica in (0, 1, 2, 255, 256, 2**32 - 1):
                fill_words(np.array([7, 9], np.uint32), layer, replica, role, 0, 500, words)
                seen.append(words.T.copy())
    blocks = np.concatenate(seen)
    assert len(np.unique(blocks, axis=0)) == len(blocks)


def test_normal_tails_to_six_sigma():
    """Counts beyond 3, 4, 5, 5.5 and 6 standard deviations among 2^31 normals are Poisson: false alarm 1e-6 each side."""

    @njit
    def count(limits, rounds, blocks):
        words, values = np.zeros((4, blocks), np.uint32), np.zeros((4, blocks), np.float32)
        key, result = np.array([3, 4], np.uint32), np.zeros(limits.size, np.int64)
        for r in range(rounds):
            sample_blocks(LAW_NORMAL, key, 1, r, 1, 0, blocks, words, values, 0)
            for k in range(4):
                for j in range(blocks):
                    if abs(values[k, j]) > 3.0:
                        for i in range(limits.size):
                            result[i] += abs(values[k, j]) > limits[i]
        return result

    limits = np.array([3, 4, 5, 5.5, 6])
    found, expected = count(limits, 2**20, 512), 2 * stats.norm.sf(limits) * 2**31
    assert np.all(stats.poisson.cdf(found, expected) > 1e-6) and np.all(stats.poisson.sf(found - 1, expected) > 1e-6)
