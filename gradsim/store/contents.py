"""What is in an HDF5 file, taken with care: it may be damaged, cut down in xarray, or made to look like one of gradsim's.

Variables are read by the names of their dimensions, after all of them were found to be plain arrays of this file, and
complete; what is read must fit this machine. No link is followed to other files or places.
"""

import math

import h5py
import numpy as np

from .. import memory
from ..errors import RequestError

WITHOUT_VALUES = b"This is a netCDF dimension but not a netCDF variable"  # netCDF-4's name for such a scale
COPIES = 2  # of what is read: as it is stored, and as it is used
TOGETHER = 2**20  # bytes of a variable that are read at one time, as far as whole cells go


class Contents:
    """The variables of an open h5py.File. Raises RequestError, without the file's name, for what is wrong with them."""

    def __init__(self, file):
        self._file = file
        # Each is looked up once: of opening a small file that is most of the time
        self._plain = {name: file[name] for name in file if self._is_plain(name)}
        self._scales = {}  # by the identity of the object: HDF5 takes a millisecond to tell its name
        self._datasets, self._dims, self._together, self._packed = {}, {}, {}, {}  # by name, as they are found
        self.sizes = {}  # of dimensions, as `check` finds them
        for name, found in self._plain.items():
            if isinstance(found, h5py.Dataset) and found.is_scale:
                self._scales[found.id] = name
        self._bare = {name for name in self._scales.values() if self._is_bare(name)}

    def __contains__(self, name):
        return name in self._datasets or ((name in self._plain or name in self._file) and name not in self._bare)

    def attribute(self, name):
        """The attribute of the file as a Python value; None where it is absent or holds nothing."""
        value = self._file.attrs.get(name)
        if value is None or isinstance(value, str | h5py.Empty):
            return value if isinstance(value, str) else None
        value = np.asarray(value)  # netCDF keeps numbers as arrays of one
        return value.item() if value.size == 1 else value.tolist()

    def check(self, required, others):
        """That the variables can be read and agree on their dimensions, before one is read."""
        datasets = {name: self._dataset(name) for name in (*required, *(name for name in others if name in self))}
        for name, dataset in datasets.items():
            for dim, size in zip(self._dimensions(name, dataset), dataset.shape, strict=True):
                if self.sizes.setdefault(dim, size) != size:
                    raise RequestError(f"the variable {name!r} has {size} along {dim}, where others have {self.sizes[dim]}")

    def together(self, name):
        """How many cells of a variable are best read at one time: whole chunks of it."""
        if name not in self._together:
            self._together[name] = self._found_together(name)
        return self._together[name]

    def _found_together(self, name):
        dataset = self._dataset(name)
        found = self._dimensions(name, dataset)
        if "cell" not in found:
            return max(1, self.sizes.get("cell", 1))
        axis = found.index("cell")
        chunk = dataset.chunks[axis] if dataset.chunks else 1
        each = dataset.dtype.itemsize * math.prod(dataset.shape) // max(1, dataset.shape[axis])
        return chunk * max(1, TOGETHER // max(1, each * chunk))

    def is_text(self, name):
        return h5py.check_string_dtype(self._dataset(name).dtype) is not None

    def is_whole(self, name):
        return self._dataset(name).dtype.kind in "iu"

    def numbers(self, name, dims, whole=False, cells=slice(None)):
        """The array of a variable over `dims`, in this order: float64 with NaN, or int64 with -1, where it is missing.

        A variable that lacks `cell` is the same in all cells; any other dimension that is lacking has size 1, if the file
        holds its one coordinate. `cells` are those that are read.
        """
        dataset = self._dataset(name)
        if dataset.dtype.kind not in "iuf":
            raise RequestError(f"the variable {name!r} is not numbers, but {dataset.dtype}")
        values = self._read(name, dataset, cells)
        fill, scale, offset = self._packing(name, dataset)
        missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(np.shape(values), bool)
        if fill is not None:
            missing = missing | (values == fill)
        if scale is not None or offset is not None:
            values = values * (1.0 if scale is None else scale) + (0.0 if offset is None else offset)
        if not whole:
            values = np.where(missing, np.nan, values).astype(np.float64)
        else:
            values = np.where(missing, -1, values)
            if np.any(values != np.round(values)) or np.any(np.abs(values) >= 2.0**63):
                raise RequestError(f"the variable {name!r} is not whole numbers")
            values = values.astype(np.int64)
        return self._arranged(name, dataset, values, dims, cells)

    def texts(self, name, dims, cells=slice(None)):
        """The same for a variable of texts: an array of str."""
        dataset = self._dataset(name)
        if h5py.check_string_dtype(dataset.dtype) is None:
            raise RequestError(f"the variable {name!r} is not text, but {dataset.dtype}")
        try:
            values = np.array(self._read(name, dataset, cells, dataset.asstr("utf-8")), object)
        except UnicodeDecodeError:
            raise RequestError(f"the variable {name!r} is not text in UTF-8") from None
        return self._arranged(name, dataset, values, dims, cells)

    def _read(self, name, dataset, cells, view=None):
        """Of the dataset, or a view of it, the values of some cells. Raises RequestError where they do not fit the memory."""
        found, selection = self._dimensions(name, dataset), ()
        if "cell" in found:
            selection = (*[slice(None)] * found.index("cell"), cells)
        memory.require(f"the variable {name!r}", "reading it", COPIES * _bytes(dataset, found, cells))
        return (dataset if view is None else view)[selection]

    def _is_plain(self, name):
        return self._file.get(name, getclass=True, getlink=True) is h5py.HardLink

    def _is_bare(self, name):
        """Whether a scale is that of a dimension without a variable."""
        return bytes(self._plain[name].attrs.get("NAME", b"")).startswith(WITHOUT_VALUES)

    def _dataset(self, name):
        if name not in self._datasets:
            self._datasets[name] = self._checked(name)
        return self._datasets[name]

    def _checked(self, name):
        if name not in self:
            raise RequestError(f"the variable {name!r} is missing")
        if name not in self._plain:
            raise RequestError(f"the variable {name!r} is a link, which is not followed")
        found = self._plain[name]
        if not isinstance(found, h5py.Dataset):
            raise RequestError(f"{name!r} is not a variable")
        if found.shape is None:
            raise RequestError(f"the variable {name!r} is empty")
        if found.is_virtual or found.external:
            raise RequestError(f"the variable {name!r} has its values in other files, which are not read")
        if not _complete(found):
            raise RequestError(f"the variable {name!r} is not complete: parts of it were never written")
        return found

    def _packing(self, name, dataset):
        """(what stands for missing, scale, offset) of a variable, each None where it has none; looked up once."""
        if name not in self._packed:
            self._packed[name] = [self._number(dataset, a) for a in ("_FillValue", "scale_factor", "add_offset")]
        return self._packed[name]

    def _number(self, dataset, attribute):
        value = dataset.attrs.get(attribute)
        if value is None or isinstance(value, h5py.Empty):
            return None
        value = np.asarray(value)
        if value.size != 1 or value.dtype.kind not in "iuf":
            raise RequestError(f"the attribute {attribute} of {dataset.name.lstrip('/')!r} is not a number")
        return value.reshape(()).item()

    def _dimensions(self, name, dataset):
        """Names of the axes, by their scales."""
        if name not in self._dims:
            self._dims[name] = self._found_dimensions(name, dataset)
        return self._dims[name]

    def _found_dimensions(self, name, dataset):
        if dataset.id in self._scales and dataset.ndim == 1:
            return (name,)
        found = tuple(self._scales.get(axis[0].id) if len(axis) else None for axis in dataset.dims)
        if None in found:
            raise RequestError(f"the variable {name!r} has an axis without a dimension")
        return found

    def _arranged(self, name, dataset, values, dims, cells):
        found = self._dimensions(name, dataset)
        strange = [dim for dim in found if dim not in dims or found.count(dim) > 1]
        if strange:
            raise RequestError(f"the variable {name!r} has the dimensions {_listed(found)}, not {_listed(dims)}")
        for dim in set(dims) - set(found):
            if dim != "cell" and not (dim in self and self._dataset(dim).shape == ()):
                raise RequestError(f"the variable {name!r} lacks its dimension {dim!r}, and there is no coordinate of it")
        values = np.transpose(values, sorted(range(len(found)), key=lambda axis: dims.index(found[axis])))
        values = np.expand_dims(values, [axis for axis, dim in enumerate(dims) if dim not in found])
        count = len(range(self.sizes.get("cell", 1))[cells])
        return np.broadcast_to(values, [count if dim == "cell" else size for dim, size in zip(dims, values.shape, strict=True)])


def _listed(dims):
    return f"({', '.join(dims)})"


def _bytes(dataset, dims, cells):
    """What reading it takes: of chunks, the whole of each, for they may be larger than what is asked of them."""
    chunk = math.prod(dataset.chunks) if dataset.chunks else 0
    sizes = (len(range(size)[cells]) if dim == "cell" else size for dim, size in zip(dims, dataset.shape, strict=True))
    return max(math.prod(sizes), chunk) * max(dataset.dtype.itemsize, 8)


def _complete(dataset):
    """Whether all of it is in the file. What is not would read as the fill value, without a word."""
    if not dataset.size:
        return True
    if not dataset.chunks:
        return dataset.id.get_storage_size() > 0  # allocated as one
    pieces = math.prod(-(-size // chunk) for size, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    return dataset.id.get_num_chunks() >= pieces
