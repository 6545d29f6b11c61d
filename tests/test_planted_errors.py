"""Errors planted in the laws of weights and in theory are found by the property suite, which passes without them.

Each runs in a copy of the project. Kernels are the same everywhere, so the copies share theirs, compiled once. Those of one
kind each are here; `scripts/planted.py` has all of them found.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.oracles.faults import properties
from tests.oracles.planted import copied_with_tests, failing

NAMES = (
    "std for variance",
    "the std of uniform weights for their bound",
    "a gradient that survives the layers below",
    "fan_in for fan_out on the way back",
)
PLANTED = {name: properties.FAULTS[name] for name in NAMES}
ALL = tuple(sorted({test for fault in PLANTED.values() for test in fault.tests}))
# Failures are reported as they are found, since making them smaller takes longer, and a few examples will do
PROFILE = """
from hypothesis import Phase
settings.register_profile("planted", settings.get_profile("gradsim"), max_examples=12, phases=[Phase.generate])
settings.load_profile("planted")
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Of every planted error, and of a copy without one ("none"), as many at a time as there are cores."""

    def outcome(name):
        folder, fault = tmp_path_factory.mktemp("planted"), PLANTED.get(name)
        copied_with_tests(folder, fault)
        with open(folder / "tests/conftest.py", "a", encoding="utf-8") as conftest:
            conftest.write(PROFILE)
        return failing(folder, fault.tests if fault else ALL)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        names = ["none", *PLANTED]
        return dict(zip(names, pool.map(outcome, names), strict=True))


def test_the_suite_passes_without_an_error(outcomes):
    code, failed, output = outcomes["none"]
    assert code == 0 and not failed and f"{len(ALL)} passed" in output, output


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_found(name, outcomes):
    code, failed, output = outcomes[name]
    assert code == 1 and failed == PLANTED[name].tests, output
