"""The command line, in process (main) and as a process."""

import os
import subprocess
import sys
import time

import pytest
import xarray

import gradsim
from gradsim.cli import main

SMALL = ["--width", "4", "--depth", "3", "--replicas", "8"]


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


def test_run_prints_a_verdict_and_writes_file_and_picture(tmp_path, capsys):
    out, plot = tmp_path / "a.h5", tmp_path / "a.png"
    assert call("run", *SMALL, "--activation", "tanh", "--out", out, "--plot", plot) == 0
    assert "verdict" in capsys.readouterr().out and plot.read_bytes()[:4] == b"\x89PNG"
    curves = gradsim.open(out)[0]
    again = gradsim.simulate(gradsim.mlp(width=4, depth=3, activation="tanh"), 8)
    assert curves["gradient_log_mean"].tobytes() == again["gradient_log_mean"].tobytes()
    assert call("run", *SMALL, "--out", out) == 2
    assert call("run", *SMALL, "--out", out, "--overwrite", "--width", "3,4", "--depth", 2) == 0
    assert gradsim.open(out)[0].network.widths == (3, 4)


def test_textbook_product_of_tenths(tmp_path):
    out = tmp_path / "tenths.h5"
    arguments = ["--width", 1, "--depth", 6, "--init", "constant(0.1)", "--activation", "linear", "--replicas", 2]
    assert call("run", *arguments, "--out", out) == 0
    curves = gradsim.open(out)[0]
    assert curves.verdict.decades == pytest.approx(-5, abs=1e-6) and curves.verdict.word == "vanishing"


BAD = [
    (["--activation", "rleu"], "did you mean relu"),
    (["--init", "xavier_norml"], "did you mean xavier_normal"),
    (["--init", "normal(0,-1)"], "std >= 0"),
    (["--init", "uniform(1,-1)"], "min <= max"),
    (["--init", "constant(nan)"], "not finite"),
    (["--width", "0"], "--width"),
    (["--width", "-3"], "--width"),
    (["--width", "4,0", "--depth", "2"], "--width"),
    (["--width", "x"], "--width"),
    (["--depth", "0"], "--depth"),
    (["--replicas", "0"], "--replicas"),
    (["--inputs", "0"], "--inputs"),
    (["--seed", "-1"], "--seed"),
    (["--outputs", "0"], "--outputs"),
    (["--input-width", "0"], "--input-width"),
    (["--weight-gain", "nan"], "--weight-gain"),
    (["--weight-gain", "inf"], "--weight-gain"),
    (["--bias-std", "-1"], "--bias-std"),
    (["--engine", "dens"], "did you mean dense"),
    (["--engine", "matrix_free", "--init", "he_uniform"], "uniform weights is not"),
    (["--engine", "matrix_free", "--arithmetic", "float32"], "float32 arithmetic"),
    (["--threads", "0"], "--threads"),
    (["--wdith", "4"], "--wdith"),
    (["--out", "/nowhere/a.h5"], "--out"),
    (["--out", "."], "--out"),
    (["--plot", "a.xyz"], "--plot"),
    (["--plot", "/nowhere/a.png"], "--plot"),
]


@pytest.mark.parametrize("arguments, words", BAD, ids=[" ".join(a) for a, _ in BAD])
def test_bad_requests_are_one_line_and_write_nothing(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gradsim.simulation.chunks.run_chunk", None)  # found out before computing
    rest = [] if "--out" in arguments else ["--out", "a.h5"]
    assert call("run", *arguments, *rest) == 2
    printed = capsys.readouterr()
    assert words in printed.err and printed.err.count("\n") == 1 and printed.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "toml, words",
    [
        ("widht = 4", "did you mean width"),
        ("width = []", "empty"),
        ("width = 4\ndepth = [2, 0]", "gradsim: depth: "),
        ("replicas = 'many'", "gradsim: replicas: "),
        ("activation = 3", "gradsim: activation: "),
        ("width =", "not TOML"),
    ],
)
def test_bad_grids(toml, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text(toml)
    assert call("sweep", "grid.toml") == 2
    printed = capsys.readouterr().err
    assert words in printed and printed.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["grid.toml"]


def test_other_commands_refuse_in_one_line(tmp_path, capsys):
    for arguments, words in (
        (["swep"], "did you mean sweep"),
        (["sweep", "clasic"], "classic"),
        (["plot", tmp_path / "no.h5"], "no such file"),
        (["list", "activation"], "did you mean activations"),
        (["plot"], "Missing argument"),
    ):
        assert call(*arguments) == 2
        printed = capsys.readouterr().err
        assert words in printed and printed.count("\n") == 1


def test_sweep_and_plot(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text(
        'activation = ["tanh", "relu"]\nwidth = [4, [3, 5]]\nbias-std = 0.1\ndepth = 2\nreplicas = 5\n'
    )
    assert call("sweep", "grid.toml") == 0
    assert capsys.readouterr().out.count("\ntanh") == 4  # two rows and their sentences
    with xarray.open_dataset("grid.h5") as dataset:
        assert dataset.sizes["cell"] == 4 and dataset["width"].values.tolist() == [4, 5, 4, 5]
    assert call("plot", "grid.h5", "--quantity", "activation") == 0
    assert (tmp_path / "grid.png").stat().st_size > 10_000
    assert call("plot", "grid.h5") == 2  # the picture exists
    assert call("plot", "grid.h5", "--overwrite", "--quantity", "gradients") == 2
    assert "did you mean gradient" in capsys.readouterr().err


def test_list_and_warmup(capsys):
    assert call("list", "activations") == 0 and "leaky_relu(a)" in capsys.readouterr().out
    assert call("list", "initializers") == 0 and "kaiming_normal" in capsys.readouterr().out
    assert call("list", "quantities") == 0 and all(name in capsys.readouterr().out for name in ["dead_fraction"])
    assert call("warmup") == 0 and "ready" in capsys.readouterr().out


def process(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "gradsim", *arguments], capture_output=True, text=True, **more)


def test_as_a_process(tmp_path):
    start = time.monotonic()
    done = process("--help")
    assert done.returncode == 0 and "Usage: gradsim" in done.stdout
    assert time.monotonic() - start < 3  # 0.3 s is measured by scripts/verify.py, on a quiet machine
    done = process("run", *SMALL, "--out", "a.h5", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "" and (tmp_path / "a.h5").exists()
    assert process("run", "--width", "0").returncode == 2


def test_the_first_compilation_is_announced(tmp_path):
    script = "import numba; from gradsim.telling import compilation_notice\n"
    script += "from gradsim.kernels.compilation import entry_point\n"
    script += "with compilation_notice():\n    numba.njit(lambda x: x + 1)(1)\n    print('the user\\'s own is none')\n"
    script += "    entry_point(lambda x: x + 1)(1)\n    entry_point(lambda x: x + 2)(1)\n"
    together = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run([sys.executable, "-u", "-c", script], **together, env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)})
    own, notice, *rest = done.stdout.splitlines()
    assert own.startswith("the user") and notice.startswith("compiling the kernels, once") and not rest


def test_importing_gradsim_loads_neither_numba_nor_hdf5():
    script = "import sys, gradsim, gradsim.cli; print([m for m in ('numba', 'h5py', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
