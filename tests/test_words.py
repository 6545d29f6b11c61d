"""Numbers and lists as users have them, and errors in the words of whoever asked: arguments, keys of a file, or options."""

import json
import pickle

import numpy as np
import pytest

import gradsim
from gradsim.cli import main
from gradsim.errors import RequestError, as_keys, in_place_of
from gradsim.model.options import NETWORK, OPTIONS, Flag
from gradsim.model.request import checked
from gradsim.sweep import Precision, read_plan

BAD = {
    "activation": "tahn",
    "init": "he_norml",
    "width": 0,
    "depth": 0,
    "weight_gain": "x",
    "bias": "zeroes",
    "bias_std": -1,
    "input_width": 0,
    "outputs": 0,
    "block": "plan",
    "norm": "group",
    "block_depth": 0,
    "residual_scale": "x",
    "dropout": 2,
    "final_norm": 3,
    "first_init": "he_norml",
    "last_init": "he_norml",
    "last_gain": "x",
    "last_activation": "tahn",
    "layers": "x",
    "replicas": 0,
    "seed": -1,
    "inputs": 0,
    "input_correlation": 3,
    "input_file": "nothing.npy",
    "target_file": "nothing.npy",
    "loss": "x",
    "probe": "x",
    "arithmetic": "x",
    "engine": "x",
    "stream": "",
    "keep_samples": 3,
    "histograms": -1,
    "threads": 0,
}
PLAIN = {  # of every option that takes a number, a list, a bool or a text: the same in NumPy
    "activation": ("leaky_relu(0.1)", np.str_("leaky_relu(0.1)"), np.array("leaky_relu(0.1)")),
    "init": ("he_uniform", np.str_("he_uniform"), np.array("he_uniform")),
    "width": (3, np.int64(3), np.array(3), np.uint8(3), np.float32(3)),
    "depth": (2, np.int32(2), np.array(2), np.float64(2)),
    "weight_gain": (float(np.float32(0.1)), np.float32(0.1), np.array(0.1, np.float32)),
    "bias": ("normal(0.5)", np.str_("normal(0.5)"), np.array("normal(0.5)")),
    "bias_std": (0.5, np.float16(0.5), np.array(0.5)),
    "input_width": (4, np.int64(4), np.array(4)),
    "outputs": (2, np.int64(2), np.array(2)),
    "block": ("rezero", np.str_("rezero"), np.array("rezero")),
    "dropout": (0.25, np.float32(0.25), np.array(0.25)),
    "last_gain": (2.0, np.int8(2), np.array(2)),
    "last_activation": ("tanh", np.str_("tanh"), np.array("tanh")),
    "replicas": (7, np.int64(7), np.array(7)),
    "seed": (2**63, np.uint64(2**63), np.array(2**63, np.uint64)),
    "inputs": (2, np.int64(2), np.array(2.0)),
    "input_correlation": (0.5, np.float32(0.5), np.array(0.5)),
    "loss": ("mse", np.str_("mse"), np.array("mse")),
    "stream": ("shared", np.str_("shared"), np.array("shared")),
    "keep_samples": (True, np.True_, np.array(True)),
    "histograms": (2, np.int64(2), np.array(2.0)),
    "threads": (1, np.int64(1), np.array(1)),
}


def asked(name, value):
    """An option, given where Python takes it."""
    if name in NETWORK:
        return gradsim.mlp(**{"width": 3, "depth": 2} | {name: value})
    return gradsim.simulate(gradsim.mlp(width=3, depth=2), **{name: value})


def test_every_option_has_a_bad_value_here():
    assert set(BAD) == set(OPTIONS)


@pytest.mark.parametrize("name", BAD)
def test_python_is_told_the_argument(name):
    with pytest.raises(RequestError) as error:
        asked(name, BAD[name])
    assert str(error.value).startswith(f"{name}: ") and "--" not in str(error.value)
    assert error.value.typed.startswith(f"{OPTIONS[name].flag}: ")


@pytest.mark.parametrize("name", [name for name in BAD if not isinstance(OPTIONS[name].kind, Flag)])
def test_the_command_line_is_told_the_option(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["run", "--width", "3", "--depth", "2", f"{OPTIONS[name].flag}={BAD[name]}"])
    assert end.value.code == 2 and capsys.readouterr().err.startswith(f"gradsim: {OPTIONS[name].flag}: ")


