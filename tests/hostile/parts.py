"""Parts of sweeps: shards that cannot be, and files for `gradsim combine` that are nearly parts, or after something else.

a.h5 and b.h5 are the two shards of a sweep; b.h5 is changed in one way. Beside them lies evil.py, which no file may have
imported.
"""

import json
import shutil
import tempfile
from pathlib import Path

import h5py
import numpy as np

from .command_lines import BAD_TEXTS
from .grids import grid
from .result_files import EVIL, asked, attribute, without
from .special import circle, device, fifo
from .truths import Either, Input, done, refused

MAKE = """
import gradsim
plan = gradsim.sweep.read_plan({"weight_gain": [1.0, 1.1, 1.2, 1.3], "width": 4, "depth": 3, "replicas": 5})
for number, name in ((1, "a.h5"), (2, "b.h5")):
    gradsim.sweep.run(plan.shard((number, 2))).save(name)
gradsim.sweep.run({"weight_gain": [1.0, 1.1], "width": 4, "depth": 3, "replicas": 5, "seed": 1}).save("other.h5")
"""
GOOD = {}  # name: bytes
COMBINE = ("combine", "a.h5", "b.h5", "-o", "all.h5")
CALL = "import gradsim, os\ngradsim.sweep.combine(['b.h5', 'a.h5'], 'called.h5')\nos.unlink('called.h5')"
WRITTEN = done("4 cells of 2 files", "written: all.h5", writes=("all.h5",))
# One line, of a file that is not what it was: what it had is not in the output, under no other name
SENSE = Either(refused("b.h5"), WRITTEN)


