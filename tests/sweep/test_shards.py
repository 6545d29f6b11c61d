"""Shards of a sweep, and their files combined: to the bits of one process, or refused with what is amiss."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import gradsim
from gradsim import RequestError
from gradsim.store.layout import digest_of
from gradsim.sweep import combine, origins, read_plan
from gradsim.sweep.combine import Combination
from gradsim.sweep.durable import Sweep
from gradsim.sweep.precision import Precision

GRID = {"activation": ["relu", "tanh"], "weight_gain": [0.9, 1.0, 1.3], "inputs": 2, "width": 5, "depth": 4, "replicas": 7}
TOML = "activation = ['relu', 'tanh']\nweight_gain = [0.9, 1.0, 1.3]\ninputs = 2\nwidth = 5\ndepth = 4\nreplicas = 7\n"
# Axes and cells in which what a file holds hangs on all of them: a description that tells the values of one shard apart and not
# those of all, numbers beside texts and nothing at all, blocks and places of some cells only, depths of others
UNEVEN = {
    "replicas": 6,
    "cells": [
        {"width": [[4, 3], 4, 3], "depth": 2, "weight_gain": [1, 1.5]},
        {"block": "residual", "residual_scale": [0.5, "1/sqrt(depth)"], "width": 4, "depth": [1, 3], "last_gain": [2.0]},
        {"block": "pre_norm", "block_depth": 2, "width": 4, "depth": 5, "inputs": [1, 3], "seed": [0, 10**20]},
    ],
}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def content(path):
    """All that a file holds, to the bit, but for its provenance."""

    def said(attributes):
        return {
            name: value if isinstance(value, str) else repr(value) for name, value in attributes.items() if name not in PLACES
        }

    with h5py.File(path) as file:
        attributes = said(file.attrs)
        provenance = json.loads(attributes.pop("provenance"))
        found = {name: file[name] for name in file}
        held = {
            name: (
                said(data.attrs),
                data.shape,
                str(data.dtype),
                data[()].tolist() if data.dtype == object else data[()].tobytes(),
            )
            for name, data in found.items()
        }
    return attributes, held, provenance


PLACES = ("DIMENSION_LIST", "REFERENCE_LIST")  # in the file


def same_content(one, other):
    (first, held, _), (second, again, _) = content(one), content(other)
    assert first == second and [*held] == [*again]
    for name in held:
        assert held[name] == again[name], name
    return True


def done(plan, out, precision=None, theory=False):
    sweep = Sweep(plan if not isinstance(plan, dict) else read_plan(plan), out, precision, keep=False, theory=theory)
    assert not sweep.is_finished()
    sweep.begin()
    try:
        assert not sweep.run(1).failed
        sweep.pack()
    finally:
        sweep.leave()


def shards(grid, count, which=None, **options):
    """The names of the files of shards."""
    names = []
    for number in which or range(1, count + 1):
        names.append(f"{number}of{count}.h5")
        done(read_plan(grid).shard((number, count)), names[-1], **options)
    return names


def gradsim_(*arguments, before=""):
    command = [sys.executable, "-c", f"{before}\nfrom gradsim.cli import main\nmain()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def changed(path, change, out="changed.h5"):
    """A copy of a file in which `change(file)` did something; without its seal."""
    shutil.copy(path, out)
    with h5py.File(out, "r+") as file:
        change(file)
    return out


def test_shards_are_every_nth_cell_and_all_of_them_each_cell_once():
    plan = read_plan(GRID)
    parts = [plan.shard(f"{number}/4") for number in range(1, 5)]
    assert [part.numbers for part in parts] == [(0, 4), (1, 5), (2,), (3,)]
    for part in parts:
        assert part.identities == tuple(plan.identities[number] for number in part.numbers)
        assert [cell.coordinates for cell in part.cells] == [plan.cells[number].coordinates for number in part.numbers]
        assert part.axes == plan.axes and part.of_cells == 6 and part.digest == plan.digest == digest_of(plan.identities)
        assert part.networks == 7 * len(part)
        again = read_plan(json.loads(json.dumps(part.request)))
        assert again.identities == part.identities and again.request == part.request == plan.request | {
            "shard": part.request["shard"]
        }
    assert len(plan) == 6 and plan.networks == 42 and "shard" not in plan.request


def test_more_replicas_of_a_shard_are_a_shard_of_more_replicas():
    grid = {
        "cells": [
            {"width": 4, "depth": 2, "replicas": 5, "seed": [0, 1]},
            {"width": 4, "depth": 2, "replicas": 9, "seed": [1, 2]},
        ]
    }
    plan = read_plan(grid)
    one, other = plan.shard("2/2").with_replicas(3), plan.with_replicas(3).shard("2/2")
    assert len(plan) == 4 and other.of_cells == 3  # with as many replicas two of the cells are one
    assert one.identities == other.identities and one.numbers == other.numbers == (1,) and one.request == other.request


@pytest.mark.parametrize(
    "which", ["0/3", "4/3", "1/0", "1", "1/3/5", "-1/3", "a/b", "1.0/3", " 1/3", "", "1/9999999999", (1, 0), (1.0, 3), 3]
)
def test_what_is_no_shard(which):
    with pytest.raises(RequestError, match=r"^shard: .* is not i/n"):
        read_plan(GRID).shard(which)


def test_a_shard_has_cells_and_is_none_of_a_shard():
    with pytest.raises(RequestError, match=r"^shard: shard 7/9 has no cell: the sweep has 6; give fewer shards$"):
        read_plan(GRID).shard("7/9")
    with pytest.raises(RequestError, match=r"^shard: the sweep is shard 1/2 already$"):
        read_plan(GRID | {"shard": "1/2"}).shard("1/2")


def test_three_processes_are_one():
    """Shards as commands that run at the same time, combined in another order and one of them twice."""
    Path("grid.toml").write_text(TOML)
    command = [sys.executable, "-m", "gradsim", "sweep", "grid.toml", "--no-draws"]
    children = [subprocess.Popen([*command, "--shard", f"{k}/3"], stdout=subprocess.DEVNULL) for k in (1, 2, 3)]
    assert [child.wait(300) for child in children] == [0, 0, 0]
    names = [f"grid.{k}-of-3.h5" for k in (1, 2, 3)]
    assert sorted(os.listdir(".")) == [*names, "grid.toml"]
    done(GRID, "one.h5")
    shutil.copy(names[0], "again.h5")
    found = gradsim_("combine", names[2], names[0], "again.h5", names[1], "-o", "all.h5")
    assert (found.returncode, found.stdout, found.stderr) == (0, "6 cells of 4 files\nwritten: all.h5\n", "")
    assert same_content("all.h5", "one.h5")
    parts = content("all.h5")[2]["parts"]
    assert [part["file"] for part in parts] == [names[2], names[0], "again.h5", names[1]]
    assert parts[0]["command_line"][1:] == ["sweep", "grid.toml", "--no-draws", "--shard", "3/3"] and parts[0]["cells"] == 2
    assert all(part["seconds"] > 0 and part["threads"] and part["cpu"] for part in parts)
    before = Path("all.h5").read_bytes()
    assert "all.h5 has all of it already" in gradsim_("combine", *names, "-o", "all.h5").stdout
    assert "all.h5 has all of it already" in gradsim_("sweep", "grid.toml", "--out", "all.h5").stdout
    assert Path("all.h5").read_bytes() == before
    assert gradsim_("status", names[1]).stdout == f"{names[1]}: finished, 2 cells\n"


@pytest.mark.parametrize(
    "options", [{}, {"theory": True}, {"precision": Precision(0.4, most=40)}], ids=["plain", "theory", "precision"]
)
def test_combined_they_are_that_of_one_process(options, monkeypatch):
    """With cells of other depths, places and axes too; read and written in small blocks, so that these have borders."""
    monkeypatch.setattr("gradsim.store.layout.MOST_IN_BLOCK", 2)
    names = shards(UNEVEN, 3, **options)
    done(UNEVEN, "one.h5", **options)
    found = combine(names[::-1], "all.h5")
    assert same_content("all.h5", "one.h5") and len(found) == len(read_plan(UNEVEN))
    assert found.request == read_plan(UNEVEN).request and "shard" in gradsim.open(names[0]).request


def test_what_is_saved_from_memory_is_a_part_too():
    gradsim.sweep.run(read_plan(GRID).shard((1, 2)), 1).save("1.h5")
    gradsim.sweep.run(GRID, 1).part([5, 3, 1]).save("2.h5")
    done(GRID, "one.h5")
    combine(["2.h5", "1.h5"], "all.h5")
    assert same_content("all.h5", "one.h5")


def test_files_that_were_cut_are_parts_of_what_is_left():
    done(GRID, "one.h5")
    opened = gradsim.open("one.h5")
    opened.select(activation="tanh").save("tanh.h5")
    opened.part([2, 0]).save("two.h5")
    with gradsim_xarray("one.h5") as file:
        file.isel(cell=[1, 2]).to_netcdf("cut.h5", engine="h5netcdf")
    combine(["tanh.h5", "two.h5", "cut.h5"], "all.h5")
    assert same_content("all.h5", "one.h5")


def gradsim_xarray(path):
    return pytest.importorskip("xarray").open_dataset(path, engine="h5netcdf")


def test_shards_that_overlap_agree():
    names = [*shards(GRID, 2, [1]), *shards(GRID, 3, [2]), *shards(GRID, 2, [2])]
    done(GRID, "one.h5")
    combine(names, "all.h5")
    assert same_content("all.h5", "one.h5")


def test_missing_cells_are_told_and_a_part_of_a_sweep_is_completed():
    names = shards(GRID, 3)
    done(GRID, "one.h5")
    words = r"^combine: 2 of 6 cells are missing: shard 2/3; .* partial=True$"
    with pytest.raises(RequestError, match=words):
        combine([names[2], names[0]], "some.h5")
    with pytest.raises(RequestError, match=r"4 of 6 cells are missing: shards 1/3, 3/3; "):
        combine(names[1], "some.h5")
    gradsim.open("one.h5").part([0, 2, 3]).save("three.h5")
    with pytest.raises(RequestError, match=r"3 of 6 cells are missing: cells 1, 4 to 5; "):
        combine("three.h5", "some.h5")
    assert not os.path.exists("some.h5")
    found = combine([names[2], names[0]], "some.h5", partial=True)
    assert len(found) == 4 and found.column("weight_gain").tolist() == [0.9, 1.3, 0.9, 1.3]
    with pytest.raises(RequestError, match=r"2 of 6 cells are missing: cells 1, 4; "):
        combine("some.h5", "all.h5")
    combine([names[1], "some.h5"], "all.h5")
    assert same_content("all.h5", "one.h5")
    assert [part["file"] for part in content("all.h5")[2]["parts"]] == [names[1], names[2], names[0]]
    with pytest.raises(RequestError, match=r"it is of another sweep: 4 cells there, 6 now$"):
        done(GRID, "some.h5")


def bit(name, cell, place):
    """Has the last bit of a number of a cell be another one."""

    def change(file):
        values = file[name][cell]
        values.view(np.int64)[place] ^= 1
        file[name][cell] = values

    return change


def test_a_cell_that_differs_is_refused_with_its_files():
    names = shards(GRID, 2)
    other = changed(names[0], bit("gradient_log_mean", 1, 2))
    words = r"cell 2 \(activation relu, weight_gain 1.3\) differs in gradient_log_mean between '1of2.h5' and 'changed.h5'"
    with pytest.raises(RequestError, match=f"^combine: {words}$"):
        combine([*names, other], "all.h5")
    assert sorted(os.listdir(".")) == [*names, "changed.h5"]

    def of_another_cpu(file):
        bit("gradient_log_mean", 1, 2)(file)
        file.attrs["provenance"] = json.dumps({"cpu": "znver2", "vector_instructions": ["avx", "avx2"]})

    other = changed(names[0], of_another_cpu)
    with pytest.raises(
        RequestError, match=r"and 'changed.h5'; computed on \w+ \(.*\) and on znver2 \(AVX2 vectors\), which differ"
    ):
        combine([*names, other], "all.h5")

    def another_run(file):
        texts = file["request"].asstr()[()]
        file["request"][0] = texts[0].replace('"loss":"probe"', '"loss":"mse"')

    with pytest.raises(RequestError, match=r"cell 0 .* differs in loss between"):
        combine([*names, changed(names[0], another_run)], "all.h5")


def test_several_kinds_of_cpu_are_told():
    names = shards(GRID, 2)

    def of_another_cpu(file):
        file.attrs["provenance"] = json.dumps({"cpu": "znver2", "vector_instructions": ["avx2"], "gradsim": "0.0.1"})

    other, told = changed(names[1], of_another_cpu), []
    combine([names[0], other], "all.h5", tell=told.append)
    assert len(told) == 2 and "several kinds of CPU: " in told[0] and "znver2 (AVX2 vectors)" in told[0]
    assert "several versions of gradsim: " in told[1] and "0.0.1" in told[1]
    said = content("all.h5")[2]["parts"]
    assert said[1] == {"file": "changed.h5", "cells": 3, "cpu": "znver2", "vector_instructions": ["avx2"], "gradsim": "0.0.1"}
    told.clear()
    combine(names, "b.h5", tell=told.append)
    assert told == []


def test_files_of_other_sweeps_are_refused_with_the_difference():
    (first,) = shards(GRID, 2, [1])
    done(read_plan(GRID | {"seed": 3, "weight_gain": [0.9, 1.0, 1.4]}).shard("2/2"), "other.h5")
    words = r"weight_gain: \[0.9, 1.0, 1.3\] there, \[0.9, 1.0, 1.4\] now; seed: not given there, 3 now$"
    with pytest.raises(RequestError, match=rf"^combine: '1of2.h5' and 'other.h5' are of different sweeps: .*{words}"):
        combine([first, "other.h5"], "all.h5")
    done(read_plan(GRID).shard("2/2"), "theory.h5", theory=True)
    with pytest.raises(RequestError, match=r"theory: False there, True now$"):
        combine([first, "theory.h5"], "all.h5")
    done(read_plan(GRID).shard("2/2"), "precise.h5", precision=Precision(9.0))
    with pytest.raises(RequestError, match=r"precision: None there, \{.*9.0.*\} now$"):
        combine([first, "precise.h5"], "all.h5")


def test_what_is_no_part_is_refused():
    (first,) = shards(GRID, 1)

    def without(file):
        del file.attrs["sweep"]

    gradsim.simulate(gradsim.mlp(width=4, depth=2), 3).save("run.h5")
    for path in (changed(first, without), "run.h5"):
        with pytest.raises(RequestError, match=rf"^'{path}': does not say which cells of which sweep it has"):
            combine([first, path], "all.h5")

    def cut(file):
        file["identity"][0] = "0" * 64

    with pytest.raises(RequestError, match=r"the identities of the cells are not those of the sweep"):
        combine(changed(first, cut), "all.h5")
    with pytest.raises(
        RequestError, match=r"^combine: cell 0 \(activation relu, weight_gain 0.9\) of '1of1.h5' is another one"
    ):
        combine([first, "changed.h5"], "all.h5")
    with gradsim_xarray(first) as file:
        file.isel(layer=[0, 1]).to_netcdf("layers.h5", engine="h5netcdf")
    with pytest.raises(RequestError, match=r"^'layers.h5': lacks layers 2 to 4 of cell 0"):
        combine("layers.h5", "all.h5")
    for wrong, words in (([], "no file is given"), (3, "is not a list of names"), ([3], "is not the name of a file")):
        with pytest.raises(RequestError, match=f"^combine: .*{words}"):
            combine(wrong, "all.h5")
    with pytest.raises(RequestError, match=r"^out: '1of1.h5' is a file that is read; give another name$"):
        combine([first], "1of1.h5", overwrite=True)


def test_a_damaged_part_is_named():
    names = shards(GRID, 2)
    found = bytearray(Path(names[1]).read_bytes())
    for place in range(len(found) // 5, len(found) - 400, len(found) // 5):
        broken = found.copy()
        broken[place] ^= 4
        Path("broken.h5").write_bytes(broken)
        with pytest.raises(RequestError, match=r"'broken.h5': damaged"):
            combine([names[0], "broken.h5"], "all.h5")
    assert sorted(os.listdir(".")) == [*names, "broken.h5"]


def test_an_output_is_left_alone_or_replaced_where_that_is_said():
    names = shards(GRID, 2)
    combine(names, "all.h5")
    before, stamp = Path("all.h5").read_bytes(), os.stat("all.h5").st_mtime_ns
    combine(names, "all.h5")
    assert Combination(names[::-1], "all.h5").is_there() and os.stat("all.h5").st_mtime_ns == stamp
    changed("all.h5", bit("gradient_log_mean", 3, 2), "other.h5")
    shutil.copy(names[0], "part.h5")
    for out, words in (("other.h5", "cell 3 .* differs in gradient_log_mean"), ("part.h5", "it has 3 cells, they have 6")):
        kept = Path(out).read_bytes()
        with pytest.raises(
            RequestError, match=rf"^out: '{out}' exists; .*overwrite=True; it is not what the files give: {words}"
        ):
            combine(names, out)
        assert Path(out).read_bytes() == kept
        combine(names, out, overwrite=True)
        assert same_content(out, "all.h5")
    assert Path("all.h5").read_bytes() == before


def test_two_shards_of_one_name_are_not_mixed():
    """Not even where they have the same networks, and as many more of them."""
    Path("grid.toml").write_text("width = 4\ndepth = 2\nreplicas = [5, 9]\n")
    done(read_plan("grid.toml").shard("1/2"), "a.h5")
    with pytest.raises(RequestError, match=r"it is of another sweep: shard: '1/2' there, '2/2' now$"):
        done(read_plan("grid.toml").shard("2/2"), "a.h5")
    begun = Sweep(read_plan("grid.toml").shard("1/2"), "b.h5", keep=False)
    begun.begin()
    begun.run(1)
    begun.leave()
    with pytest.raises(RequestError, match=r"the work on another sweep: shard: '1/2' there, '2/2' now$"):
        done(read_plan("grid.toml").shard("2/2"), "b.h5")
    other = read_plan({"width": 4, "depth": 2, "replicas": [5, 8]}).shard("1/2")  # of which this shard has the same cell
    done(other, "a.h5")
    assert gradsim.open("a.h5").request == other.request and Sweep(other, "a.h5").is_finished()


def test_more_replicas_of_the_shards_are_those_of_the_sweep():
    names = shards(GRID, 2)
    for number, name in enumerate(names, 1):
        done(read_plan(GRID).shard((number, 2)).with_replicas(9), name)
    done(read_plan(GRID).with_replicas(9), "one.h5")
    combine(names, "all.h5")
    assert same_content("all.h5", "one.h5")


def test_nothing_but_the_parts_is_needed(monkeypatch):
    """Neither the grid, nor a user's function, nor the rows of a file."""
    Path("mine.py").write_text("def f(h):\n    return 0.5 * h\ndef f_derivative(h):\n    return 0.5\n")
    np.save("rows.npy", np.arange(12.0).reshape(3, 4))
    Path("grid.toml").write_text(
        "activation = ['mine:f', 'relu']\ninput_file = 'rows.npy'\nwidth = 4\ndepth = 2\nreplicas = 3\nshard = '1/1'\n"
    )
    assert gradsim_("sweep", "grid.toml", "--shard", "1/2").returncode == 2  # it is one already
    found = gradsim_("sweep", "grid.toml", "--no-draws")
    assert found.returncode == 0, found.stderr
    for name in ("mine.py", "rows.npy", "grid.toml"):
        os.unlink(name)
    shutil.rmtree("__pycache__", ignore_errors=True)
    found = gradsim_("combine", "grid.1-of-1.h5", "-o", "all.h5")
    assert found.returncode == 0 and sorted(os.listdir(".")) == ["all.h5", "grid.1-of-1.h5"], found.stderr
    assert gradsim.open("all.h5").request["activation"] == ["mine:f", "relu"]


