"""Files that are whole or not there: written under a temporary name, then renamed."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from ..errors import RequestError


def check_output(option, path, overwrite=False):
    """`path` as a Path that can be written, found out by writing beside it. Raises RequestError."""
    path = Path(path)
    if path.is_dir():
        raise RequestError(f"{option}: {str(path)!r} is a folder; give the name of a file")
    if path.exists() and not overwrite:
        raise RequestError(f"{option}: {str(path)!r} exists; allow its replacement with --overwrite (overwrite=True)")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise RequestError(f"{option}: cannot write {str(path)!r}: {error.strerror}") from None
    return path


@contextmanager
def replacing(path):
    """A temporary name beside `path`; renamed to it when the block ends, removed when the block fails."""
    path = Path(path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(descriptor)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes files private; results are as public as any other
        _sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync(path.parent)


def _sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
