"""Arrays in NumPy's own files: the header is believed only as far as the file is long."""

import math
import os

import numpy as np

from ...errors import RequestError, shown
from .plain import plain_file

MAGIC = b"\x93NUMPY"
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read(option, name, check):
    """The array in the file; `check(shape, dtype)` raises RequestError for one that is not wanted, before it is read."""
    with plain_file(option, name) as file:
        start = file.read(len(MAGIC))
        if start != MAGIC:
            what = " (it is an archive, like a .npz: give one array)" if start[:2] == b"PK" else ""
            raise RequestError(f"{option}: {shown(name)} is not a .npy file{what}")
        file.seek(0)
        version = np.lib.format.read_magic(file)
        if version not in HEADERS:
            raise RequestError(f"{option}: {shown(name)} has version {version} of the format, and not plain numbers")
        shape, _, dtype = HEADERS[version](file)
        check(shape, dtype)
        size, rest = math.prod(shape) * dtype.itemsize, os.fstat(file.fileno()).st_size - file.tell()
        if min(shape, default=0) < 0 or size > rest:
            raise RequestError(
                f"{option}: {shown(name)} is cut short: its header says {size:,} bytes of numbers, it has {rest:,}"
            )
        file.seek(0)
        return np.load(file, allow_pickle=False)
