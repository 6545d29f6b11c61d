"""Users' functions that raise, never end or leave the floats: the function, the h and what happened, in one line."""

import math
import re
import time

import numpy as np
import pytest

import gradsim

NAIVE = {  # name: (f, df, gain of the weights, what is said)
    "softplus": (
        lambda h: np.log(1 + np.exp(h)),
        lambda h: 1 / (1 + np.exp(-h)),
        40.0,
        r"f\(h\) is not finite from h = 709.8 on: the formula overflows there",
    ),
    "tanh": (
        lambda h: (np.exp(h) - np.exp(-h)) / (np.exp(h) + np.exp(-h)),
        lambda h: 1 - np.tanh(h) ** 2,
        400.0,
        r"f\(h\) is not finite from h = 709.8 on and from h = -709.8 down: the formula overflows there",
    ),
    "silu": (
        lambda h: h / (1 + np.exp(-h)),
        lambda h: (1 + np.exp(-h) * (1 + h)) / (1 + np.exp(-h)) ** 2,
        4000.0,
        r"df\(h\) is not finite from h = -703.2 down",
    ),
}


def simulated(name, gain, **options):
    network = gradsim.mlp(width=64, depth=20, activation=name, weight_gain=gain)
    return gradsim.simulate(network, 20, stream="same", **options)


@pytest.mark.parametrize("arithmetic", ["carried", "float32"])
@pytest.mark.parametrize("name", NAIVE)
def test_a_formula_that_overflows_is_named_with_its_h(name, arithmetic):
    f, df, gain, words = NAIVE[name]
    gradsim.activation(f"naive_{name}", f, df)
    runs = [simulated(f"naive_{name}", gain, arithmetic=arithmetic, threads=n).run for n in (1, None)]
    assert runs[0] == runs[1]  # whatever the threads
    assert runs[0]["activation_fault"].startswith(f"naive_{name}: ")

    assert re.search(words, runs[0]["activation_fault"]) and "not the network" in runs[0]["activation_fault"]


def test_nothing_is_said_where_the_formula_held(tmp_path):
    gradsim.activation("naive_again", *NAIVE["softplus"][:2])
    assert "activation_fault" in simulated("naive_again", 40.0).run
    curves = simulated("naive_again", 1.0)  # what an earlier run noted is not said again
    assert "activation_fault" not in curves.run
    assert "activation_fault" not in simulated("softplus", 40.0).run
    faulty = simulated("naive_again", 40.0)
    faulty.save(tmp_path / "a.h5")
    assert gradsim.open(tmp_path / "a.h5")[0].run["activation_fault"] == faulty.run["activation_fault"]


def test_a_hole_between_the_points_of_the_grid_is_not_called_an_overflow():
    gradsim.activation("holey", lambda h: h if abs(h - 1.5) > 0.02 else math.nan, lambda h: 1.0)
    assert "from h = 1.48 on: the formula is not defined there" in simulated("holey", 1.0).run["activation_fault"]


def _raises(h):
    if h > 30:
        raise ValueError(f"too large:\n{h}")
    return h


def _raises_late(h):
    if h > 1e6:
        raise ZeroDivisionError("late")
    return h


def _raises_in_a_gap(h):
    if 29.5 < h < 31.0:  # the grid has 29.1 and 31.1
        raise IndexError("odd")
    return h


def _loops(h):
    x = h
    while x > 30.0:
        x = x + 1.0 if x < 1e9 else h
    return h


def test_a_function_that_raises_anywhere_is_refused_when_it_is_given():
    for f, words in (
        (_raises, r"f\(31.1\d+\) raises ValueError: too large: 31"),
        (_raises_late, r"raises ZeroDivisionError: late"),
    ):
        with pytest.raises(gradsim.RequestError, match=words) as error:
            gradsim.activation("raising", f, lambda h: 1.0)
        assert "\n" not in str(error.value)
    with pytest.raises(gradsim.RequestError, match=r"df\(31.1\d+\) raises ValueError"):
        gradsim.activation("raising", lambda h: h * h / 2, _raises)
    with pytest.raises(gradsim.RequestError, match="unknown name 'raising'"):
        gradsim.mlp(activation="raising")


def test_a_function_that_raises_between_the_points_stops_the_run(capfd):
    gradsim.activation("gap", _raises_in_a_gap, lambda h: 1.0)
    with pytest.raises(gradsim.RequestError, match=r"activation 'gap': f\((29.[5-9]|30.)\d+\) raises IndexError: odd"):
        simulated("gap", 3.0)
    assert capfd.readouterr() == ("", "")  # Numba would have printed a traceback a number


def test_a_function_that_never_ends_is_refused_in_time(monkeypatch):
    monkeypatch.setattr("gradsim.model.activations.custom.SECONDS", 0.5)
    start = time.monotonic()
    with pytest.raises(gradsim.RequestError, match=r"f\(31.1\d+\) does not come to an end \(0.5 s\)"):
        gradsim.activation("endless", _loops, lambda h: 1.0)
    assert time.monotonic() - start < 30  # of which compilation takes most


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((None, math.sin, math.cos), "None is not a free name"),
        (("a b", math.sin, math.cos), "is not a free name"),
        (("relu_", math.sin, math.cos), "is not a free name"),
        (("f_1", None, math.cos), "f is None, not a function"),
        (("f_1", math.sin, None), "df is None, not a function"),
        (("f_1", lambda: 1.0, math.cos), "Numba cannot compile f"),
        (("f_1", lambda a, b: a, math.cos), "Numba cannot compile f"),
        (("f_1", lambda h: None, math.cos), "Numba cannot compile f"),
        (("f_1", lambda h: [h], math.cos), "Numba cannot compile f"),
        (("f_1", lambda h: 1j * h, math.cos), "Numba cannot compile f"),
        (("f_1", lambda h: print(f"{h}", sep=object()), math.cos), "Numba cannot compile f"),
        (("f_1", int, math.cos), "df is not the derivative"),
        (("f_1", lambda h: h * math.log(abs(h)) if h else math.nan, lambda h: 1.0), r"f\(0\) is not finite"),
        (("f_1", math.sin, math.cos, 3), "kinks are a list of finite numbers, not 3"),
        (("f_1", math.sin, math.cos, ["x"]), "kinks are a list"),
        (("f_1", math.sin, math.cos, [10**400]), "kinks are a list"),
        (("f_1", math.sin, math.cos, [math.nan]), "kinks are a list"),
    ],
)
def test_bad_arguments_are_one_line(arguments, words):
    with pytest.raises(gradsim.RequestError, match=words) as error:
        gradsim.activation(*arguments)
    assert "\n" not in str(error.value)


def test_the_command_line_says_it_and_writes_nothing(tmp_path, monkeypatch, capfd):
    from gradsim.cli import main

    (tmp_path / "raising_module.py").write_text(
        "def f(h):\n    if h > 30:\n        raise ValueError('too large')\n    return h\n\n"
        "def f_derivative(h):\n    return 1.0\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    with pytest.raises(SystemExit) as exit:
        main(["run", "--activation", "raising_module:f", "--width", "8", "--depth", "3", "--replicas", "5", "--out", "r.h5"])
    printed = capfd.readouterr()
    assert exit.value.code == 2 and printed.err.count("\n") == 1 and "raises ValueError: too large" in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["raising_module.py"]