def make(workshop):
    """Fills GOOD."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = workshop.run(folder, source=MAKE, seconds=60)
        assert outcome.code == 0, outcome
        GOOD.update({path.name: path.read_bytes() for path in Path(folder).glob("*.h5")})


def combined(note, change, truth, arguments=COMBINE, source=CALL, **rest):
    """The Input of a changed b.h5; `change(path)`."""

    def prepare(folder):
        for name, content in GOOD.items():
            (folder / name).write_bytes(content)
        (folder / "evil.py").write_text(EVIL)
        change(folder / "b.h5")

    return Input(f"parts {note}"[:70], truth, arguments, source, prepare, **rest)


def h5(note, change, truth, **rest):
    """The same with `change(file)` of the open file."""

    def opened(path):
        with h5py.File(path, "r+", locking=False) as file:
            change(file)

    return combined(note, opened, truth, **rest)


def put(name, values, kind=None):
    def change(file):
        was = file[name]
        scale = was.dims[0][0]
        del file[name]
        file.create_dataset(name, data=np.asarray(values), dtype=kind)
        file[name].dims[0].attach_scale(scale)

    return change


def provenance(**said):
    """Whatever it says of how it came to be, it is a part."""
    return attribute("provenance", json.dumps(said))


def instead(make_it):
    def change(path):
        path.unlink()
        make_it(path)

    return change


def told(*words):
    return done("4 cells of 2 files", writes=("all.h5",), said=words)


def plain(arguments, truth, note=None):
    """The Input of the files as they are."""
    return combined(note or " ".join(map(ascii, arguments)), lambda path: None, truth, arguments, None)


TEXT = h5py.string_dtype()
GRID = "width = 4\ndepth = 2\n"
SHARDS = [
    *(
        grid(GRID, refused("--shard", "i/n"), f"--shard {ascii(text)[:40]}", arguments=("--shard", text))
        for text in (*BAD_TEXTS, "0/1", "2/1", "-1/2", "1/0", "1/2/3", "1.0/2", "9" * 5000 + "/1", "１/２", "1 / 2")
    ),
    grid(GRID, refused("--shard", "no cell"), "shard 2/2 of a cell", arguments=("--shard", "2/2")),
    grid(f"{GRID}shard = '1/1'", refused("--shard", "already"), "a shard of a shard", arguments=("--shard", "1/1")),
    *(
        grid(f"{GRID}shard = {text}", refused("shard", "i/n"), f"shard = {text}")
        for text in ("3", "[1, 1]", "'x'", "true", "{a = 1}", "['1/1']")
    ),
    grid("width = 4\n[[cells]]\nshard = '1/1'\ndepth = 2", refused("shard")),
]
LINES = [
    plain(("combine", "-o", "all.h5"), refused("PARTS")),
    plain(("combine", "a.h5", "b.h5"), refused("--out")),
    plain(("combine", "a.h5", "nothing.h5", "-o", "all.h5"), refused("nothing.h5")),
    plain(("combine", "a.h5", "evil.py", "-o", "all.h5"), refused("evil.py", "not an HDF5 file")),
    plain(("combine", "a.h5", ".", "-o", "all.h5"), refused("'.'", "folder")),
    plain(("combine", "a.h5", "", "-o", "all.h5"), refused("not the name of a file")),
    plain(("combine", "a.h5", "x\0y", "-o", "all.h5"), refused("not the name of a file")),
    plain(("combine", "a.h5", "b.h5", "-o", "b.h5", "--overwrite"), refused("--out", "b.h5", "is read")),
    plain(("combine", "a.h5", "b.h5", "-o", "evil.py", "--overwrite"), refused("--out", "evil.py", "not a file of gradsim")),
    plain(("combine", "a.h5", "b.h5", "-o", "other.h5"), refused("--out", "other.h5", "different sweeps", "--overwrite")),
    plain(("combine", "a.h5", "b.h5", "-o", "no/all.h5"), refused("--out", "no/all.h5")),
    plain(("combine", "a.h5", "b.h5", "-o", "."), refused("--out", "folder")),
    plain(("combine", "a.h5", "-o", "all.h5"), refused("2 of 4 cells are missing", "shard 2/2", "--partial")),
    plain(("combine", "a.h5", "other.h5", "-o", "all.h5"), refused("different sweeps", "seed")),
    plain(("combine", *["a.h5", "./b.h5", "b.h5"] * 300, "-o", "all.h5"), WRITTEN, "named often"),
    plain(("combine", "a.h5", "-o", "all.h5", "--partial"), done("2 cells of 1 file", writes=("all.h5",))),
    plain(COMBINE, WRITTEN, "as they are"),
]
FILES = [
    combined("cut short", lambda path: path.write_bytes(path.read_bytes()[:9000]), refused("b.h5")),
    combined("empty", lambda path: path.write_bytes(b""), refused("b.h5", "empty")),
    combined("a pipe", instead(fifo), refused("b.h5", "not a plain file")),
    combined("a device", instead(device(1, 5)), refused("b.h5", "not a plain file")),
    combined("a circle of links", instead(circle), refused("b.h5")),
    combined(
        "the other one", lambda path: shutil.copy(path.with_name("a.h5"), path), refused("2 of 4 cells are missing", "2/2")
    ),
    h5("no sweep", attribute("sweep", None), refused("b.h5", "which cells of which sweep")),
    *(
        h5(f"sweep {text}", attribute("sweep", text), refused("b.h5", ("which cells of which sweep", "sweep")))
        for text in (
            "",
            "{",
            "[]",
            "3",
            "null",
            '{"cells": 4}',
            '{"cells": "4", "digest": "x"}',
            '{"cells": true, "digest": "x"}',
        )
    ),
    h5("sweep of another kind", attribute("sweep", 3), refused("b.h5", "sweep")),
    h5("of 10^18 cells", attribute("sweep", json.dumps({"cells": 10**18, "digest": "x"})), refused("b.h5", "at most")),
    h5("of fewer cells", attribute("sweep", json.dumps({"cells": 2, "digest": "x"})), refused("b.h5")),
    h5("of another digest", attribute("sweep", json.dumps({"cells": 4, "digest": "x"})), refused("b.h5", "different sweeps")),
    h5("no numbers", without("sweep_cell"), refused("b.h5", "which cells of which sweep")),
    h5("no values", without("sweep_values"), refused("b.h5", "which cells of which sweep")),
    h5("no identities", without("identity"), refused("b.h5", "which cells of which sweep")),
    *(
        h5(f"numbers {numbers}", put("sweep_cell", numbers), refused("b.h5"))
        for numbers in ([1, 1], [-1, 3], [1, 4], [1.5, 3], [1, 2**62], [0, 2])
    ),
    h5("numbers that are texts", put("sweep_cell", [b"1", b"3"], TEXT), refused("b.h5", "sweep_cell")),
    h5("numbers the other way round", put("sweep_cell", [3, 1]), refused("identities")),
    h5("values that are numbers", put("sweep_values", [1, 3]), refused("b.h5", "sweep_values")),
    *(
        h5(f"values {text[:30]}", put("sweep_values", [text.encode()] * 2, TEXT), refused("b.h5", "sweep_values"))
        for text in ("", "{", "[]", "3", "null", "[" * 100_000)
    ),
    *(
        h5(f"values {text}", put("sweep_values", [text.encode()] * 2, TEXT), refused("axes"))
        for text in ("{}", '{"weight_gain": 1.0, "x": 2}', '{"bias_std": 1.0}')
    ),
    h5("values that are no numbers", put("sweep_values", [b'{"weight_gain": [{"a": NaN}]}'] * 2, TEXT), SENSE),
    h5("other identities", put("identity", [b"x", b"y"], TEXT), refused("identities")),
    h5("identities that are numbers", put("identity", [1, 2]), refused(("identities", "b.h5"))),
    h5("request of another grid", attribute("request", '{"width": [5]}'), refused("b.h5", "different sweeps")),
    h5(
        "request of odd things",
        attribute("request", '{"width": {"a": [[[]]]}, "shard": [1]}'),
        refused("b.h5", "different sweeps"),
    ),
    h5("no request", attribute("request", None), refused("b.h5", "different sweeps")),
    h5("a shard of 10^9", lambda file: file.attrs.modify("request", _sharded(file, "7/999999999")), WRITTEN),
    h5("a shard that is none", lambda file: file.attrs.modify("request", _sharded(file, {"a": [3]})), WRITTEN),
    h5("precision a number", asked(lambda n, r: r.update(precision=3)), refused("b.h5", "precision")),
    h5("precision of odd things", asked(lambda n, r: r.update(precision={"a": [{}]})), refused("b.h5", "precision")),
    h5("network unknown", asked(lambda n, r: n.update(activation="nope")), SENSE),
    h5("network of evil:f", asked(lambda n, r: n.update(activation="evil:f")), SENSE),
    h5("network of os:system", asked(lambda n, r: n.update(activation="os:system")), SENSE),
    h5("cell that makes no sense", asked(lambda n, r: n.update(widths="x")), refused("b.h5")),
    h5("no provenance", attribute("provenance", None), told("several")),
    *(
        h5(f"provenance {said}", provenance(**said), told("several kinds", "several versions"))
        for said in (
            {"cpu": 3, "vector_instructions": 7},
            {"cpu": ["\n"], "vector_instructions": {"avx2": 1}, "gradsim": [1]},
            {"cpu": "x" * 50_000},
            {"seconds": float("nan"), "cells": "many"},
            {"parts": 3},
            {"parts": []},
            {"parts": [3]},
            {"parts": [{}]},
            {"parts": [{"cells": 10**400, "seconds": 1e999, "files": "x"}] * 500},
        )
    ),
    h5("provenance a list", attribute("provenance", "[]"), told("several")),
    h5("provenance that is no JSON", attribute("provenance", "{"), refused("b.h5", "provenance")),
]
INPUTS = [*SHARDS, *LINES, *FILES]


def _sharded(file, shard):
    return json.dumps(json.loads(file.attrs["request"]) | {"shard": shard})
