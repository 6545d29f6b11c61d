"""What is not a plain file of plain numbers is one line; what is, is read to the last digit, and nothing is left out."""

import os
import socket
import struct

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradsim
from gradsim.model.data import npy as npy_file
from gradsim.model.data import samples
from gradsim.sweep import read_plan

ROWS = np.arange(12.0).reshape(4, 3) / 8


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(source, option="--input-file"):
    with pytest.raises(gradsim.RequestError) as error:
        samples(option, source)
    text = error.value.typed
    assert text.startswith(f"{option}: ") and "\n" not in text and len(text) < 500
    assert str(error.value) == text.replace(option, option[2:].replace("-", "_"))
    return text


@pytest.mark.parametrize("name", ["x.npy", "x.csv", "x.h5:/x", "grid.toml"])
@pytest.mark.parametrize("kind", ["fifo", "folder", "socket", "device", "missing", "loop", "nul"])
def test_what_is_no_plain_file_neither_hangs_nor_fills_memory(name, kind):
    path = name.partition(":")[0]
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path)
    elif kind == "device":
        os.symlink("/dev/zero", path)
    elif kind == "loop":
        os.symlink(path, path)
    elif kind == "nul":
        name = f"a\0{name}"
    if name.endswith("grid.toml"):
        with pytest.raises(gradsim.RequestError, match=r"^sweep: ") as error:
            read_plan(name)
        text = str(error.value)
    else:
        text = refusal(name)
    words = {"fifo": "is a pipe", "folder": "is a folder", "device": "is a device", "missing": "No such file"}
    assert words.get(kind, "cannot read") in text and "\n" not in text


def npy(shape, descr="<f8", content=b"", version=(1, 0)):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(header)) + header + content


@pytest.mark.parametrize(
    "content, words",
    [
        (npy((10**7, 10**6)), "10,000,000 x 1,000,000 numbers, would take"),
        (npy((10**30,)), "would take"),
        (npy((4, 3)), "cut short: its header says 96 bytes of numbers, it has 0"),
        (npy((4, 3), content=b"\0" * 95), "cut short"),
        (npy((-1, -3), content=b"\0" * 95), "cut short"),
        (npy((4, 0)), "has no rows"),
        (npy((), content=b"\0" * 8), "has no rows"),
        (npy((4,), descr="|O", content=b"\0" * 99), "its type is object"),
        (npy((4,), descr="<c16", content=b"\0" * 99), "its type is complex128"),
        (npy((4,), descr="<U3", content=b"\0" * 99), "its type is <U3"),
        (npy((4,), descr="|S3", content=b"\0" * 99), "its type is |S3"),
        (npy((4,), descr="<M8[s]", content=b"\0" * 99), "its type is datetime64"),
        (npy((4,), version=(3, 0)), "version (3, 0)"),
        (npy((4,), version=(9, 9)), "version (9, 9)"),
        (npy("(4"), "does not hold numbers only"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "does not hold numbers only"),
        (b"\x93NUM", "is not a .npy file"),
        (b"", "is not a .npy file"),
        (b"1,2\n", "is not a .npy file"),
    ],
)
def test_headers_of_arrays_are_not_believed(folder, content, words):
    (folder / "x.npy").write_bytes(content)
    assert words in refusal("x.npy")


def test_an_array_of_objects_is_never_unpickled(folder):
    """Whatever is let through before: a pickle may run anything."""

    class Trap:
        def __reduce__(self):
            return os.mkdir, ("sprung",)

    np.save("x.npy", np.array([Trap()], object))
    assert "its type is object" in refusal("x.npy")
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        npy_file.read("--input-file", "x.npy", lambda shape, dtype: None)
    assert not os.path.exists("sprung")


def test_an_archive_under_another_name(folder):
    np.savez("x.npz", ROWS)
    os.rename("x.npz", "x.npy")
    assert "like a .npz" in refusal("x.npy")


