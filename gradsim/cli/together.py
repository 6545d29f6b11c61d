"""Several files side by side in one picture: `gradsim plot A.h5 B.h5`."""

import os
from collections.abc import Sequence

import numpy as np

from ..curves import CurveSet, open_file
from ..errors import RequestError
from ..typed import File


def open_together(paths: Sequence[File], option: str) -> CurveSet:
    """The CurveSet of the networks of several files, one file after the other. The name of its file is each one's `file`,
    among the axes that all of them have.

    Raises RequestError about `option` where their networks cannot stand side by side.
    """
    sets, names = [open_file(path) for path in paths], _file_labels(paths, option)
    for name, other in zip(names[1:], sets[1:], strict=True):
        if not np.array_equal(sets[0][0].quantiles, other[0].quantiles):
            kept = (", ".join(f"{q:g}" for q in part[0].quantiles) for part in (other, sets[0]))
            raise RequestError(f"{option}: {name!r} keeps the quantiles {next(kept)}, and {names[0]!r} {next(kept)}")
    shared = [axis for axis in sets[0].coordinates if all(axis in other.coordinates for other in sets)]
    axes = {axis: [value for part in sets for value in part.coordinates[axis].tolist()] for axis in shared}
    axes["file"] = [name for name, part in zip(names, sets, strict=True) for _ in range(len(part))]
    return CurveSet([curves for part in sets for curves in part], None, axes)


def _file_labels(paths: Sequence[File], option: str) -> list[str]:
    """What to call each of some files: its name without folders, or the path as it was given where that is not enough."""
    places = [os.path.realpath(path) for path in paths]
    twice = [path for k, path in enumerate(paths) if places[k] in places[:k]]
    if twice:
        raise RequestError(f"{option}: {os.fspath(twice[0])!r} is given twice")
    names = [os.path.basename(os.fspath(path)) for path in paths]
    return names if len(set(names)) == len(names) else [os.fspath(path) for path in paths]
