"""Files of inputs and targets: what is no plain file, claims more than there is, or holds something else than numbers."""

import functools
import io
import json
import os
import pickle
import struct

import h5py
import numpy as np

from .command_lines import SIZES
from .special import circle, device, fifo
from .truths import Either, Input, done, refused

ROWS = np.arange(12.0).reshape(4, 3) + 0.5
RUN = ("run", "--width", "3", "--depth", "2", "--replicas", "4", "--out", "a.h5")


def recorded(*shape):
    """A check that the run used as many rows and columns."""

    def check(folder, outcome):
        with h5py.File(folder / "a.h5") as file:
            run = json.loads(file["request"].asstr()[0])["run"]
        assert tuple(run["input_file"]["shape"]) == shape, run["input_file"]

    return check


def read(*shape):
    """Done, with so many rows and columns."""
    return done("relu", writes=("a.h5",), check=recorded(*shape))


def file(name, contents, truth, note="", given=None, options=(), **rest):
    """The Input of a run with --input-file; `contents` are bytes, or make the file from its path."""

    def prepare(folder):
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        if callable(contents):
            contents(path)
        else:
            with open(path, "wb") as out:
                out.write(contents)

    shown = name if given is None else given
    return Input(f"input {shown!a} {note}", truth, (*RUN, "--input-file", shown, *options), prepare=prepare, **rest)


def npy(array, **options):
    """The bytes of an .npy file."""
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def header(text, version=b"\x01\x00"):
    """An .npy file with such a header and 96 bytes of data."""
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text.encode() + b"\0" * 96


class Evil:
    """Makes a file when it is unpickled: no file of inputs may."""

    def __reduce__(self):
        return open, ("pwned", "w")


def _npz(path):
    with open(path, "wb") as out:
        np.savez(out, ROWS)


def _claim(shape, descr="<f8"):
    return header(f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}")


