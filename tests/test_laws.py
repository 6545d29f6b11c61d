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

from tests.oracles import block_samples
from tests.oracles.faults import steps
from tests.oracles.planted import plant
from tests.oracles.two_sample import FALSE_ALARMS, compare, grid

ROOT = Path(__file__).parents[1]
GAUSSIAN, HAAR, FRAMES = (f"gradsim/kernels/{name}.py" for name in ("steps/linear_gaussian", "steps/linear_haar", "frames"))

# name: (file, what stands there, what is planted instead, networks, the cell that is looked at)
PLANTED = {
    "no projection backward, one input": (
        GAUSSIAN,
        "(along - length * overlap / norm)",
        "(along - 0.0 * overlap / norm)",
        600,
        ["normal(0.3,0.6928203230275509) sigmoid 3-3-3-3 1 inputs"],
    ),
    "no projection backward, several inputs": (
        GAUSSIAN,
        "scratch.first[k, b] -= scratch.second[k, b]",
        "scratch.first[k, b] -= 0.0",
        300,
        ["normal", "sigmoid 3-3-3-3-3 2 inputs"],
    ),
    "a fresh matrix backward, one input": (
        GAUSSIAN,
        "lift = p[SCALE] * (along - length * overlap / norm) / norm",
        "lift = 0.0",
        1500,
        ["normal", "tanh 3-3-3-3-3 1 inputs"],
    ),
    "a fresh matrix backward, several inputs": (
        GAUSSIAN,
        "add_mix(scratch.first, rank, q, g.n, b, row(g.values, b))",
        "pass",
        500,
        ["normal(0.3,0.6928203230275509) gelu 3-3-3-3 2 inputs"],
    ),
    "the mean forgotten backward": (
        GAUSSIAN,
        "shift = mean_times(p, after, d.n, 0, scratch) if p[MEAN] != 0.0 else 0.0",
        "shift = 0.0",
        150,
        ["normal(0.3,0.39999999999999997) sigmoid 9-5-9-5 1 inputs"],
    ),
    "the mean forgotten forward": (
        GAUSSIAN,
        "shift = mean_times(p, before, x.n, 0, scratch)",
        "shift = 0.0",
        150,
        ["normal(0.3,0.39999999999999997) sigmoid 9-5-9-5 1 inputs"],
    ),
    "a wrong sign in R": (
        FRAMES,
        "coefficients[rank, pivot] = 1.0 / inverse",
        "coefficients[rank, pivot] = -1.0 / inverse",
        150,
        ["normal", "sigmoid 3-3-3-3-3 2 inputs"],
    ),
    "frames whose signs are not free": (
        HAAR,
        "    mix(scratch.first, rank, v, h.n, h.values)\n",
        "    for k in range(rank):\n        if v[k, 0] > 0.0:\n"
        "            for i in range(n):\n                v[k, i] = -v[k, i]\n"
        "    mix(scratch.first, rank, v, h.n, h.values)\n",
        150,
        ["orthogonal", "gelu 3-3-3-3-3 2 inputs"],
    ),
    "orthogonal: the fresh frame not across the inputs, several inputs": (
        HAAR,
        "squares[k] = subtract(dot(direction, row(residuals, k), g.n), direction, g.n, row(residuals, k))",
        "pass",
        700,
        ["orthogonal(1.3) tanh 9-5-9-5 2 inputs"],
    ),
    "orthogonal: no projection of the fresh frame": (
        HAAR,
        "subtract(dot(before, fresh, x.n) / x_square, before, x.n, fresh)",
        "pass",
        800,
        ["orthogonal(1.3) sigmoid 3-3-3-3-3 1 inputs"],
    ),
}


# Faults of steps that change the law, and cells that are looked at
IN_BLOCKS = {
    "norms: no projection backward": ["pre_norm rms", "normal", "2 inputs"],
    "BatchNorm: the sum over the inputs forgotten": ["batch norm:", "orthogonal"],
    "dropout: another mask on the way back": ["residual dropout", "orthogonal", "2 inputs"],
    "dropout: p for 1 - p": ["plain dropout", "normal", "2 inputs"],
    "a cotangent not added where a vector is read twice": ["post_norm layer", "orthogonal", "1 inputs"],
    "a sum whose scale is forgotten backward": ["residual:", "normal", "1 inputs"],
}
# Where nothing is planted
WITHOUT = {
    "chains": ("two_sample", 500, "matrix_free", ["normal(0.3,0.6928203230275509) gelu 3-3-3-3 2 inputs"]),
    "blocks": ("block_samples", 200, "matrix_free,dense", ["residual dropout", "orthogonal", "2 inputs"]),
}


def test_both_engines_have_the_law_of_explicit_matrices():
    """6,580 p-values at 500 networks; one false alarm in ten thousand runs, and the seeds are fixed."""
    corrected, what, count = compare(grid(), 500)
    assert count > 5000
    assert corrected > FALSE_ALARMS, what


def test_both_engines_have_the_law_of_blocks():
    """11,000 p-values of two blocks with residuals, norms, BatchNorm over five inputs and dropout, at 300 networks; the same
    rate of false alarms."""
    corrected, what, count = compare(block_samples.grid(), 300)
    assert count > 10_000
    assert corrected > FALSE_ALARMS, what


def test_every_error_can_be_planted():
    for path, text, instead, _, cells in PLANTED.values():
        assert (ROOT / path).read_text(encoding="utf-8").count(text) == 1 and text != instead
        assert sum(all(text in cell.name for text in cells) for cell in grid()) == 1, cells
    for name, cells in IN_BLOCKS.items():
        assert name in steps.COMPILED
        assert any(all(text in cell.name for text in cells) for cell in block_samples.grid()), name


def compared(folder, module, replicas, engines, cells):
    """What the comparison of so many networks a cell says: (exit code, output). Of that folder's kernels in plain Python:
    to compile them again takes more than few networks do."""
    command = [sys.executable, "-m", f"tests.oracles.{module}", str(replicas), engines, *cells]
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Of all planted errors, as many at a time as there are cores."""
    names = [*PLANTED, *IN_BLOCKS, *WITHOUT]

    def verdict(name):
        folder = tmp_path_factory.mktemp("planted")
        for part in ("gradsim", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        if name in PLANTED:
            path, text, instead, replicas, cells = PLANTED[name]
            plant(folder, path, text, instead)
            return compared(folder, "two_sample", replicas, "matrix_free", cells)
        if name in WITHOUT:
            return compared(folder, *WITHOUT[name])
        fault = steps.COMPILED[name]
        plant(folder, f"gradsim/{fault.path}", fault.text, fault.instead)
        return compared(folder, "block_samples", 200, "matrix_free,dense", IN_BLOCKS[name])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(names, pool.map(verdict, names), strict=True))


@pytest.mark.parametrize("name", WITHOUT)
def test_without_an_error_kernels_in_plain_python_agree(name, verdicts):
    code, output = verdicts[name]
    assert code == 0 and "p-values, the smallest times their number" in output, output


@pytest.mark.parametrize("name", [*PLANTED, *IN_BLOCKS])
def test_a_planted_error_is_found(name, verdicts):
    code, output = verdicts[name]
    assert code == 1 and "p-values, the smallest times their number" in output, output
