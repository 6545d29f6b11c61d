"""Files of many cells: written in blocks, whole or not at all, read where they are used, found by their values, run again."""

import errno
import gc
import json
import os
import pickle
import weakref
from contextlib import contextmanager
from dataclasses import replace
from itertools import product

import h5py
import numpy as np
import pytest
import xarray

import gradsim
from gradsim.curves import CurveSet
from gradsim.errors import RequestError
from gradsim.model.stored import from_json
from gradsim.store import read, write
from gradsim.store.contents import Contents
from gradsim.store.layout import CHUNK, Layout, Outline, pieces
from gradsim.store.write import pack

AXES = {"activation": ["tanh", "relu"], "weight_gain": [0.5, 1.0, 1.5], "width": [[3, 4], [4, 3]]}


@pytest.fixture(scope="module")
def grid():
    """(the request, coordinates, Curves) of twelve networks."""
    cells = [dict(zip(AXES, values, strict=True)) for values in product(*AXES.values())]
    curves = [gradsim.simulate(gradsim.mlp(**cell), 7, seed=3, inputs=2) for cell in cells]
    return AXES, {name: [cell[name] for cell in cells] for name in AXES}, curves


@pytest.fixture(scope="module")
def path(grid, tmp_path_factory):
    request, coordinates, curves = grid
    path = tmp_path_factory.mktemp("packed") / "grid.h5"
    layout = Layout.of(curves, request, coordinates, [f"id{k}" for k in range(len(curves))])
    pack(path, layout, iter(curves), provenance={"threads": 2, "seconds": 1.5})
    return path


def contents(path):
    """All that is in a file but its provenance."""
    with h5py.File(path) as file:
        attributes = {name: value for name, value in file.attrs.items() if name != "provenance"}
        numbers = {name: data[()].tobytes() for name, data in file.items() if data.dtype.kind in "fi"}
        texts = {name: data[()].tolist() for name, data in file.items() if data.dtype.kind == "O"}
        return attributes, numbers, texts, {name: sorted(data.attrs) for name, data in file.items()}


def test_outlines_are_enough_for_a_layout(grid):
    request, coordinates, curves = grid
    outlines = (Outline(c.network, c.run, c.quantiles, list(c.variables)) for c in curves)
    a, b = Layout.of(outlines, request, coordinates), Layout.of(curves, request, coordinates)
    assert (a.cells, a.layers, a.places, a.replicas, a.names, a.described, a.request, a.axes) == (
        (b.cells, b.layers, b.places, b.replicas, b.names, b.described, b.request, b.axes)
    )


