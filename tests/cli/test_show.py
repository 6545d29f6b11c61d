"""gradsim show, run --json and --fail-on: numbers and exit codes for other programs."""

import csv
import io
import json
import math

import numpy as np
import pytest

import gradsim
from gradsim.cli import main
from gradsim.cli.verdicts import WORDS
from gradsim.curves import CurveSet
from gradsim.results import verdict
from gradsim.show.layer_table import size

SMALL = ["--width", "4", "--depth", "3", "--replicas", "8"]


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


@pytest.fixture(scope="module")
def curves():
    """One that explodes beyond float64, one whose gradient is exactly zero, and one with places."""
    found = [
        gradsim.simulate(gradsim.mlp(width=8, depth=12, activation="linear", weight_gain=1e60), 9),
        gradsim.simulate(gradsim.mlp(width=3, depth=2, init="zeros"), 9),
        gradsim.simulate(gradsim.mlp(width=4, depth=2, block="pre_norm", norm="layer"), 9),
    ]
    return CurveSet(found)


@pytest.fixture
def file(curves, tmp_path):
    curves.save(tmp_path / "a.h5")
    return tmp_path / "a.h5"


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_layers_as_csv(file, curves, capsys):
    assert call("show", file, "--layers", "--csv", "--as", "decades") == 0
    found = rows(capsys.readouterr().out)
    plain = [row for row in found if row["cell"] == "0"]
    assert [int(row["layer"]) for row in plain] == [*range(13)] and {row["place"] for row in plain} == {""}
    assert plain[0]["gradient_decades"] == "" and float(plain[1]["gradient_decades"]) > 600
    for quantity in ("activation", "gradient", "weight_gradient"):
        wanted = curves[0].decades(quantity)[1:]
        np.testing.assert_array_equal([float(row[f"{quantity}_decades"]) for row in plain[1:]], wanted)
        spread = curves[0].decades(quantity, 0.95)[1:] - curves[0].decades(quantity, 0.05)[1:]
        np.testing.assert_array_equal([float(row[f"{quantity}_spread_decades"]) for row in plain[1:]], spread)
    placed = {(row["layer"], row["place"]): row for row in found if row["cell"] == "2"}
    assert placed["1", ""]["gradient_decades"] == "" and placed["1", "linear2"]["stream_decades"] == ""
    second = curves[2].decades("gradient")[1, curves[2].places.index("linear2")]
    assert float(placed["1", "linear2"]["gradient_decades"]) == second
    assert float(placed["2", ""]["stream_gradient_decades"]) == curves[2].decades("stream_gradient")[2]


def test_layers_as_json(file, curves, capsys):
    assert call("show", file, "--layers", "--json", "--quantity", "gradient", "--select", "width=8") == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert [row["verdict"] for row in found["cells"]] == ["exploding"] and found["gradsim_version"] == gradsim.__version__
    assert [row["layer"] for row in found["layers"]] == [*range(1, 13)]
    assert found["layers"][0]["gradient_rms"] == "Infinity" and not any("activation_rms" in row for row in found["layers"])
    assert found["layers"][11]["gradient_rms"] == curves[0].rms("gradient")[12]


def test_layers_as_text(file, capsys):
    assert call("show", file, "--layers", "--select", "init=zeros") == 0
    words = capsys.readouterr().out.splitlines()
    assert words[0] == "relu, zeros" and words[4].split() == ["1", "0", "–", "0", "–", "0", "–", "0", "–"]
    assert call("show", file, "--layers", "--as", "decades", "--quantity", "gradient", "--select", "init=zeros") == 0
    assert "-∞" in capsys.readouterr().out
    assert call("show", file) == 0
    assert "decades/100 layers" in capsys.readouterr().out


