"""Part files: finished work, sealed. A part is whole or not there, and what is damaged in it later is found and named.

A part is a line `gradsim part <JSON>`, records, and an end: b"LAST", their number and the SHA-256 of their checksums. A record
is b"CELL", the sizes of its text and its arrays (uint32, uint64), 32 bytes that say whose it is, a JSON text that lists its
arrays, these arrays one after another (little-endian float64 and int64), and the SHA-256 of all of that. Each can be taken out
of its part without reading others, and travels as bytes.
"""

import hashlib
import json
import mmap
import os
import secrets
import struct
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import RequestError
from ..statistics.stacked import Pieces, Stacked
from ..store.files import whole

FORMAT = 1
WORDS = b"gradsim part "
FRAME = struct.Struct("<4sIQ32s")
END = struct.Struct("<4sQ32s")
CELL, LAST = b"CELL", b"LAST"
CHECKSUM = 32
LONGEST_HEAD = 200  # bytes of the first line
LISTED = b',"arrays":'
TYPES = {"f": np.dtype("<f8"), "i": np.dtype("<i8")}


class Place(NamedTuple):
    """Where a record is: `identity` in hexadecimal, the path of the part, first byte and size."""

    identity: str
    path: str
    start: int
    size: int


def encoded(identity, said, arrays):
    """The bytes of a record: `said` is JSON-able, `arrays` a dict of arrays of floats or whole numbers."""
    given = {name: np.asarray(array) for name, array in arrays.items()}
    listed = tuple((name, array.dtype.kind, array.shape) for name, array in given.items())
    return encoded_as(identity, said, listed, given.values())


def encoded_as(identity, said, listed, held):
    """The same where the arrays `held`, one after another, are the bytes of those that `listed` tells of: a tuple of (name,
    kind of number, shape)."""
    text = json.dumps({"said": said}, separators=(",", ":")).encode()[:-1] + LISTED + _listing(listed) + b"}"
    held = [np.ascontiguousarray(array, TYPES[array.dtype.kind]) for array in held]
    size = sum(array.nbytes for array in held)
    body = b"".join((FRAME.pack(CELL, len(text), size, bytes.fromhex(identity)), text, *held))
    return body + hashlib.sha256(body).digest()


@lru_cache(64)
def _listing(arrays):
    """The JSON that tells of the arrays of a record: most records have the same."""
    named = [(name, TYPES[kind].str, shape) for name, kind, shape in arrays]
    return json.dumps(named, separators=(",", ":")).encode()


def identity_of(record):
    """Whose record it is: of bytes that `encoded` gave."""
    return FRAME.unpack_from(record)[3].hex()


def decoded(record):
    """(identity, said, arrays) of the bytes of a record, arrays as Stacked. Raises RequestError where they are not as they were
    written."""
    view = memoryview(record)
    if len(view) < FRAME.size + CHECKSUM or hashlib.sha256(view[:-CHECKSUM]).digest() != bytes(view[-CHECKSUM:]):
        raise RequestError("damaged: its bytes are not those that were written (their SHA-256 differs)")
    _, text_size, _, identity = FRAME.unpack_from(view)
    start = FRAME.size + text_size
    said, (pieces, runs) = _described(bytes(view[FRAME.size : start]))
    block, stacks, start = bytearray(view[start:-CHECKSUM]), [], 0  # one copy, that they share
    for dtype, count in runs:
        stacks.append(np.ndarray((1, count), dtype, block, start))
        start += count * dtype.itemsize
    return identity.hex(), said, Stacked(pieces, stacks)


def _described(text):
    """(what is said, what `_listed` gives) of the text of a record."""
    said, _, listed = text.rpartition(LISTED)  # within what is said its quotes would be escaped
    return json.loads(said + b"}")["said"], _listed(listed)


@lru_cache(64)
def _listed(text):
    """Where the arrays of a record are, as `Pieces.along` has it, from what `_listing` made of them."""
    arrays = json.loads(text.removesuffix(b"}"))
    return Pieces.along((name, np.dtype(dtype), tuple(shape)) for name, dtype, shape in arrays)


def seal(folder, number, records, durable=True):
    """Has a part of the `records` (a list of bytes) lie in `folder`; their Places. Raises OSError, and leaves nothing then.

    `durable`: it survives a power cut once this returns; else a kill only.
    """
    path = Path(folder, f"{number:06d}-{secrets.token_hex(4)}.part")
    checksums, found = hashlib.sha256(), []
    with whole(path, durable) as stream:
        stream.write(WORDS + json.dumps({"format": FORMAT}).encode() + b"\n")
        for record in records:
            found.append(Place(identity_of(record), str(path), stream.tell(), len(record)))
            stream.write(record)
            checksums.update(record[-CHECKSUM:])
        stream.write(END.pack(LAST, len(records), checksums.digest()))
    return found


def places(path):
    """(Places of the sound records of a part, in words what is wrong with it: None where nothing is).

    Raises RequestError for a part that a later version wrote, OSError for one that cannot be read.
    """
    with open(path, "rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            return [], "it is empty"
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
            return _places(path, view)


def read(place):
    """(identity, said, arrays) of the record at a Place. Raises RequestError, which names the part, where it is damaged."""
    try:
        return decoded(bytes_of(place))
    except RequestError as error:
        raise RequestError(f"{place.path!r}: {error}") from None


def bytes_of(place):
    """Of the record at a Place, unchecked."""
    with open(place.path, "rb") as stream:
        stream.seek(place.start)
        return stream.read(place.size)


def outline(place):
    """(said, names of the arrays) of the record at a Place, whose bytes are not checked."""
    with open(place.path, "rb") as stream:
        stream.seek(place.start)
        _, size, _, _ = FRAME.unpack(stream.read(FRAME.size))
        said, (pieces, _) = _described(stream.read(size))
    return said, [*pieces.of]


def _places(path, view):
    start = _head(path, bytes(view[:LONGEST_HEAD]))
    if start is None:
        return [], "its first line is damaged"
    found, wrong, checksums, count = [], [], hashlib.sha256(), 0
    while start + FRAME.size <= len(view) and bytes(view[start : start + 4]) == CELL:
        _, text, block, identity = FRAME.unpack_from(view, start)
        size = FRAME.size + text + block + CHECKSUM
        if start + size > len(view):
            break
        checksum = view[start + size - CHECKSUM : start + size]
        count += 1
        if hashlib.sha256(view[start : start + size - CHECKSUM]).digest() == bytes(checksum):
            found.append(Place(identity.hex(), path, start, size))
        else:
            wrong.append(str(count))
        checksums.update(checksum)
        start += size
    if wrong:
        return found, f"record {', '.join(wrong)}: the SHA-256 differs"
    if len(view) - start != END.size or END.unpack_from(view, start) != (LAST, count, checksums.digest()):
        return found, f"it does not go on as it was written behind record {count}"
    return found, None


def _head(path, first):
    """Where records begin; None where the first line is not that of a part."""
    line, newline, _ = first.partition(b"\n")
    try:
        version = json.loads(line.removeprefix(WORDS))["format"]
    except (ValueError, KeyError, TypeError):
        version = None
    if not newline or not line.startswith(WORDS) or not isinstance(version, int) or version < 1:
        return None
    if version > FORMAT:
        raise RequestError(f"{path!r} has format {version}; this gradsim reads up to {FORMAT}")
    return len(line) + 1
