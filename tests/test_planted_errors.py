"""Errors planted in the laws of weights and in theory are found by the property suite, which passes without them.

Each runs in a copy of the project. Kernels are the same everywhere, so the copies share theirs, compiled once.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.oracles.faults import Fault
from tests.oracles.planted import ROOT, copied_with_tests, failing

INITIALIZERS, EXACT, LINEAR = "model/initializers.py", "theory/exact_laws.py", "theory/steps/linear.py"
PROPERTIES = "tests/properties/test_"
NAMED, SCALE = f"{PROPERTIES}initializers.py::test_named", f"{PROPERTIES}scale.py::test_"
FINITE_WIDTH = f"{PROPERTIES}finite_width.py::test_means_variances_and_zeros"
MEAN_FIELD = f"{PROPERTIES}mean_field.py::test_gap_is_of_order_one_over_width"

PLANTED = {
    "He with 1 instead of 2": Fault(
        INITIALIZERS,
        "return 2 / (1 + slope * slope)",
        "return 1 / (1 + slope * slope)",
        tests=(
            NAMED + "[he_normal]",
            NAMED + "[kaiming_truncated_normal]",
            SCALE + "he_keeps_relu",
        ),
    ),
    "std for variance": Fault(
        INITIALIZERS,
        "math.sqrt(variance(i, o, *more) / UNIT_LAWS[kind][0])",
        "variance(i, o, *more) / UNIT_LAWS[kind][0]",
        tests=(
            NAMED + "[xavier_normal]",
            NAMED + "[lecun_normal]",
            SCALE + "xavier_keeps_linear_up_to_the_fans",
        ),
    ),
    "fan_out for fan_in": Fault(
        INITIALIZERS,
        '(fan_in if fan == "fan_in" else fan_out)',
        '(fan_out if fan == "fan_in" else fan_in)',
        tests=(
            NAMED + "[he_normal]",
            NAMED + "[he_normal(fan_out)]",
            SCALE + "he_keeps_relu",
        ),
    ),
    "one fan for the sum of both": Fault(
        INITIALIZERS,
        "lambda i, o: 2 / (i + o))",
        "lambda i, o: 1 / i)",
        tests=(
            NAMED + "[xavier_normal]",
            SCALE + "xavier_keeps_linear_up_to_the_fans",
            SCALE + "xavier_backward_layer_after_layer",
        ),
    ),
    "the std of uniform weights for their bound": Fault(
        INITIALIZERS,
        '"uniform": (1 / 3, -1.2)',
        '"uniform": (1.0, -1.2)',
        tests=(
            NAMED + "[xavier_uniform]",
            SCALE + "layer_after_layer",
        ),
    ),
    "a truncated normal that is not widened": Fault(
        INITIALIZERS,
        "(1 - 4 * _D, (3 *",
        "(1.0, (3 *",
        tests=(NAMED + "[he_truncated_normal]",),
    ),
    "a gradient that survives the layers below": Fault(
        EXACT,
        "others = passed - total.log_alive if number <= depth else 0.0",
        "others = 0.0",
        tests=(FINITE_WIDTH,),
    ),
    "fans not exchanged on the way back": Fault(
        EXACT,
        "_length(after, after.fan_out, after.fan_in)",
        "_length(after, after.fan_in, after.fan_out)",
        tests=(FINITE_WIDTH,),
    ),
    "fan_in for fan_out on the way back": Fault(
        LINEAR,
        "kept.weights.variance * kept.fan_out",
        "kept.weights.variance * kept.fan_in",
        tests=(MEAN_FIELD,),
    ),
}
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


def test_every_error_can_be_planted():
    for name, fault in PLANTED.items():
        assert (ROOT / "gradsim" / fault.path).read_text(encoding="utf-8").count(fault.text) == 1, name


def test_the_suite_passes_without_an_error(outcomes):
    code, failed, output = outcomes["none"]
    assert code == 0 and not failed and f"{len(ALL)} passed" in output, output


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_found(name, outcomes):
    code, failed, output = outcomes[name]
    assert code == 1 and failed == PLANTED[name].tests, output