@pytest.mark.parametrize("name", [name for name in BAD if OPTIONS[name].in_grids])
def test_a_file_of_options_is_told_the_key(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"width": 3, "depth": 2} | {name: BAD[name]}
    (tmp_path / "grid.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items()))
    with pytest.raises(SystemExit) as end:
        main(["sweep", "grid.toml", "--replicas", "3"] if name == "width" else ["sweep", "grid.toml"])
    assert end.value.code == 2 and capsys.readouterr().err.startswith(f"gradsim: {name}: ")


@pytest.mark.parametrize(
    "text, argument, typed",
    [
        ("--weight-gain: 3", "weight_gain: 3", "--weight-gain: 3"),
        ("--a: '--b c' is not \"--d\"", "a: '--b c' is not \"--d\"", "--a: '--b c' is not \"--d\""),
        ("the network's --inputs, or the networks' --seed", "the network's inputs, or the networks' seed", None),
        ("give --engine=auto, or --inputs=2", 'give engine="auto", or inputs=2', "give --engine auto, or --inputs 2"),
        ("with --bias=uniform(-1,0.5); --x", 'with bias="uniform(-1,0.5)"; x', "with --bias uniform(-1,0.5); --x"),
        ("with --overwrite=True", "with overwrite=True", "with --overwrite"),
        ("gradsim plot --activation module:f", "gradsim plot --activation module:f", "gradsim plot --activation module:f"),
        ("a--b ---c 1--d", "a--b ---c 1--d", "a--b ---c 1--d"),
    ],
)
def test_options_in_a_text(text, argument, typed):
    error = RequestError(text)
    assert (str(error), error.typed) == (argument, text if typed is None else typed)
    with pytest.raises(RequestError) as other, as_keys():
        raise error
    assert str(other.value) == other.value.typed == argument
    assert pickle.loads(pickle.dumps(error)).typed == error.typed


def test_one_option_in_the_place_of_another():
    with pytest.raises(RequestError) as error, in_place_of("--init", "--last-init"):
        raise RequestError("--init: 'x' is none; see --seed")
    assert str(error.value) == "last_init: 'x' is none; see seed" and error.value.typed.endswith("see --seed")


@pytest.mark.parametrize("name", PLAIN)
def test_numpy_has_the_identity_of_plain_values(name):
    expected, *others = PLAIN[name]
    more = {} if name not in ("last_gain", "last_activation") else {"outputs": 2}
    for other in others:
        if name in NETWORK:
            made = [gradsim.mlp(**{"width": 3, "depth": 2} | more | {name: value}).to_json() for value in (expected, other)]
        else:
            made = [checked(**({"inputs": 3} if name == "input_correlation" else {}) | {name: v}) for v in (expected, other)]
            assert type(made[1][name]) is type(made[0][name])
        assert made[0] == made[1]


def test_parts_take_numpy_too():
    parts = [
        gradsim.Linear(np.int64(4), np.str_("he_normal"), np.float32(0.1), np.array("zeros")),
        gradsim.Residual(np.array([gradsim.Activation(np.str_("relu"))], object), np.float64(0.5)),
        gradsim.Repeat((gradsim.Linear(), gradsim.LayerNorm(np.float32(0.5)), gradsim.Dropout(np.array(0.25))), np.int8(2)),
    ]
    plain = [
        gradsim.Linear(4, "he_normal", float(np.float32(0.1)), "zeros"),
        gradsim.Residual([gradsim.Activation("relu")], 0.5),
        gradsim.Repeat([gradsim.Linear(), gradsim.LayerNorm(0.5), gradsim.Dropout(0.25)], 2),
    ]
    assert gradsim.network(parts, np.int64(4)).to_json() == gradsim.network(plain, 4).to_json()


def test_a_grid_of_numpy_values_is_the_grid_of_plain_ones():
    numpy = {
        "width": np.array([2, 3]),
        "depth": np.int64(2),
        "replicas": np.array(4),
        "weight_gain": np.linspace(0.5, 2, 3),
        "dropout": (np.float32(0.1), 0),
        "activation": np.array(["relu", "tanh"]),
        "final_norm": np.False_,
        "exclude": ({"weight_gain": {"from": np.float64(2)}}, {"width": np.array([3]), "activation": ("tanh",)}),
        "shard": (np.int64(1), 2),
    }
    plain = {
        "width": [2, 3],
        "depth": 2,
        "replicas": 4,
        "weight_gain": [0.5, 1.25, 2.0],
        "dropout": [float(np.float32(0.1)), 0.0],
        "activation": ["relu", "tanh"],
        "final_norm": False,
        "exclude": [{"weight_gain": {"from": 2.0}}, {"width": [3], "activation": ["tanh"]}],
        "shard": "1/2",
    }
    plans = [read_plan(numpy), read_plan(plain)]
    assert plans[0].identities == plans[1].identities and len(plans[0]) == 6
    assert json.dumps(plans[0].request) == json.dumps(plans[1].request)
    assert read_plan({"width": (2, 3), "weight_gain": 1}).cells[0].network_and_run()[0].widths == (
        2,
        3,
    )  # one network's, as ever


@pytest.mark.parametrize("value", [True, np.True_, np.array(True), np.array([1.0]), np.ma.masked, "1", np.str_("1"), 1j])
def test_no_number_stays_none(value):
    for name in ("weight_gain", "depth", "dropout"):
        with pytest.raises(RequestError, match=f"^{name}: "):
            gradsim.mlp(width=3, **{name: value})


def test_theory_precision_and_choosing_take_numpy():
    network = gradsim.mlp(width=3, depth=2, activation="tanh")
    theory = gradsim.theory.mean_field(network, inputs=np.int64(2), input_correlation=np.array(0.5), input_square=np.float32(1))
    expected = gradsim.theory.mean_field(network, inputs=2, input_correlation=0.5)
    assert theory["gradient_log_mean"].tobytes() == expected["gradient_log_mean"].tobytes()
    fixed = gradsim.theory.fixed_point("tanh", weight_std=np.array(1.5), bias_std=np.float32(0.5))
    assert fixed == gradsim.theory.fixed_point("tanh", weight_std=1.5, bias_std=0.5) and type(fixed.weight_std) is float
    assert Precision(np.float32(0.5), np.array(["loss"]), np.int64(9)) == Precision(0.5, ("loss",), 9)
    found = gradsim.sweep.run(
        {"width": 2, "depth": 2, "replicas": 2, "activation": "tanh", "weight_gain": np.array([0.5, 1.0, 2.0])}
    )
    for wanted in (np.float64(0.5), np.array(0.5), np.array([0.5]), (np.float32(0.5),), slice(None, np.float64(0.5))):
        assert [curves.network.weight_gain for curves in found.select(weight_gain=wanted)] == [0.5]
    assert found[np.int64(1)].quantile("gradient", np.array(0.5)).shape == (3,)
    assert len(found.plot(x="weight_gain", at=np.int64(1), panels=np.array(["weight_gain"])[:0]).axes) == 1