X = "--input-file"
NPY = [
    file("x.npy", npy(ROWS), read(4, 3), "good"),
    file("x.NPY", npy(ROWS), read(4, 3), "upper case"),
    file("a:b.npy", npy(ROWS), read(4, 3), "colon"),
    file("\udcff.npy", npy(ROWS), Either(refused(X), read(4, 3)), "name that is not UTF-8"),
    file("x.npy", npy(ROWS.astype(">f4")), read(4, 3), "big-endian"),
    file("x.npy", npy(np.asfortranarray(ROWS)), read(4, 3), "Fortran order"),
    file("x.npy", npy(ROWS.astype(np.float16)), read(4, 3), "float16"),
    file("x.npy", npy(ROWS > 3), Either(refused(X), read(4, 3)), "bool"),
    file("x.npy", npy(np.full((4, 3), 2**63 - 1)), read(4, 3), "largest integers"),
    file("x.npy", npy(np.full((4, 3), 5e-324)), read(4, 3), "smallest float"),
    file("x.npy", npy(np.full((4, 3), 1.7e308)), read(4, 3), "largest float"),
    file("x.npy", npy(np.zeros((4, 3))), read(4, 3), "zeros"),
    file("x.npy", npy(ROWS[:, 0]), read(4, 1), "one axis"),
    file("x.npy", npy(np.array(1.0)), refused(X, "x.npy"), "scalar"),
    file("x.npy", npy(ROWS[:0]), refused(X, "x.npy", "rows"), "no rows"),
    file("x.npy", npy(ROWS[:, :0]), refused(X, "x.npy"), "no columns"),
    file("x.npy", npy(ROWS * 1j), refused(X, "x.npy", "complex"), "complex"),
    file("x.npy", npy(np.array([["a"]])), refused(X, "x.npy"), "text"),
    file("x.npy", npy(np.array([["2020-01-01"]], "M8[D]")), refused(X, "x.npy"), "dates"),
    file("x.npy", npy(np.zeros(4, [("a", float), ("b", int)])), refused(X, "x.npy"), "structured"),
    file("x.npy", npy(np.where(ROWS == 5.5, np.nan, ROWS)), refused(X, "x.npy", "row 2"), "nan"),
    file("x.npy", npy(np.where(ROWS == 5.5, -np.inf, ROWS)), refused(X, "x.npy", "row 2"), "-inf"),
    file("x.npy", npy(ROWS.astype(np.longdouble) * np.longdouble("1e4000")), refused(X, "x.npy", "row 1"), "beyond float64"),
    file("x.npy", npy(np.array([Evil()], object), allow_pickle=True), refused(X, "x.npy"), "pickled objects"),
    file("x.npy", pickle.dumps(Evil()), refused(X, "x.npy"), "a pickle"),
    file("x.npy", npy(np.array([1.0, None], object), allow_pickle=True), refused(X, "x.npy"), "object array"),
    file("x.npy", _npz, refused(X, "x.npy"), "an .npz"),
    file("x.npy", b"", refused(X, "x.npy"), "empty"),
    file("x.npy", b"\x93NUMPY", refused(X, "x.npy"), "only the magic"),
    file("x.npy", npy(ROWS)[:-20], refused(X, "x.npy"), "cut in the data"),
    file("x.npy", npy(ROWS)[:40], refused(X, "x.npy"), "cut in the header"),
    file("x.npy", b"hello, world\n", refused(X, "x.npy"), "a text"),
    file("x.npy", _claim("(1000000000000, 8)"), refused(X, "x.npy"), "claims 64 TB"),
    file("x.npy", _claim(f"({2**62}, 8)"), refused(X, "x.npy"), "claims 2^65"),
    file("x.npy", _claim("(-4, 3)"), refused(X, "x.npy"), "a negative size"),
    file("x.npy", _claim("(4, 3.5)"), refused(X, "x.npy"), "a broken size"),
    file("x.npy", _claim("(4, 3)", "|V9999999"), refused(X, "x.npy"), "a void type"),
    file("x.npy", _claim("(4, 3)", "<f9"), refused(X, "x.npy"), "no such type"),
    file("x.npy", header("__import__('os').mkdir('pwned')"), refused(X, "x.npy"), "code in the header"),
    file("x.npy", header("(" * 5000), refused(X, "x.npy"), "brackets in the header"),
    file("x.npy", header("{}", b"\x09\x00"), refused(X, "x.npy"), "version 9"),
    file("x.npy", npy(np.ones((2, 70_000))), refused(X, "65"), "too wide"),
    file("x.npy", fifo, refused(X, "x.npy"), "fifo"),
    file("x.npy", device(1, 5), refused(X, "x.npy"), "/dev/zero"),
    file("x.npy", os.mkdir, refused(X, "x.npy"), "folder"),
    file("x.npy", circle, refused(X, "x.npy"), "link to itself"),
    file("x.npy", npy(ROWS), refused(X, "y.npy"), "missing", given="y.npy"),
    file("x.npy", npy(ROWS), refused(X), "empty text", given=""),
    file("x.npy", npy(ROWS), refused(X), "NUL", given="x\0.npy"),
    file("x.npy", npy(ROWS), refused(X), "surrogate", given="\ud800.npy"),
    file("x.npy", npy(ROWS), refused(X), "very long", given="x" * 5000 + ".npy"),
    file("x.txt", b"1,2\n", refused(X, "x.txt"), "unknown suffix"),
    file("x.npy", npy(ROWS), refused("--inputs", "x.npy"), "more inputs than rows", options=("--inputs", "5")),
    file("x.npy", npy(ROWS), refused(X, "x.npy", "input width"), "wrong width", options=("--input-width", "4")),
]


def csv(text, truth, note=""):
    return file("x.csv", text if isinstance(text, bytes) else text.encode(), truth, note or ascii(text[:40]))


