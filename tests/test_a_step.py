"""What a new step touches: files of its name, one in each room that has steps, and a line in the list of steps.

A copy of the package gets one, out = factor x, and runs networks with it as plain Python.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gradsim"
LINE = '    "rescale": ("Rescale",),\n'
PART = '''
"""Multiples."""

from dataclasses import dataclass

from ...errors import finite_number
from ..part import Part, set_fields


@dataclass(frozen=True)
class Rescale(Part):
    """Units times a factor."""

    kind = "rescale"
    stands_for = "activation"
    keeps_balance = True

    factor: float = 0.5

    def _check(self) -> None:
        set_fields(self, factor=finite_number("Rescale: factor", self.factor) + 0.0)
'''
KERNELS = '''
"""out = factor x, on record with the activation before it."""

import numpy as np

from ..compilation import internal, part
from ..record import ACTIVATION, ACTIVATION_MEAN, ACTIVATION_UNIT_VARIANCE, put
from ..vectors import log_mean, measure_units, power_of_two, settle
from ..windows import row
from .add import EXPONENT, SCALE, scale_parameters
from .rows import clear_padding, multiple


def parameters(rescale):
    return 0, scale_parameters(rescale.factor)


def kept_numbers(rows, n):
    return 0


def nanoseconds(rows, n):
    return 1000.0 * rows * n


@internal
def multiply_rows(p, v, out):
    for b in range(v.values.shape[0]):
        after = row(out.values, b)
        top = multiple(np.float32(p[SCALE]), row(v.values, b), v.n, after)
        out.exponents[b] = settle(after, v.n, top, v.exponents[b] + np.int64(p[EXPONENT]))
        clear_padding(after, v.n)


@part
def forward(step, tape, scratch, record):
    out, n, rows, means, variances = step.out, step.out.n, step.out.values.shape[0], 0.0, 0.0
    multiply_rows(step.p, step.x, out)
    for b in range(rows):
        _, mean, variance = measure_units(row(out.values, b), n)
        out.squares[b] = n * (variance + mean * mean)
        means += mean * power_of_two(out.exponents[b])
        variances += variance * power_of_two(2 * out.exponents[b])
    if step.place >= 0:
        put(record, ACTIVATION, step.place, log_mean(out.squares, out.exponents, rows, n))
        put(record, ACTIVATION_MEAN, step.place, means / rows)
        put(record, ACTIVATION_UNIT_VARIANCE, step.place, variances / rows)


@part
def backward(step, tape, scratch, record):
    multiply_rows(step.p, step.d, step.g)
'''
REFERENCE = '''
"""A multiple."""

from .activation import of_output


def forward(node, drawn, x):
    return node.part.factor * x


def backward(node, drawn, cotangent, x):
    return (node.part.factor * cotangent,)


def recorded(nodes, k, drawn, tape, cotangents):
    return of_output(tape[k]) if nodes[k].place >= 0 else {}
'''
THEORY = '''
"""A multiple: all units times the same factor, and their gradients."""

import math

from ..units import log

BLIND = True


def forward(node, sources, walk):
    (x,), factor = sources, node.part.factor
    gain, ends = 2 * log(abs(factor)), sorted(factor * end for end in x.fixed)
    lean = math.copysign(x.lean, factor * x.lean)
    logs = {name: getattr(x, name) + gain for name in ("log_square", "log_apart", "log_normal")}
    return x._replace(**logs, fixed=tuple(ends), lean=lean), None


def backward(node, cotangent, kept, walk):
    return (cotangent._replace(log_square=cotangent.log_square + 2 * log(abs(node.part.factor))),)
'''
TRAINING = '''
"""A multiple, which is not trained."""

from ....kernels.compilation import elementary
from ....kernels.windows import row
from .add import scale_of


def own_numbers(n_in, n):
    return 0


def kept_numbers(rows, n):
    return 0


@elementary
def forward(step):
    factor = scale_of(step)
    for b in range(step.rows):
        x, out = row(step.x, b), row(step.out, b)
        for i in range(step.n):
            out[i] = factor * x[i]


@elementary
def backward(step):
    factor = scale_of(step)
    for b in range(step.rows):
        d, g = row(step.d, b), row(step.g, b)
        for i in range(step.n):
            g[i] = factor * d[i]
'''
FILES = {"model": PART, "kernels": KERNELS, "reference": REFERENCE, "theory": THEORY, "training/kernels": TRAINING}
LAYERS = """
replicas = 2
input_width = 6
layers = [
    { part = "Repeat", times = 2, parts = [
        { part = "Linear", width = 6 },
        { part = "Activation", name = "relu" },
        { part = "Rescale", factor = 0.25 },
    ] },
    { part = "Linear", width = 3, init = "lecun_normal" },
]
"""
COMMON = """
import json
import numpy as np
import gradsim
from gradsim import Activation, BatchNorm, LayerNorm, Linear, Repeat, Rescale, Residual, reference
from gradsim.model.stored import from_json
from gradsim.program.columns import columns_of
from gradsim.program.engine import Layers
from gradsim.program.program import nanoseconds
from gradsim.simulation.chunks import record_chunks
from gradsim.theory import mean_field

RELU = Activation("relu")


