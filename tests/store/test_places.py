"""Networks with several linear maps, activations or norms a block in files: alone, beside plain ones, cut down in xarray."""

import h5py
import numpy as np
import pytest
import xarray

import gradsim
from gradsim.curves import CurveSet
from gradsim.errors import RequestError
from tests.oracles.records import curves_of, drawn

PLAIN = gradsim.mlp(width=[5, 3], input_width=4, outputs=2)
PRE_NORM = gradsim.mlp(width=6, depth=3, input_width=4, outputs=2, block="pre_norm", norm="layer", activation="relu")
POST_NORM = gradsim.mlp(width=4, depth=2, block="post_norm", norm="rms", block_depth=3, activation="relu")
ONE = gradsim.mlp(width=4, depth=2, input_width=3, block="residual", block_depth=1, activation="relu")


def curves(network, keep_samples=False):
    return curves_of(network, drawn(network, 2, 12), 2, keep_samples=keep_samples)


@pytest.fixture(scope="module")
def cells():
    return [curves(PLAIN, True), curves(PRE_NORM, True), curves(ONE), curves(POST_NORM)]


@pytest.fixture(scope="module")
def path(cells, tmp_path_factory):
    path = tmp_path_factory.mktemp("places") / "set.h5"
    CurveSet(cells).save(path)
    return path


def same(found, expected):
    assert set(found.variables) == set(expected.variables)
    for name, values in expected.variables.items():
        assert found[name].tobytes() == np.ascontiguousarray(values).tobytes(), name
        assert np.shape(found[name]) == np.shape(values), name


def test_what_is_read_is_what_was_written(cells, path):
    found = gradsim.open(path)
    for before, after in zip(cells, found, strict=True):
        assert after.network == before.network and not after.cut
        same(after, before)
        assert after.verdict == before.verdict and after.places == before.places
    assert [bool(c.places) for c in found] == [False, True, False, True]


def test_it_is_read_in_xarray_without_a_manual(cells, path):
    with xarray.open_dataset(path) as file:
        assert file["gradient_log_mean"].dims == ("cell", "layer", "place")
        assert file["gradient_log_quantile"].dims == ("cell", "layer", "place", "quantile")
        assert file["gradient_log"].dims == ("cell", "replica", "layer", "place")
        assert file["stream_gradient_log_mean"].dims == ("cell", "layer") and file["loss_log_mean"].dims == ("cell",)
        assert file["place"].values.tolist()[:2] == ["input", "linear1"]
        assert "its kind and its number" in file["place"].attrs["long_name"]
        matrix = file["weight_gradient_log_mean"].sel(cell=1, layer=2).dropna("place")
        assert matrix["place"].values.tolist() == ["linear1", "linear2"]
        expected = cells[1]["weight_gradient_log_mean"][2, [cells[1].places.index(name) for name in matrix["place"].values]]
        assert np.array_equal(matrix, expected)
        plain = file["gradient_log_mean"].sel(cell=0, place="linear1")
        assert np.array_equal(plain[:4], cells[0]["gradient_log_mean"], equal_nan=True)
        assert file["activation_log_mean"].sel(cell=0, layer=0).dropna("place")["place"].values.tolist() == ["input"]
        xarray.testing.assert_identical(file.drop_attrs(), gradsim.open(path).to_xarray().drop_attrs())


def test_a_file_of_networks_of_one_each_has_no_such_axis(cells, tmp_path):
    CurveSet([cells[0], cells[2]]).save(tmp_path / "plain.h5")
    with h5py.File(tmp_path / "plain.h5") as file:
        assert "place" not in file and file["gradient_log_mean"].ndim == 2 and file.attrs["schema_version"] == 2
    for before, after in zip((cells[0], cells[2]), gradsim.open(tmp_path / "plain.h5"), strict=True):
        same(after, before)


def test_one_cell_alone(cells, tmp_path):
    cells[1].save(tmp_path / "one.h5")
    same(gradsim.open(tmp_path / "one.h5")[0], cells[1])
    assert cells[1].to_xarray()["place"].values.tolist() == list(cells[1].places)


@pytest.mark.parametrize(
    "cut, missing",
    [
        (lambda d: d.sel(place=["linear2", "linear1", "norm1", "activation1", "input"]), ["", "", "", "places "]),
        (lambda d: d.sel(place=["linear2", "linear1"]), ["places input, "] * 4),
        (lambda d: d.isel(place=slice(None, None, -1)), ["", "", "", ""]),
    ],
)
def test_what_xarray_cut_away_is_missing(cells, path, tmp_path, cut, missing):
    with xarray.open_dataset(path) as file:
        cut(file).to_netcdf(tmp_path / "cut.nc", engine="h5netcdf")
    for before, after, words in zip(cells, gradsim.open(tmp_path / "cut.nc"), missing, strict=True):
        assert after.cut.startswith(words) and bool(after.cut) == bool(words)
        if not words:
            same(after, before)
        elif before.places:
            place = before.places.index("linear2")
            assert np.array_equal(after["gradient_log_mean"][:, place], before["gradient_log_mean"][:, place], equal_nan=True)
            assert np.isnan(after["activation_log_mean"][:, 0]).all() == ("input" in words)


def test_one_place_with_its_name_opens_and_without_it_does_not(cells, path, tmp_path):
    with xarray.open_dataset(path) as file:
        file.sel(place="linear1").to_netcdf(tmp_path / "one.nc", engine="h5netcdf")
        file.sel(place="linear1", drop=True).to_netcdf(tmp_path / "none.nc", engine="h5netcdf")
        twice = file.isel(place=[1, 1])
        twice.to_netcdf(tmp_path / "twice.nc", engine="h5netcdf")
    found = gradsim.open(tmp_path / "one.nc")
    place = cells[1].places.index("linear1")
    known = cells[1]["gradient_log_mean"][:, place]
    assert np.array_equal(found[1]["gradient_log_mean"][:, place], known, equal_nan=True) and "linear2" in found[1].cut
    with pytest.raises(RequestError, match=r"several linear maps, activations or norms a block, and there is no 'place'"):
        _ = gradsim.open(tmp_path / "none.nc")[1]
    with pytest.raises(RequestError, match=r"the coordinate 'place' has one value twice"):
        gradsim.open(tmp_path / "twice.nc")
