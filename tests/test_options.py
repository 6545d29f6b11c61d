"""One table of options: the command line, grids and Python read the same names, checks and defaults from it."""

import datetime
import inspect
import itertools
from fractions import Fraction

import numpy as np
import pytest

import gradsim
from gradsim.cli import run as run_command
from gradsim.errors import RequestError, shown, unknown
from gradsim.model.options import LARGEST_SEED, NETWORK, OPTIONS, RUN
from gradsim.sweep import read_plan

# Of every type that Python, TOML or a careless caller may give, and none that any option takes
WRONG = {
    "true": True,
    "date": datetime.date(2026, 1, 1),
    "time": datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC),
    "table": {"a": 1},
    "bytes": b"relu",
    "set": {1, 2},
    "nan": float("nan"),
    "infinity": float("inf"),
    "complex": 1j,
    "object": object(),
    "function": len,
    "huge": 10**5000,
    "negative": -(2**200),
    "empty text": "",
    "no text": "a\0b",
    "half a letter": "\ud800",
    "nested": [[[1]]],
    "numpy bool": np.True_,
    "type": int,
}
FINE = {
    ("keep_samples", "true"),
    ("keep_samples", "numpy bool"),
    ("weight_gain", "negative"),
    ("input_correlation", "negative"),
    ("residual_scale", "negative"),
    ("last_gain", "negative"),
    ("final_norm", "true"),
    ("final_norm", "numpy bool"),
}
FINE |= {(f, t) for f in ("input_file", "target_file") for t in ("empty text", "no text", "half a letter", "nested")}
CASES = [pair for pair in itertools.product(OPTIONS, WRONG) if pair not in FINE]


@pytest.mark.parametrize("name, what", CASES, ids=[f"{n}-{w}" for n, w in CASES])
def test_a_wrong_type_is_one_line_that_names_the_option(name, what):
    option = OPTIONS[name]
    with pytest.raises(RequestError) as error:
        option.check(WRONG[what])
    text = str(error.value)
    assert text.startswith(f"{option.name}: ") and "\n" not in text and len(text) < 300


@pytest.mark.parametrize("name", OPTIONS)
def test_none_is_allowed_where_it_means_something(name):
    option = OPTIONS[name]
    if option.unset is not None:
        assert option.check(None) is None and option.default is None
    else:
        with pytest.raises(RequestError, match=f"^{option.name}: (unknown name )?None"):
            option.check(None)
    assert option.check(option.default) == option.default


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), 3.0, np.float32(3.0), Fraction(3)])
def test_numbers_of_any_kind_become_plain_ones(value):
    found = OPTIONS["inputs"].check(value)
    assert found == 3 and type(found) is int
    found = OPTIONS["weight_gain"].check(value)
    assert found == 3.0 and type(found) is float


def test_widths_from_lists_tuples_ranges_and_arrays():
    for widths in ([3, 4], (3, 4), range(3, 5), np.array([3, 4])):
        assert gradsim.mlp(width=widths).widths == (3, 4)
    for widths in ([], [[3]], np.ones((2, 2)), [3, True], {3, 4}, "3,x", b"\x03"):
        with pytest.raises(RequestError, match=r"^width: "):
            gradsim.mlp(width=widths)


def test_the_seed_is_any_whole_number_of_128_bits_that_is_exact():
    for seed in (0, 2**70, LARGEST_SEED, 2.0**53):
        assert OPTIONS["seed"].check(seed) == int(seed)
    assert OPTIONS["seed"].read(str(10**30)) == 10**30
    for seed in (-1, LARGEST_SEED + 1, 0.5):
        with pytest.raises(RequestError, match="from 0 to 2\\^128 - 1"):
            OPTIONS["seed"].check(seed)
    with pytest.raises(RequestError, match="digit by digit"):
        OPTIONS["seed"].check(1e30)  # 1000000000000000019884624838656


def test_python_has_the_defaults_of_the_table():
    for function, table in ((gradsim.mlp, NETWORK), (gradsim.simulate, RUN)):
        parameters = inspect.signature(function).parameters
        for name, option in table.items():
            assert parameters[name].default == option.default
    assert not set(inspect.signature(gradsim.mlp).parameters) - set(NETWORK)
    assert set(inspect.signature(gradsim.simulate).parameters) - set(RUN) == {"network", "quantiles", "progress"}


def test_the_command_line_has_all_of_them():
    declared = {option.name: option for option in run_command.command.params}
    assert set(OPTIONS) <= set(declared)
    for name, option in OPTIONS.items():
        assert declared[name].opts == [option.flag] and option.help in declared[name].help
        if option.default not in (None, False):  # a flag's default is its absence
            assert declared[name].default == option.default


@pytest.mark.parametrize("name", OPTIONS)
def test_a_grid_checks_every_value_of_an_axis(name):
    option = OPTIONS[name]
    for value in ({"a": 1}, datetime.date(2026, 1, 1), [option.default, {"a": 1}]):
        with pytest.raises(RequestError) as error:
            read_plan({"depth": 2, "width": 3, name: value})
        assert str(error.value).startswith("sweep: unknown" if name == "threads" else f"{option.name}: ")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"loss": 3}, "^loss: unknown name 3; known"),
        ({"engine": None}, "^engine: unknown name None"),
        ({"loss": ["mse"]}, "^loss: "),
        ({"replicas": "10"}, "^replicas: '10' is not a whole number"),
        ({"seed": b"1"}, "^seed: "),
        ({"keep_samples": "no"}, "^keep_samples: 'no' is not true or false"),
        ({"stream": 5}, "^stream: 5 is not a text"),
        ({"input_file": 3}, "^input_file: 3 is neither the name of a file nor an array"),
        ({"threads": 1.5}, "^threads: 1.5"),
        ({"quantiles": 3}, "^quantiles: 3 are not"),
        ({"quantiles": "abc"}, "^quantiles: "),
        ({"quantiles": None}, "^quantiles: "),
        ({"quantiles": [0.5, "x"]}, "^quantiles: "),
        ({"progress": 3}, "^progress: 3 is not a function"),
    ],
)
def test_simulate_says_what_is_wrong(options, words):
    with pytest.raises(RequestError, match=words):
        gradsim.simulate(gradsim.mlp(width=2, depth=1), **{"replicas": 2} | options)


@pytest.mark.parametrize("network", ["relu", None, 3, {"width": 3}, gradsim.mlp])
def test_what_is_not_a_network_is_said(network):
    with pytest.raises(RequestError, match="is not a Network; make one with"):
        gradsim.simulate(network)


def test_values_are_shown_on_one_short_line():
    class Rude:
        def __repr__(self):
            raise RuntimeError

    assert shown(Rude()) == "a value of type Rude" and shown(10**5000) == "a value of type int"
    assert "\n" not in shown(np.ones((9, 9))) and len(shown("x" * 999)) == 80
    assert "did you mean mse?" in str(unknown("--loss", "MSEE", ("mse", "probe")))
    assert "known: mse, probe" in str(unknown("--loss", 3, ("mse", "probe")))
