"""Files that were damaged, cut down, or made to look like gradsim's: other numbers are never read without a word."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

import gradsim
from gradsim.curves import CurveSet
from gradsim.errors import RequestError
from gradsim.statistics.quantities import QUANTITIES, VARIABLES, Variable
from gradsim.store.read import Stored
from gradsim.store.seal import PIECE, SIZE, WHOLE_WORDS, WORDS, Source, seal

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def curve_set():
    networks = [gradsim.mlp(width=3, depth=4, activation="tanh"), gradsim.mlp(width=[2, 3], outputs=2)]
    runs = [{"inputs": 2}, {"keep_samples": True}]
    return CurveSet([gradsim.simulate(n, 9, seed=1, **run) for n, run in zip(networks, runs, strict=True)])


@pytest.fixture(scope="module")
def path(curve_set, tmp_path_factory):
    path = tmp_path_factory.mktemp("damage") / "set.h5"
    curve_set.save(path)
    return path


def assert_same(found, expected):
    assert len(found) == len(expected) and found.request == expected.request
    for a, b in zip(found, expected, strict=True):
        assert a.network == b.network and a.run == b.run and a.cut == b.cut and set(a.variables) == set(b.variables)
        assert a.quantiles.tolist() == b.quantiles.tolist() and a.quantile_method == b.quantile_method
        for name in a.variables:
            np.testing.assert_array_equal(a[name], b[name])


def refused(path, words):
    """When it is opened, or when what is in it is read."""
    with pytest.raises(RequestError, match=words) as error:
        [dict(curves.variables) for curves in gradsim.open(path)]
    assert "\n" not in str(error.value) and repr(str(path)) in str(error.value)


# A flip of any bit under the seal changes a SHA-256; what is left is the seal itself, of which the words are harmless
def test_no_bit_that_flips_is_read_as_other_numbers(path, tmp_path):
    whole = path.read_bytes()
    words = range(8 * (len(whole) - SIZE), 8 * (len(whole) - SIZE + len(WORDS)))
    bits = [*np.random.default_rng(0).integers(0, words.start, 600).tolist(), *range(words.start, 8 * len(whole))]
    expected, copy = gradsim.open(path), tmp_path / "flipped.h5"
    for bit in bits:
        copy.write_bytes(_flipped(whole, bit))
        if bit in words:
            Source(copy)
        else:
            with pytest.raises(RequestError, match="damaged"):
                Source(copy)
    for bit in bits[::100]:
        copy.write_bytes(_flipped(whole, bit))
        if bit in words:
            assert_same(gradsim.open(copy), expected)
        else:
            refused(copy, "damaged")


def _flipped(content, bit):
    flipped = bytearray(content)
    flipped[bit // 8] ^= 1 << bit % 8
    return flipped


def test_the_seal_is_what_it_says(path):
    """As docs/format.md has it, by hand."""
    content = path.read_bytes()
    line = content[-SIZE:]
    size = int(line[len(WORDS) : len(WORDS) + 20])
    digests = b"".join(hashlib.sha256(content[:size][k : k + 262_144]).digest() for k in range(0, size, 262_144))
    assert content[size:-SIZE] == digests and PIECE == 262_144
    root = hashlib.sha256(line[len(WORDS) : len(WORDS) + 21] + digests).hexdigest().encode()
    assert line == WORDS + f"{size:020} ".encode() + root + b"\n"
    with h5py.File(io.BytesIO(content[:size])) as file:
        assert file.attrs["gradsim_version"]


@pytest.mark.parametrize("piece", [1000, 4096, 2**22])
def test_the_seal_is_of_every_piece(path, piece, tmp_path, monkeypatch):
    """A file fits its seal, and a change in any of its pieces does not."""
    monkeypatch.setattr("gradsim.store.seal.PIECE", piece)
    stream, copy = io.BytesIO(path.read_bytes()[:30_000]), tmp_path / "copy"
    seal(stream)
    content = stream.getvalue()
    copy.write_bytes(content)
    assert Source(copy).read() == content[:30_000]
    for place in range(0, len(content) - SIZE, 331):
        copy.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(RequestError, match="damaged"):
            Source(copy)


AFTERWARDS = """
import ctypes, sys, gradsim, h5py
from gradsim.store.read import Stored
for place in range(0, 1001, 50):
    content = bytearray(open(sys.argv[1], "rb").read())
    content[place * (len(content) - 400) // 1000] ^= 1
    open("flipped.h5", "wb").write(content)
    for lean in (False, True):
        try:
            Stored("flipped.h5", lean)
        except gradsim.RequestError:
            continue
        sys.exit(2)
left = h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE)
whole = Stored(sys.argv[1], lean=True)
ctypes.pythonapi.Py_IncRef(ctypes.py_object(whole))  # never collected
sys.exit(left)
"""


def test_a_process_ends_as_it_should_whatever_is_open(path, tmp_path, monkeypatch):
    """HDF5 closes what is open behind Python's back, and called it then: 139 instead of 0."""
    monkeypatch.chdir(tmp_path)
    ended = subprocess.run([sys.executable, "-c", AFTERWARDS, path], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_large_file_is_checked_where_it_is_read(path, curve_set, tmp_path, monkeypatch):
    """Opening it reads little of it; a flip elsewhere is told by name when it is met, and by a check of all."""
    monkeypatch.setattr("gradsim.store.seal.SMALL", 0)
    monkeypatch.setattr("gradsim.store.seal.PIECE", 16)
    stream, copy = io.BytesIO(_bare(path)), tmp_path / "large.h5"
    seal(stream)
    with h5py.File(path) as file:
        chunk = file["gradient_log_quantile"].id.get_chunk_info(0)
    copy.write_bytes(_flipped(stream.getvalue(), 8 * (chunk.byte_offset + chunk.size // 2)))
    found = gradsim.open(copy)
    assert np.array_equal(found[0]["activation_log_mean"], curve_set[0]["activation_log_mean"], equal_nan=True)
    for ask in (lambda: found[0]["gradient_log_quantile"], lambda: found[0].verdict, Stored(copy).check):
        with pytest.raises(RequestError, match="damaged: its bytes are not") as error:
            ask()
        assert repr(str(copy)) in str(error.value)
    copy.write_bytes(stream.getvalue())
    Stored(copy).check()


def _bare(path):
    """The HDF5 alone."""
    content = path.read_bytes()
    return content[: int(content[-SIZE:][len(WORDS) :][:20])]


def test_the_seal_of_before_is_checked(path, tmp_path):
    content, copy = _bare(path), tmp_path / "before.h5"
    content += WHOLE_WORDS + hashlib.sha256(content).hexdigest().encode() + b"\n"
    copy.write_bytes(content)
    assert_same(gradsim.open(copy), gradsim.open(path))
    for bit in (8, 4 * len(content), 8 * len(content) - 100):
        copy.write_bytes(_flipped(content, bit))
        refused(copy, "damaged")


def test_who_changes_a_file_on_purpose_takes_the_seal_off(path, tmp_path):
    copy = shutil.copy(path, tmp_path / "copy.h5")
    with h5py.File(copy, "r+") as file:
        file["gradient_log_mean"][0, 1] = 7.0
    assert WORDS not in copy.read_bytes() and gradsim.open(copy)[0]["gradient_log_mean"][1] == 7.0


# Without the seal (files of other hands, and of before there was one) Fletcher-32 covers every number
def test_flips_in_numbers_are_seen_without_the_seal(path, tmp_path):
    with h5py.File(path) as file:
        places = [
            (name, chunk.byte_offset, chunk.size)
            for name, dataset in file.items()
            if dataset.dtype.kind in "fi"
            for chunk in [dataset.id.get_chunk_info(0)]
        ]
    assert len(places) > 100
    bare, copy, random = _bare(path), tmp_path / "flipped.h5", np.random.default_rng(1)
    for name, start, size in places:
        copy.write_bytes(_flipped(bare, 8 * start + random.integers(8 * size)))
        with h5py.File(copy) as file, pytest.raises(OSError, match="filter"):
            file[name][()]
    refused(copy, "HDF5")


def test_a_file_that_ends_early_is_never_read_as_less(path, tmp_path):
    whole, copy = path.read_bytes(), tmp_path / "short.h5"
    size = len(_bare(path))
    lengths = {*range(0, 200, 7), *range(200, size, size // 40), size - 1}
    for length in sorted(lengths):
        copy.write_bytes(whole[:length])
        refused(copy, "HDF5")
    expected = gradsim.open(path)
    for length in (size, len(whole) - SIZE, len(whole) - 1):  # all of the HDF5 is there
        copy.write_bytes(whole[:length])
        assert_same(gradsim.open(copy), expected)


@settings(max_examples=40)
@given(data=st.data())
def test_old_files_with_damage_are_one_line_or_open(data, tmp_path_factory):
    content = bytearray((GOLDEN / "schema_1_custom.h5").read_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    garbage = data.draw(st.binary(min_size=1, max_size=40))
    content[start : start + len(garbage)] = garbage[: len(content) - start]
    copy = tmp_path_factory.mktemp("old") / "old.h5"
    copy.write_bytes(content)
    with suppress(RequestError):
        gradsim.open(copy).table()


def _set(name, value):
    def change(file):
        file.attrs[name] = value

    return change


def _replace(name, make):
    """The variable made anew by `make(file, its values)`, on the same dimensions where the shape is the same."""

    def change(file):
        old, values = file[name], file[name][()]
        scales = [axis[0] for axis in old.dims] if not old.is_scale else []
        users = [axis for dataset in file.values() for axis in dataset.dims if old.is_scale and len(axis) and axis[0] == old]
        for axis in users:
            axis.detach_scale(old)
        del file[name]
        make(file, values)
        for axis in users:
            axis.attach_scale(file[name])
        for axis, dim in enumerate(scales[: getattr(file[name], "ndim", 0)]):
            file[name].dims[axis].attach_scale(dim)

    return change


def _values(name, change):
    return _replace(name, lambda file, values: file.create_dataset(name, data=change(values)))


def _request(change):
    def changed(texts):
        described = [json.loads(text) for text in texts]
        change(described[0])
        return np.array([json.dumps(d) for d in described], object)

    return _values("request", changed)


def _delete(name):
    def change(file):
        del file[name]

    return change


def _link(name, link):
    def change(file):
        del file[name]
        file[name] = link

    return change


def _virtual(file, values):
    layout = h5py.VirtualLayout(shape=values.shape, dtype=values.dtype)
    layout[:] = h5py.VirtualSource("missing.h5", "x", shape=values.shape)
    file.create_virtual_dataset("gradient_log_mean", layout, fillvalue=0.0)


def _terabytes(file, values):
    file.create_dataset("gradient_log_mean", (len(values), 2**40), "f8", chunks=(1, 2**16))


def _gigabytes(file, values):
    """Of two numbers, packed into a chunk of which the rest may be anything."""
    made = file.create_dataset("spread_decades", values.shape, "f8", maxshape=(None,), chunks=(2**27,), compression="gzip")
    made.id.write_direct_chunk((0,), b"few bytes")


NEARLY = {
    "version a text": (_set("schema_version", "1"), "whole number"),
    "version a fraction": (_set("schema_version", 1.5), "whole number"),
    "version zero": (_set("schema_version", 0), "whole number"),
    "version several": (_set("schema_version", np.array([1, 2])), "whole number"),
    "version later": (_set("schema_version", 3), "reads up to 2"),
    "version gone": (lambda file: file.attrs.__delitem__("schema_version"), "not one of gradsim"),
    "grid not JSON": (_set("request", "{"), "attribute request"),
    "grid not text": (_set("request", 3), "attribute request"),
    "request gone": (_delete("request"), "'request' is missing"),
    "request numbers": (_replace("request", lambda f, v: f.create_dataset("request", data=np.arange(2.0))), "not text"),
    "request not UTF-8": (
        _replace("request", lambda f, v: f.create_dataset("request", data=np.array([b"\xff\xfe", b"x"]))),
        "UTF-8",
    ),
    "request not JSON": (_values("request", lambda v: np.array(["{", "{"], object)), "request of cell 0"),
    "request a list": (_values("request", lambda v: np.array(["[]", "[]"], object)), "request of cell 0"),
    "request deep": (_values("request", lambda v: np.array(["[" * 10**5] * 2, object)), "request of cell 0"),
    "no network": (_request(lambda d: d.pop("network")), "request of cell 0"),
    "no run": (_request(lambda d: d.pop("run")), "request of cell 0"),
    "an unknown field": (_request(lambda d: d["network"].update(colour=1)), "request of cell 0"),
    "no widths": (_request(lambda d: d["network"].update(widths=[])), "widths"),
    "widths a text": (_request(lambda d: d["network"].update(widths="444")), "width"),
    "widths negative": (_request(lambda d: d["network"].update(widths=[-1])), "width"),
    "activation a number": (_request(lambda d: d["network"].update(activation=3)), "activation is 3"),
    "gain a text": (_request(lambda d: d["network"].update(weight_gain="1")), "weight_gain"),
    "replicas a text": (_request(lambda d: d["run"].update(replicas="9")), "replicas"),
    "inputs gone": (_request(lambda d: d["run"].pop("inputs")), "inputs"),
    "input file a text": (_request(lambda d: d["run"].update(input_file="x.npy")), "input_file"),
    "other widths": (_request(lambda d: d["network"].update(widths=[2, 3, 3, 3])), "layer_width"),
    "other depth": (_request(lambda d: d["network"].update(widths=[3, 3, 3])), "depth"),
    "other replicas": (_request(lambda d: d["run"].update(replicas=10)), "replicas"),
    "layer gone": (_delete("layer"), "'layer' is missing"),
    "layer twice": (_values("layer", lambda v: np.zeros_like(v)), "one value twice"),
    "layer of halves": (_values("layer", lambda v: v + 0.5), "whole numbers"),
    "layers of others": (_values("layer", lambda v: v + 100), "no layer of cell 0"),
    "quantile beyond one": (_values("quantile", lambda v: v + 1), "from 0 to 1"),
    "precision numbers": (_replace("precision", lambda f, v: f.create_dataset("precision", data=np.arange(6))), "not text"),
    "curve a text": (_values("gradient_log_mean", lambda v: np.full(v.shape, "x", object)), "not numbers"),
    "curve complex": (_values("gradient_log_mean", lambda v: v + 1j), "not numbers"),
    "curve of a record": (_values("gradient_log_mean", lambda v: np.zeros(v.shape, [("a", "f8")])), "not numbers"),
    "curve a scalar": (_values("gradient_log_mean", lambda v: 1.0), "lacks its dimension"),
    "curve shorter": (_values("gradient_log_mean", lambda v: v[:, :-1]), "along layer"),
    "curve of more axes": (_values("gradient_log_mean", lambda v: v[..., None]), "axis without a dimension"),
    "counts of halves": (_values("gradient_zero_count", lambda v: v + 0.5), "whole numbers"),
    "curve empty": (
        _replace("gradient_log_mean", lambda f, v: f.create_dataset("gradient_log_mean", data=h5py.Empty("f8"))),
        "is empty",
    ),
    "curve a group": (_replace("loss_log_mean", lambda f, v: f.create_group("loss_log_mean")), "not a variable"),
    "curve never written": (
        _replace("gradient_log_mean", lambda f, v: f.create_dataset("gradient_log_mean", v.shape, "f8")),
        "never written",
    ),
    "curve of terabytes": (_replace("gradient_log_mean", _terabytes), "never written"),
    "soft circle": (_link("gradient_log_mean", h5py.SoftLink("/gradient_log_mean")), "is a link"),
    "soft link": (_link("gradient_log_mean", h5py.SoftLink("/gradient_log_variance")), "is a link"),
    "external link": (_link("gradient_log_mean", h5py.ExternalLink("/etc/passwd", "x")), "is a link"),
    "virtual": (_replace("gradient_log_mean", _virtual), "other files"),
    "raw data elsewhere": (
        _replace(
            "gradient_log_mean",
            lambda f, v: f.create_dataset("gradient_log_mean", v.shape, "f8", external=[("/dev/zero", 0, 8 * v.size)]),
        ),
        "other files",
    ),
}


@pytest.mark.parametrize("name", NEARLY)
def test_what_is_nearly_ours_is_named(name, path, tmp_path):
    change, words = NEARLY[name]
    copy = shutil.copy(path, tmp_path / "nearly.h5")
    with h5py.File(copy, "r+") as file:
        change(file)
    refused(copy, words)


@pytest.mark.parametrize("make", [_gigabytes, None])
def test_what_takes_more_memory_than_there_is_is_refused(make, path, tmp_path, monkeypatch):
    copy = shutil.copy(path, tmp_path / "large.h5")
    monkeypatch.setattr("gradsim.memory.SMALL", 0)
    monkeypatch.setattr("gradsim.memory.available", lambda: 2**30 if make else 2**10)
    with h5py.File(copy, "r+") as file:
        if make:
            _replace("gradient_log_mean", lambda f, v: f.create_dataset("gradient_log_mean", data=v))(file)
            file["gradient_log_mean"].attrs["long_name"] = "as before"
            del file["spread_decades"]
            make(file, np.zeros(2))
            file["spread_decades"].dims[0].attach_scale(file["cell"])
    if make:  # the verdict's own variables are not read, so it is a curve's that must be looked at
        monkeypatch.setitem(VARIABLES, "spread_decades", Variable(QUANTITIES["loss"], (), "spread"))
    refused(copy, "GiB of memory")


def test_what_is_no_plain_file_is_not_opened(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "empty").touch()
    (tmp_path / "old.nc").write_bytes(b"CDF\x01" + bytes(40))
    (tmp_path / "text").write_text("hello, world")
    for name, words in (
        ("folder", "a folder"),
        ("pipe", "not a plain file"),
        ("loop", "symbolic links"),
        ("empty", "but empty"),
        ("old.nc", "netCDF-3"),
        ("text", "not an HDF5 file"),
        ("nothing", "no such file"),
        ("text/more", "Not a directory"),
        ("x" * 300, "too long"),
    ):
        refused(tmp_path / name, words)
    refused(Path("/dev/zero"), "not a plain file")
    for value in (None, 3, "", "a\0b", [], object()):
        with pytest.raises(RequestError, match="not the name of a file"):
            gradsim.open(value)


@pytest.fixture(scope="module")
def dataset(path):
    with xarray.open_dataset(path) as found:
        yield found.load()


def together(*datasets):
    return xarray.concat(datasets, "cell", coords="different", compat="equals", join="outer")


# What still makes sense: (how it is cut, cells that are left)
WHOLE = {
    "as it is": (lambda d: d, [0, 1]),
    "one cell": (lambda d: d.isel(cell=1), [1]),
    "a list of cells": (lambda d: d.isel(cell=[1, 0]), [1, 0]),
    "transposed": (lambda d: d.transpose(), [0, 1]),
    "layers turned round": (lambda d: d.isel(layer=slice(None, None, -1)), [0, 1]),
    "quantiles turned round": (lambda d: d.isel(quantile=slice(None, None, -1)), [0, 1]),
    "put together": (lambda d: together(d.isel(cell=[1]), d.isel(cell=[0])), [1, 0]),
    "cells put together": (lambda d: together(d.isel(cell=0), d.isel(cell=1)), [0, 1]),
    "without the cells' numbers": (lambda d: d.drop_vars("cell"), [0, 1]),
    "without verdicts": (lambda d: d.drop_vars(["verdict", "spread_decades", "decades_per_100_layers"]), [0, 1]),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_xarray_hands_back_is_the_same(name, dataset, curve_set, tmp_path):
    cut, cells = WHOLE[name]
    cut(dataset).to_netcdf(tmp_path / "cut.nc")
    found = gradsim.open(tmp_path / "cut.nc")
    assert_same(found, CurveSet([curve_set[cell] for cell in cells], found.request))
    assert [curves.verdict.word for curves in found] == [curve_set[cell].verdict.word for cell in cells]


def test_curves_as_xarray_written_and_read(curve_set, tmp_path):
    curve_set[1].to_xarray().to_netcdf(tmp_path / "one.nc")
    assert_same(gradsim.open(tmp_path / "one.nc"), CurveSet([curve_set[1]], gradsim.open(tmp_path / "one.nc").request))


def test_other_types_and_packed_numbers(dataset, curve_set, tmp_path):
    packed = {"dtype": "int32", "scale_factor": 1e-6, "add_offset": 1.0, "_FillValue": -(2**31)}
    encoding = {"gradient_log_mean": packed, "activation_log_mean": {"dtype": "float32"}, "layer": {"dtype": "int16"}}
    encoding["gradient_log_variance"] = {"dtype": ">f8", "_FillValue": -99.0}
    dataset.to_netcdf(tmp_path / "packed.nc", encoding=encoding)
    found, expected = gradsim.open(tmp_path / "packed.nc")[0], curve_set[0]
    np.testing.assert_allclose(found["gradient_log_mean"], expected["gradient_log_mean"], atol=1e-6)
    np.testing.assert_allclose(found["activation_log_mean"], expected["activation_log_mean"], rtol=1e-6)
    np.testing.assert_array_equal(found["gradient_log_variance"], expected["gradient_log_variance"])


# What is cut away is missing, where it was; nothing is judged by the rest
PARTS = {
    "some layers": (lambda d: d.sel(layer=slice(1, 3)), [1, 2, 3], "not in the file: layers 0 and 4$"),
    "one layer": (lambda d: d.sel(layer=2), [2], "not in the file: layers 0 to 1 and 3 to 4$"),
    "layer 0 gone": (lambda d: d.isel(layer=slice(1, None)), [1, 2, 3, 4], "not in the file: layer 0$"),
    "a float type": (lambda d: d.sel(precision=["float32", "bfloat16"]), range(5), "not in the file: float types float16$"),
    "without a median": (lambda d: d.sel(quantile=[0.05, 0.95]), range(5), "0.5 was not kept"),
    "without a variable": (lambda d: d.drop_vars("gradient_log_quantile"), range(5), "no variable 'gradient_log_quantile'"),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_of_curves_keep_their_place(name, dataset, curve_set, tmp_path):
    cut, layers, words = PARTS[name]
    cut(dataset).to_netcdf(tmp_path / "part.nc")
    found, layers = gradsim.open(tmp_path / "part.nc"), list(layers)
    expected = np.full(5, np.nan)
    expected[layers] = curve_set[0]["gradient_log_mean"][layers]
    counts = np.full(5, -1)
    counts[layers] = curve_set[0]["gradient_zero_count"][layers]
    np.testing.assert_array_equal(found[0]["gradient_zero_count"], counts)
    np.testing.assert_array_equal(found[0]["gradient_log_mean"], expected)
    for ask in (lambda: found[0].verdict, found.table, lambda: found.save(tmp_path / "again.h5")):
        with pytest.raises(RequestError, match=words) as error:
            ask()
        assert "\n" not in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["part.nc"]
    if not name.startswith("without"):
        found.plot()


LOST = {
    "no request": (lambda d: d.drop_vars("request"), "'request' is missing"),
    "no layer": (lambda d: d.drop_vars("layer"), "'layer' is missing"),
    "dropped with the cell": (lambda d: d.isel(cell=0, drop=True), "'request' is missing"),
    "no cells": (lambda d: d.isel(cell=[]), "no cells"),
    "a mean": (lambda d: d.mean("cell"), "'request' is missing"),
    "no attributes": (lambda d: d.drop_attrs(), "not one of gradsim"),
    "renamed": (lambda d: d.rename(layer="depth_"), "'layer' is missing"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_no_longer_makes_sense_says_what_is_missing(name, dataset, tmp_path):
    cut, words = LOST[name]
    cut(dataset).to_netcdf(tmp_path / "lost.nc")
    refused(tmp_path / "lost.nc", words)


# Called stable when it was written: four units a layer, of which some die, so that the spread is infinite
JUDGED_ANEW = {("schema_1", 0): "split"}


@pytest.mark.parametrize("name", ["schema_1", "schema_1_custom"])
def test_files_of_schema_1_open_for_ever(name, tmp_path):
    """A user's function is not known here: what it was computed for reads, prints, plots and goes on all the same."""
    found = gradsim.open(GOLDEN / f"{name}.h5")
    assert len(found) == (5 if name == "schema_1" else 1)
    with xarray.open_dataset(GOLDEN / f"{name}.h5") as stored:
        for cell, curves in enumerate(found):
            word = JUDGED_ANEW.get((name, cell), stored["verdict"].values[cell])
            assert not curves.cut and curves.verdict.word == word
            layers = len(curves.layers)
            np.testing.assert_array_equal(curves["gradient_log_mean"], stored["gradient_log_mean"].values[cell, :layers])
    assert found.table()
    found.plot(tmp_path / "old.png")
    found.save(tmp_path / "again.h5")
    assert_same(gradsim.open(tmp_path / "again.h5"), found)
