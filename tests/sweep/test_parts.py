"""Parts: whole or not there, and no byte of them can change without being found."""

import json
import os
import random

import numpy as np
import pytest

from gradsim import RequestError
from gradsim.store.files import UNFINISHED
from gradsim.sweep import parts
from gradsim.sweep.shelf import Shelf

ARRAYS = {
    "a": np.array([1.5, np.nan, -np.inf]),
    "count": np.array([[1, -1]]),
    "scalar": np.float64(3.25),
    "none": np.zeros((0, 4)),
}


def identity(number):
    return f"{number:064x}"


def record(number, size=5):
    return parts.encoded(identity(number), {"cell": number}, {"x": np.full(size, float(number))})


def shelf_with(folder, *numbers):
    shelf = Shelf(folder)
    for number in numbers:
        shelf.add(record(number))
    shelf.close()
    (path,) = [folder / name for name in os.listdir(folder)]
    return path


def test_a_record_comes_back_as_it_was():
    said = {"run": {"seed": 2**100, "gain": 0.1}, "text": "é"}
    found, words, arrays = parts.decoded(parts.encoded(identity(7), said, ARRAYS))
    assert found == identity(7) and words == said and list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].tobytes() == np.asarray(array).tobytes() and arrays[name].shape == np.shape(array)
    assert arrays["a"].dtype == float and arrays["count"].dtype == np.int64


def test_every_bit_of_a_record_counts():
    whole, chance = record(1, size=2), random.Random(5)
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << chance.randrange(8)
        with pytest.raises(RequestError, match="SHA-256"):
            parts.decoded(bytes(changed))


def test_a_part_cut_anywhere_gives_the_whole_records_before_the_cut(tmp_path):
    path = shelf_with(tmp_path / "parts", 1, 2, 3)
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    ends = [first + k * len(record(1)) for k in range(4)]
    assert len(content) == ends[3] + parts.END.size
    for size in range(len(content)):
        path.write_bytes(content[:size])
        found, wrong = parts.places(str(path))
        assert wrong and [place.identity for place in found] == [identity(k + 1) for k in range(3) if size >= ends[k + 1]]


def test_every_flipped_bit_of_a_part_is_found_and_costs_no_sound_record_before_it(tmp_path):
    path = shelf_with(tmp_path / "parts", 1, 2, 3)
    content, chance = path.read_bytes(), random.Random(6)
    first, size, refused = content.index(b"\n") + 1, len(record(1)), []
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            found, wrong = parts.places(str(path))
        except RequestError:  # the version became a later one
            refused.append(place)
            continue
        names, at = [one.identity for one in found], (place - first) // size
        assert wrong is not None
        if place >= first:
            assert names[:at] == [identity(k + 1) for k in range(min(at, 3))] and identity(at + 1) not in names
        for one in found:
            assert parts.read(one)[2]["x"].tolist() == [float(int(one.identity, 16))] * 5
    assert all(place < first for place in refused)


def test_what_comes_behind_the_end_is_damage(tmp_path):
    path = shelf_with(tmp_path / "parts", 1)
    path.write_bytes(path.read_bytes() + b"x")
    assert len(parts.places(str(path))[0]) == 1 and "record 1" in parts.places(str(path))[1]


def test_a_part_of_a_later_version_is_refused(tmp_path):
    path = shelf_with(tmp_path / "parts", 1)
    said = json.dumps({"format": parts.FORMAT}).encode()
    path.write_bytes(path.read_bytes().replace(said, json.dumps({"format": parts.FORMAT + 1}).encode(), 1))
    with pytest.raises(RequestError, match=rf"has format {parts.FORMAT + 1}; this gradsim reads up to {parts.FORMAT}"):
        Shelf(tmp_path / "parts")


def test_a_shelf_names_damage_keeps_what_is_sound_and_clears_what_was_not_finished(tmp_path):
    folder = tmp_path / "parts"
    path = shelf_with(folder, 1, 2, 3)
    content = bytearray(path.read_bytes())
    content[content.index(b"\n") + 1 + 2 * len(record(1)) - 40] ^= 4  # in the arrays of the second
    path.write_bytes(content)
    (folder / f"{UNFINISHED}1234").write_bytes(b"half")  # killed between write and rename
    shelf = Shelf(folder)
    assert shelf.damage == [f"{path}: record 2: the SHA-256 differs"] and os.listdir(folder) == [path.name]
    assert [identity(k) in shelf for k in (1, 2, 3)] == [True, False, True] and len(shelf) == 2
    assert shelf.get(identity(3))[0] == {"cell": 3}
    shelf.add(record(2))
    shelf.close()
    again = Shelf(folder)
    assert len(again) == 3 and len(again.damage) == 1
    again.close()


@pytest.mark.parametrize("rubbish", [b"", b"\n", b"gradsim part {}\n", b"gradsim part [1]\n", b"x" * 1000])
def test_what_is_no_part_holds_nothing_and_goes(rubbish, tmp_path):
    (tmp_path / "000001-ab.part").write_bytes(rubbish)
    shelf = Shelf(tmp_path)
    assert len(shelf) == 0 and len(shelf.damage) == 1 and not os.listdir(tmp_path)
    shelf.close()


def test_newer_records_take_the_place_of_older_ones_and_parts_without_any_go(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.add(record(1))
    shelf.flush()
    (old,) = os.listdir(tmp_path)
    shelf.add(parts.encoded(identity(1), {"cell": "new"}, {}))
    shelf.add(record(2))
    shelf.flush()
    assert old not in os.listdir(tmp_path) and shelf.get(identity(1))[0] == {"cell": "new"}
    shelf.drop(lambda found: True)
    assert not os.listdir(tmp_path)
    shelf.close()


def test_records_are_sealed_by_time_and_by_size(tmp_path):
    import time

    by_time, by_size = Shelf(tmp_path / "time", seconds=0.1), Shelf(tmp_path / "size", seconds=1000, size=1000)
    by_time.add(record(1))
    by_size.add(record(1, size=200))
    start = time.monotonic()
    while not (len(by_time) and len(by_size)):
        assert time.monotonic() - start < 20
        time.sleep(0.01)
    by_size.add(record(2, size=1))
    assert len(by_size) == 1
    by_size.close()
    by_time.close()
    assert len(by_size) == 2 and len(os.listdir(tmp_path / "size")) == 2


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    shelf = Shelf(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    shelf.add(record(1))
    for attempt in (shelf.flush, lambda: shelf.add(record(2)), shelf.close):
        with pytest.raises(OSError, match="No space left"):
            attempt()
    assert not os.listdir(tmp_path)
