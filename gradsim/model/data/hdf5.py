"""A dataset of an HDF5 file, if its numbers are in that file, all of them, and mean what they say."""

import math
import os
import stat

import numpy as np

from ...errors import RequestError, shown
from .plain import plain_file

MOST_LINKS = 32  # soft links that follow one another; in a circle there is no end
PACKED = {"scale_factor": 1, "add_offset": 0}  # netCDF's ways to store other numbers than are meant
MISSING = ("_FillValue", "missing_value")


def read(option, name, path, inside, check):
    """The array at `inside`; `check(shape, dtype)` raises RequestError for one that is not wanted, before it is read."""
    import h5py

    plain_file(option, path).close()
    try:
        with _open(h5py, path) as file:
            found = _dataset(h5py, file, inside)
            if found.shape is None:
                raise _Refusal("has no rows")
            check(found.shape, found.dtype)
            _check_whole(h5py, found, os.path.dirname(os.path.abspath(path)))
            values = found[()]
            _check_meaning(found, values)
            return values
    except RequestError:
        raise
    except _Refusal as refusal:
        raise RequestError(f"{option}: {shown(name)} {refusal}") from None
    except Exception as error:  # h5py has no error of its own: KeyError, OSError, RuntimeError, TypeError, ValueError
        reason = " ".join(str(error).split())[:200]
        raise RequestError(f"{option}: cannot read {shown(name)}: {reason}") from None


class _Refusal(Exception):
    """What is wrong with the dataset."""


def _open(h5py, path):
    """Without a lock, so that reading works on any file system; with one if this process has the file open that way."""
    try:
        return h5py.File(path, "r", locking=False)
    except OSError:
        return h5py.File(path, "r")


def _dataset(h5py, file, inside):
    """The dataset at a path, link by link: no circles, and no other file."""
    place, parts, followed = file, [part for part in inside.split("/") if part], 0
    while parts:
        part = parts.pop(0)
        names = place.keys() if isinstance(place, h5py.Group) else ()  # the group itself would follow links to find out
        link = place.get(part, getlink=True) if part in names else None
        if isinstance(link, h5py.ExternalLink):
            raise _Refusal(f"is in another file, {link.filename}:{link.path}; give that one")
        if isinstance(link, h5py.SoftLink):
            followed += 1
            if followed > MOST_LINKS:
                raise _Refusal("is a link that leads back to itself")
            place = file if link.path.startswith("/") else place
            parts = [step for step in link.path.split("/") if step and step != "."] + parts
        elif link is None:
            raise _Refusal(f"has no dataset {inside!r}")
        else:
            place = place[part]
    if not isinstance(place, h5py.Dataset):
        raise _Refusal(f"has no dataset {inside!r}")
    return place


def _check_whole(h5py, dataset, folder, depth=0):
    """Raises _Refusal where numbers are not there: HDF5 fills what is missing with zeros, and says nothing."""
    if dataset.external:
        raise _Refusal("keeps its numbers in other files; copy them into this one")
    if not dataset.is_virtual:
        if math.prod(dataset.shape) and not dataset.id.get_storage_size():
            raise _Refusal("holds nothing: its numbers were never written")
        return
    if depth == MOST_LINKS:
        raise _Refusal("is put together from itself")
    covered = 0
    for source in dataset.virtual_sources():
        covered += source.vspace.get_select_npoints()
        if source.file_name == ".":
            part = _dataset(h5py, dataset.file, source.dset_name)
            _check_source(h5py, part, source, folder, depth)
            continue
        path = os.path.join(folder, source.file_name)
        if not os.path.exists(path) or not stat.S_ISREG(os.stat(path).st_mode):
            raise _Refusal(f"is put together from {source.file_name!r}, which is not there")
        with _open(h5py, path) as file:
            _check_source(h5py, _dataset(h5py, file, source.dset_name), source, os.path.dirname(path), depth)
    if covered < math.prod(dataset.shape):
        raise _Refusal(f"is put together from other datasets that give {covered:,} of its {math.prod(dataset.shape):,} numbers")


def _check_source(h5py, part, source, folder, depth):
    _check_whole(h5py, part, folder, depth + 1)
    if source.src_space.get_select_npoints() > math.prod(part.shape):
        raise _Refusal(f"is put together from {source.dset_name!r} of {source.file_name!r}, which is smaller than is said")


def _check_meaning(dataset, values):
    """Raises _Refusal where attributes say that the numbers are not the numbers."""
    for name, harmless in PACKED.items():
        if name in dataset.attrs and np.any(dataset.attrs[name] != harmless):
            raise _Refusal(f"is packed (its attribute {name} is {dataset.attrs[name]}); unpack it")
    for name in MISSING:
        if name in dataset.attrs and np.isin(values, dataset.attrs[name]).any():
            raise _Refusal(f"has entries that are marked as missing ({name} is {dataset.attrs[name]})")
