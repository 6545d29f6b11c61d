"""What is said where there is no GPU, no driver, no toolkit or nothing at all; and that nothing else breaks of it."""

import importlib.abc
import subprocess
import sys

import numba
import pytest

import gradsim
from gradsim.cuda import seam
from gradsim.errors import RequestError

HERE = seam.missing() is None


@pytest.fixture
def installation(monkeypatch):
    """Has numba.cuda load as a function says, as if numba-cuda were there."""

    def install(load):
        class Finder(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                return load() if name == "numba.cuda" else None

        for name in [name for name in sys.modules if name == "numba.cuda" or name.startswith("numba.cuda.")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(numba, "cuda", raising=False)
        monkeypatch.setattr(seam, "find_spec", lambda name: name)
        monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
        forget()

    def forget():
        seam._cuda.cache_clear()
        seam.missing.cache_clear()

    yield install
    forget()


def test_a_toolkit_that_is_missing_is_one_line(installation):
    def broken():
        raise RuntimeError("libnvvm\n is not there")

    installation(broken)
    reason = seam.missing()
    assert "toolkit" in reason and "libnvvm is not there" in reason and seam.INSTALL in reason
    with pytest.raises(RequestError, match="libnvvm is not there") as caught:
        seam.require_device()
    assert "\n" not in str(caught.value)


class Fake:
    """numba.cuda as it is where no device is to be had."""

    def __init__(self, gpus):
        self._gpus = gpus

    def is_available(self):
        return False

    @property
    def gpus(self):
        if isinstance(self._gpus, Exception):
            raise self._gpus
        return self._gpus


@pytest.mark.parametrize(
    "gpus, words",
    [
        (RuntimeError("libcuda.so cannot be found"), "no NVIDIA driver"),
        (RuntimeError("CUDA_ERROR_NO_DEVICE"), "finds no GPU"),
        ([], "finds no GPU"),
        ([0], "driver is too old"),
    ],
)
def test_it_is_said_whether_a_driver_or_a_gpu_is_missing(gpus, words):
    assert words in seam._no_device(Fake(gpus))


@pytest.mark.skipif(HERE, reason="there is a GPU, or its simulator")
def test_a_run_without_a_gpu_is_one_clear_line():
    with pytest.raises(RequestError, match=r'cuda cannot run here: .*; engine="auto" runs on the CPU'):
        gradsim.simulate(gradsim.mlp(width=4, depth=1), replicas=1, engine="cuda")
    command = [sys.executable, "-m", "gradsim", "run", "--engine", "cuda", "--width", "4", "--depth", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert "--engine: cuda cannot run here" in done.stderr and "--engine auto" in done.stderr


@pytest.mark.skipif(HERE, reason="there is a GPU, or its simulator")
def test_a_sweep_without_a_gpu_is_one_line_for_all_cells(tmp_path):
    options = {"engine": "cuda", "width": 4, "depth": 1, "weight_gain": [0.5, 1.0]}
    for more in ({}, {"out": tmp_path / "out.h5"}):
        with pytest.raises(RequestError, match=r"^engine: cuda cannot run here"):
            gradsim.sweep.run(options, **more)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(HERE, reason="there is a GPU, or its simulator")
def test_the_list_of_devices_says_why_it_is_empty():
    done = subprocess.run([sys.executable, "-m", "gradsim", "list", "devices"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.startswith("no GPU for --engine cuda: ") and done.stderr == ""


@pytest.mark.parametrize(
    "options, words",
    [
        ({"init": "xavier_uniform"}, "uniform weights"),
        ({"run": {"arithmetic": "float32"}}, "float32 arithmetic"),
    ],
)
def test_what_needs_a_matrix_is_refused(options, words):
    run = options.pop("run", {})
    with pytest.raises(RequestError, match=words):
        gradsim.simulate(gradsim.mlp(width=4, depth=1, **options), replicas=1, engine="cuda", **run)


def test_functions_of_users_are_refused():
    gradsim.activation("halved", lambda h: 0.5 * h, lambda h: 0.5)
    with pytest.raises(RequestError, match="'halved' is a function of your own"):
        gradsim.simulate(gradsim.mlp(width=4, depth=1, activation="halved"), replicas=1, engine="cuda")


def test_importing_the_engine_does_not_import_numba_cuda():
    program = "import gradsim.simulation.chunks, sys; sys.exit('numba.cuda' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=120).returncode == 0
