"""The file: what is written is what is read, by gradsim, xarray and h5dump; whole or not at all."""

import json
import os
import re
import shutil
import subprocess
from itertools import count

import h5py
import numpy as np
import pytest
import xarray

import gradsim
from gradsim.curves import CurveSet
from gradsim.errors import RequestError
from gradsim.statistics.quantities import VARIABLES


@pytest.fixture(scope="module")
def curve_set():
    networks = [
        gradsim.mlp(width=4, depth=3, activation="tanh", init="zeros"),
        gradsim.mlp(width=[5, 3], depth=2, activation="relu", outputs=2),
    ]
    runs = [{"inputs": 2}, {"keep_samples": True}]
    return CurveSet([gradsim.simulate(n, 20, seed=2**70, **run) for n, run in zip(networks, runs, strict=True)])


@pytest.fixture(scope="module")
def path(curve_set, tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "set.h5"
    curve_set.save(path)
    return path


def test_round_trip(curve_set, path):
    back = gradsim.open(path)
    with h5py.File(path) as file:
        assert len(back) == 2 and back.request == json.loads(file.attrs["request"])
    for found, expected in zip(back, curve_set, strict=True):
        assert found.network == expected.network and found.run == expected.run
        assert set(found.variables) == set(expected.variables) and found.quantile_method == "exact"
        for name in expected.variables:
            np.testing.assert_array_equal(found[name], expected[name])
        assert found.verdict.word == expected.verdict.word


def test_widths_of_every_layer_are_in_the_file(tmp_path):
    network = gradsim.mlp(width=[5, 3], input_width=7, outputs=2)
    gradsim.simulate(network, 2).save(tmp_path / "widths.h5")
    with h5py.File(tmp_path / "widths.h5") as file:
        assert file["layer_width"][0].tolist() == [7, 5, 3, 2]
    assert gradsim.open(tmp_path / "widths.h5")[0].network == network


def test_cells_with_and_without_samples(tmp_path):
    """Each is read with what it was simulated with, whatever the others have."""
    network = gradsim.mlp(width=3, depth=2)
    runs = [{"keep_samples": True, "replicas": 4}, {"replicas": 6}, {"keep_samples": True, "replicas": 2, "inputs": 2}]
    curve_set = CurveSet([gradsim.simulate(network, **run) for run in runs])
    curve_set.save(tmp_path / "mixed.h5")
    for found, expected in zip(gradsim.open(tmp_path / "mixed.h5"), curve_set, strict=True):
        assert set(found.variables) == set(expected.variables)
        for name in expected.variables:
            np.testing.assert_array_equal(found[name], expected[name])


def test_what_a_network_lacks_is_missing_in_the_file(tmp_path):
    """Layers beyond its last one, and replicas: -1 in a count, NaN in a number, as the fill value says."""
    sizes = [{"depth": 1, "replicas": 2}, {"depth": 3, "replicas": 4}]
    curve_set = [gradsim.simulate(gradsim.mlp(width=3, depth=s["depth"]), s["replicas"], keep_samples=True) for s in sizes]
    CurveSet(curve_set).save(tmp_path / "unequal.h5")
    with h5py.File(tmp_path / "unequal.h5") as file:
        for name in set(VARIABLES) & set(file):
            fill, dims = file[name].attrs["_FillValue"], VARIABLES[name].dims
            assert fill == -1 if VARIABLES[name].integer else np.isnan(fill)
            if "layer" in dims or "replica" in dims:
                lacking = file[name][0, 2:]
                assert lacking.size and np.array_equal(lacking, np.full_like(lacking, fill), equal_nan=True), name


def test_xarray_opens_it_as_it_is(curve_set, path):
    with xarray.open_dataset(path) as found:
        xarray.testing.assert_identical(found.load().drop_attrs(deep=False), curve_set.to_xarray().drop_attrs(deep=False))
        assert found["gradient_log_quantile"].dims == ("cell", "layer", "quantile")
        assert found["gradient_overflow_fraction"].sel(precision="float16", layer=1).shape == (2,)
        assert {"activation", "init", "layer_width"} <= set(found.coords)
        for name in found.variables:
            attributes = found[name].attrs
            assert attributes["long_name"] and ("units" in attributes or found[name].dtype.kind in "UO"), name


def test_one_network_to_xarray(curve_set):
    dataset = curve_set[1].to_xarray()
    assert "cell" not in dataset.dims and dataset["gradient_log"].dims == ("replica", "layer")


def test_every_axis_has_one_scale_and_checksums(path):
    with h5py.File(path) as file:
        for name, dataset in file.items():
            assert name in VARIABLES or not name.endswith("_log_mean")
            for axis in dataset.dims:
                assert dataset.is_scale or len(axis) == 1
            if dataset.dtype.kind in "fi":
                assert dataset.fletcher32 and dataset.shuffle and dataset.compression == "gzip", name


@pytest.mark.skipif(
    shutil.which("h5dump") is None and "GRADSIM_REQUIRE_H5DUMP" not in os.environ, reason="h5dump is not installed"
)
def test_h5dump_reads_the_header(path):
    header = subprocess.run(["h5dump", "-A", path], capture_output=True, text=True, check=True).stdout
    assert re.search(r'DATASET "gradient_log_mean"', header) and '"schema_version"' in header


def test_an_existing_file_is_kept(curve_set, path):
    before = path.read_bytes()
    with pytest.raises(RequestError, match="exists"):
        curve_set.save(path)
    assert path.read_bytes() == before


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(curve_set, path, monkeypatch):
    before = path.read_bytes()
    numbers = count()
    monkeypatch.setattr("gradsim.store.write._checksum", lambda _: next(numbers))
    with pytest.raises(RequestError, match="faithfully"):
        curve_set.save(path, overwrite=True)
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_is_not_ours_is_one_clear_line(tmp_path):
    text, foreign = tmp_path / "a.h5", tmp_path / "b.h5"
    text.write_text("hello")
    h5py.File(foreign, "w").close()
    later = tmp_path / "c.h5"
    with h5py.File(later, "w") as file:
        file.attrs.update(schema_version=99, gradsim_version="9")
    for path, words in ((text, "HDF5"), (foreign, "not one of gradsim"), (later, "99"), (tmp_path / "d.h5", "no such")):
        with pytest.raises(RequestError, match=words) as error:
            gradsim.open(path)
        assert "\n" not in str(error.value)


def test_a_network_of_many_unequal_layers_fits(tmp_path):
    widths = [1 + k % 7 for k in range(20_000)]
    gradsim.simulate(gradsim.mlp(width=widths), 1).save(tmp_path / "deep.h5")
    assert gradsim.open(tmp_path / "deep.h5")[0].network.widths == tuple(widths)