def net(*block, gain=1.0):
    return gradsim.network([Repeat(block, 2), Linear(3, "lecun_normal", gain)], input_width=6)


def simulated(network, inputs, replicas, engine):
    placed = columns_of(network.form, inputs).placed
    found = np.concatenate(list(record_chunks(network, replicas=replicas, inputs=inputs, engine=engine)))
    return {quantity: (found[:, at.columns], at.columns) for quantity, at in placed.items()}
"""
CHECKS = {
    "reference": """
branch = Linear(8), Activation("tanh"), Rescale(-0.7), Linear(6)
for network, inputs in (
    (net(Linear(6), RELU, Rescale(3e5)), 1),
    (net(Residual((LayerNorm(), *branch)), Rescale()), 3),
    (net(Linear(6), Rescale(2.0), BatchNorm(), RELU), 3),
):
    expected = np.array([np.concatenate(list(reference.run(network, k, inputs=inputs).values())) for k in range(2)])
    for quantity, (found, columns) in simulated(network, inputs, 2, "dense").items():
        if quantity == "bias_gradient" and network.has_batch_norm:  # zero, where float64 has roundings
            assert (found[:, :-1] == -np.inf).all() and np.allclose(found[:, -1], expected[:, columns][:, -1], atol=2e-4)
        else:
            assert np.allclose(found, expected[:, columns], rtol=2e-4, atol=2e-4, equal_nan=True), (network, quantity)
""",
    "theory": """
network = gradsim.network([Repeat((Linear(12), RELU, Rescale(0.8)), 2)], input_width=12)
theory = mean_field(network)
for quantity in ("preactivation", "activation", "gradient"):  # of which ReLU has the exact mean at any width
    squares = np.exp(simulated(network, 1, 60, "matrix_free")[quantity][0])
    off = squares.mean(axis=0) - np.exp(theory[f"{quantity}_log_of_mean"])
    assert (abs(off) < 4.5 * squares.std(axis=0) / 60**0.5).all(), (quantity, off)  # about normal: 1 in 20,000 by chance
halves, quarter = net(Linear(6), RELU, Rescale(-0.5)), net(Linear(6), RELU, gain=0.25)
halves, quarter = mean_field(halves, inputs=2), mean_field(quarter, inputs=2)
assert np.isclose(halves["preactivation_log_mean"][-1], quarter["preactivation_log_mean"][-1])
assert np.isclose(halves["input_gradient_log_mean"], quarter["input_gradient_log_mean"])
""",
    "training": """
half, other = net(Linear(6), Rescale(0.5)), net(Linear(6), gain=0.25)
inputs = np.random.default_rng(0).standard_normal((5, 6))
options = {"loss": "mse", "learning_rate": 0.1, "steps": 1, "replicas": 1, "batch_size": 4, "float_type": "float64"}
losses = [gradsim.train(network, (inputs, inputs[:, :3]), stream="one for both", **options) for network in (half, other)]
one, two = (found["loss_mean"] for found in losses)
assert np.isclose(one[0], two[0]) and one[1] < one[0], (one, two)  # two blocks of a half each, or a quarter in the readout
""",
    "its cost": """
network, without = net(Linear(6), RELU, Rescale(0.25)), net(Linear(6), RELU)
costs = [nanoseconds(it, Layers(it, "auto", 4)) for it in (network, without)]
assert np.isclose(costs[0] - costs[1], 2 * 1000.0 * 4 * 6)
""",
    "texts and files": """
network = net(Linear(6), RELU, Rescale(0.25))
assert from_json(json.loads(network.to_json())) == network != net(Linear(6), RELU)
assert '"part":"Rescale"' in network.to_json() and '"factor":0.25' in network.to_json()
(cell,) = gradsim.sweep.read_plan("layers.toml").cells
made, _ = cell.network_and_run()
assert made == network and made.to_json() == network.to_json()
curves = gradsim.simulate(network, replicas=3)
curves.save("curves.h5")
(read,) = gradsim.open("curves.h5")
assert read.network == network and read.verdict == curves.verdict and "Rescale" in dir(gradsim)
try:
    Rescale("x")
except gradsim.RequestError as error:
    assert "Rescale: factor" in str(error)
else:
    raise AssertionError("a text for a number")
""",
}


def run(folder, script):
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_DISABLE_JIT": "1"}
    return subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("step")
    shutil.copytree(PACKAGE, folder / "gradsim", ignore=shutil.ignore_patterns("*.pyc.*"))
    assert "no attribute 'Rescale'" in run(folder, "import gradsim; gradsim.Rescale").stderr
    for room, text in FILES.items():
        (folder / "gradsim" / room / "steps/rescale.py").write_text(text.lstrip(), encoding="utf-8")
    steps = folder / "gradsim/steps.py"
    text = steps.read_text(encoding="utf-8")
    assert text.count("\n}\n") == 1
    steps.write_text(text.replace("\n}\n", f"\n{LINE}}}\n"), encoding="utf-8")
    (folder / "layers.toml").write_text(LAYERS, encoding="utf-8")
    return folder


@pytest.mark.parametrize("check", CHECKS)
def test_a_step_is_files_of_its_name_and_a_line_in_the_list(check, folder):
    done = run(folder, COMMON + CHECKS[check])
    assert done.returncode == 0, done.stderr
