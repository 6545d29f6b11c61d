"""Files that are whole or not there, and what they may replace."""

import errno
import os
import threading

import numpy as np
import pytest

import gradsim
from gradsim.curves import CurveSet
from gradsim.errors import RequestError
from gradsim.store import write as writer
from gradsim.store.files import PICTURE, RESULTS, same_file, write_whole
from gradsim.store.write import image


@pytest.fixture(scope="module")
def curves():
    return gradsim.simulate(gradsim.mlp(width=3, depth=2), 5)


@pytest.fixture(scope="module")
def content(curves):
    return bytes(image(CurveSet([curves])))


def write(path, content, overwrite=False, kind=RESULTS):
    write_whole("--out", path, content, overwrite, kind)


def fails(path, content, words, overwrite=False, kind=RESULTS):
    with pytest.raises(RequestError, match=words) as error:
        write(path, content, overwrite, kind)
    assert "\n" not in str(error.value) and str(error.value).startswith("out: ")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


FAILURES = {
    "disk full": ("write", errno.ENOSPC, "No space left"),
    "size limit": ("write", errno.EFBIG, "File too large"),
    "quota": ("fsync", errno.EDQUOT, "quota"),
    "disk broken": ("fsync", errno.EIO, "Input/output error"),
    "folder gone": ("replace", errno.ENOENT, "No such file"),
    "folder closed": ("open", errno.EACCES, "Permission denied"),
    "interrupted": ("fsync", KeyboardInterrupt, None),
}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_leaves_what_was_there_and_nothing_else(name, overwrite, content, tmp_path, monkeypatch):
    where, number, words = FAILURES[name]
    path = tmp_path / "a.h5"
    if overwrite:
        path.write_bytes(content)

    def fail(*arguments, **more):
        raise KeyboardInterrupt if number is KeyboardInterrupt else OSError(number, os.strerror(number))

    if where == "write":
        monkeypatch.setattr("gradsim.store.files._write", lambda path, *_: (path.write_bytes(b"half"), fail()))
    else:
        monkeypatch.setattr(f"gradsim.store.files.os.{where if overwrite or where != 'replace' else 'link'}", fail)
    if words is None:
        with pytest.raises(KeyboardInterrupt):
            write(path, content, overwrite)
    else:
        fails(path, content, words, overwrite)
    monkeypatch.undo()
    assert names(tmp_path) == (["a.h5"] if overwrite else []) and (not overwrite or path.read_bytes() == content)


def test_other_bytes_on_the_disk_are_noticed(content, tmp_path, monkeypatch):
    for spoil in (lambda c: c[:-1], lambda c: c + b"x", lambda c: b"x" + c[1:], lambda c: b""):
        monkeypatch.setattr("gradsim.store.files._write", lambda path, c, mode, spoil=spoil: path.write_bytes(spoil(c)))
        fails(tmp_path / "a.h5", content, "reads back")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "name, other",
    [
        ("gradient_log_mean", lambda values: values + 1),
        ("gradient_zero_count", lambda values: values + 1),
        ("layer", lambda values: values[::-1]),
        ("verdict", lambda values: np.array(["fine"] * len(values), object)),
        ("precision", lambda values: values[::-1]),
    ],
)
def test_what_reads_back_as_something_else_is_not_written(name, other, curves, tmp_path, monkeypatch):
    """Numbers, counts and texts of the same shape: they are compared, and not only counted."""
    put = writer._put

    def wrong(dataset, first, values):
        written = put(dataset, first, values)
        return put(dataset, first, other(values)) and written if dataset.name == f"/{name}" else written

    monkeypatch.setattr(writer, "_put", wrong)
    with pytest.raises(RequestError, match=rf"^out: the curves could not be written faithfully \({name} differs\)$"):
        curves.save(tmp_path / "a.h5")
    assert names(tmp_path) == []


def test_a_folder_that_may_be_written_but_not_read(content, tmp_path, monkeypatch):
    unpatched = os.open

    def closed(path, *arguments, **more):
        if os.path.isdir(path) and arguments[0] == os.O_RDONLY:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return unpatched(path, *arguments, **more)

    monkeypatch.setattr("gradsim.store.files.os.open", closed)
    write(tmp_path / "a.h5", content)
    assert (tmp_path / "a.h5").read_bytes() == content


@pytest.mark.parametrize("links", [True, False])
def test_of_two_writers_of_one_name_the_second_gets_an_error(links, content, tmp_path, monkeypatch):
    if not links:  # as on file systems that have none

        def none(*_):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr("gradsim.store.files.os.link", none)
    # both find the name free, and only then write
    barrier, outcomes = threading.Barrier(6), []
    monkeypatch.setattr("gradsim.store.files._holds", lambda *_: barrier.wait() is not None)

    def writer(number):
        try:
            write(tmp_path / "a.h5", content + bytes([number]))
            outcomes.append(number)
        except RequestError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [o for o in outcomes if isinstance(o, int)]
    assert len(won) == 1 and sum("exists" in o for o in outcomes if isinstance(o, str)) == 5
    assert (tmp_path / "a.h5").read_bytes() == content + bytes(won) and names(tmp_path) == ["a.h5"]


