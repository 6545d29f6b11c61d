"""What may be asked of a run, up to the last value that may, and that it is carried out as asked."""

import numpy as np
import pytest
from numba import config

import gradsim
from gradsim.errors import RequestError
from gradsim.model.options import OPTIONS
from gradsim.model.request import checked

ROWS = np.random.default_rng(0).normal(size=(12, 4))


@pytest.mark.parametrize(
    "allowed, beyond",
    [
        ({"inputs": 3, "input_correlation": -0.5}, {"inputs": 3, "input_correlation": -0.5001}),
        ({"inputs": 2, "input_correlation": -1.0}, {"inputs": 2, "input_correlation": -1.001}),
        ({"inputs": 9, "input_correlation": 1.0}, {"inputs": 9, "input_correlation": 1.001}),
        ({"inputs": 12, "input_file": ROWS}, {"inputs": 13, "input_file": ROWS}),
        ({"replicas": 1}, {"replicas": 0}),
        ({"seed": 0}, {"seed": -1}),
    ],
)
def test_what_is_just_allowed(allowed, beyond):
    checked(**allowed)
    with pytest.raises(RequestError, match=r"^[a-z_]+: "):
        checked(**beyond)


def test_threads_are_cores_at_most():
    cores = config.NUMBA_NUM_THREADS
    assert OPTIONS["threads"].check(cores) == cores
    with pytest.raises(RequestError, match=f"^threads: {cores + 1} is not a whole number from 1 to {cores}"):
        OPTIONS["threads"].check(cores + 1)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"bias": "zeros", "bias_std": 0.1}, 'bias_std: 0.1 does not go with bias="zeros"'),
        ({"bias": "normal(0.1)", "bias_std": 0.1}, "bias_std"),
        ({"width": [3, 4], "depth": 1}, "width: a list of 2 widths does not go with depth 1"),
        ({"width": [3, 4], "depth": 3}, "width: a list of 2 widths does not go with depth 3"),
    ],
)
def test_what_does_not_go_together(options, words):
    with pytest.raises(RequestError, match=f"^{words}"):
        gradsim.mlp(**options)
    assert gradsim.mlp(width=[3, 4], depth=2).widths == (3, 4)


def test_no_more_threads_than_asked_for(monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    seen = []

    def pool(threads):
        seen.append(threads)
        return ThreadPoolExecutor(threads)

    for module in ("gradsim.simulation.chunks", "gradsim.statistics.quantiles"):
        monkeypatch.setattr(f"{module}.ThreadPoolExecutor", pool)
    network = gradsim.mlp(width=4, depth=2)
    gradsim.simulate(network, 20_000, threads=1)
    assert seen == []  # the one that asks is enough
    gradsim.simulate(network, 20_000)
    assert seen == ([config.NUMBA_NUM_THREADS] * 2 if config.NUMBA_NUM_THREADS > 1 else [])


@pytest.mark.parametrize("wrong", [(), (0.1, 0.9), (0.5, 0.1), (0.5, 0.5), (-0.1, 0.5), (0.5, 1.1)])
def test_quantiles_hold_the_median(wrong):
    with pytest.raises(RequestError, match=r"^quantiles: .* are not increasing numbers from 0 to 1 with 0.5 among them"):
        gradsim.simulate(gradsim.mlp(width=2, depth=1), 3, quantiles=wrong)
    assert gradsim.simulate(gradsim.mlp(width=2, depth=1), 3, quantiles=(0, 0.5, 1)).quantiles.tolist() == [0, 0.5, 1]


def test_progress_counts_every_network():
    seen = []
    gradsim.simulate(gradsim.mlp(width=4, depth=2), 700, progress=seen.append)
    assert sum(seen) == 700 and len(seen) > 1