@pytest.mark.parametrize("array", [ROWS, ROWS.astype(">f4"), np.asfortranarray(ROWS), ROWS > 0.5, (ROWS * 8).astype(np.uint64)])
def test_arrays_of_any_numbers_are_read_as_they_are(array):
    np.save("x.npy", array)
    with h5py.File("x.h5", "w") as file:
        file["x.npy"] = array
    for source in ("x.npy", "x.h5:/x.npy", array):
        np.testing.assert_array_equal(samples("--input-file", source).values, array.astype(float))


def test_arrays_of_python_are_checked_before_they_are_copied():
    assert "would take" in refusal(np.broadcast_to(1.0, (10**9, 10**5)))
    assert "masked entries" in refusal(np.ma.masked_greater(ROWS, 1.0))
    assert samples("--input-file", np.ma.masked_greater(ROWS, 9.0)).values.shape == (4, 3)  # nothing is masked
    for wrong in ([[1], [2, 3]], np.array([(1, 2.0)], "i4,f8"), [["a"]], [[None]], [[1j]], [object()], np.float64(3), []):
        refusal(wrong)
    mine = ROWS.copy()
    kept = samples("--input-file", mine)
    mine[:] = 7
    np.testing.assert_array_equal(kept.values, ROWS)
    assert "inf in row 1" in refusal(np.full((2, 2), np.longdouble("1e4000")))


def h5(make):
    with h5py.File("x.h5", "w") as file:
        make(file)
    return "x.h5:/x"


def _circle(file):
    file["x"], file["y"] = h5py.SoftLink("/y"), h5py.SoftLink("/x")


def _itself(file):
    file["g"] = h5py.SoftLink("/g/g")
    file["x"] = h5py.SoftLink("/g/x")


def _external_link(file):
    with h5py.File("other.h5", "w") as other:
        other["x"] = ROWS
    file["x"] = h5py.ExternalLink("other.h5", "/x")


def _external_storage(file):
    file.create_dataset("x", (4, 3), "f8", external=[("raw.bin", 0, 96)])


def _claims(file):
    file.create_dataset("x", (10**6, 10**7), "f4", chunks=(100, 100), compression="gzip")


def _virtual(source="source.h5", rows=4):
    def make(file):
        layout = h5py.VirtualLayout((4, 3), "f8")
        layout[:rows] = h5py.VirtualSource(source, "x", (rows, 3))
        file.create_virtual_dataset("x", layout, fillvalue=0)

    return make


def _attribute(name, value):
    def make(file):
        file["x"] = ROWS
        file["x"].attrs[name] = value

    return make


@pytest.mark.parametrize(
    "make, words",
    [
        (_circle, "leads back to itself"),
        (_itself, "leads back to itself"),
        (lambda file: file.update(x=h5py.SoftLink("/nowhere")), "has no dataset"),
        (lambda file: file.create_group("x"), "has no dataset"),
        (lambda file: None, "has no dataset"),
        (_external_link, "is in another file, other.h5:/x"),
        (_external_storage, "keeps its numbers in other files"),
        (_claims, "1,000,000 x 10,000,000 numbers, would take"),
        (_virtual(), "'source.h5', which is not there"),
        (_virtual("."), "is put together from itself"),
        (lambda file: file.create_dataset("x", (4, 3), "f4"), "never written"),
        (lambda file: file.create_dataset("x", data=h5py.Empty("f8")), "has no rows"),
        (lambda file: file.create_dataset("x", (0, 3), "f4"), "has no rows"),
        (lambda file: file.create_dataset("x", data=3.0), "has no rows"),
        (lambda file: file.create_dataset("x", data="text"), "its type is object"),
        (lambda file: file.create_dataset("x", data=np.array([(1, 2.0)], "i4,f8")), "its type is"),
        (lambda file: file.create_dataset("x", (4,), "(3,)f8"), "its type is"),
        (lambda file: file.create_dataset("x", data=ROWS * 1j), "its type is complex128"),
        (lambda file: file.create_dataset("x", data=np.full((2, 2), np.nan)), "has nan in row 1"),
        (_attribute("scale_factor", 0.1), "is packed"),
        (_attribute("_FillValue", 0.25), "marked as missing"),
    ],
)
def test_datasets_that_are_not_their_numbers(make, words):
    assert words in refusal(h5(make))


