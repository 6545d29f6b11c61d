"""Writes curves to an HDF5 file that is also a netCDF-4 file.

The HDF5 is made in memory and only its bytes meet the disk: a full disk, a file system without locks or a folder that
vanished is then an error like any other, where the HDF5 library itself would go on with a file that is half written.
"""

import io

import h5py
import numpy as np

from ..errors import RequestError
from .dataset import entries, root_attributes
from .files import RESULTS, check_output, write_whole
from .seal import seal

FILTERS = {"compression": "gzip", "compression_opts": 4, "shuffle": True, "fletcher32": True}


def write(curve_set, path, overwrite=False):
    """Write `curve_set` to `path`, whole or not at all. Raises RequestError where that cannot be."""
    path = check_output("--out", path, overwrite, RESULTS)
    write_whole("--out", path, image(curve_set), overwrite, RESULTS)


def image(curve_set):
    """The bytes of the file: HDF5 that was read back, and its seal."""
    contents = entries(curve_set)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", track_order=True) as file:
        file.attrs.update(root_attributes(curve_set))
        for name, entry in contents.items():
            _write_dataset(file, name, entry)
        for name, entry in contents.items():
            if entry.dims != (name,):
                for axis, dim in enumerate(entry.dims):
                    file[name].dims[axis].attach_scale(file[dim])
    with h5py.File(buffer, "r") as file:
        for name, entry in contents.items():
            if not _same(file[name][()], entry.values):
                raise RequestError(f"--out: the curves could not be written faithfully ({name} differs)")
    line = seal(buffer.getbuffer())
    buffer.seek(0, io.SEEK_END)
    buffer.write(line)
    return buffer.getbuffer()


def _write_dataset(file, name, entry):
    text = entry.values.dtype == object
    data = entry.values.astype(h5py.string_dtype()) if text else entry.values
    # HDF5 keeps texts of any length apart from the dataset, out of reach of its filters: the seal covers them
    options = {} if text else FILTERS
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
