"""Tables for other programs: the numbers of the curves, a row a cell and layer, and a row a cell with its verdict."""

import csv
import json

import numpy as np
import pandas
import pytest
import xarray

import gradsim
from gradsim.cli import main
from gradsim.curves import CurveSet
from gradsim.errors import RequestError
from gradsim.export import tidy
from gradsim.export.formats import FORMATS, SUFFIXES, export
from gradsim.statistics.quantities import VARIABLES
from gradsim.statistics.units import HISTOGRAMMED


@pytest.fixture(scope="module")
def plain():
    """Cells of unequal depth and kind: one with zeros, one with what overflows, one of two inputs."""
    networks = [
        (gradsim.mlp(width=3, depth=3, activation="tanh", weight_gain=0.5), {}),
        (gradsim.mlp(width=3, depth=2, activation="relu", init="zeros"), {"inputs": 2}),
        (gradsim.mlp(width=4, depth=1, activation="tanh", weight_gain=1e4, outputs=2), {"arithmetic": "float32"}),
    ]
    curves = [gradsim.simulate(network, 6, seed=1, **run) for network, run in networks]
    return CurveSet(curves, None, {"weight_gain": [0.5, 1.0, 1e4]}, ["a", "b", "c"])


@pytest.fixture(scope="module")
def placed():
    networks = [gradsim.mlp(width=4, depth=2, block="pre_norm", norm="layer"), gradsim.mlp(width=3, depth=2)]
    return CurveSet([gradsim.simulate(network, 5) for network in networks])


def expected(curve_set):
    """{(cell, layer, place): {column: number}} of what is there, by hand."""
    rows = {}
    for number, c in enumerate(curve_set):
        for name, values in c.variables.items():
            variable = VARIABLES[name]
            if "layer" not in variable.dims:
                continue
            tails = {"quantile": [f"_{q:g}" for q in c.quantiles], "precision": [f"_{p}" for p in c.precisions]}
            tail = tails.get(variable.dims[-1], [""])
            values = values if tail != [""] else values[..., None]
            places = c.places if c.places and "place" in variable.placed_dims else None
            for index in np.ndindex(values.shape[:-1]):
                for k, end in enumerate(tail):
                    value = values[(*index, k)]
                    if value == value and not (variable.integer and value < 0):
                        key = number, index[0], places[index[1]] if places else ""
                        rows.setdefault(key, {})[name + end] = float(value)
    return rows


def held_to(table, curve_set):
    """A table of texts or numbers, row by row, against the curves; a plain network among others lies at its own places."""
    wanted, seen = expected(curve_set), set()
    for row in table:
        cell, layer, place = int(row["cell"]), int(row["layer"]), row.get("place", "")
        own = {name: float(v) for name, v in row.items() if is_curve(name) and v not in ("", None)}
        if place and not curve_set[cell].places:  # what the plain network has there, it has without a place
            known = wanted[cell, layer, ""]
            assert own and all(known[name] == value for name, value in own.items())
            seen |= {(cell, layer, "", name) for name in own}
        else:
            assert own == wanted.get((cell, layer, place), {})
            seen |= {(cell, layer, place, name) for name in own}
    assert seen == {(*key, name) for key, row in wanted.items() for name in row}


def is_curve(column):
    """Whether a column is of a variable over layers."""
    return any(column.startswith(name) for name, v in VARIABLES.items() if "layer" in v.dims)


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("rows", [1, 2**14])
@pytest.mark.parametrize("kind", ["plain", "placed"])
def test_csv_has_every_number_once(kind, rows, request, tmp_path, monkeypatch):
    monkeypatch.setattr(tidy, "ROWS", rows)
    curve_set = request.getfixturevalue(kind)
    files = export(curve_set, "csv", tmp_path / "t.csv")
    assert [path.name for path in files] == ["t.csv", "t.cells.csv"] == sorted(p.name for p in tmp_path.iterdir())[::-1]
    held_to(read_csv(files[0]), curve_set)
    cells = read_csv(files[1])
    assert [row["verdict"] for row in cells] == [c.verdict.word for c in curve_set]
    for row, c in zip(cells, curve_set, strict=True):
        assert row["sentence"] == c.verdict.sentence and int(row["depth"]) == c.network.depth
        assert float(row["loss_log_quantile_0.5"]) == c["loss_log_quantile"][3]
        assert float(row["loss_overflow_fraction_float16"]) == c["loss_overflow_fraction"][0]


