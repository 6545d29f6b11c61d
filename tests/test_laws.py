"""Both engines have the law of networks with explicit matrices, and errors planted in them are found.

`scripts/verify.py` does the same with 20,000 networks a cell.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.oracles.planted import plant
from tests.oracles.two_sample import FALSE_ALARMS, compare, grid

ROOT = Path(__file__).parents[1]
GAUSSIAN, HAAR, FRAMES = (f"gradsim/kernels/{name}.py" for name in ("steps/linear_gaussian", "steps/linear_haar", "frames"))

# name: (file, what stands there, what is planted instead, cells that are looked at)
PLANTED = {
    "no projection backward, one input": (
        GAUSSIAN,
        "(along - length * overlap / norm)",
        "(along - 0.0 * overlap / norm)",
        ["normal", "3-3-3-3", "1 inputs"],
    ),
    "no projection backward, several inputs": (
        GAUSSIAN,
        "scratch.first[k, b] -= scratch.second[k, b]",
        "scratch.first[k, b] -= 0.0",
        ["normal", "3-3-3-3", "2 inputs"],
    ),
    "a fresh matrix backward, one input": (
        GAUSSIAN,
        "lift = p[SCALE] * (along - length * overlap / norm) / norm",
        "lift = 0.0",
        ["normal", "3-3-3-3", "1 inputs"],
    ),
    "a fresh matrix backward, several inputs": (
        GAUSSIAN,
        "add_mix(scratch.first, rank, q, g.n, b, row(g.values, b))",
        "pass",
        ["normal", "3-3-3-3", "2 inputs"],
    ),
    "the mean forgotten backward": (
        GAUSSIAN,
        "shift = mean_times(p, after, d.n, 0, scratch) if p[MEAN] != 0.0 else 0.0",
        "shift = 0.0",
        ["normal(0.3,", "9-5-9-5", "1 inputs"],
    ),
    "the mean forgotten forward": (
        GAUSSIAN,
        "shift = mean_times(p, before, x.n, 0, scratch)",
        "shift = 0.0",
        ["normal(0.3,", "9-5-9-5", "1 inputs"],
    ),
    "a wrong sign in R": (
        FRAMES,
        "coefficients[rank, pivot] = 1.0 / inverse",
        "coefficients[rank, pivot] = -1.0 / inverse",
        ["normal", "3-3-3-3", "2 inputs"],
    ),
    "frames whose signs are not free": (
        HAAR,
        "    mix(scratch.first, rank, v, h.n, h.values)\n",
        "    for k in range(rank):\n        if v[k, 0] > 0.0:\n"
        "            for i in range(n):\n                v[k, i] = -v[k, i]\n"
        "    mix(scratch.first, rank, v, h.n, h.values)\n",
        ["orthogonal", "3-3-3-3", "2 inputs"],
    ),
    "orthogonal: the fresh frame not across the inputs, several inputs": (
        HAAR,
        "squares[k] = subtract(dot(direction, row(residuals, k), g.n), direction, g.n, row(residuals, k))",
        "pass",
        ["orthogonal", "9-5-9-5", "2 inputs"],
    ),
    "orthogonal: no projection of the fresh frame": (
        HAAR,
        "subtract(dot(before, fresh, x.n) / x_square, before, x.n, fresh)",
        "pass",
        ["orthogonal", "3-3-3-3", "1 inputs"],
    ),
}


def test_both_engines_have_the_law_of_explicit_matrices():
    """6,580 p-values at 500 networks; one false alarm in ten thousand runs, and the seeds are fixed."""
    corrected, what, count = compare(grid(), 500)
    assert count > 5000
    assert corrected > FALSE_ALARMS, what


def compared(folder, cells):
    """What the comparison of 2,000 networks a cell, run there, says: (exit code, output)."""
    command = [sys.executable, "-m", "tests.oracles.two_sample", "2000", *cells]
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Of all planted errors, as many at a time as there are cores: each copy compiles its own kernels."""

    def verdict(planted):
        folder = tmp_path_factory.mktemp("planted")
        for part in ("gradsim", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        plant(folder, *planted[:3])
        return compared(folder, planted[3])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(PLANTED, pool.map(verdict, PLANTED.values()), strict=True))


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_found(name, verdicts):
    code, output = verdicts[name]
    assert code == 1 and "p-values, the smallest times their number" in output, output
