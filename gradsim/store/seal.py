"""The seal: a line behind the HDF5 of a file, with the SHA-256 of all bytes before it.

It is no part of the HDF5, which ends where its own header says, so every reader opens the file as it is, and whatever
changes the file on purpose (h5py, netCDF, xarray) drops the line: a file without one is of other hands, or of before there
was any. A file whose seal does not fit was changed by none of them. `head -c -81 FILE | sha256sum` gives the same digits.
"""

import hashlib
import os

from ..errors import RequestError

WORDS = b"\ngradsim sha256 "
SIZE = len(WORDS) + 64 + 1
PART = 2**22  # bytes at a time


def seal(stream):
    """Appends the line for all that is in a binary stream."""
    digest = hashlib.sha256()
    stream.seek(0)
    while part := stream.read(PART):
        digest.update(part)
    stream.seek(0, os.SEEK_END)
    stream.write(WORDS + digest.hexdigest().encode() + b"\n")


def check_seal(stream):
    """Raises RequestError if the file in `stream` has a seal that its bytes do not fit."""
    size = stream.seek(0, os.SEEK_END)
    start = max(0, size - SIZE)
    stream.seek(start)
    line = stream.read(SIZE)
    if not line.startswith(WORDS):
        return
    digest = hashlib.sha256()
    stream.seek(0)
    while part := stream.read(min(PART, start)):
        digest.update(part)
        start -= len(part)
    if line != WORDS + digest.hexdigest().encode() + b"\n":
        raise RequestError("damaged: its bytes are not those that were written (their SHA-256 differs)")