def test_rows_say_which_cell_they_are_of(plain, tmp_path):
    layers, cells = (read_csv(path) for path in export(plain, "csv", tmp_path / "t.csv"))
    assert len(layers) == sum(len(c.layers) for c in plain) and len(cells) == 3
    assert {(row["cell"], row["weight_gain"], row["activation"]) for row in layers} == {
        ("0", "0.5", "tanh"),
        ("1", "1.0", "relu"),
        ("2", "10000.0", "tanh"),
    }
    assert [row["identity"] for row in cells] == ["a", "b", "c"]
    assert not any(name.endswith("_log") for name in layers[0])
    first = read_csv(tmp_path / "t.csv")[0]
    assert first["gradient_log_mean"] == "" and first["gradient_zero_count"] == ""  # layer 0 has none


def test_json_has_the_same(plain, tmp_path):
    (path,) = export(plain, "json", tmp_path / "t.json")
    text = path.read_text()
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    held_to(found["layers"], plain)
    assert [row["verdict"] for row in found["cells"]] == [c.verdict.word for c in plain]
    assert found["gradsim_version"] == gradsim.__version__ and "-Infinity" in text


def test_parquet_has_the_same(plain, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    files = export(plain, "parquet", tmp_path / "t.parquet")
    layers, cells = (parquet.read_table(path) for path in files)
    held_to(layers.to_pylist(), plain)
    assert cells["verdict"].to_pylist() == [c.verdict.word for c in plain]
    assert str(layers.schema.field("gradient_zero_count").type) == "int64"
    assert str(layers.schema.field("gradient_log_mean").type) == "double"


def test_netcdf_is_the_file(plain, tmp_path):
    (path,) = export(plain, "netcdf", tmp_path / "t.nc")
    with xarray.open_dataset(path) as file:
        assert file.sizes["cell"] == 3
        np.testing.assert_array_equal(file["gradient_log_mean"][0, :4], plain[0]["gradient_log_mean"])


def test_dataframes(plain, placed):
    frame = plain.to_dataframe()
    held_to([{k: None if pandas.isna(v) else v for k, v in row.items()} for row in frame.to_dict("records")], plain)
    assert str(frame["gradient_zero_count"].dtype) == "Int64" and frame["gradient_zero_count"].isna()[0]
    few = plain[0].to_dataframe("gradient")
    assert list(few.columns[:2]) == ["cell", "layer"] and len(few) == 4
    assert all(name.startswith("gradient_") and "correlation" not in name for name in few.columns[2:])
    assert set(placed.to_dataframe("gradient")["place"]) == {"linear1", "linear2"}
    table = frame[frame.cell == 0].set_index("layer")
    np.testing.assert_array_equal(table["gradient_log_quantile_0.5"], plain[0].quantile("gradient", 0.5))


@pytest.fixture(scope="module")
def counted():
    """Networks with places and without, and one whose units were not counted."""
    cells = [{"depth": 3}, {"block": "pre_norm", "block_depth": 2, "depth": 2}, {"depth": 1, "histograms": 0}]
    return gradsim.sweep.run({"width": 4, "replicas": 6, "inputs": 2, "histograms": 5, "cells": cells})


def held_to_counts(rows, curve_set, quantities=HISTOGRAMMED):
    """Every count once, in its bin; how many there are."""
    found, wanted, (low, high) = {}, {}, curve_set[0].bins
    for row in rows:
        curves = curve_set[int(row["cell"])]
        key = row["quantity"], int(row["layer"]), row["place"] if curves.places else "", float(row["low"]), float(row["high"])
        assert (int(row["cell"]), *key) not in found and row["depth"] == f"{curves.network.depth}"
        found[int(row["cell"]), *key] = int(row["units"]), float(row["exponent"])
    for cell, curves in enumerate(curve_set):
        for name in quantities if curves.counted else ():
            counts, exponents = curves[f"{name}_histogram"], curves[f"{name}_histogram_exponent"]
            for index in zip(*np.nonzero(counts > 0), strict=True):
                place = curves.places[index[1]] if curves.places else ""
                wanted[cell, name, index[0], place, low[index[-1]], high[index[-1]]] = counts[index], exponents[index[:-1]]
    assert found == wanted
    return len(found)


def test_histograms_are_a_table(counted, tmp_path):
    paths = counted.export(tmp_path / "a.csv", "csv", histograms=True)
    assert [path.name for path in paths] == ["a.csv", "a.cells.csv", "a.histograms.csv"]
    assert held_to_counts(read_csv(paths[2]), counted) > 300
    without = counted.export(tmp_path / "b.csv", "csv")
    assert [path.read_bytes() for path in without] == [path.read_bytes() for path in paths[:2]]
    counted.export(tmp_path / "a.json", "json", ["gradient"], histograms=True)
    found = json.loads((tmp_path / "a.json").read_text())
    rows = [{name: str(value).replace("Infinity", "inf") for name, value in row.items()} for row in found["histograms"]]
    held_to_counts(rows, counted, ["gradient"])
    counted[:1].export(tmp_path / "one.csv", "csv", histograms=True)
    rows = read_csv(tmp_path / "one.histograms.csv")
    assert sum(int(row["units"]) for row in rows) == 5 * 2 * 4 * (4 + 3 + 3) and "place" not in rows[0]


def test_histograms_in_parquet(counted, tmp_path):
    pytest.importorskip("pyarrow")
    paths = counted.export(tmp_path / "a.parquet", "parquet", histograms=True)
    rows = pandas.read_parquet(paths[2]).astype(str).to_dict("records")
    assert held_to_counts(rows, counted) > 300


def test_what_cannot_be(plain, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("mine,1\n")
    for call, words in (
        (lambda: export(plain, "cvs", path), "did you mean csv"),
        (lambda: export(plain, "csv", path), "exists"),
        (lambda: export(plain, "csv", path, overwrite=True), "is not a table of gradsim"),
        (lambda: export(plain, "json", path, overwrite=True), "is not a table of gradsim"),
        (lambda: export(plain, "csv", tmp_path / "no" / "t.csv"), "No such file"),
        (lambda: export(plain, "csv", tmp_path / "u.csv", ["gradent"]), "did you mean gradient"),
        (lambda: export(plain, "netcdf", tmp_path / "u.nc", ["gradient"]), "netcdf has all"),
        (lambda: export(plain, "csv", tmp_path / "u.csv", histograms=True), "^histograms: units were not counted"),
        (lambda: export(plain, "netcdf", tmp_path / "u.nc", histograms=True), "^histograms: netcdf has all"),
        (lambda: plain.to_dataframe("gradent"), "did you mean gradient"),
    ):
        with pytest.raises(RequestError, match=words) as error:
            call()
        assert "\n" not in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"] and path.read_text() == "mine,1\n"


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


@pytest.mark.parametrize("to", FORMATS)
def test_the_command(to, plain, tmp_path, capsys):
    if to == "parquet":
        pytest.importorskip("pyarrow")
    plain.save(tmp_path / "a.h5")
    select = () if to == "json" else ("--select", "weight-gain=0.5", "--select", "weight_gain=1")
    assert call("export", tmp_path / "a.h5", "--to", to, *select) == 0
    out = tmp_path / f"a{SUFFIXES[to]}"
    assert str(out) in capsys.readouterr().out and out.stat().st_size > 1000
    before = out.read_bytes()
    assert call("export", tmp_path / "a.h5", "--to", to) == 2 and "exists" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert call("export", tmp_path / "a.h5", "--to", to, "--overwrite", *select) == 0
    if to == "csv":
        assert {row["cell"] for row in read_csv(out)} == {"0", "1"}
        held_to(read_csv(out), gradsim.open(tmp_path / "a.h5").select(weight_gain=[0.5, 1]))


def test_the_command_refuses_in_one_line(plain, tmp_path, capsys):
    plain.save(tmp_path / "a.h5")
    for arguments, words in (
        (["--to", "xlsx"], "--to: unknown name 'xlsx'"),
        (["--to", "csv", "--select", "tanh"], "--select: 'tanh' is not NAME=VALUE"),
        (["--to", "csv", "--select", "activation=tan"], "unknown name 'tan'; did you mean tanh?"),
        (["--to", "netcdf", "--out", tmp_path / "a.h5", "--overwrite"], "is a file that is read"),
        ([], "--to"),
    ):
        assert call("export", tmp_path / "a.h5", *arguments) == 2
        assert words in capsys.readouterr().err
