"""Both engines have the law of networks with explicit matrices, and errors planted in them are found.

`scripts/verify.py` does the same with 20,000 networks a cell, and `scripts/planted.py` with all errors of the kind.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.oracles import block_samples, two_sample
from tests.oracles.faults.laws import BLOCKS, CHAINS, FAULTS, WITHOUT
from tests.oracles.planted import ROOT, copied, differing
from tests.oracles.two_sample import FALSE_ALARMS, compare, grid

QUICK = (
    "no projection backward, several inputs",
    "the mean forgotten backward",
    "a wrong sign in R",
    "frames whose signs are not free",
    "BatchNorm: the sum over the inputs forgotten",
    "dropout: another mask on the way back",
    "a cotangent not added where a vector is read twice",
)


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
    for name, fault in FAULTS.items():
        text = (ROOT / "gradsim" / fault.path).read_text(encoding="utf-8")
        assert text.count(fault.text) == 1 and fault.text != fault.instead, name
    cells = {CHAINS: two_sample.grid(), BLOCKS: block_samples.grid()}
    for name, fault in (FAULTS | WITHOUT).items():
        assert any(all(text in cell.name for text in fault.cells) for cell in cells[fault.module]), name


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Of those planted errors, as many at a time as there are cores."""

    def verdict(name):
        folder, fault = tmp_path_factory.mktemp("planted"), (FAULTS | WITHOUT)[name]
        copied(folder, fault, beside=("tests",))
        return differing(folder, fault)

    names = [*QUICK, *WITHOUT]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(names, pool.map(verdict, names), strict=True))


@pytest.mark.parametrize("name", WITHOUT)
def test_without_an_error_kernels_in_plain_python_agree(name, verdicts):
    code, output = verdicts[name]
    assert code == 0 and "p-values, the smallest times their number" in output, output


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_error_is_found(name, verdicts):
    code, output = verdicts[name]
    assert code == 1 and "p-values, the smallest times their number" in output, output
