"""sigma_w of networks: from any initializer and gain, in Python, in files and in those of before."""

import csv
import math
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

import gradsim
from gradsim import Activation, Linear, Residual
from gradsim.model.initializers import INITIALIZERS, weight_law
from gradsim.results.columns import Columns

GOLDEN = Path(__file__).parent / "store" / "golden"
GRID = {"width": [4, 9], "depth": 3, "weight_gain": [0.5, 1.5], "init": ["lecun_normal", "normal(0,0.5)"], "replicas": 3}


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"init": "he_normal"}, math.sqrt(2)),
        ({"init": "lecun_uniform", "weight_gain": 1.5}, 1.5),
        ({"init": "xavier_truncated_normal", "weight_gain": -0.5}, 0.5),
        ({"init": "orthogonal", "weight_gain": 1.2, "width": [8, 8], "depth": None}, 1.2),
        ({"init": "torch_default"}, 1 / math.sqrt(3)),
        ({"init": "normal(0,0.5)"}, 0.5 * math.sqrt(16)),
        ({"init": "normal(0,0.5)", "depth": 1, "input_width": 25}, 2.5),
        ({"init": "sparse(4,0.5)"}, 1.0),
        ({"init": "sparse_columns(0.7,0.5)"}, 1.0),
        ({"init": "trunc_normal_(std=0.5,a=-0.5,b=0.5)", "weight_gain": -1.0}, 2 * math.sqrt(0.2911250947727931)),
        ({"init": "trunc_normal_(std=0.5,a=-0.5,b=0.6)"}, math.nan),
        ({"init": "zeros"}, 0.0),
        ({"init": "xavier_normal", "input_width": 5, "first_init": "ones", "outputs": 3, "last_init": "zeros"}, 1.0),
        ({"init": "xavier_normal", "width": [8, 8, 24], "depth": None}, math.nan),
        ({"init": "he_normal", "width": [8, 5, 24], "depth": None}, math.sqrt(2)),
        ({"init": "xavier_normal", "block": "pre_norm", "weight_gain": 2.0}, 2.0),
        ({"init": "he_normal", "block": "fixup"}, math.nan),
        ({"init": "constant(0.1)"}, math.nan),
        ({"init": "normal(0.1,1)"}, math.nan),
        ({"init": "identity"}, math.nan),
    ],
)
def test_of_options(options, expected):
    made = gradsim.mlp(**{"width": 16, "depth": 3, "activation": "tanh"} | options)
    assert made.weight_std == pytest.approx(expected, rel=1e-11, nan_ok=True)


def test_of_parts():
    maps = [Linear(8, "he_normal"), Activation("relu"), Linear(4, "he_normal")]
    assert gradsim.network([Residual(maps)], input_width=4).weight_std == pytest.approx(math.sqrt(2), rel=1e-11)
    blocks = [Residual(maps), Residual(Activation("relu")), Linear(4, gain=0.1), Activation("tanh")]
    assert gradsim.network(blocks, input_width=4).weight_std == pytest.approx(0.1 * math.sqrt(2), rel=1e-11)
    assert math.isnan(gradsim.network([Residual(maps), Residual(Activation("relu"))], input_width=4).weight_std)


@pytest.mark.parametrize("entry", [entry for entry in INITIALIZERS if not entry.arguments], ids=lambda entry: entry.name)
def test_it_is_what_fixed_points_and_fields_call_so(entry):
    law, network = weight_law(entry.name, 16, 16), gradsim.mlp(width=16, depth=3, activation="tanh", init=entry.name)
    if law.mean or law.kind == "constant":
        assert math.isnan(network.weight_std) or network.weight_std == 0
        return
    wide = gradsim.theory.mean_field(network)
    slopes = np.exp(wide.log_slope_square[2:4])
    np.testing.assert_allclose(wide.chi_perp[2:4], network.weight_std**2 * slopes, rtol=1e-10)


def test_one_number_for_all_widths_and_for_kin():
    found = gradsim.sweep.run(GRID)
    expected = [
        g * (1 if init == "lecun_normal" else 0.5 * math.sqrt(n)) for n in (4, 9) for g in (0.5, 1.5) for init in GRID["init"]
    ]
    np.testing.assert_allclose(found.column("weight_std"), expected, rtol=1e-11)
    assert len({c.network.weight_std for c in found if "lecun" in c.network.init}) == 2
    assert len(found.select(weight_std=1.5)) == 3 and len(found.select(weight_std=slice(0.6, 2))) == 4


def test_in_the_file_in_xarray_and_in_tables(tmp_path):
    found = gradsim.sweep.run(GRID)
    found.save(tmp_path / "a.h5")
    with xarray.open_dataset(tmp_path / "a.h5") as dataset:
        assert "weight_std" in dataset.coords and dataset["weight_std"].dims == ("cell",)
        assert dataset["weight_std"].identical(found.to_xarray()["weight_std"])
        np.testing.assert_array_equal(dataset["weight_std"], found.column("weight_std"))
    opened = gradsim.open(tmp_path / "a.h5")
    np.testing.assert_array_equal(opened.column("weight_std"), found.column("weight_std"))
    np.testing.assert_array_equal(opened[2:4].column("weight_std"), found.column("weight_std")[2:4])
    opened.export(tmp_path / "a.csv", "csv")
    with (tmp_path / "a.cells.csv").open() as lines:
        written = [float(row["weight_std"]) for row in csv.DictReader(lines)]
    np.testing.assert_array_equal(written, found.column("weight_std"))


def test_pictures_against_it():
    """Every initializer and gain on one axis, as one line; names and legends are those of what networks are made of."""
    found = gradsim.sweep.run(GRID | {"width": 6, "weight_gain": [1.0, 2.0], "init": ["he_normal", "lecun_normal"]})
    (line,) = [line for line in found.plot(x="weight_std").axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(line.get_xdata(), [1, 2**0.5, 2, 2 * 2**0.5], rtol=1e-11)
    assert set(Columns.of(found).names) == {"init", "weight_gain"}
    alike = gradsim.CurveSet([gradsim.simulate(gradsim.mlp(width=4, depth=2, init=init), 2) for init in ("ones", "identity")])
    assert Columns.of(alike).names == ["init"] and len(Columns.of(alike).levels("weight_std")) == 1


@pytest.mark.parametrize(
    "name, expected",
    [
        ("schema_1", [math.sqrt(2), 0.25 * math.sqrt(5), 1.0, 2000.0, 0.0]),
        ("schema_2", [1.0, math.sqrt(2), math.sqrt(2)]),
        ("schema_1_custom", [math.sqrt(2)]),
    ],
)
def test_files_of_before_have_it_computed(name, expected, tmp_path):
    with h5py.File(GOLDEN / f"{name}.h5") as file:
        assert "weight_std" not in file
    found = gradsim.open(GOLDEN / f"{name}.h5")
    np.testing.assert_allclose(found.column("weight_std"), expected, rtol=1e-11)


def test_a_file_of_before_is_finished_and_stays(tmp_path, monkeypatch):
    """A sweep whose file lacks it is not computed anew, nor packed anew."""
    from gradsim.store import dataset, layout

    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as before:
        before.setattr(layout, "DERIVED", {})
        before.setattr(dataset, "DERIVED", {})
        gradsim.sweep.run(GRID, out="a.h5")
    with h5py.File("a.h5") as file:
        assert "weight_std" not in file
    shutil.copy("a.h5", "b.h5")
    again = gradsim.sweep.run(GRID, out="a.h5")
    assert Path("a.h5").read_bytes() == Path("b.h5").read_bytes() and len(again.column("weight_std")) == 8
