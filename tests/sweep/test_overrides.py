"""Options given beside a sweep file."""

import pytest

import gradsim
from gradsim.cli import main
from gradsim.errors import RequestError
from gradsim.sweep import read_plan
from gradsim.sweep.overrides import overridden, parsed


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


@pytest.mark.parametrize(
    "text, value",
    [
        ("width=64", 64),
        (" weight-gain = [1, 2.5]", [1, 2.5]),
        ("init = 'he_normal'", "he_normal"),
        ("init=normal(0,0.1)", "normal(0,0.1)"),
        ("activation=tanh", "tanh"),
        ("final_norm=true", True),
        ("weight_gain={from = 0, to = 1, points = 3}", {"from": 0, "to": 1, "points": 3}),
        ('residual_scale="1/depth"', "1/depth"),
    ],
)
def test_values_are_toml_or_names(text, value):
    ((name, found),) = parsed([text]).items()
    assert name == text.partition("=")[0].strip().replace("-", "_") and found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "texts, words",
    [
        (["width"], "--set: 'width' is not NAME=VALUE"),
        (["=3"], "is not NAME=VALUE"),
        (["width="], "--set: width: '' is not a value in TOML"),
        (["width=1\ndepth=2"], "is not one value in TOML"),
        (["residual_scale=1/depth"], "is not a value in TOML"),
        (["bias_std=0", "bias-std=1"], "--set: bias_std is given twice"),
    ],
)
def test_what_is_none(texts, words):
    with pytest.raises(RequestError) as error:
        parsed(texts)
    assert words in error.value.typed and "\n" not in error.value.typed


def test_every_table_gets_it():
    given = {
        "weight-gain": [1.0, 2.0],
        "defaults": {"depth": 3, "width": 5},
        "zip": [{"activation": ["relu", "tanh"], "init": ["he_normal", "xavier_normal"]}],
        "cells": [{"width": 4}, {"width": 6, "block": "residual"}, {"block": "plain"}],
        "exclude": [{"width": 6, "weight_gain": 2.0}],
    }
    found = overridden(given, {"width": 8, "weight_gain": 0.5, "init": "lecun_normal", "seed": 7})
    assert found["cells"] == [{"width": 8}, {"width": 8, "block": "residual"}, {"block": "plain"}]
    assert found["weight-gain"] == 0.5 and found["seed"] == 7 and found["width"] == 8 and found["exclude"] == given["exclude"]
    assert found["zip"] == [{"activation": ["relu", "tanh"], "init": ["lecun_normal"] * 2}] and "init" not in found
    plan = read_plan(given, {"width": 8, "weight_gain": 0.5, "seed": 7})
    assert {cell.network_and_run()[0].widths for cell in plan.cells} == {(8, 8, 8)}
    assert plan.request == read_plan(plan.request).request and plan.request["weight_gain"] == [0.5]
    assert given["cells"][0] == {"width": 4}  # as it was


def test_one_that_is_zipped_in_a_table_of_cells():
    given = {"depth": 2, "cells": [{"zip": [{"width": [3, 4], "weight_gain": [1, 2]}]}, {"activation": "tanh"}]}
    plan = read_plan(given, {"width": 5})
    assert [cell.network_and_run()[0].widths for cell in plan.cells] == [(5, 5)] * 3
    assert [cell.options.get("weight_gain") for cell in plan.cells] == [1.0, 2.0, None]
    with pytest.raises(RequestError, match="as many values each"):
        read_plan(given, {"width": [5, 6, 7]})


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text('activation = ["tanh", "relu"]\nwidth = [4, 5]\ndepth = 2\nreplicas = 5\n')
    assert call("sweep", "grid.toml", "--set", "width=3", "--set", "activation=elu", "-o", "few.h5") == 0
    found = gradsim.open("few.h5")
    assert len(found) == 1 and found[0].network.widths == (3, 3) and found[0].network.activation == "elu"
    assert (
        found.request["width"] == [3]
        and read_plan(found.request).identities
        == read_plan({"width": 3, "activation": "elu", "depth": 2, "replicas": 5}).identities
    )
    capsys.readouterr()
    assert call("sweep", "grid.toml", "--set", "width=0") == 2
    assert "gradsim: width: 0 is not" in capsys.readouterr().err
    for name in ("--set", "the file"):
        text = "" if name == "--set" else "widht = 4\n"
        (tmp_path / "grid.toml").write_text(text + "depth = 2\n")
        assert call("sweep", "grid.toml", *(["--set", "widht=4"] if name == "--set" else [])) == 2
        assert capsys.readouterr().err == "gradsim: sweep: unknown name 'widht'; did you mean width?\n"