def test_virtual_datasets_whose_sources_are_there_are_read():
    with h5py.File("source.h5", "w") as file:
        file["x"] = ROWS
    np.testing.assert_array_equal(samples("--input-file", h5(_virtual())).values, ROWS)
    assert "that give 9 of its 12 numbers" in refusal(h5(_virtual(rows=3)))
    os.unlink("source.h5")
    os.mkfifo("source.h5")
    assert "which is not there" in refusal(h5(_virtual()))


def test_soft_links_and_groups_are_followed():
    def make(file):
        file["deep/er/data"] = ROWS
        file["link"] = h5py.SoftLink("/deep/er")
        file["x"] = h5py.SoftLink("link/./data")

    np.testing.assert_array_equal(samples("--input-file", h5(make)).values, ROWS)


def test_cut_hdf5_files_are_one_line(folder):
    h5(lambda file: file.create_dataset("x", data=np.ones((400, 30)), chunks=(10, 10)))
    whole = (folder / "x.h5").read_bytes()
    for size in (0, 7, 100, 2000, len(whole) - 1000):
        (folder / "x.h5").write_bytes(whole[:size])
        refusal("x.h5:/x")


# A table's first row with one fault in it: 12 of 12 of these were lost without a word
FIRST_ROWS = ["1.o,2", "1,", ",2", "n/a,2", "1,NA", "1,null", "1 2,3", "1;2,3", "x,2", "1,0x1p3", '"1,2', "1_0,2"]


@pytest.mark.parametrize("first", FIRST_ROWS)
@pytest.mark.parametrize("above", ["", "a,b\n"])
def test_a_first_row_with_a_fault_is_not_lost(folder, first, above):
    (folder / "x.csv").write_text(f"{above}{first}\n3,4\n5,6\n")
    text = refusal("x.csv")
    assert f"line {2 if above else 1}, column " in text or f"line {2 if above else 1} has" in text


@pytest.mark.parametrize(
    "content, words",
    [
        ("1;2\n3;4\n", "line 1, column 1: '1;2' is not a number; cells are separated by commas here, not by semicolons"),
        ("1\t2\n3\t4\n", "not by tabs"),
        ("1 2\n3 4\n", "not by blanks"),
        ("1,5;2,5\n", "not by semicolons"),
        ("a;b\n1;2\n", "line 1, column 1"),
        ("1,2\n3\n", "line 2 has 1 cells, the first line 2"),
        ("1,2\n3,4,5\n", "line 2 has 3 cells"),
        ("a,b\n1,2,3\n", "line 2 has 3 cells"),
        ("1,2\n\n3,4\n", "line 2, column 1: the cell is empty"),
        ("1\n\n3\n", "line 2, column 1: the cell is empty"),
        ("1,2\n# 3,4\n", "line 2, column 1: '# 3' is not a number"),
        ("1,2\n3,1e999\n", "has inf in row 2, column 2"),
        ("1,nan\n", "has nan in row 1, column 2"),
        (",a,b\n0,1,2\n", "line 1, column 1: the cell is empty"),
        ("n/a\n1\n", "line 1, column 1: 'n/a' is not a number"),
        ("a,b\n", "has no rows"),
        ("", "has no rows"),
        ("\n\n", "has no rows"),
        ("1,2\n3,4 \u0661\n", "line 2, column 2"),
    ],
)
def test_tables_that_are_not_numbers_name_line_and_column(folder, content, words):
    (folder / "x.csv").write_text(content, encoding="utf-8")
    assert words in refusal("x.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("head", ["", "a,b", "label,1x1", '"a b",c', "alpha,7th"])
def test_every_row_of_a_table_is_there(folder, encoding, end, head):
    lines = [head] * bool(head) + ["1, 2", "-3.5,+4e-1", '"5",.5']
    (folder / "x.csv").write_bytes(end.join([*lines, ""]).encode(encoding))
    np.testing.assert_array_equal(samples("--input-file", "x.csv").values, [[1, 2], [-3.5, 0.4], [5, 0.5]])


@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1, max_size=5))
def test_tables_give_back_every_digit(rows):
    with open("x.csv", "w") as file:
        file.writelines(",".join(map(repr, row)) + "\n" for row in rows)
    np.testing.assert_array_equal(samples("--input-file", "x.csv").values, rows)