CSV = [
    csv("1,2\n3,4\n5,6\n", read(3, 2)),
    csv("a,b\n1,2\n3,4\n", read(2, 2)),
    csv('"a","b"\n1,2\n3,4\n', Either(refused(X), read(2, 2))),
    csv("# a,b\n1,2\n3,4\n", Either(refused(X), read(2, 2))),
    csv("1, 2\r\n3, 4\r\n", read(2, 2)),
    csv("1,2\r3,4\r", Either(refused(X), read(2, 2))),
    csv(b"\xef\xbb\xbf1,2\n3,4\n", Either(refused(X, "x.csv"), read(2, 2)), "byte-order mark before numbers"),
    csv(b"\xef\xbb\xbfa,b\n1,2\n3,4\n", Either(refused(X, "x.csv"), read(2, 2)), "byte-order mark before names"),
    csv("1.0,2.o\n3,4\n", refused(X, "x.csv", ("row 1", "line 1")), "typo in the first row"),
    csv("1,\n3,4\n", refused(X, "x.csv", ("row 1", "line 1")), "empty cell in the first row"),
    csv("n/a,2\n3,4\n", refused(X, "x.csv", ("row 1", "line 1")), "n/a in the first row"),
    csv("1,-\n3,4\n", refused(X, "x.csv", ("row 1", "line 1")), "dash in the first row"),
    csv("1,2\n3,x\n", refused(X, "x.csv"), "typo below"),
    csv("1,2\n3,\n", refused(X, "x.csv"), "empty cell below"),
    csv("1,2,\n3,4,\n", refused(X, "x.csv"), "comma at the end"),
    csv("1,2\n3\n", refused(X, "x.csv"), "ragged"),
    csv("a,b,c\n1,2\n3,4\n", refused(X, "x.csv"), "more names than columns"),
    csv("1,2\n#3,4\n5,6\n", refused(X, "x.csv"), "comment that would lose a row"),
    csv("1,2 # 7\n3,4\n", refused(X, "x.csv"), "comment in a row"),
    csv("1,2\n\n3,4\n", Either(refused(X), read(2, 2)), "blank line"),
    csv("1,2\n,\n3,4\n", refused(X, "x.csv"), "row of empty cells"),
    csv("1;2\n3;4\n", refused(X, "x.csv"), "semicolons"),
    csv("a;b\n1;2\n", refused(X, "x.csv"), "semicolons below names"),
    csv("1,5;2,5\n3,5;4,5\n", refused(X, "x.csv"), "decimal commas"),
    csv("1\t2\n3\t4\n", refused(X, "x.csv"), "tabs"),
    csv('"1","2"\n"3","4"\n', Either(refused(X), read(2, 2)), "quoted numbers"),
    csv("nan,2\n3,4\n", refused(X, "x.csv"), "nan"),
    csv("1,2\ninf,4\n", refused(X, "x.csv"), "inf"),
    csv("1,1e999\n3,4\n", refused(X, "x.csv"), "beyond float64"),
    csv("1_000,2\n3,4\n", Either(refused(X), read(2, 2)), "underscore"),
    csv("0x10,2\n3,4\n", refused(X, "x.csv"), "hexadecimal"),
    csv("1j,2\n3,4\n", refused(X, "x.csv"), "complex"),
    csv("", refused(X, "x.csv", "rows"), "empty"),
    csv("\n\n", refused(X, "x.csv", "rows"), "blank"),
    csv("a,b\n", refused(X, "x.csv", "rows"), "names only"),
    csv("1,2\n3,4\n".encode("utf-16"), refused(X, "x.csv"), "UTF-16"),
    csv(b"\xe9,b\n1,2\n", Either(refused(X), read(1, 2)), "latin-1"),
    csv(b"1,2\n\x00,4\n", refused(X, "x.csv"), "NUL"),
    csv("1,2\u20283,4\n", Either(refused(X), read(2, 2)), "line separator of Unicode"),
    csv(",".join(["1"] * 70_000), refused(X, "65"), "70,000 columns"),
    csv("9" * 1_000_000, refused(X, "x.csv"), "a number of a million digits"),
    csv("x" * 1_000_000, refused(X, "x.csv"), "a name of a million letters"),
    file("x.csv", fifo, refused(X, "x.csv"), "fifo"),
    file("x.csv", device(1, 5), refused(X, "x.csv"), "/dev/zero"),
    file("x.csv", os.mkdir, refused(X, "x.csv"), "folder"),
    file("x.csv", circle, refused(X, "x.csv"), "link to itself"),
]


def h5(make, truth, note, given="x.h5:/x", **rest):
    """`make(file)` fills an open HDF5 file, unless it is bytes or makes the file itself."""

    def contents(path):
        with h5py.File(os.fsdecode(path), "w") as out:
            make(out)

    made = make if isinstance(make, bytes) else contents
    return file(rest.pop("name", "x.h5"), made, truth, note, given=given, **rest)


def data(values=ROWS, name="x", **options):
    return lambda out: out.create_dataset(name, data=values, **options) and None


def _links(out):
    out["x"], out["y"] = h5py.SoftLink("/y"), h5py.SoftLink("/x")


def _hard_circle(out):
    group = out.create_group("g")
    group["g"] = group


def _set(name, value):
    return lambda out: out.__setitem__(name, value)


def _virtual(missing):
    def make(out):
        layout = h5py.VirtualLayout((4, 3), "f8")
        layout[:] = h5py.VirtualSource("nothing.h5" if missing else ".", "y", (4, 3))
        out["y"] = ROWS
        out.create_virtual_dataset("x", layout)

    return make


