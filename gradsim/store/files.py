"""Files that are whole or not there: their bytes are written under a temporary name, read back, then renamed.

Nothing but a plain file of the same kind is ever replaced, and only where that is allowed. A symbolic link is followed:
the file that it names is written, and the link stays.
"""

import errno
import mmap
import os
import re
import secrets
import stat
import tempfile
import unicodedata
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import RequestError, shown

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
PICTURE_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"%PDF-")
SVG = re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg\b", re.DOTALL)
SVG_START = 4096  # bytes in which the first element must begin
READ_BACK = 2**24  # bytes at a time
# What file systems answer that have no hard links (FAT, some network and user-space ones)
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES}
UNFINISHED = ".gradsim-"  # how the names of files begin that are being written
unfinished = set()  # temporary files of this process, for one that ends without waiting


@dataclass(frozen=True)
class Kind:
    """What a file may be replaced by: its own kind. `recognises` looks at its content (bytes, or a map of them)."""

    name: str
    recognises: Callable


# By name and not by opening it: one that is damaged may be replaced as well, and a stranger's HDF5 may not
RESULTS = Kind("a file of gradsim", lambda content: content[:8] == HDF5_SIGNATURE and content.find(b"gradsim_version") >= 0)
PICTURE = Kind(
    "a picture",
    lambda content: content[:8].startswith(PICTURE_SIGNATURES) or bool(SVG.match(content[:SVG_START])),
)


def file_name(option, path):
    """`path` (a text, bytes or a path) as a Path. Raises RequestError for what names no file."""
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise RequestError(f"{option}: {shown(path)} is not the name of a file") from None
    if not text or "\0" in text or not _encodable(text):
        raise RequestError(f"{option}: {shown(text)} is not the name of a file")
    return Path(text)


def _encodable(text):
    """Whether file systems can have the name: all but lone surrogates that stand for no byte."""
    try:
        return bool(os.fsencode(text))
    except UnicodeEncodeError:
        return False


def check_output(option, path, overwrite, kind):
    """`path` as a Path that may be written, found out by writing beside it. Raises RequestError."""
    path = file_name(option, path)
    try:
        _check_present(option, path, overwrite, kind)
        with tempfile.TemporaryFile(dir=_target(path).parent):
            pass
    except OSError as error:
        raise _cannot_write(option, path, error) from None
    return path


def write_whole(option, path, content, overwrite, kind):
    """Has `path` hold `content` (bytes), or leaves all as it was and raises RequestError."""
    with replacing(option, path, overwrite, kind) as (temporary, mode):
        _write(temporary, content, mode)
        if not _holds(temporary, content):
            raise RequestError(f"{option}: {str(path)!r} could not be written faithfully: it reads back as other bytes")


@contextmanager
def replacing(option, path, overwrite, kind, folder=None):
    """Yields (the name of a temporary file, the permissions that it is to have); what is written there within becomes `path`.

    It lies in a `folder` of the same file system, beside the target unless given. Where anything fails all is as it was, with
    RequestError for what the system refused.
    """
    path = check_output(option, path, overwrite, kind)
    target = _target(path)
    place = target.parent if folder is None else folder
    temporary = place / f"{UNFINISHED}{secrets.token_hex(8)}"  # short: the name itself may be as long as may be
    unfinished.add(temporary)
    try:
        yield temporary, _mode(target)
        (os.replace if overwrite else _place_new)(temporary, target)
    except FileExistsError:
        raise _exists(option, path) from None
    except OSError as error:
        raise _cannot_write(option, path, error) from None
    finally:
        discard(temporary)
    sync_folder(target.parent)


@contextmanager
def whole(path, durable=True):
    """A stream of bytes that are the file at `path` when the block ends; nothing is there if it ends in an error.

    `durable`: it survives a power cut then; else a kill only. Raises OSError.
    """
    temporary = path.with_name(UNFINISHED + secrets.token_hex(8))
    try:
        with open(temporary, "xb") as stream:
            yield stream
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        sync_folder(path.parent)


def discard(temporary):
    """Removes a temporary file, if it is there."""
    with suppress(OSError):
        os.unlink(temporary)
    unfinished.discard(temporary)


def same_file(first, second):
    """Whether two names are, or would be, one file: through links, other spellings, and names that differ in case only."""
    try:
        return os.path.samefile(first, second)
    except OSError:  # one of them is not there yet
        folded = (unicodedata.normalize("NFC", os.path.realpath(path)).casefold() for path in (first, second))
        return next(folded) == next(folded)


def _target(path):
    return Path(os.path.realpath(path))


def _check_present(option, path, overwrite, kind):
    """Raises RequestError where something is at `path` that must stay, OSError where that cannot be found out."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode):
        raise RequestError(f"{option}: {str(path)!r} is a folder; give the name of a file")
    if not stat.S_ISREG(found.st_mode):
        raise RequestError(f"{option}: {str(path)!r} is not a plain file, and is never replaced")
    if not overwrite:
        raise _exists(option, path)
    if not os.access(path, os.W_OK):
        raise RequestError(f"{option}: {str(path)!r} is write-protected")
    if found.st_size and not kind.recognises(_content(path)):
        raise RequestError(f"{option}: {str(path)!r} is not {kind.name}, and is not replaced by one: give another name")


def _content(path):
    with open(path, "rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _mode(target):
    """Permissions of the new file: those of the one it replaces, or what the user's mask leaves of all."""
    try:
        return stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        return None


@contextmanager
def create(path, mode, buffering=-1):
    """A new file to be written and read, open, with permissions `mode`, or None for the usual; `buffering` as of `open`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with open(descriptor, "w+b", buffering) as stream:
        if mode is not None:
            os.chmod(path, mode)
        yield stream


def _write(path, content, mode):
    with create(path, mode) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _holds(path, content):
    rest = memoryview(content)
    with open(path, "rb", buffering=0) as stream:
        while part := stream.read(READ_BACK):
            if part != rest[: len(part)]:
                return False
            rest = rest[len(part) :]
    return not rest


def _place_new(temporary, target):
    """Gives the file its name unless that is taken: of two writers the second gets FileExistsError."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))  # the name is claimed, then filled
        try:
            os.replace(temporary, target)
        except BaseException:
            os.unlink(target)
            raise


def sync_folder(folder):
    """Asks for the name to be on the disk too. The file is there either way: a folder may be closed to readers."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _exists(option, path):
    return RequestError(f"{option}: {str(path)!r} exists; allow its replacement with --overwrite=True")


def _cannot_write(option, path, error):
    return RequestError(f"{option}: cannot write {str(path)!r}: {error.strerror or error}")
