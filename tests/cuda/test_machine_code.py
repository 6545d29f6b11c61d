"""What the device's compiler makes of kernels, without a GPU: skipped without `pip install 'gradsim[cuda-test]'`."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import gradsim
from gradsim.cuda.kernel import Arrays, kernel_of, sort_of
from gradsim.cuda.seam import on_device, simulated
from gradsim.cuda.size import numbers_of, sizes_of
from gradsim.cuda.twins import Twins
from gradsim.kernels.compilation import for_python
from gradsim.kernels.sampling import box_muller
from gradsim.model.activations import find_activation
from gradsim.model.request import checked
from gradsim.simulation.chunks import Replicas
from tests.cuda import ptx

REASON = "the toolkit is not installed: pip install 'gradsim[cuda-test]'"
COUNT = 200_000
MOST_REGISTERS = 176  # of one input
# Approximations that flush denormal numbers: those that reciprocals and exponentials in float64 start from are none
FLUSHED = r"(?:add|sub|mul|fma|div|sqrt|max|min|rcp|cvt)[.\w]*\.ftz\.f32"


def ptxas():
    found = [path for folder in sys.path for path in Path(folder).glob("nvidia/*/bin/ptxas")]
    return str(found[0]) if found else shutil.which("ptxas")


pytestmark = pytest.mark.skipif(simulated() or find_spec("numba_cuda") is None or ptxas() is None, reason=REASON)


def compiled(function, signature, capability, monkeypatch):
    """PTX. numba-cuda asks a device for the target of each device function that a kernel calls; there is none here."""
    from numba import cuda
    from numba.cuda import dispatcher

    monkeypatch.setattr(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=capability))
    return cuda.compile_ptx(function, signature, cc=capability)[0]


def kernel_text(network, team, capability, monkeypatch, **run):
    from numba.cuda import types
    from numba.cuda.typing.typeof import typeof

    program = Replicas(network, checked(replicas=1, engine="matrix_free", **run)).program
    key, records, doubtful = np.zeros(2, np.uint32), np.zeros((1, program.columns.size)), np.zeros(1, np.int32)
    fixed = (program.steps, program.parameters, program.columns.starts, key, *program.data, sizes_of(program))
    room = (np.zeros((1, count), kind) for count, kind in numbers_of(program, team).values())
    arrays = Arrays(*map(np.ascontiguousarray, fixed), *room, records, doubtful)
    signature = types.void(typeof(arrays), types.int64, types.int64)
    return compiled(kernel_of(sort_of(program, team)), signature, capability, monkeypatch)


@pytest.mark.parametrize(
    "options, run, team, capability",
    [
        ({"activation": "tanh"}, {}, 32, (9, 0)),
        ({"activation": "tanh"}, {}, 32, (8, 0)),
        ({"activation": "gelu", "bias_std": 0.1, "outputs": 10}, {"loss": "cross_entropy"}, 8, (9, 0)),
        ({"block": "pre_norm", "norm": "layer", "dropout": 0.1}, {}, 16, (9, 0)),
        ({"init": "orthogonal", "activation": "tanh"}, {"inputs": 3}, 16, (9, 0)),
        ({"block": "post_norm", "norm": "batch"}, {"inputs": 3}, 16, (9, 0)),
    ],
    ids=["tanh", "tanh, sm_80", "cross_entropy", "pre_norm", "haar, inputs 3", "batch norm, inputs 3"],
)
def test_kernels_become_machine_code(options, run, team, capability, monkeypatch, tmp_path):
    text = kernel_text(gradsim.mlp(width=64, depth=3, **options), team, capability, monkeypatch, **run)
    assert not re.search(FLUSHED, text)
    (tmp_path / "kernel.ptx").write_text(text)
    target = f"-arch=sm_{capability[0]}{capability[1]}"
    command = [ptxas(), "-v", "-O3", target, str(tmp_path / "kernel.ptx"), "-o", str(tmp_path / "kernel.cubin")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stderr
    stack, registers = re.search(r"(\d+) bytes stack frame", said)[1], int(re.search(r"Used (\d+) registers", said)[1])
    if "inputs" not in run:
        assert stack == "0" and registers <= MOST_REGISTERS


@pytest.fixture
def of():
    return Twins({}, {}, {}).of


def pointers(text):
    """Numbers of the parameters that are pointers of x and y: the fifth of an array's seven."""
    return {4, 11} if "_param_13" in text else set()


def test_normals_are_those_of_the_cpu_bit_for_bit(of, monkeypatch):
    from numba import cuda

    normals, cpu = of(box_muller), for_python(box_muller)

    def kernel(x, y):
        i = cuda.threadIdx.x
        y[2 * i], y[2 * i + 1] = normals(x[2 * i], x[2 * i + 1])

    words = np.random.default_rng(1).integers(0, 2**32, (2, COUNT), dtype=np.uint32)
    text = compiled(kernel, "void(uint32[::1], float32[::1])", (9, 0), monkeypatch)
    found = ptx.run(text, words, pointers(text))
    expected = np.array([cpu(*pair) for pair in words.T], np.float32)
    assert np.array_equal(found[0], expected[:, 0]) and np.array_equal(found[1], expected[:, 1])


@pytest.mark.parametrize("name, most", [("tanh", 0), ("sigmoid", 0), ("silu", 0), ("gelu", 3), ("erf", 3), ("softplus", 3)])
def test_functions_are_those_of_the_cpu(name, most, of, monkeypatch):
    from numba import cuda

    entry, a = find_activation(name)
    phi, cpu, a = of(entry.phi), for_python(entry.phi), np.float32(a)

    @on_device
    def one(h):
        return phi(h, a)

    def kernel(x, y):
        i = cuda.threadIdx.x
        y[i] = one(x[i])

    x = (2 * np.random.default_rng(1).standard_normal(COUNT)).astype(np.float32)
    text = compiled(kernel, "void(float32[::1], float32[::1])", (9, 0), monkeypatch)
    found = np.broadcast_to(ptx.run(text, [x], pointers(text))[0], x.shape)
    expected = np.array([cpu(h, a) for h in x], np.float32)
    gaps = np.abs(found.view(np.int32).astype(np.int64) - expected.view(np.int32))
    assert gaps[np.abs(expected) > 1e-3].max() <= most