def test_only_a_plain_file_of_the_same_kind_is_replaced(curves, content, tmp_path):
    picture = {}
    for form in ("png", "pdf", "svg"):
        path = tmp_path / f"a.{form}"
        curves.plot(path)
        curves.plot(path, overwrite=True)
        picture[form] = path.read_bytes()
    others = {
        "text": b"my notes",
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(600),
        "html": b"<html><svg></svg></html>",
        "csv": b"1,2\n",
        "numpy": b"\x93NUMPY" + bytes(80),
    }
    for name, other in (others | picture).items():
        path = tmp_path / f"{name}.x"
        path.write_bytes(other)
        fails(path, content, "is not a file of gradsim", True)
        assert path.read_bytes() == other
    for name, other in (others | {"results": content}).items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(other)
        fails(path, picture["png"], "is not a picture", True, PICTURE)
        with pytest.raises(RequestError, match="is not a picture"):
            curves.plot(path, overwrite=True)
        assert path.read_bytes() == other
    for kind, old in ((RESULTS, content[:-1000]), (RESULTS, b""), (PICTURE, b"")):  # one that is damaged, or empty, may go
        path = tmp_path / "old"
        path.write_bytes(old)
        write(path, content, True, kind)
        assert path.read_bytes() == content
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        for overwrite in (True, False):
            fails(path, content, "not a plain file", overwrite)


def test_links_are_followed_and_permissions_kept(content, tmp_path):
    new, old, link = tmp_path / "new.h5", tmp_path / "old.h5", tmp_path / "link.h5"
    link.symlink_to("new.h5")  # to what is not there yet
    write(link, content)
    assert link.is_symlink() and new.read_bytes() == content
    fails(link, content, "exists")
    old.write_bytes(content)
    old.chmod(0o640)
    link.unlink()
    link.symlink_to(old)
    write(link, content + b"x", True)
    assert link.is_symlink() and old.read_bytes() == content + b"x" and old.stat().st_mode & 0o777 == 0o640
    umask = os.umask(0o027)
    try:
        write(tmp_path / "mine.h5", content)
    finally:
        os.umask(umask)
    assert (tmp_path / "mine.h5").stat().st_mode & 0o777 == 0o640
    link.unlink()
    link.symlink_to(tmp_path / "nowhere" / "a.h5")
    fails(link, content, "No such file")


def test_names(curves, content, tmp_path):
    for name in ("x" * 252 + ".h5", "\udce9\n.h5", " ", "ü.h5"):
        write(tmp_path / name, content)
        assert (tmp_path / name).read_bytes() == content
    write(os.fsencode(tmp_path / "bytes.h5"), content)
    before = names(tmp_path)
    for name, words in (("x" * 256, "too long"), ("no/a.h5", "No such file"), (" /a.h5", "Not a directory"), (".", "folder")):
        fails(f"{tmp_path}/{name}", content, words)
    for path in (None, 3, "", "a\0b", [], object(), True):
        fails(path, content, "not the name of a file")
        with pytest.raises(RequestError, match="not the name of a file"):
            curves.save(path)
        if path is not None:
            with pytest.raises(RequestError, match="not the name of a file"):
                curves.plot(path)
    assert names(tmp_path) == before


def test_one_file_under_two_names(tmp_path):
    there = tmp_path / "a.h5"
    there.touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(there)
    (tmp_path / "round").symlink_to(tmp_path)
    os.link(there, tmp_path / "hard")
    for other in ("a.h5", "./a.h5", "folder/../a.h5", "link", "round/a.h5", "hard"):
        assert same_file(there, f"{tmp_path}/{other}")
    for first, second in (("new", "./new"), ("new", "round/new"), ("new", "NEW"), ("é", "e\u0301")):
        assert same_file(f"{tmp_path}/{first}", f"{tmp_path}/{second}")
    assert not same_file(there, tmp_path / "new") and not same_file(tmp_path / "new", tmp_path / "folder" / "new")


def test_anything_may_have_been_asked_for(curves, tmp_path):
    asked = {"input_file": [tmp_path / "x.npy", np.eye(2)], "width": [np.int64(3)], "seed": {1, 2}}
    CurveSet([curves], asked).save(tmp_path / "a.h5")
    found = gradsim.open(tmp_path / "a.h5").request
    assert found["input_file"] == [str(tmp_path / "x.npy"), [[1, 0], [0, 1]]] and found["width"] == [3]


def test_provenance_names_the_instruction_set(curves, tmp_path):
    import json

    import h5py
    import llvmlite.binding as llvm

    curves.save(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        provenance = json.loads(file.attrs["provenance"])
    features = llvm.get_host_cpu_features()
    assert provenance["cpu"] and provenance["vector_instructions"]
    if "NUMBA_CPU_NAME" not in os.environ and "NUMBA_CPU_FEATURES" not in os.environ:
        assert provenance["cpu"] == llvm.get_host_cpu_name()
        assert all(features[name] for name in provenance["vector_instructions"])
        assert ("avx2" in provenance["vector_instructions"]) == features.get("avx2", False)
