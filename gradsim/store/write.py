"""Writes curves to an HDF5 file that is also a netCDF-4 file."""

import h5py
import numpy as np

from ..errors import RequestError
from .dataset import entries, root_attributes
from .files import check_output, replacing

COMPRESSION = {"compression": "gzip", "compression_opts": 4, "shuffle": True, "fletcher32": True}
SMALL = 1024  # bytes below which a dataset is stored contiguously: chunks would only make it larger


def write(curve_set, path, overwrite=False):
    """Write `curve_set` to `path`, whole or not at all. Raises RequestError where that cannot be."""
    path = check_output("--out", path, overwrite)
    with replacing(path) as temporary:
        contents = entries(curve_set)
        with h5py.File(temporary, "w", track_order=True) as file:
            file.attrs.update(root_attributes(curve_set))
            for name, entry in contents.items():
                _write_dataset(file, name, entry)
            for name, entry in contents.items():
                if entry.dims != (name,):
                    for axis, dim in enumerate(entry.dims):
                        file[name].dims[axis].attach_scale(file[dim])
        with h5py.File(temporary, "r", locking=False) as file:  # reads back what was written, checksums and all
            for name, entry in contents.items():
                if not _same(file[name][()], entry.values):
                    raise RequestError(f"--out: {str(path)!r} could not be written faithfully ({name} differs)")


def _write_dataset(file, name, entry):
    text = entry.values.dtype == object
    options = COMPRESSION if entry.values.nbytes > SMALL and not text else {}
    data = entry.values.astype(h5py.string_dtype()) if text else entry.values
    if entry.fill is not None:
        options = options | {"fillvalue": entry.fill}
    dataset = file.create_dataset(name, data=data, track_order=True, **options)
    if entry.dims == (name,):
        dataset.make_scale(name)
    dataset.attrs.update(entry.attributes)
    if entry.fill is not None:
        dataset.attrs["_FillValue"] = np.array(entry.fill, entry.values.dtype)


def _same(found, expected):
    if expected.dtype == object:
        return [text.decode() for text in found] == expected.tolist()
    return np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f")
