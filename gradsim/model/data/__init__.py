"""Samples that the user gives: rows of a file or of an array, checked, with a digest that identifies their content."""

import hashlib
import math
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from ...errors import RequestError, shown
from ...memory import require
from ..data import csv, hdf5, npy
from .plain import printable

FORMS = "X.npy, X.csv or X.h5:/path"
BYTES = 32  # of memory for a number: as it was read, as a float64, normalised in two types, and what is checked on the way


@dataclass(frozen=True)
class Samples:
    """`values`: finite float64 of shape (samples, width)."""

    name: str
    values: np.ndarray = field(repr=False)
    path: str | None = None  # as it was given

    @cached_property
    def description(self):
        """What a file of results says of them: name, shape and SHA-256 of the content."""
        digest = hashlib.sha256(repr(self.values.shape).encode())
        digest.update(np.ascontiguousarray(self.values))
        return {"name": self.name, "shape": list(self.values.shape), "sha256": digest.hexdigest()}

    @property
    def source(self):
        """Where they came from, as a plain value: the path that was given, or of an array the description."""
        return self.description if self.path is None else self.path

    def normalised(self, width):
        """(float32 rows with max|v| in [1, 2), padded to `width` columns, and their int64 powers of two)."""
        top = abs(self.values).max(axis=1)
        exponents = np.where(top > 0, np.frexp(top)[1] - 1, 0).astype(np.int64)
        rows = np.zeros((len(self.values), width), np.float32)
        rows[:, : self.values.shape[1]] = np.ldexp(self.values, -exponents[:, None].astype(np.int32))
        return rows, exponents


def samples(option, source):
    """The Samples of a path (see FORMS), of an array of shape (samples, ...), or Samples as they are.

    Raises RequestError for what cannot be read, has no rows, would not fit the memory, or holds anything but finite numbers.
    """
    if isinstance(source, Samples):
        return source
    path = os.fsdecode(source) if isinstance(source, str | os.PathLike) else None
    name = "array" if path is None else path

    def check(shape, dtype):
        """Before numbers are read or copied."""
        if dtype.kind not in "biuf" or dtype.shape:
            raise RequestError(f"{option}: {shown(name)} does not hold numbers only: its type is {shown(str(dtype))[1:-1]}")
        if len(shape) == 0 or math.prod(shape) == 0:
            raise RequestError(f"{option}: {shown(name)} has no rows")
        require(option, f"{shown(name)}, {' x '.join(f'{n:,}' for n in shape)} numbers,", BYTES * math.prod(shape))

    array = _given(option, source) if path is None else _read(option, path, check)
    check(array.shape, array.dtype)
    with np.errstate(over="ignore"):  # what a float64 cannot hold is infinite, which is found below
        rows = array.astype(np.float64, copy=path is None).reshape(len(array), -1)
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise RequestError(f"{option}: {shown(name)} has {rows[row, column]} in row {row + 1}, column {column + 1}")
    return Samples(printable(Path(name).name), rows, None if path is None else printable(path))


def _given(option, source):
    """The array of what Python gives for one."""
    if np.ma.isMaskedArray(source) and np.ma.is_masked(source):
        raise RequestError(f"{option}: array has masked entries; fill them in, or leave their rows out")
    try:
        return np.asarray(source)
    except Exception as error:  # whatever the object's own conversion raises
        raise RequestError(f"{option}: array does not hold numbers only: {' '.join(str(error).split())[:200]}") from None


_IN_HDF5 = re.compile(r"(.*?\.(?:h5|hdf5))(?::(.*))?", re.IGNORECASE | re.DOTALL)


def _read(option, name, check):
    suffix, inside = Path(name).suffix.lower(), _IN_HDF5.fullmatch(name)
    try:
        if inside and inside[2]:
            return hdf5.read(option, name, *inside.groups(), check)
        if suffix == ".npy":
            return npy.read(option, name, check)
        if suffix == ".csv":
            return csv.read(option, name, check)
    except RequestError:
        raise
    except Exception as error:  # NumPy's readers raise many: of a header that is cut even the tokenizer's
        reason = " ".join(str(error).split())[:200]
        raise RequestError(f"{option}: {shown(name)} does not hold numbers only: {reason}") from None
    if inside:
        raise RequestError(f"{option}: {shown(name)} should say which dataset: {inside[1]}:/path")
    raise RequestError(f"{option}: {shown(name)} is none of {FORMS}")
