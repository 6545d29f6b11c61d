"""Samples that the user gives: rows of a file or of an array, checked, with a digest that identifies their content."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import RequestError

FORMS = "X.npy, X.csv or X.h5:/path"


@dataclass(frozen=True)
class Samples:
    """`values`: finite float64 of shape (samples, width)."""

    name: str
    values: np.ndarray = field(repr=False)
    path: str | None = None  # as it was given

    @property
    def description(self):
        """What a file of results says of them: name, shape and SHA-256 of the content."""
        digest = hashlib.sha256(repr(self.values.shape).encode() + np.ascontiguousarray(self.values).tobytes())
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

    Raises RequestError for what cannot be read, has no rows, or holds anything but finite numbers.
    """
    if isinstance(source, Samples):
        return source
    is_path = isinstance(source, str | Path)
    name = str(source) if is_path else "array"
    try:
        array = _read(option, name) if is_path else np.asarray(source)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"its type is {array.dtype}")
        numbers = array.astype(np.float64)
    except RequestError:
        raise
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise RequestError(f"{option}: cannot read {name!r}: {reason}") from None
    except (EOFError, TypeError, ValueError) as error:
        raise RequestError(f"{option}: {name!r} does not hold numbers only: {str(error).splitlines()[0]}") from None
    if numbers.ndim == 0 or numbers.size == 0:
        raise RequestError(f"{option}: {name!r} has no rows")
    rows = numbers.reshape(len(numbers), -1)
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise RequestError(f"{option}: {name!r} has {rows[row, column]} in row {row + 1}, column {column + 1}")
    return Samples(Path(name).name, rows, name if is_path else None)


def _read(option, name):
    suffix = Path(name).suffix.lower()
    if suffix == ".npy":
        return np.load(name, allow_pickle=False)
    if suffix == ".csv":
        return _read_csv(name)
    path, _, inside = name.partition(":")
    if Path(path).suffix.lower() in (".h5", ".hdf5"):
        return _read_hdf5(option, name, path, inside)
    raise RequestError(f"{option}: {name!r} is none of {FORMS}")


def _read_csv(path):
    """Numbers separated by commas, below one line of names if there is one."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    try:
        head = bool(lines) and not [float(cell) for cell in lines[0].split(",")]
    except ValueError:
        head = True
    body = [line for line in lines[head:] if line.strip()]
    return np.loadtxt(body, delimiter=",", ndmin=2) if body else np.zeros((0, 1))


def _read_hdf5(option, name, path, inside):
    import h5py

    if not inside:
        raise RequestError(f"{option}: {name!r} should say which dataset: {path}:/path")
    with h5py.File(path, "r", locking=False) as file:
        found = file.get(inside)
        if not isinstance(found, h5py.Dataset):
            raise RequestError(f"{option}: {path!r} has no dataset {inside!r}")
        return found[()]
