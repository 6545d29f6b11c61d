"""What a file of curves says was asked for: read without its curves."""

import json

from ..errors import RequestError
from .contents import Contents
from .dataset import SCHEMA_VERSION
from .files import file_name
from .read import DAMAGE, _hdf5, _opened
from .seal import check_seal


def requests(path):
    """(a dict of network and run for each cell, the names of all variables) of the file at `path`, whose seal was checked.

    Raises RequestError where it is no file of gradsim, or damaged.
    """
    path = file_name("open", path)
    try:
        with _opened(path) as stream:
            check_seal(stream)
            with _hdf5(stream) as file:
                contents = Contents(file)
                if contents.attribute("gradsim_version") is None:
                    raise RequestError("an HDF5 file, but not one of gradsim (it has no gradsim_version)")
                if (version := contents.attribute("schema_version")) not in range(1, SCHEMA_VERSION + 1):
                    raise RequestError(f"it has schema version {version}; this gradsim reads up to {SCHEMA_VERSION}")
                contents.check(("request",), ())
                return [json.loads(text) for text in contents.texts("request", ("cell",))], set(file)
    except RequestError as error:
        raise RequestError(f"{str(path)!r}: {error}") from None
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RequestError(f"{str(path)!r} cannot be read as HDF5: {reason}") from None
