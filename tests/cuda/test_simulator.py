"""The CUDA target in Numba's simulator against the CPU's engine, with the same counters: every step, activation, loss and team.

The simulator has no fused multiply-add, so that its numbers are a few units in the last place from the CPU's.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gradsim.kernels.activations import ACTIVATIONS

PROGRAM, ROOT = Path(__file__).with_name("simulated.py"), Path(__file__).parents[2]
# Of the logs: 2e-6 + 1e-7 a layer for what adds up squares, more for what cancels
OF_SQUARES, OF_CANCELLING = 4e-6, 4e-5
CANCELLING = ("loss", "correlation", "log_one_minus_correlation", "gradient_correlation", "bias_gradient", "weight_gradient")
DOUBTFUL = "in doubt"


def simulated(program, *arguments):
    """What a program prints that runs in the simulator."""
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", str(program), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def found():
    return json.loads(simulated(PROGRAM))


def tolerance(quantity):
    return OF_CANCELLING if quantity in CANCELLING else OF_SQUARES


def test_records_are_those_of_the_cpu(found):
    sound = {name: case for name, case in found["cases"].items() if name != DOUBTFUL}
    wrong = {
        (name, quantity): gap
        for name, case in sound.items()
        for quantity, gap in case["gaps"].items()
        if not gap <= tolerance(quantity)
    }
    assert not wrong
    assert all(case["doubtful"] == 0 and case["finite"] > 25 for case in sound.values())


def test_all_activations_are_there(found):
    assert {f"activation {entry.name}" for entry in ACTIVATIONS} <= found["cases"].keys()


def test_bits_are_the_same_wherever_a_replica_is_computed(found):
    assert all(case["same_anywhere"] for case in found["cases"].values())


def test_what_is_in_doubt_is_said_to_be(found):
    assert found["cases"][DOUBTFUL]["doubtful"] == 2


def test_curves_are_those_of_the_cpu(found):
    """Several chunks, and networks that the CPU computes again: with what of them is unresolved."""
    assert all(same == count > 50 for same, count in found["curves"]["alike"])
    assert found["curves"]["engine"] == "matrix-free on a GPU"


def test_the_check_for_machines_with_a_gpu_runs(tmp_path):
    """All of its steps, as small as they can be."""
    simulated(ROOT / "scripts" / "verify_cuda.py", "--tiny", "--json", str(tmp_path / "found.json"))
    results = json.loads((tmp_path / "found.json").read_text())["results"]
    assert [result["what"].split()[0] for result in results] == ["normals", *4 * ["records"], "law", "speed"]
    assert results[0]["bit_equal"] > 0.5 and all(result["gap"] < OF_CANCELLING for result in results[1:5])
