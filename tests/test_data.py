"""Inputs from files, targets, correlated inputs: what goes in is what was given, and what cannot is one clear line."""

import re

import h5py
import numpy as np
import pytest

import gradsim
from gradsim.model.data import samples

ROWS = np.random.default_rng(0).normal(size=(12, 5))
SMALL = gradsim.mlp(width=6, depth=2, input_width=5, outputs=3)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", ROWS)
    np.save("labels.npy", np.arange(12) % 3)
    np.savetxt("x.csv", ROWS, delimiter=",")
    np.savetxt("named.csv", ROWS, delimiter=",", header="a,b,c,d,e", comments="")
    with h5py.File("x.h5", "w") as file:
        file["group/x"] = ROWS
        file["images"] = ROWS.reshape(12, 1, 5)
    np.save("nan.npy", np.where(np.arange(60).reshape(12, 5) == 17, np.nan, ROWS))
    np.save("inf.npy", np.where(np.arange(60).reshape(12, 5) == 59, -np.inf, ROWS))
    np.save("none.npy", ROWS[:0])
    np.save("text.npy", np.array([["a"]]))
    np.save("complex.npy", ROWS * 1j)
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "ragged.csv").write_text("1,2\n3\n")


@pytest.mark.parametrize("name", ["x.npy", "x.csv", "named.csv", "x.h5:/group/x", "x.h5:images"])
def test_every_form_of_file_gives_the_same_curves(files, name):
    expected = gradsim.simulate(SMALL, 50, input_file=ROWS)
    found = gradsim.simulate(SMALL, 50, input_file=name)
    for variable, values in expected.variables.items():
        np.testing.assert_array_equal(found[variable], values)
    assert found.run["input_file"]["sha256"] == expected.run["input_file"]["sha256"]


def test_rows_are_drawn_evenly_and_never_twice():
    """Each of 12 rows is the input of a network with probability 1/12, and every pair with 1/66: chi^2, false alarm 1e-6."""
    from scipy.stats import chisquare

    network = gradsim.mlp(width=1, depth=1, input_width=12, init="ones", activation="linear")
    replicas = 6000
    one = gradsim.simulate(network, replicas, input_file=np.diag(2.0 ** np.arange(12)), keep_samples=True)
    which = np.rint(one["preactivation_log"][:, 1] / np.log(4)).astype(int)
    assert chisquare(np.bincount(which, minlength=12)).pvalue > 1e-6
    two = gradsim.simulate(network, replicas, inputs=2, input_file=np.diag(2.0 ** np.arange(12)), keep_samples=True)
    sums = np.exp(two["preactivation_log"][:, 1]) * 2  # 4^i + 4^j tells the pair
    pairs, counts = np.unique(np.rint(sums).astype(np.int64), return_counts=True)
    assert len(pairs) == 66 and chisquare(counts).pvalue > 1e-6


@pytest.mark.parametrize("correlation", [-0.3, 0.0, 0.6, 1.0])
def test_correlation_of_inputs_is_the_one_asked_for(correlation):
    """Through identity weights: E cos -> c as the width grows; standard error below 1/sqrt(width * replicas)."""
    network = gradsim.mlp(width=4096, depth=1, init="identity", activation="linear")
    found = gradsim.simulate(network, 40, inputs=3, input_correlation=correlation)
    assert abs(found["correlation_mean"][1] - correlation) < 6 / np.sqrt(4096 * 40)
    assert abs(found["activation_log_of_mean"][0]) < 6 * np.sqrt(2 / (4096 * 40))
    if correlation == 1:
        assert found["log_one_minus_correlation_nonfinite_count"][1] == 40


