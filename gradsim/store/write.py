"""Writes curves to an HDF5 file that is also a netCDF-4 file: in blocks of cells, so that they need not all be in memory.

HDF5 writes through a stream of this module, which fails for it: a full disk, a file system without locks or a folder that
vanished is then an error like any other, where the HDF5 library itself would go on with a file that is half written. What
was written is read back and compared, and only then gets its name: of each variable the numbers of its first block, through
all filters, and of further blocks the bytes that are kept of them. Undoing the filters of all of 10,000 cells took a fifth of
the time of writing them.
"""

import io
import os
import zlib
from collections import defaultdict
from contextlib import contextmanager
from typing import NamedTuple

import h5py
import numpy as np

from ..errors import RequestError
from .careful import Careful
from .dataset import blocks, root_attributes
from .files import RESULTS, check_output, create, replacing, write_whole
from .filters import FILTERS, kept, put
from .layout import pieces
from .seal import seal

METADATA = 2**20  # bytes that HDF5 keeps together, so that who opens the file finds them side by side


def pack(path, layout, curves, overwrite=False, *, option="--out", provenance=None, progress=None, folder=None):
    """Write a file of many cells, whole or not at all, with no more of them in memory than `layout.block`.

    `layout` is the `Layout` of all cells and `curves` an iterable of their Curves, in the same order. What is written depends
    on these alone, but for the attribute `provenance`, to which that dict is added: `threads`, `seconds` of what was done.
    `progress(cells)` is called with the number of cells that are written, `option` is what errors call the path. Until it is
    whole it lies in `folder`, beside the path unless given. Raises RequestError where that cannot be, and leaves all as it was.
    """
    check_output(option, path, overwrite, RESULTS)
    with replacing(option, path, overwrite, RESULTS, folder) as (temporary, mode), create(temporary, mode, 0) as stream:
        _fill(option, stream, layout, curves, provenance, progress)
        stream.flush()
        os.fsync(stream.fileno())


def write(curve_set, path, overwrite=False):
    """Write a CurveSet to `path`, whole or not at all. Raises RequestError where that cannot be."""
    path = check_output("path", path, overwrite, RESULTS)
    write_whole("path", path, image(curve_set), overwrite, RESULTS)


def image(curve_set):
    """The bytes of the file: HDF5 that was read back, and its seal."""
    buffer = io.BytesIO()
    _fill("--out", buffer, curve_set.layout(), curve_set)
    return buffer.getbuffer()


def _fill(option, stream, layout, curves, provenance=None, progress=None):
    """Has an empty binary stream hold the HDF5 and its seal. Raises RequestError, or the OSError of the stream."""
    with _carefully(stream) as careful, _hdf5(careful, "w") as file:
        sums = _contents(file, layout, curves, provenance, careful, progress)
    with _carefully(stream) as careful, _hdf5(careful, "r") as file:
        for name, written in sums.items():
            if any(not part.is_in(file[name]) for part in written):
                raise RequestError(f"{option}: the curves could not be written faithfully ({name} differs)")
    seal(stream)


def _hdf5(stream, mode):
    # the cache would hold a megabyte of each of a hundred variables, of which whole chunks are written and read once
    return h5py.File(stream, mode, track_order=True, meta_block_size=METADATA, rdcc_nbytes=0)


def _contents(file, layout, curves, provenance, careful, progress):
    """Writes all there is; {variable: [Written]}."""
    file.attrs.update(root_attributes(layout, provenance))
    sums, datasets = defaultdict(list), {}
    for name, (field, values) in layout.dimensions.items():
        dataset = _create(file, name, field, values.shape, pieces(values.shape))
        dataset.make_scale(name)
        sums[name].append(_put(dataset, 0, values))
    for name, field in layout.fields.items():
        datasets[name] = _create(file, name, field, layout.shape(name), layout.chunk(name))
        for axis, dim in enumerate(field.dims):
            datasets[name].dims[axis].attach_scale(file[dim])
    for first, values in blocks(layout, curves):
        for name, part in values.items():
            sums[name].append(_put(datasets[name], first, part))
        careful.check()
        if progress is not None:
            progress(first + len(part))
    return sums


def _create(file, name, field, shape, chunks):
    """An empty dataset."""
    # HDF5 keeps texts of any length apart from the dataset, out of reach of its filters: the seal covers them
    text = field.kind is str
    options = {} if text else FILTERS | {"chunks": chunks}
    if field.fill is not None:
        options |= {"fillvalue": field.fill}
    dataset = file.create_dataset(name, shape, h5py.string_dtype() if text else field.dtype, track_order=True, **options)
    dataset.attrs.update(field.attributes)
    if field.fill is not None:
        dataset.attrs["_FillValue"] = np.array(field.fill, field.dtype)
    return dataset


class Written(NamedTuple):
    """`count` entries of a dataset, and the checksum of these or, if it is `raw`, of the bytes that HDF5 keeps of them."""

    first: int
    count: int
    checksum: int
    raw: bool

    def is_in(self, dataset):
        """Whether it is what a dataset gives back."""
        if self.raw:
            return kept(dataset, self.first, self.count) == self.checksum
        return _checksum(dataset[self.first : self.first + self.count]) == self.checksum


def _put(dataset, first, values):
    """Writes values to a dataset from its entry `first` on; what is Written."""
    if values.dtype == object:
        dataset[first : first + len(values)] = values
    else:
        checksum = put(dataset, first, values)
        if first:
            return Written(first, len(values), checksum, True)
    return Written(first, len(values), _checksum(values), False)


def _checksum(values):
    """The same for what was written and what is read: of the bytes of numbers, or of texts as such or in UTF-8."""
    if values.dtype != object:
        return zlib.crc32(np.ascontiguousarray(values).data.cast("B") if values.size else b"")
    return zlib.crc32(b"\0".join(text if isinstance(text, bytes) else text.encode() for text in values.flat))


@contextmanager
def _carefully(stream):
    """The stream as HDF5 gets it; what failed in it is raised in place of what HDF5 makes of that."""
    careful = Careful(stream)
    try:
        yield careful
    except (OSError, RuntimeError, ValueError, KeyError):
        careful.check()
        raise
    careful.check()
