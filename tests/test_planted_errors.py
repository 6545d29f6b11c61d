"""Errors planted in the laws of weights and in theory are found by the property suite, which passes without them.

Each runs in a copy of the project. Kernels are the same everywhere, so the copies share theirs, compiled once.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.oracles.planted import plant

ROOT = Path(__file__).parents[1]
INITIALIZERS, EXACT, INFINITE = "gradsim/initializers.py", "gradsim/theory/exact_laws.py", "gradsim/theory/infinite_width.py"
PROPERTIES = "tests/properties/test_"
NAMED, SCALE = f"{PROPERTIES}initializers.py::test_named", f"{PROPERTIES}scale.py::test_"
FINITE_WIDTH = f"{PROPERTIES}finite_width.py::test_means_variances_and_zeros"
MEAN_FIELD = f"{PROPERTIES}mean_field.py::test_gap_is_of_order_one_over_width"

# name: (file, what stands there, what is planted instead, tests that must each fail)
PLANTED = {
    "He with 1 instead of 2": (
        INITIALIZERS,
        "return 2 / (1 + slope * slope)",
        "return 1 / (1 + slope * slope)",
        [NAMED + "[he_normal]", NAMED + "[kaiming_truncated_normal]", SCALE + "he_keeps_relu"],
    ),
    "std for variance": (
        INITIALIZERS,
        "math.sqrt(variance(i, o, *more) / UNIT_LAWS[kind][0])",
        "variance(i, o, *more) / UNIT_LAWS[kind][0]",
        [NAMED + "[xavier_normal]", NAMED + "[lecun_normal]", SCALE + "xavier_keeps_linear_up_to_the_fans"],
    ),
    "fan_out for fan_in": (
        INITIALIZERS,
        '(fan_in if fan == "fan_in" else fan_out)',
        '(fan_out if fan == "fan_in" else fan_in)',
        [NAMED + "[he_normal]", NAMED + "[he_normal(fan_out)]", SCALE + "he_keeps_relu"],
    ),
    "one fan for the sum of both": (
        INITIALIZERS,
        "lambda i, o: 2 / (i + o))",
        "lambda i, o: 1 / i)",
        [NAMED + "[xavier_normal]", SCALE + "xavier_keeps_linear_up_to_the_fans", SCALE + "xavier_backward_layer_after_layer"],
    ),
    "the std of uniform weights for their bound": (
        INITIALIZERS,
        '"uniform": (1 / 3, -1.2)',
        '"uniform": (1.0, -1.2)',
        [NAMED + "[xavier_uniform]", SCALE + "layer_after_layer"],
    ),
    "a truncated normal that is not widened": (
        INITIALIZERS,
        "(1 - 4 * _D, (3 *",
        "(1.0, (3 *",
        [NAMED + "[he_truncated_normal]"],
    ),
    "a gradient that survives the layers below": (
        EXACT,
        "others = passed - total.log_alive if number <= depth else 0.0",
        "others = 0.0",
        [FINITE_WIDTH],
    ),
    "fans not exchanged on the way back": (
        EXACT,
        "_length(after, after.fan_out, after.fan_in)",
        "_length(after, after.fan_in, after.fan_out)",
        [FINITE_WIDTH],
    ),
    "fan_in for fan_out on the way back": (
        INFINITE,
        ".weights.variance * layers[number].fan_out",
        ".weights.variance * layers[number].fan_in",
        [MEAN_FIELD],
    ),
}
ALL = sorted({test for *_, tests in PLANTED.values() for test in tests})
# Failures are reported as they are found, since making them smaller takes longer, and a few examples will do
PROFILE = """
from hypothesis import Phase
settings.register_profile("planted", settings.get_profile("gradsim"), max_examples=12, phases=[Phase.generate])
settings.load_profile("planted")
"""


def copied(folder):
    for name in ("gradsim", "tests/properties"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "kernels"))
    (folder / "gradsim/kernels").symlink_to(ROOT / "gradsim/kernels", target_is_directory=True)
    shutil.copy(ROOT / "pyproject.toml", folder)
    profile = (ROOT / "tests/conftest.py").read_text(encoding="utf-8") + PROFILE
    (folder / "tests/conftest.py").write_text(profile, encoding="utf-8")


def run_there(folder, tests):
    """(exit code, output) of pytest on these tests, in a copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Of every planted error, and of a copy without one ("none"), as many at a time as there are cores."""

    def outcome(name):
        folder = tmp_path_factory.mktemp("planted")
        copied(folder)
        if name == "none":
            return run_there(folder, ALL)
        *error, tests = PLANTED[name]
        plant(folder, *error)
        return run_there(folder, tests)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        names = ["none", *PLANTED]
        return dict(zip(names, pool.map(outcome, names), strict=True))


def test_the_suite_passes_without_an_error(outcomes):
    code, output = outcomes["none"]
    assert code == 0 and f"{len(ALL)} passed" in output, output


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_found(name, outcomes):
    code, output = outcomes[name]
    failed = [test for test in PLANTED[name][-1] if f"FAILED {test}" in output]
    assert code == 1 and failed == PLANTED[name][-1], output