def test_a_request_that_is_too_large_for_an_attribute(monkeypatch):
    """That a shard is one makes its request no longer than that of its sweep."""
    size = len(json.dumps(json.loads(json.dumps(read_plan(GRID).request))))
    for room, kept in ((size, True), (size - 1, False)):
        monkeypatch.setattr("gradsim.store.layout.LARGEST_ATTRIBUTE", room)
        os.mkdir(f"{room}")
        monkeypatch.chdir(f"{room}")
        names = shards(GRID, 2)
        done(GRID, "one.h5")
        assert isinstance(gradsim.open(names[0]).request, dict) == kept
        combine(names, "all.h5")
        assert same_content("all.h5", "one.h5")
        assert Sweep(read_plan(GRID).shard("1/2"), names[0]).is_finished()
        monkeypatch.chdir("..")


def test_a_file_has_one_nan():
    """What is read and written again is the same, whatever sign a NaN had when it was computed."""
    curves = gradsim.simulate(gradsim.mlp(width=4, depth=2), 3)
    for sign, name in ((1, "a.h5"), (-1, "b.h5")):
        nan = np.copysign(np.nan, sign)
        for values in curves.variables.values():
            if values.dtype.kind == "f" and values.ndim:
                values[np.isnan(values)] = nan
        curves.save(name)
    assert same_content("a.h5", "b.h5")


def test_what_many_files_say_of_themselves_fits_an_attribute():
    alike = {"cpu": "znver2", "threads": 2, "vector_instructions": ["avx2"]}
    many = [{"file": f"{k}.h5", "cells": 3, "seconds": 0.5, **alike, "command_line": ["x" * 100]} for k in range(1000)]
    assert origins.summary(many[:3]) == many[:3]
    assert origins.summary(many) == [alike | {"files": 1000, "cells": 3000, "seconds": 500.0}]
    assert origins.summary(origins.summary(many) + many) == [alike | {"files": 2000, "cells": 6000, "seconds": 1000.0}]
    assert origins.summary([{"cpu": "x" * 40_000, "cells": 2}]) == [{"files": 1, "cells": 2}]


def test_dry_run_of_a_shard():
    Path("grid.toml").write_text(TOML)
    out = gradsim_("sweep", "grid.toml", "--shard", "2/4", "--dry-run").stdout
    assert out.startswith("grid.toml: 2 cells of 6 (shard 2/4), 14 networks\n")
    assert re.findall(r"^  (\d)  [0-9a-f]{12}  activation", out, re.M) == ["1", "5"] and os.listdir(".") == ["grid.toml"]
