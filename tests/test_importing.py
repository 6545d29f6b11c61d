"""Users' functions by name: imported when they are typed, never because a file names them, and never in another's stead."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

import gradsim
from gradsim.model.activations import find_activation
from gradsim.model.stored import from_json

RAMP = """
import pathlib
pathlib.Path("imported").touch()

def ramp(h):
    return min(max(h, -2.0), 3.0)

def ramp_derivative(h):
    return 1.0 if -2.0 < h < 3.0 else 0.0
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


def planted(name):
    """A file of results whose JSON names the function `name`."""
    curves = gradsim.simulate(gradsim.mlp(width=3, depth=2), 5)
    curves.save("planted.h5", overwrite=True)
    with h5py.File("planted.h5", "r+") as file:
        request = json.loads(file["request"].asstr()[0])
        request["network"]["activation"] = name
        file["request"][0] = json.dumps(request)
    return request["network"]


def test_a_file_never_causes_an_import(folder):
    (folder / "evil_ramp.py").write_text(RAMP)
    network = from_json(planted("evil_ramp:ramp"))
    for use in (
        lambda: find_activation("evil_ramp:ramp"),
        lambda: gradsim.simulate(network, 5),
        lambda: gradsim.theory.mean_field(network),
        lambda: gradsim.theory.critical_point("evil_ramp:ramp"),
    ):
        with pytest.raises(gradsim.RequestError, match="'evil_ramp:ramp' is not known to this process"):
            use()
    assert not (folder / "imported").exists() and "evil_ramp" not in sys.modules


def test_plot_with_theory_says_what_is_missing_and_takes_it(folder):
    (folder / "plot_ramp.py").write_text(RAMP)
    network = gradsim.mlp(width=3, depth=2, activation="plot_ramp:ramp")
    gradsim.simulate(network, 20).save("r.h5")
    (folder / "imported").unlink()

    def plot(*more):
        command = [sys.executable, "-m", "gradsim", "plot", "r.h5", "--theory", *more]
        return subprocess.run(command, capture_output=True, text=True)

    done = plot()
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and not (folder / "imported").exists()
    assert "'plot_ramp:ramp' is not known" in done.stderr and "--activation module:function" in done.stderr
    done = plot("--activation", "plot_ramp:ramp")
    assert done.returncode == 0 and (folder / "r.png").exists(), done.stderr


def test_all_missing_functions_are_named(folder):
    networks = [from_json(planted(name)) for name in ("one:f", "two:f")]
    curves = [gradsim.simulate(gradsim.mlp(width=3, depth=2), 5) for _ in networks]
    both = gradsim.CurveSet(
        [type(c)(n, c.run, c.quantiles, c.quantile_method, c.variables) for n, c in zip(networks, curves, strict=True)]
    )
    with pytest.raises(gradsim.RequestError, match="functions 'one:f', 'two:f' are not known"):
        both.with_theory()


def test_the_path_is_as_it_was(folder):
    (folder / "pathless.py").write_text("import sys\nsys.path.insert(0, '/nowhere')\n" + RAMP)
    before = list(sys.path)
    assert gradsim.mlp(width=3, depth=2, activation=" pathless:ramp ").activation == "pathless:ramp"
    assert sys.path == before


def test_a_file_of_the_folder_does_not_shadow_pythons_own(folder):
    """The module imports `colorsys`, of which there is a file that must not be taken."""
    (folder / "colorsys.py").write_text("raise SystemExit('shadowed')\n")
    sys.modules.pop("colorsys", None)
    (folder / "uses_colorsys.py").write_text("import colorsys\ncolorsys.rgb_to_hsv\n" + RAMP)
    assert gradsim.mlp(width=3, depth=2, activation="uses_colorsys:ramp").depth == 2


@pytest.mark.parametrize(
    "name, source, words",
    [
        ("statistics", RAMP, "'statistics' is a module of Python itself, and"),
        ("click", RAMP, "two modules are called 'click'"),
        ("leaves", "import sys\nsys.exit(3)\n", "cannot import 'leaves': SystemExit: 3"),
        ("broken", "def f(:\n", "cannot import 'broken': SyntaxError"),
        ("raises", "raise OSError('a\\nb')\n", "cannot import 'raises': OSError: a b"),
        ("lonely", "def ramp(h):\n    return h\n", "needs its derivative beside it, ramp_derivative"),
        ("lacking", "", "has no 'ramp'"),
    ],
)
def test_what_cannot_be_imported_is_one_line(folder, name, source, words):
    (folder / f"{name}.py").write_text(source)
    before = list(sys.path)
    with pytest.raises(gradsim.RequestError, match=words) as error:
        gradsim.mlp(width=3, depth=2, activation=f"{name}:ramp")
    assert "\n" not in str(error.value) and sys.path == before
    if words.endswith(("itself, and", "'click'", "'ramp'")):
        assert f"{name}.py" in str(error.value)


@pytest.mark.parametrize("text", [":f", "no_such_module_here:f", ".relative:f", "a b:f", "math:", "numpy:sin", "math:pi"])
def test_odd_names_are_one_line(folder, text):
    with pytest.raises(gradsim.RequestError, match=r"^activation: ") as error:
        gradsim.mlp(width=3, depth=2, activation=text)
    assert "\n" not in str(error.value)


def test_functions_given_in_python_need_no_module(folder):
    gradsim.activation("given_here", lambda h: 2.0 * h, lambda h: 2.0)
    curves = gradsim.simulate(gradsim.mlp(width=3, depth=2, activation="given_here"), 5)
    curves.save("g.h5")
    again = gradsim.open("g.h5")[0].with_theory()
    assert np.isfinite(again["mean_field_gradient_log_mean"][1:]).all()