def test_verdicts_as_csv_and_json(file, curves, capsys):
    assert call("show", file, "--csv") == 0
    table = rows(capsys.readouterr().out)
    assert call("show", file, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert "layers" not in found
    for kind in (table, found["cells"]):
        assert [row["verdict"] for row in kind] == [c.verdict.word for c in curves]
        left = curves[0].verdict.exits["float32"]["forward"]
        assert (int(kind[0]["float32_forward_layer"]), kind[0]["float32_forward_way"]) == left == (1, "overflow")
        assert kind[2]["float32_backward_layer"] in ("", None) and kind[2]["float32_backward_way"] == ""


@pytest.mark.parametrize("options", [["--block", "pre_norm"], ["--init", "zeros"]])  # with places; with infinite logs
def test_a_run_as_json(options, tmp_path, capsys):
    out = tmp_path / "a.h5"
    assert call("run", *SMALL, "--inputs", 2, *options, "--json", "--theory", "--out", out) == 0
    printed = capsys.readouterr()
    found, c = json.loads(printed.out), gradsim.open(out)[0]
    assert printed.out.count("\n") == 1 and "written" in printed.err
    decades = None if math.isnan(c.verdict.decades) else c.verdict.decades
    assert found["verdict"]["word"] == c.verdict.word and found["verdict"]["decades"] == decades
    assert found["request"]["network"] == json.loads(c.network.to_json()) and found["request"]["run"]["inputs"] == 2
    assert set(found["curves"]) >= set(c.variables) and found["places"] == list(c.places)
    for name in set(found["curves"]) - set(c.variables):  # a file leaves out what is missing everywhere
        assert set(np.ravel(np.array(found["curves"][name], object))) == {None}
    for name, values in c.variables.items():
        held = np.array(found["curves"][name], object)
        assert held.shape == values.shape
        for one, value in zip(held.ravel(), np.ravel(values), strict=True):
            gone = value < 0 if values.dtype.kind == "i" else math.isnan(value)
            assert (one is None) if gone else float(one) == value
    assert found["exits"]["float16"].keys() == c.verdict.exits["float16"].keys()


def test_exits_of_a_run_as_json(capsys):
    assert call("run", *SMALL, "--weight-gain", "1e6", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["exits"]["float16"]["forward"] == {"layer": 1, "way": "overflow"}


def test_fail_on(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call("show", file, "--fail-on", "vanishing,exploding") == 4
    printed = capsys.readouterr()
    assert "1 exploding of 3 networks" in printed.err and printed.err.count("\n") == 1 and "decades" in printed.out
    assert call("show", file, "--fail-on", "vanishing") == 0
    assert call("show", file, "--fail-on", "vanishing,exploding", "--select", "init=zeros") == 0
    assert call("run", *SMALL, "--init", "zeros", "--fail-on", "Zero", "--out", "b.h5") == 4
    assert (tmp_path / "b.h5").exists() and "written: b.h5" in capsys.readouterr().out
    (tmp_path / "grid.toml").write_text('init = ["zeros", "he_normal"]\nwidth = 4\ndepth = 2\nreplicas = 5\n')
    for _ in range(2):  # computed, then there already
        assert call("sweep", "grid.toml", "--fail-on", "non-finite, zero") == 4
        assert "1 zero of 2 networks" in capsys.readouterr().err and (tmp_path / "grid.h5").exists()
    assert call("sweep", "grid.toml", "--fail-on", "non_finite") == 0
    assert set(WORDS) == set(verdict.WORDS)


def test_what_show_refuses(file, monkeypatch, capsys):
    monkeypatch.setattr("gradsim.simulation.chunks.run_chunk", None)
    for arguments, words in (
        (["show", file, "--fail-on", "vanish"], "--fail-on: unknown name 'vanish'; did you mean vanishing?"),
        (["run", *SMALL, "--fail-on", "stable,explode"], "did you mean exploding?"),
        (["sweep", "classic", "--fail-on", ""], "--fail-on: unknown name ''"),
        (["show", file, "--csv", "--json"], "--json: goes without --csv"),
        (["show", file, "--quantity", "gradient"], "--quantity: goes with --layers"),
        (["show", file, "--as", "rms"], "--as: goes with --layers"),
        (["show", file, "--layers", "--quantity", "gradent"], "did you mean gradient?"),
        (["show", file, "--layers", "--quantity", "dead_fraction"], "is no size along the layers"),
        (["show", file, "--select", "width=5"], "--select"),
        (["show", "none.h5"], "no such file"),
    ):
        assert call(*arguments) == 2
        printed = capsys.readouterr()
        assert words in printed.err and printed.err.count("\n") == 1 and printed.out == ""


def test_sizes_have_three_digits_whatever_their_exponent():
    found = [size(decades) for decades in (0.0, -3000.5, 2.9999999, -math.inf, math.inf, math.nan, -0.3)]
    assert found == ["1.00e+00", "3.16e-3001", "1.00e+03", "0", "∞", "–", "5.01e-01"]
