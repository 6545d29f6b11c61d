"""Which layers are computed without their matrix, and what is said of it."""

import json
from pathlib import Path

import h5py
import pytest

import gradsim
from gradsim.errors import RequestError
from gradsim.kernels.interpreter import LINEAR_DENSE, LINEAR_GAUSSIAN, LINEAR_HAAR
from gradsim.model.network import mlp
from gradsim.program.engine import Layers
from gradsim.program.program import lower, nanoseconds

STEPS = Path(__file__).parents[1] / "bench" / "results" / "steps.json"


@pytest.mark.parametrize(
    "init, operation, used",
    [
        ("he_normal", LINEAR_GAUSSIAN, "matrix-free"),
        ("xavier_normal", LINEAR_GAUSSIAN, "matrix-free"),
        ("lecun_normal", LINEAR_GAUSSIAN, "matrix-free"),
        ("normal(0.5,2)", LINEAR_GAUSSIAN, "matrix-free"),
        ("constant(0.1)", LINEAR_GAUSSIAN, "matrix-free"),
        ("zeros", LINEAR_GAUSSIAN, "matrix-free"),
        ("orthogonal(2)", LINEAR_HAAR, "matrix-free"),
        ("identity", LINEAR_DENSE, "matrix-free"),
        ("he_uniform", LINEAR_DENSE, "dense"),
        ("he_truncated_normal", LINEAR_DENSE, "dense"),
        ("rademacher", LINEAR_DENSE, "dense"),
        ("sparse(3)", LINEAR_DENSE, "dense"),
        ("torch_default", LINEAR_DENSE, "dense"),
    ],
)
def test_auto_goes_without_wherever_that_is_exact(init, operation, used):
    network = mlp(width=256, depth=3, init=init)
    layers = Layers(network, "auto", 1)
    assert set(layers.operations) == {operation} and layers.used == used
    assert set(Layers(network, "dense", 1).operations) == {LINEAR_DENSE}
    if used == "dense":
        with pytest.raises(RequestError, match="engine: matrix_free is exact for normal and orthogonal weights"):
            Layers(network, "matrix_free", 1)
    else:
        assert Layers(network, "matrix_free", 1).operations == layers.operations


def test_auto_draws_matrices_where_that_is_cheaper_and_says_so():
    network = mlp(width=[512, 512, 40, 40, 40, 40], depth=6, init="he_normal")
    layers = Layers(network, "auto", 24)
    assert layers.used == "matrix-free (layers 1-2), dense, cheaper for 24 inputs (layers 3-6)"
    assert layers.nanoseconds <= min(Layers(network, engine, 24).nanoseconds for engine in ("dense", "matrix_free"))


def test_each_choice_is_the_cheaper_one():
    """By the clock, where the two differ several times over."""
    from time import perf_counter

    for inputs, expected in ((2, "matrix-free"), (256, "dense, cheaper for 256 inputs")):
        network, taken = mlp(width=256, depth=2, activation="tanh", init="lecun_normal"), {}
        for engine in ("matrix_free", "dense"):
            gradsim.simulate(network, 2, inputs=inputs, engine=engine)
            start = perf_counter()
            gradsim.simulate(network, 20, inputs=inputs, engine=engine)
            taken[engine] = perf_counter() - start
        assert Layers(network, "auto", inputs).used == expected
        cheaper, dearer = ("matrix_free", "dense") if inputs == 2 else ("dense", "matrix_free")
        assert taken[cheaper] < taken[dearer]


def test_plain_arithmetic_needs_the_weights():
    network = mlp(width=8, depth=2)
    assert Layers(network, "auto", 1, "float32").used == "dense"
    with pytest.raises(RequestError, match="float64 arithmetic rounds each product"):
        gradsim.simulate(network, 2, engine="matrix_free", arithmetic="float64")


def test_what_was_used_is_printed_and_stored(tmp_path):
    curves = gradsim.simulate(mlp(width=8, depth=2), 5)
    assert "linear layers: matrix-free." in gradsim.CurveSet([curves]).table()
    curves.save(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["engine"].asstr()[0] == "matrix-free"
        run = json.loads(file["request"].asstr()[0])["run"]
        assert run["engine"] == "auto" and run["engine_used"] == "matrix-free"
    plain = gradsim.simulate(mlp(width=8, depth=2), 5, arithmetic="float32")  # has no other way
    assert plain.run["engine"] == "auto" and plain.run["engine_used"] == "dense"
    again = gradsim.open(tmp_path / "a.h5")[0]
    assert again.run == curves.run
    both = gradsim.CurveSet([curves, gradsim.simulate(mlp(width=8, depth=2), 5, engine="dense")])
    assert "engine" in "".join(both.table().splitlines()[:2]) and "linear layers" not in both.table()


def test_the_engines_agree_in_law_at_a_glance():
    """Means of all log curves within 6 standard errors: 1,000 networks a side, once in 3e6 for each of 250 numbers."""
    network = mlp(width=[30, 20, 30], activation="gelu", init="he_normal", bias_std=0.2, input_width=10, outputs=4)
    free, dense = (
        gradsim.simulate(network, 1000, seed, inputs=2, engine=e, loss="mse") for seed, e in ((1, "matrix_free"), (2, "dense"))
    )
    for name in (n for n in free.variables if n.endswith("_log_mean")):
        variances = [c[name.replace("_log_mean", "_log_variance")] for c in (free, dense)]
        error = ((variances[0] + variances[1]) / 1000) ** 0.5
        gap = abs(free[name] - dense[name])
        assert not (gap > 6 * error).any(), name


@pytest.mark.parametrize(
    "options, steps",
    [
        ({"block": "residual", "block_depth": 1, "dropout": 0.1}, {"add to a stream": 2, "dropout": 2}),
        ({"block": "pre_norm", "block_depth": 1}, {"LayerNorm": 2, "add to a stream": 2}),
        ({"block": "post_norm", "block_depth": 1, "norm": "rms"}, {"RMSNorm": 2, "add to a stream": 2}),
        ({"norm": "batch"}, {"BatchNorm": 2}),
    ],
)
@pytest.mark.parametrize("width, inputs", [(64, 8), (256, 8), (1024, 64)])
def test_steps_are_in_what_a_network_is_reckoned_to_take(options, steps, width, inputs):
    """Within 2 of what they were measured to take, on another machine it may be."""
    measured = json.loads(STEPS.read_text())["sizes"][f"{width} x {inputs}"]
    network = mlp(width=width, depth=2, activation="relu", **options)
    layers = Layers(network, "auto", inputs)
    added = nanoseconds(network, layers) - layers.nanoseconds
    expected = sum(count * measured[name]["ns"]["median"] for name, count in steps.items()) * width * inputs
    assert expected / 2 < added < 2 * expected


def test_a_chain_takes_its_linear_maps():
    network = mlp(width=64, depth=5)
    layers = Layers(network, "auto", 3)
    assert nanoseconds(network, layers) == layers.nanoseconds == lower(network, 3).linear_nanoseconds