def test_numbers_of_any_size():
    found = gradsim.simulate(SMALL, 20, input_file=ROWS * 1e300)
    base = gradsim.simulate(SMALL, 20, input_file=ROWS)
    shift = 600 * np.log(10)
    np.testing.assert_allclose(found["activation_log_mean"][1:3], base["activation_log_mean"][1:3] + shift, atol=1e-4)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"input_file": "nan.npy"}, "has nan in row 4, column 3"),
        ({"input_file": "inf.npy"}, "has -inf in row 12, column 5"),
        ({"input_file": "none.npy"}, "has no rows"),
        ({"input_file": "text.npy"}, "does not hold numbers only"),
        ({"input_file": "empty.npy"}, "is not a .npy file"),
        ({"input_file": "complex.npy"}, "its type is complex128"),
        ({"input_file": "ragged.csv"}, "line 2 has 1 cells, the first line 2"),
        ({"input_file": "missing.npy"}, "No such file"),
        ({"input_file": "x.txt"}, "input_file: 'x.txt' is none of X.npy, X.csv or X.h5:/path"),
        ({"input_file": "x.h5"}, "should say which dataset"),
        ({"input_file": "x.h5:/nothing"}, "has no dataset"),
        ({"input_file": "x.h5:/group"}, "has no dataset"),
        ({"input_file": "labels.npy"}, "has 1 columns"),
        ({"input_file": np.ones((1, 70_000))}, "has 70,000 columns; an input has 65,536 units at most"),
        ({"input_file": "x.npy", "inputs": 13}, "13 different rows"),
        ({"input_file": "x.npy", "input_correlation": 0.5}, "have the correlation that they have"),
        ({"input_correlation": 1.5}, "input_correlation: 1.5"),
        ({"inputs": 3, "input_correlation": -0.6}, "for 3 inputs"),
        ({"loss": "mean"}, "loss"),
        ({"loss": "mse", "probe": "shared"}, 'goes with loss="probe"'),
        ({"target_file": "labels.npy"}, "a probe has no targets"),
        ({"target_file": "labels.npy", "loss": "mse"}, "there is no input_file"),
        ({"target_file": "labels.npy", "loss": "mse", "input_file": "x.npy"}, "has 1 columns, the network 3 outputs"),
        ({"target_file": "x.npy", "loss": "cross_entropy", "input_file": "x.npy"}, "not one label a row"),
        ({"arithmetic": "float16"}, "arithmetic"),
    ],
)
def test_what_cannot_be_is_one_clear_line(files, options, words):
    with pytest.raises(gradsim.RequestError, match=re.escape(words)) as error:
        gradsim.simulate(SMALL, 10, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("outputs", [None, 1])
def test_cross_entropy_needs_outputs(outputs):
    with pytest.raises(gradsim.RequestError, match="give it outputs=2 or more"):
        gradsim.simulate(gradsim.mlp(width=4, depth=1, outputs=outputs), 10, loss="cross_entropy")


@pytest.mark.parametrize("wrong", [3, -1, 0.5, 1e300, (0, 1)])
def test_labels_are_whole_numbers_below_the_outputs(wrong):
    """Of three outputs 0, 1 and 2 are labels: the last one is, and a single one that is none is seen."""
    labels = np.arange(12.0)[:, None] % 3
    given = {"loss": "cross_entropy", "input_file": ROWS}
    assert gradsim.simulate(SMALL, 5, target_file=labels, **given)["loss_nonfinite_count"] == 0
    labels = np.repeat(labels, 2, axis=1) if isinstance(wrong, tuple) else labels
    labels[7] = wrong
    with pytest.raises(gradsim.RequestError, match=r"^target_file: .* is not one label a row, whole numbers from 0 to 2$"):
        gradsim.simulate(SMALL, 5, target_file=labels, **given)


def test_the_digest_is_of_numbers_and_shape():
    """Rows of the same bytes in another shape, and one digit that differs, are other inputs; another name is not."""

    def digest(rows):
        return samples("--input-file", rows).description["sha256"]

    other = ROWS.copy()
    other[11, 4] = np.nextafter(other[11, 4], 9.0)
    assert digest(ROWS) == digest(ROWS.copy()) == digest(ROWS.reshape(12, 1, 5))
    assert len({digest(rows) for rows in (ROWS, ROWS.reshape(5, 12), ROWS.reshape(60, 1), other, ROWS[::-1])}) == 5


def test_cross_entropy_at_zero_weights_is_log_k():
    """Equal logits: the loss is log K, and its gradient (1 - 1/K, -1/K, ...)."""
    found = gradsim.simulate(gradsim.mlp(width=4, depth=1, init="zeros", outputs=5), 10, loss="cross_entropy", inputs=2)
    assert found["loss_log_mean"] == pytest.approx(2 * np.log(np.log(5)), abs=1e-7)
    assert found["loss_gradient_log_mean"] == pytest.approx(np.log((0.8**2 + 4 * 0.2**2) / 5 / 4), abs=1e-6)


def test_cross_entropy_far_beyond_the_floats():
    """Logits of 10^1000: the loss is the gap to the largest one, and the gradient is 0 or of order one, never NaN."""
    network = gradsim.mlp(width=8, depth=1, weight_gain=1e300, activation="linear", outputs=4, init="lecun_normal")
    deep = gradsim.mlp(width=32, depth=40, weight_gain=1e30, activation="relu", outputs=4)
    for n, decades in ((network, 600), (deep, 1230)):
        found = gradsim.simulate(n, 60, loss="cross_entropy", keep_samples=True)
        logs = found["loss_log"] / 2
        wrong = logs > 0
        assert found["loss_nonfinite_count"] == 0 and 30 < wrong.sum() < 60
        assert np.all(logs[wrong] / np.log(10) > decades - 20)
        assert np.isfinite(found["loss_gradient_log"][wrong]).all()


def test_the_input_is_as_wide_as_the_file_on_the_command_line(files, capsys):
    from gradsim.cli import main

    arguments = "run --input-file x.npy --target-file labels.npy --loss cross_entropy --outputs 3 --width 8 --depth 3"
    with pytest.raises(SystemExit) as exit:
        main([*arguments.split(), "--inputs", "4", "--replicas", "20", "--out", "r.h5"])
    assert exit.value.code == 0
    curves = gradsim.open("r.h5")[0]
    assert curves.network.input_width == 5 and curves.run["input_file"]["name"] == "x.npy"
    import xarray

    with xarray.open_dataset("r.h5") as dataset:
        assert dataset["input"].item() == "x.npy" and dataset["loss"].item() == "cross_entropy"
