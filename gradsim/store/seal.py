"""The seal: what stands behind the HDF5 of a file, by which its bytes are checked as they are read.

It is no part of the HDF5, which ends where its own header says, so every reader opens the file as it is, and whatever
changes the file on purpose (h5py, netCDF, xarray) drops it: a file without one is of other hands, or of before there was
any. It is the SHA-256 of each piece of the HDF5, 32 bytes each, then one line: how many bytes the HDF5 has, and the SHA-256
of that number and the digests. So who reads a part of a large file checks that part, and no more.

Files of before end in a line with the SHA-256 of all bytes before it.
"""

import hashlib
import os
import stat
import weakref
from math import ceil

from ..errors import RequestError
from .careful import write_all

PIECE = 2**18  # bytes that are checked together
WORDS = b"\ngradsim pieces "
SIZE = len(WORDS) + 20 + 1 + 64 + 1  # of the line
WHOLE_WORDS = b"\ngradsim sha256 "
WHOLE_SIZE = len(WHOLE_WORDS) + 64 + 1
SMALL = 2**24  # bytes of a file that is read and checked at once, and then closed
DAMAGED = "damaged: its bytes are not those that were written (their SHA-256 differs)"


def seal(stream):
    """Appends the seal of all that is in a binary stream."""
    stream.seek(0)
    digests = b"".join(hashlib.sha256(piece).digest() for piece in iter(lambda: stream.read(PIECE), b""))
    size = stream.seek(0, os.SEEK_END)
    write_all(stream, digests + _line(size, digests))


def _line(size, digests):
    number = f"{size:020} ".encode()
    return WORDS + number + hashlib.sha256(number + digests).hexdigest().encode() + b"\n"


class Source:
    """The bytes of the plain file at `path`, for HDF5 to read: a seekable stream.

    Nothing but a plain file is opened, since a pipe would wait for its writer for ever. Raises RequestError for what is none,
    and where the seal does not fit. A file that is large, or not to be `held` in memory, stays open and is checked piece by
    piece: then `damage` is the RequestError, since HDF5 would make something else of it.
    """

    def __init__(self, path, held=True):
        descriptor = _opened(path)
        self._closing = weakref.finalize(self, os.close, descriptor)
        self._descriptor, self._content, self._at, self.damage = descriptor, None, 0, None
        self.size = os.fstat(descriptor).st_size
        if held and self.size <= SMALL:
            self._content = self._taken(0, self.size)
            self._closing()
        self._digests, self._checked = self._seal()
        if self._content is not None:
            self.check()

    def seek(self, offset, whence=os.SEEK_SET):
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        return self._at

    def tell(self):
        return self._at

    def read(self, size=-1):
        content = self._taken(self._at, self.size - self._at if size < 0 else size)
        self._check(self._at, self._at + len(content))
        self._at += len(content)
        return content

    def readinto(self, buffer):
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def check(self):
        """Raises RequestError where any byte is not what was written."""
        self._check(0, self.size)

    def _taken(self, start, size):
        if self._content is not None:
            return self._content[start : start + size]
        parts = []
        while size > 0 and (part := os.pread(self._descriptor, min(size, 2**30), start)):
            parts.append(part)
            start, size = start + len(part), size - len(part)
        return b"".join(parts)

    def _seal(self):
        """(the digests of pieces, which of them are checked); none where there is no seal."""
        line = self._taken(max(0, self.size - SIZE), SIZE)
        if line.startswith(WORDS):
            number = line[len(WORDS) :][:20]
            size = int(number) if number.isdigit() else -1
            count = ceil(size / PIECE)
            digests = self._taken(size, 32 * count) if size + 32 * count + SIZE == self.size else b""
            if line != _line(size, digests):
                raise RequestError(DAMAGED)
            self.size = size
            return digests, bytearray(count)
        line = self._taken(max(0, self.size - WHOLE_SIZE), WHOLE_SIZE)
        if line.startswith(WHOLE_WORDS):
            self._check_whole(line)
        return b"", bytearray()

    def _check_whole(self, line):
        digest, start, end = hashlib.sha256(), 0, self.size - WHOLE_SIZE
        while start < end:
            part = self._taken(start, min(PIECE, end - start))
            digest.update(part)
            start += len(part)
        if line != WHOLE_WORDS + digest.hexdigest().encode() + b"\n":
            raise RequestError(DAMAGED)

    def _check(self, start, stop):
        for piece in range(start // PIECE, min(ceil(stop / PIECE), len(self._checked))):
            if not self._checked[piece]:
                content = self._taken(piece * PIECE, min(PIECE, self.size - piece * PIECE))
                if hashlib.sha256(content).digest() != self._digests[32 * piece : 32 * piece + 32]:
                    self.damage = RequestError(DAMAGED)
                    raise self.damage
                self._checked[piece] = 1


def _opened(path):
    """A descriptor. Raises RequestError."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise RequestError("a folder, not a file" if stat.S_ISDIR(mode) else "not a plain file")
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | os.O_CLOEXEC)
    except OSError as error:
        raise RequestError("no such file" if isinstance(error, FileNotFoundError) else error.strerror) from None