def _external(path):
    return lambda out: out.create_dataset("x", (4, 3), "f8", external=[(path, 0, 96)]) and None


def _huge(out):
    out.create_dataset("x", (10**11, 8), "f8", chunks=(1000, 8), compression="gzip")


def _bomb(out):
    out.create_dataset("x", (2**30, 8), "i1", chunks=(2**20, 8), compression="gzip", fillvalue=1)[:1] = 2


def _with_bytes(change):
    """A file with one checked and compressed dataset, its bytes changed."""
    out = io.BytesIO()
    with h5py.File(out, "w") as f:
        f.create_dataset("x", data=np.linspace(1, 2, 4096).reshape(64, 64), chunks=(64, 64), fletcher32=True)
    return change(bytearray(out.getvalue()))


def _flip(raw):
    raw[len(raw) // 2] ^= 4
    return bytes(raw)


H5 = [
    h5(data(), read(4, 3), "good"),
    h5(data(), read(4, 3), "no slash", given="x.h5:x"),
    h5(data(name="g/a:b"), read(4, 3), "colon", given="x.h5:/g/a:b"),
    h5(data(), read(4, 3), "upper case", name="x.H5", given="x.H5:x"),
    h5(data(ROWS.astype(">f2")), read(4, 3), "big-endian float16"),
    h5(data(ROWS.reshape(4, 1, 3, 1)), read(4, 3), "four axes"),
    h5(data(), Either(refused(X), read(4, 3)), "name that is not UTF-8", name="\udcff.h5", given="\udcff.h5:x"),
    h5(data(), refused(X, "x.h5"), "no path", given="x.h5"),
    h5(data(), refused(X, "x.h5"), "an empty path", given="x.h5:"),
    h5(data(), refused(X, "x.h5"), "a blank path", given="x.h5: "),
    h5(data(), refused(X, "x.h5"), "a dot", given="x.h5:."),
    h5(data(), refused(X, "x.h5"), "two dots", given="x.h5:.."),
    h5(data(), refused(X, "x.h5"), "the root", given="x.h5:/"),
    h5(data(), refused(X, "x.h5"), "missing dataset", given="x.h5:/y"),
    h5(data(), refused(X, "x.h5"), "inside a dataset", given="x.h5:/x/y"),
    h5(data(), refused(X, "x.h5"), "NUL in the path", given="x.h5:a\0b"),
    h5(data(), refused(X, "x.h5"), "surrogate in the path", given="x.h5:\ud800"),
    h5(data(), refused(X, "y.h5"), "missing file", given="y.h5:x"),
    h5(_hard_circle, refused(X, "x.h5"), "a group", given="x.h5:/g"),
    h5(_hard_circle, refused(X, "x.h5"), "groups in a circle", given="x.h5:" + "/g" * 1000),
    h5(_links, refused(X, "x.h5"), "links in a circle"),
    h5(_set("x", h5py.SoftLink("/nothing")), refused(X, "x.h5"), "a link to nothing"),
    h5(_set("x", h5py.ExternalLink("nothing.h5", "/x")), refused(X, "x.h5"), "an external link to nothing"),
    h5(_set("x", h5py.ExternalLink("x.h5", "/x")), refused(X, "x.h5"), "an external link to itself"),
    h5(_set("x", h5py.ExternalLink("/dev/zero", "/x")), refused(X, "x.h5"), "an external link to /dev/zero"),
    h5(_virtual(True), refused(X, "x.h5"), "a virtual dataset without its source"),
    h5(_virtual(False), Either(refused(X, "x.h5"), read(4, 3)), "a virtual dataset"),
    h5(_external("nothing.bin"), refused(X, "x.h5"), "external storage that is not there"),
    h5(_external("/dev/zero"), refused(X, "x.h5"), "external storage in /dev/zero"),
    h5(_set("x", h5py.Empty("f8")), refused(X, "x.h5"), "an empty dataset"),
    h5(_set("x", "text"), refused(X, "x.h5"), "a text"),
    h5(_set("x", ["a", "b"]), refused(X, "x.h5"), "texts"),
    h5(_set("x", 3.0), refused(X, "x.h5"), "a scalar"),
    h5(_set("x", np.zeros((0, 3))), refused(X, "x.h5", "rows"), "no rows"),
    h5(_set("x", ROWS * 1j), refused(X, "x.h5"), "complex"),
    h5(_set("x", np.zeros(3, [("a", float)])), refused(X, "x.h5"), "compound"),
    h5(_set("x", np.dtype("f8")), refused(X, "x.h5"), "a type"),
    h5(_set("x", np.where(ROWS == 5.5, np.nan, ROWS)), refused(X, "x.h5", "row 2"), "nan"),
    h5(lambda out: out.create_dataset("x", (2,), h5py.vlen_dtype("f8")) and None, refused(X, "x.h5"), "ragged"),
    h5(lambda out: out.create_dataset("x", (2,), h5py.ref_dtype) and None, refused(X, "x.h5"), "references"),
    h5(_huge, refused(X, "x.h5", SIZES), "claims 6.4 TB"),
    h5(_bomb, refused(X, "x.h5", SIZES), "unpacks to 64 GiB"),
    h5(_with_bytes(_flip), refused(X, "x.h5"), "a bit changed"),
    h5(_with_bytes(lambda raw: bytes(raw[: len(raw) // 2])), refused(X, "x.h5"), "cut"),
    h5(b"", refused(X, "x.h5"), "an empty file"),
    h5(b"hello\n", refused(X, "x.h5"), "a text file"),
    file("x.h5", fifo, refused(X, "x.h5"), "fifo", given="x.h5:x"),
    file("x.h5", device(1, 5), refused(X, "x.h5"), "/dev/zero", given="x.h5:x"),
    file("x.h5", os.mkdir, refused(X, "x.h5"), "folder", given="x.h5:x"),
    file("x.h5", circle, refused(X, "x.h5"), "link to itself", given="x.h5:x"),
]


def target(values, truth, note, loss="cross_entropy", name="t.npy", options=()):
    """A run on good inputs with three outputs, and such targets."""

    def prepare(folder):
        (folder / "x.npy").write_bytes(npy(ROWS))
        values(folder / name) if callable(values) else (folder / name).write_bytes(
            values if isinstance(values, bytes) else npy(np.asarray(values))
        )

    more = ("--input-file", "x.npy", "--target-file", name, "--loss", loss, "--outputs", "3", *options)
    return Input(f"target {note}", truth, (*RUN, *more), prepare=prepare)


T = "--target-file"
ok = functools.partial(done, "relu", writes=("a.h5",))
TARGETS = [
    target([0, 1, 2, 0], ok(), "good labels"),
    target([0.0, 1.0, 2.0, 0.0], ok(), "good labels as floats"),
    target(ROWS, ok(), "good targets", "mse"),
    target([0, 1, 3, 0], refused(T, "t.npy", "2"), "label as large as the width"),
    target([0, 1, -1, 0], refused(T, "t.npy"), "label -1"),
    target([0, 1, 0.5, 0], refused(T, "t.npy"), "label 0.5"),
    target([0, 1, 1e300, 0], refused(T, "t.npy"), "label 1e300"),
    target([0, 1, np.nan, 0], refused(T, "t.npy", "row 3"), "label nan"),
    target([0, 1, 2], refused(T, "t.npy", "3 rows"), "too few labels"),
    target([0, 1, 2, 0, 1], refused(T, "t.npy", "5 rows"), "too many labels"),
    target(ROWS, refused(T, "t.npy"), "targets as labels"),
    target([0, 1, 2, 0], refused(T, "t.npy", "1 columns"), "labels as targets", "mse"),
    target(["a", "b", "c", "d"], refused(T, "t.npy"), "texts"),
    target(npy(np.array([Evil()], object), allow_pickle=True), refused(T, "t.npy"), "pickled objects"),
    target([0, 1, 2, 0], refused(T, "probe"), "for a probe", "probe"),
    target(b"0\n1\n2\n0\n", ok(), "in a CSV", name="t.csv"),
    target(b"label\n0\n1\n2\n0\n", ok(), "in a CSV with a name", name="t.csv"),
    target(b"0\n1\n2\n\n0\n", Either(refused(T, "t.csv"), ok()), "in a CSV with a blank line", name="t.csv"),
    target(b"cat\ndog\ncat\ndog\n", refused(T, "t.csv"), "words in a CSV", name="t.csv"),
    target(fifo, refused(T, "t.npy"), "fifo"),
    target(device(1, 5), refused(T, "t.npy"), "/dev/zero"),
]

INPUTS = [*NPY, *CSV, *H5, *TARGETS]
