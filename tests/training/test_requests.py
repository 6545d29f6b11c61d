"""What cannot be trained is said in one line; what can be arrives in a file, a picture and on the command line."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import gradsim
from gradsim.cli import main
from gradsim.training.words import rank_correlation, spans

INPUTS, LABELS = np.random.default_rng(2).standard_normal((20, 5)), np.arange(20)[:, None] % 3
SMALL = {"batch_size": 4, "steps": 3, "replicas": 2}


def network(**options):
    return gradsim.mlp(**{"width": 8, "depth": 2, "activation": "tanh", "input_width": 5, "outputs": 3} | options)


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


@pytest.mark.parametrize(
    "options, words",
    [
        ({"learning_rate": -0.1}, "learning_rate: -0.1 is not a finite number of 0 or more"),
        ({"learning_rate": np.nan}, "learning_rate: nan is not"),
        ({"momentum": 1}, "momentum: 1 is not from 0 to below 1"),
        ({"momentum": 0.9, "optimizer": "adam"}, 'momentum: 0.9 goes with optimizer="sgd"'),
        ({"optimizer": "sdg"}, "optimizer: unknown name 'sdg'; did you mean sgd"),
        ({"float_type": "float16"}, "float_type: unknown name 'float16'"),
        ({"loss": "probe"}, "loss: unknown name 'probe'; known: cross_entropy, mse"),
        ({"batch_size": 17}, "batch_size: 17 different samples are asked of 16 to train on"),
        ({"steps": 0}, "steps: 0 is not a whole number"),
        ({"record_at": [3, 1]}, "record_at: [3, 1] are not increasing steps"),
        ({"record_at": [9]}, "record_at: 9 is behind the last of 3 steps"),
        ({"held_out": 1.0}, "held_out: 1 of 20 samples leaves none"),
        ({"steps": 2**32 - 1}, "steps: 4,294,967,295 steps of 4 samples take more random numbers"),
        ({"steps": 2**30 - 2}, "steps: what is on record of 1,073,741,822 steps would take"),
        ({"engine": "matrix_free"}, "unexpected keyword argument"),
    ],
)
def test_bad_options(options, words):
    with pytest.raises((gradsim.RequestError, TypeError)) as error:
        gradsim.train(network(), (INPUTS, LABELS), **SMALL | options)
    assert words in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "made, data, options, words",
    [
        ({}, "mnist", {}, "data: 'mnist' is neither 'digits' nor a pair"),
        ({}, (INPUTS, None), {}, "target_file: there are no targets to learn"),
        ({}, (INPUTS, LABELS[1:]), {}, "has 19 rows, but 'array' has 20"),
        ({}, (INPUTS, LABELS + 1), {}, "has the label 3, the network 3 outputs"),
        ({}, (INPUTS, LABELS - 1), {}, "is not one label a row"),
        ({}, (INPUTS, LABELS + 0.5), {}, "is not one label a row"),
        ({}, (INPUTS, INPUTS), {"loss": "mse"}, "has 5 columns, the network 3 outputs"),
        ({"input_width": 4}, (INPUTS, LABELS), {}, "give it an input width of 5"),
        ({"outputs": None, "width": 3}, (INPUTS, LABELS), {}, "cross_entropy needs a readout"),
        ({"block": "rezero"}, (INPUTS, LABELS), {}, "residual_scale: of 0 keeps branches from learning"),
        ({"block": "resnet_v2"}, (INPUTS, LABELS), {"batch_size": 1}, "batch norm takes means over the inputs"),
    ],
)
def test_data_and_networks_that_do_not_fit(made, data, options, words):
    with pytest.raises(gradsim.RequestError) as error:
        gradsim.train(network(**made), data, **SMALL | options)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_what_is_no_network():
    with pytest.raises(gradsim.RequestError, match="network: 3 is not a Network"):
        gradsim.train(3, (INPUTS, LABELS))


def test_targets_that_are_no_classes_have_no_accuracy():
    found = gradsim.train(network(), (INPUTS, INPUTS[:, :3]), loss="mse", **SMALL)
    assert "accuracy_mean" not in found.variables and found["loss_mean"].shape == (4,)
    with pytest.raises(gradsim.RequestError, match="did you mean loss_mean"):
        found["los_mean"]


def test_labels_as_rows_of_zeros_and_ones():
    found = gradsim.train(network(), (INPUTS, LABELS), loss="mse", **SMALL)
    rows = gradsim.train(network(), (INPUTS, np.eye(3)[LABELS[:, 0]]), loss="mse", **SMALL)
    assert (found["loss_mean"] == rows["loss_mean"]).all() and "held_out_accuracy_mean" in found.variables


def test_the_command_its_file_and_its_picture(tmp_path, monkeypatch, capsys):
    xarray = pytest.importorskip("xarray")
    monkeypatch.chdir(tmp_path)
    np.savetxt("x.csv", INPUTS, delimiter=",")
    np.savetxt("y.csv", LABELS, fmt="%d")
    rest = ["--batch-size", 4, "--steps", 3, "--replicas", 2, "--record-at", "0,2", "-o", "a.h5", "--plot", "a.png"]
    arguments = ["train", "--input-file", "x.csv", "--target-file", "y.csv", "--width", 8, "--depth", 2, *rest]
    assert call(*arguments, "--activation", "tanh") == 0
    out = capsys.readouterr().out
    assert "At initialization: " in out and "In training: All 3 layers move in 2 steps" in out and "written: a.h5, a.png" in out
    found = gradsim.train(network(), ("x.csv", "y.csv"), record_at=[0, 2], **SMALL)
    with xarray.open_dataset("a.h5") as file:
        assert found.sentence == file.attrs["sentence"] and json.loads(file.attrs["request"])["steps"] == 3
        assert file["loss_mean"].dims == ("step",) and file["recorded_step"].values.tolist() == [0, 2]
        assert file.keys() == found.to_xarray().keys()
        for name in file:
            values = np.where(found[name] == -1, np.nan, found[name]) if name.endswith("_count") else found[name]
            assert np.array_equal(file[name], values, equal_nan=True), name
    assert Path("a.png").read_bytes()[:4] == b"\x89PNG"
    assert call(*arguments) == 2 and "exists; allow its replacement" in capsys.readouterr().err
    assert call("train", "--data", "digits", "--input-file", "x.csv") == 2
    assert "--data: digits goes without" in capsys.readouterr().err
    assert call("train") == 2 and "--data: there is nothing to learn" in capsys.readouterr().err


def test_the_command_of_the_guide(tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    guide = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^gradsim (train .*)$", guide, re.M)
    assert call(*shlex.split(line)) == 0 and "held out 0." in capsys.readouterr().out


def test_words():
    assert spans([1]) == "1" and spans([1, 2, 3, 7, 9, 10]) == "1 to 3, 7 and 9 to 10"
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([5.0, 9, 11])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2, 3, np.nan]), np.array([-np.inf, -5, -6, 0])) == pytest.approx(0.5)
    assert np.isnan(rank_correlation(np.ones(4), np.arange(4.0))) and np.isnan(rank_correlation(np.ones(2), np.arange(2.0)))