def test_text_in_other_encodings_names_the_line(folder):
    (folder / "x.csv").write_bytes("1,2\n3,4\n".encode("utf-16"))
    assert "is not UTF-8 text: line 1 has byte 0xff" in refusal("x.csv")
    (folder / "grid.toml").write_bytes(b"width = 4\nactivation = '\xff'\n")
    with pytest.raises(gradsim.RequestError, match="not UTF-8 text: line 2 has byte 0xff"):
        read_plan("grid.toml")


@pytest.mark.parametrize(
    "content", ["width = [[[", "width = " + "[" * 2000 + "]" * 2000, "seed = 1" + "0" * 5000, "= 3", "width = 3\nwidth = 4"]
)
def test_what_is_not_toml_is_one_line(folder, content):
    (folder / "grid.toml").write_text(content)
    with pytest.raises(gradsim.RequestError, match=r"^sweep: 'grid.toml' is not TOML: ") as error:
        read_plan("grid.toml")
    assert "\n" not in str(error.value)


def test_grids_may_have_a_mark_but_not_any_size(folder, monkeypatch):
    (folder / "grid.toml").write_text("width = 3\ndepth = 2\n", encoding="utf-8-sig")
    assert len(read_plan("grid.toml").cells) == 1
    monkeypatch.setattr("gradsim.sweep.plan.LARGEST_GRID", 10)
    with pytest.raises(gradsim.RequestError, match="larger than 10 bytes"):
        read_plan("grid.toml")
    for source in (None, 3, ["classic"], b"classic"):
        with pytest.raises(gradsim.RequestError, match="neither the name of a file"):
            read_plan(source)
    with pytest.raises(gradsim.RequestError, match="sweep: unknown name 3"):
        read_plan({3: 4})


def test_names_that_are_not_utf8_are_kept_as_text(folder):
    name = os.fsdecode(b"caf\xe9.npy")
    np.save(name, ROWS)
    found = samples("--input-file", name)
    assert found.name == "caf\\xe9.npy" and found.path == "caf\\xe9.npy"
    network = gradsim.mlp(width=3, depth=2)
    gradsim.simulate(network, 5, input_file=name).save("r.h5")
    assert gradsim.open("r.h5")[0].run["input_file"]["name"] == "caf\\xe9.npy"


def test_a_sweep_reads_a_file_once_and_its_cells_share_it(monkeypatch):
    np.save("x.npy", ROWS)
    read = []
    monkeypatch.setattr(
        "gradsim.model.data.npy.plain_file", lambda *a, real=gradsim.model.data.npy.plain_file: read.append(a) or real(*a)
    )
    plan = read_plan({"input_file": "x.npy", "width": [3, 4, 5], "seed": [1, 2], "depth": 1, "replicas": 5})
    assert len(read) == 1 and len(plan.cells) == 6
    assert len({id(cell.network_and_run()[1]["input_file"].values) for cell in plan.cells}) == 1


def test_files_given_as_path_or_array_can_be_saved_in_a_sweep(folder):
    np.save("x.npy", ROWS)
    grid = {
        "input_file": [folder / "x.npy", "x.npy", ROWS + 1],
        "weight_gain": np.array([1, 2]),
        "width": 3,
        "depth": 2,
        "replicas": 4,
    }
    found = gradsim.sweep.run(grid)
    found.save("s.h5")
    again = gradsim.open("s.h5")
    assert len(again) == 4 and again.request["weight_gain"] == [
        1.0,
        2.0,
    ]  # the same rows are one cell
    paths, described = again.request["input_file"][:2], again.request["input_file"][2]
    assert paths == [str(folder / "x.npy"), "x.npy"]
    assert described["shape"] == [4, 3] and described["sha256"] == again[2].run["input_file"]["sha256"]
