"""Activations that the user gives as Python functions."""

import math

import numpy as np
import pytest

import gradsim
from gradsim.kernels.interpreter import run_chunk
from gradsim.model.activations import find_activation


def curves(name, **options):
    network = gradsim.mlp(width=16, depth=6, activation=name, bias_std=0.2)
    return gradsim.simulate(network, 50, inputs=2, stream="same", **options)


@pytest.mark.parametrize(
    "name, f, df",
    [
        ("tanh", lambda h: math.tanh(h), lambda h: 1 / math.cosh(h) ** 2 if abs(h) < 300 else 0.0),
        ("softplus", lambda h: max(h, 0.0) + np.log1p(np.exp(-abs(h))), lambda h: 1 / (1 + np.exp(-h))),
        ("leaky_relu", lambda h: h if h > 0 else 0.01 * h, lambda h: 1.0 if h > 0 else 0.01),
        ("abs", lambda h: abs(h), lambda h: np.sign(h)),
        ("sin", math.sin, math.cos),
    ],
)
def test_a_given_function_is_as_good_as_the_table(name, f, df):
    """The same curves, to the rounding of float32, and the same behaviour at 0 and at infinity."""
    given = gradsim.activation(f"my_{name}", f, df)
    entry, _ = find_activation(name)
    np.testing.assert_allclose(given.slope_zero, entry.slope_zero, atol=1e-9)
    np.testing.assert_allclose(given.slope, entry.slope, atol=1e-9)
    assert given.value_zero == pytest.approx(entry.value_zero)
    known, mine = curves(name), curves(f"my_{name}")
    for variable in ("activation_log_mean", "gradient_log_mean", "correlation_mean", "dead_fraction_mean"):
        np.testing.assert_allclose(mine[variable], known[variable], rtol=3e-5, atol=3e-5)


def test_the_interpreter_is_not_compiled_again():
    curves("tanh")
    before = len(getattr(run_chunk, "signatures", ()))
    gradsim.activation("cubic", lambda h: h**3, lambda h: 3 * h**2)
    found = curves("cubic")
    assert len(getattr(run_chunk, "signatures", ())) == before
    assert np.isfinite(found["gradient_log_mean"][1:]).all()


def test_growth_without_an_asymptote_is_exact_in_float64_and_counted_beyond():
    """x_l = h^2 with h = x: the log doubles at each layer, until it leaves float64 at 700."""
    gradsim.activation("square", lambda h: h * h, lambda h: 2 * h)
    network = gradsim.mlp(width=1, depth=14, activation="square", init="constant(1)")
    found = gradsim.simulate(network, 30, keep_samples=True)
    logs = found["activation_log"]
    for layer in range(1, 14):
        inside = abs(logs[:, layer - 1]) < 600
        assert np.allclose(logs[inside, layer], 2 * logs[inside, layer - 1], rtol=1e-6, atol=1e-5)
    assert found["activation_nonfinite_count"][14] + found["activation_zero_count"][14] > 25


@pytest.mark.parametrize(
    "name, f, df, words",
    [
        ("wrong", lambda h: h * h, lambda h: h, "not the derivative"),
        ("text", lambda h: str(h), lambda h: 1.0, "Numba cannot compile f"),
        (["tanh"], math.tanh, lambda h: 1.0, "not a free name"),
        ("number", 3, lambda h: 1.0, "not a function of one number"),
        ("tanh", math.tanh, lambda h: 1.0, "not a free name"),
        ("log", lambda h: np.log(h), lambda h: 1 / h, "is not finite"),
    ],
)
def test_what_cannot_be_is_one_clear_line(name, f, df, words):
    with pytest.raises(gradsim.RequestError, match=words) as error:
        gradsim.activation(name, f, df)
    assert "\n" not in str(error.value)


MODULE = """
import numpy as np

def ramp(h):
    return min(max(h, -2.0), 3.0)

def ramp_derivative(h):
    return 1.0 if -2.0 < h < 3.0 else 0.0

def lonely(h):
    return h
"""


def test_from_a_module_on_the_command_line(tmp_path, monkeypatch, capsys):
    from gradsim.cli import main

    (tmp_path / "my_activations.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def run(activation):
        with pytest.raises(SystemExit) as exit:
            main(
                [
                    "run",
                    "--activation",
                    activation,
                    "--width",
                    "8",
                    "--depth",
                    "3",
                    "--replicas",
                    "10",
                    "--out",
                    "r.h5",
                    "--overwrite",
                ]
            )
        return exit.value.code, capsys.readouterr()

    code, text = run("my_activations:ramp")
    assert code == 0 and gradsim.open("r.h5")[0].network.activation == "my_activations:ramp"
    for name, words in (
        ("my_activations:lonely", "lonely_derivative"),
        ("my_activations:none", "has no 'none'"),
        ("no_such_module:f", "cannot import"),
    ):
        code, text = run(name)
        assert code == 2 and words in text.err and text.err.count("\n") == 1