@pytest.mark.parametrize("block", [1, 20_000, 2**25])
def test_blocks_of_any_size_hold_the_same(grid, path, tmp_path, monkeypatch, block):
    monkeypatch.setattr("gradsim.store.layout.BLOCK", block)
    request, coordinates, curves = grid
    layout = Layout.of(curves, request, coordinates, [f"id{k}" for k in range(len(curves))])
    assert (layout.block == 1) == (block == 1) and layout.block.bit_count() == 1
    told = []
    pack(tmp_path / "again.h5", layout, iter(curves), progress=told.append)
    assert contents(tmp_path / "again.h5") == contents(path) and told[-1] == 12 and len(told) == -(-12 // layout.block)


def test_every_block_is_compared(grid, tmp_path, monkeypatch):
    """What reads back as something else in the last of several."""
    monkeypatch.setattr("gradsim.store.layout.BLOCK", 1)
    put = write._put

    def wrong(dataset, first, values):
        written = put(dataset, first, values)
        return put(dataset, first, values + 1) and written if (dataset.name, first) == ("/gradient_log_mean", 11) else written

    monkeypatch.setattr(write, "_put", wrong)
    request, coordinates, curves = grid
    with pytest.raises(RequestError, match=r"could not be written faithfully \(gradient_log_mean differs\)"):
        pack(tmp_path / "again.h5", Layout.of(curves, request, coordinates), iter(curves))
    assert os.listdir(tmp_path) == []


def test_blocks_and_kinds_of_networks_together(tmp_path, monkeypatch):
    """Plain ones, ones with places, with samples and without, in blocks of two."""
    monkeypatch.setattr("gradsim.store.layout.MOST_IN_BLOCK", 2)
    networks = [gradsim.mlp(width=4, depth=2, block="pre_norm", norm="layer"), gradsim.mlp(width=[3, 2, 3], outputs=2)]
    runs = [{"keep_samples": True, "replicas": 4}, {"replicas": 5}, {"inputs": 2, "replicas": 6}]
    curves = [gradsim.simulate(network, **run) for network, run in product(networks, runs)]
    pack(tmp_path / "mixed.h5", Layout.of(curves), iter(curves))
    for found, expected in zip(gradsim.open(tmp_path / "mixed.h5"), curves, strict=True):
        assert found.network == expected.network and set(found.variables) == set(expected.variables)
        for name in expected.variables:
            np.testing.assert_array_equal(found[name], expected[name])
        assert found.verdict.sentence == expected.verdict.sentence


def test_only_a_block_of_curves_is_in_memory(grid, tmp_path, monkeypatch):
    monkeypatch.setattr("gradsim.store.layout.MOST_IN_BLOCK", 2)
    _, _, curves = grid
    made, most = [], 0

    def fresh():
        nonlocal most
        for c in curves:
            c = replace(c)
            made.append(weakref.ref(c))
            yield c
            gc.collect()
            most = max(most, sum(ref() is not None for ref in made))

    pack(tmp_path / "stream.h5", Layout.of(curves), fresh())
    assert 2 <= most <= 5, most  # a block, what is left of the one before, and one between


def test_chunks_are_small_and_whole_blocks(grid):
    layout = Layout.of(grid[2])
    for shape in ((1024, 51, 7), (5, 20_001), (1, 10**6, 60), (3,), (1, 1)):
        found = pieces(shape)
        assert 8 * np.prod(found) <= max(CHUNK, 8) and all(0 < a <= b for a, b in zip(found, shape, strict=True))
    assert pieces((1024, 51, 7))[1:] == (51, 7) and 1024 % pieces((1024, 51, 7))[0] == 0
    assert layout.chunk("gradient_log_mean") == (12, 3)


MISFITS = {
    "fewer": (lambda curves: curves[:-1], "11 of them for 12 cells"),
    "more": (lambda curves: [*curves, curves[0]], "more of them than the 12 cells"),
    "other variables": (
        lambda curves: [replace(curves[0], variables=curves[0].variables | {"gradient_log": np.zeros((7, 3))}), *curves[1:]],
        "cell 0 is not what was planned: 'gradient_log' is there",
    ),
    "other quantiles": (
        lambda curves: [*curves[:3], gradsim.simulate(curves[0].network, 7, inputs=2, quantiles=(0.5,)), *curves[4:]],
        "cell 3 is not what was planned: its quantiles or layers",
    ),
    "deeper": (
        lambda curves: [*curves[:-1], gradsim.simulate(gradsim.mlp(width=3, depth=3), 7)],
        "cell 11 is not what was planned: its quantiles or layers",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_was_not_planned_is_refused(name, grid, tmp_path):
    change, words = MISFITS[name]
    with pytest.raises(RequestError, match=words) as error:
        pack(tmp_path / "no.h5", Layout.of(grid[2]), iter(change(grid[2])))
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())


def test_layouts_that_cannot_be(grid):
    _, coordinates, curves = grid
    for make, words in (
        (lambda: Layout.of([]), "none at all"),
        (lambda: Layout.of(curves[:2], None, coordinates), "12 activation for 2 cells"),
        (lambda: Layout.of(curves, identities=["a"]), "1 identities for 12 cells"),
        (lambda: CurveSet(curves, coordinates={"depth": [1]}), "1 depth for 12 networks"),
    ):
        with pytest.raises(RequestError, match=words):
            make()


class Failing:
    """A stream that a full disk ends after so many bytes."""

    def __init__(self, stream, room):
        self._stream, self._room = stream, room

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, content):
        if self._stream.tell() + len(content) > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._stream.write(content)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_what_was_there(share, overwrite, grid, tmp_path, monkeypatch):
    out, create = tmp_path / "a.h5", write.create
    pack(out, Layout.of(grid[2], *grid[:2]), iter(grid[2]))
    before = out.read_bytes()
    if not overwrite:
        out.unlink()

    @contextmanager
    def small(*arguments):
        with create(*arguments) as stream:
            yield Failing(stream, int(share * len(before)))

    monkeypatch.setattr(write, "create", small)
    with pytest.raises(RequestError, match=r"^out: cannot write .*No space left"):
        pack(out, Layout.of(grid[2], *grid[:2]), iter(grid[2]), overwrite)
    assert [p.name for p in tmp_path.iterdir()] == (["a.h5"] if overwrite else [])
    assert not overwrite or out.read_bytes() == before


def test_xarray_gives_the_hypercube(grid, path):
    _, coordinates, curves = grid
    with xarray.open_dataset(path) as file:
        axes = json.loads(file.attrs["axes"])
        assert axes == {"activation": "activation", "weight_gain": "weight_gain", "width": "width_axis"}
        cube = file.set_index(cell=list(axes.values())).unstack("cell")
        assert cube.sizes["activation"] == 2 and cube.sizes["weight_gain"] == 3 and cube.sizes["width_axis"] == 2
        for number, c in enumerate(curves):
            point = {axes[name]: coordinates[name][number] for name in axes} | {
                "width_axis": json.dumps(coordinates["width"][number])
            }
            np.testing.assert_array_equal(cube["gradient_log_mean"].sel(point), c["gradient_log_mean"])
            assert cube["identity"].sel(point).item() == f"id{number}"


def test_networks_are_found_by_their_values(grid, path):
    request, coordinates, curves = grid
    held = CurveSet(curves, request, coordinates, [f"id{k}" for k in range(12)])
    for found in (held, gradsim.open(path)):
        some = found.select(activation="tanh", weight_gain=0.5)
        assert len(some) == 2 and [c.network.widths for c in some] == [(3, 4), (4, 3)] and some.request == request
        (one,) = found.select(activation="Tanh", weight_gain=0.1 + 0.2 + 0.2, width=[[4, 3]])
        assert one.network == curves[1].network
        assert len(found.select(weight_gain=[0.5, 1.5])) == 8 and len(found.select(weight_gain="1.5", seed=3)) == 4
        assert found.select(identity="id7")[0].network == curves[7].network
        assert len(some.select(width=[[3, 4]])) == 1 and some.column("width").tolist() == ["[3, 4]", "[4, 3]"]
        assert found.column("weight_gain").tolist() == coordinates["weight_gain"]
        assert found.column("verdict").tolist() == [c.verdict.word for c in curves]
        assert found[2:4].coordinates["weight_gain"].tolist() == coordinates["weight_gain"][2:4]
        for wanted, words in (
            ({"activaton": "tanh"}, "did you mean activation"),
            ({"weight_gain": 0.7}, "no network has weight_gain=0.7; there are 0.5, 1.0, 1.5"),
            ({"activation": "sine"}, "no network has activation=sine"),
            ({"weight_gain": "many"}, "'many' is not a finite number"),
            ({"activation": "tanh", "identity": "id11"}, "no network has all of"),
            ({}, "nothing is asked for"),
        ):
            with pytest.raises(RequestError, match=words) as error:
                found.select(**wanted)
            assert "\n" not in str(error.value)


def test_a_variable_of_all_networks(grid, path):
    for found in (CurveSet(grid[2]), gradsim.open(path), gradsim.open(path).select(activation="relu")):
        for name in ("gradient_log_mean", "gradient_log_quantile", "loss_log_mean", "gradient_zero_count"):
            np.testing.assert_array_equal(found.values(name), np.array([c[name] for c in found]))
        with pytest.raises(gradsim.RequestError, match="did you mean"):
            found.values("gradient_log_men")


def test_opening_reads_no_curves(path, monkeypatch):
    seen, numbers = [], Contents.numbers
    monkeypatch.setattr(Contents, "numbers", lambda self, name, *a, **o: seen.append(name) or numbers(self, name, *a, **o))
    found = gradsim.open(path)
    assert len(found) == 12 and not [name for name in seen if "_log" in name or name.endswith("_mean")]
    found[7]["gradient_log_mean"], found[8]["gradient_log_mean"]
    assert seen.count("gradient_log_mean") == 1 and not [name for name in seen if name.endswith("_quantile")]


def test_what_is_kept_of_a_file_has_its_limit(grid, path, monkeypatch):
    monkeypatch.setattr(read, "KEPT", 1)
    for found, expected in zip(gradsim.open(path), grid[2], strict=True):
        for name in expected.variables:
            np.testing.assert_array_equal(found[name], expected[name])
    stored = read.Stored(path)
    dict(stored[0].variables)
    assert len(stored._kept) == 1


def test_curves_of_a_file_outlive_it(grid, path, tmp_path):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(path.read_bytes())
    found = gradsim.open(copy)
    one = found[3]
    copy.unlink()
    del found
    gc.collect()
    np.testing.assert_array_equal(one["gradient_log_quantile"], grid[2][3]["gradient_log_quantile"])
    again = pickle.loads(pickle.dumps(one))
    assert set(again.variables) == set(grid[2][3].variables)


def test_provenance_says_how_and_runs_again(grid, path):
    """From what stands in the file alone: each cell by its request, and the whole grid by the file's."""
    found = gradsim.open(path)
    said = found.provenance
    assert said["threads"] == 2 and said["seconds"] == 1.5 and said["command_line"] and said["gradsim"] and said["created"]
    with h5py.File(path) as file:
        texts = file["request"].asstr()[()]
        asked = json.loads(file.attrs["request"])
    for number in (0, 7):
        described = json.loads(texts[number])
        again = gradsim.simulate(from_json(described["network"]), **found[number].options)
        assert described["run"] == again.run
        for name in grid[2][number].variables:
            assert again[name].tobytes() == found[number][name].tobytes(), name
    whole = gradsim.sweep.run(asked | {"replicas": 7, "seed": 3, "inputs": 2})
    for a, b in zip(whole, found, strict=True):
        assert a["gradient_log_quantile"].tobytes() == b["gradient_log_quantile"].tobytes()


def test_rows_of_the_user_are_not_kept():
    curves = gradsim.simulate(gradsim.mlp(width=2, depth=1), 2, input_file=np.eye(2))
    with pytest.raises(RequestError, match="input_file was 'array'"):
        _ = curves.options


def test_saving_what_was_read_keeps_axes_and_identities(grid, path, tmp_path):
    gradsim.open(path).select(activation="relu").save(tmp_path / "relu.h5")
    found = gradsim.open(tmp_path / "relu.h5")
    assert found.column("identity").tolist() == [f"id{k}" for k in range(6, 12)]
    assert set(found.coordinates) == set(AXES) and found.column("width").tolist()[:2] == ["[3, 4]", "[4, 3]"]
