"""Planted errors that are quick to find, and that each can be planted: `scripts/planted.py` has all of them found.

Where the kernels are as they were, the copies share them; where they are not, they run as plain Python.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.oracles.faults import steps
from tests.oracles.planted import BY_CHECKS, BY_TESTS, COMPILED, PYTHON, ROOT, copied, disagreeing, missed

INTERPRETED = (
    "nine rounds of Philox",
    "a wrong sign in cross-entropy",
    "a shared probe that is not",
    "pairs counted as squares",
)
CHOSEN = (
    "He with 1 instead of 2",
    "orthogonal gain squared",
    "weights and biases without their mean",
    "samples without their power of two",
    "the variance between chunks forgotten",
    "a quantile's place counted from one",
    "every reader is the first, going back",
    "streams marked before their blocks",
)
QUICK = ("losses: carried", "replica: losses", "random numbers", "activations: table")
LONG = ("weights: moments",)  # which take several times as long as others


def quick_checks(name):
    """Of those that must find it; of what is not compiled, one."""
    checks = BY_CHECKS[name].checks
    return tuple(sorted(checks, key=LONG.count)[:1] if name in PYTHON else (check for check in checks if check in QUICK))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Of every planted error, and of copies without one."""

    def outcome(name):
        folder, fault = tmp_path_factory.mktemp("planted"), BY_CHECKS.get(name)
        if name in PYTHON or name == "none":
            checks = quick_checks(name) if fault else tuple({c for name in CHOSEN for c in quick_checks(name)})
            copied(folder, fault, share_kernels=True)
            return disagreeing(folder, checks)
        copied(folder, fault)
        return disagreeing(folder, quick_checks(name) if fault else QUICK, NUMBA_DISABLE_JIT="1")

    names = ["none", "none, interpreted", *CHOSEN, *INTERPRETED]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(names, pool.map(outcome, names), strict=True))


@pytest.mark.parametrize("name", ["none", "none, interpreted"])
def test_without_an_error_the_checks_agree(name, outcomes):
    code, names, output = outcomes[name]
    assert code == 0 and not names, output


@pytest.mark.parametrize("name", [*CHOSEN, *INTERPRETED])
def test_a_planted_error_is_found(name, outcomes):
    code, names, output = outcomes[name]
    lost = [check for check in missed(BY_CHECKS[name], names) if check in quick_checks(name)]
    assert quick_checks(name) and code == 1 and not lost, output


def test_there_are_many_and_each_can_be_planted():
    assert (
        len(BY_CHECKS) >= 80
        and len(steps.COMPILED | steps.PYTHON) >= 30
        and not set(COMPILED) & set(PYTHON)
        and not set(BY_CHECKS) & set(BY_TESTS)
    )
    for name, fault in (BY_CHECKS | BY_TESTS).items():
        text = (ROOT / "gradsim" / fault.path).read_text(encoding="utf-8")
        assert text.count(fault.text) == 1 and fault.text != fault.instead, name


def test_tests_that_must_find_a_fault_are_there():
    rooms = {name.partition(":")[0] for name in BY_TESTS}
    assert len(BY_TESTS) >= 190 and len(rooms) == 12
    for name, fault in BY_TESTS.items():
        assert fault.tests and not fault.checks and not fault.path.startswith("kernels"), name
        for test in fault.tests:
            file, _, function = test.partition("::")
            assert f"\ndef {function.partition('[')[0]}(" in (ROOT / file).read_text(encoding="utf-8"), (name, test)
