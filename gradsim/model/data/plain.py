"""Opening files that a user names: plain files only. Pipes wait for ever and devices have no end."""

import os
import stat

from ...errors import RequestError, shown

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def plain_file(option, name):
    """The plain file `name`, opened for reading bytes. Raises RequestError for what is not there, or not a plain file."""
    flags = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))  # pipes do not wait
    try:
        descriptor = os.open(name, flags)
    except OSError as error:
        raise RequestError(f"{option}: cannot read {shown(name)}: {error.strerror}") from None
    except ValueError as error:
        raise RequestError(f"{option}: cannot read {shown(name)}: {error}") from None
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise RequestError(f"{option}: {shown(name)} is {KINDS.get(kind, 'not a plain file')}; give a plain file")
    return os.fdopen(descriptor, "rb")


def plain_text(option, name, most=None):
    """The text of a plain UTF-8 file of at most `most` bytes, without a byte-order mark. Raises RequestError."""
    with plain_file(option, name) as file:
        content = file.read() if most is None else file.read(most + 1)
    if most is not None and len(content) > most:
        raise RequestError(f"{option}: {shown(name)} is larger than {most:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise RequestError(
            f"{option}: {shown(name)} is not UTF-8 text: line {line} has byte {content[error.start]:#04x}"
        ) from None


def printable(name):
    """A file's name as text that any file can hold; bytes that are not UTF-8 are written \\xff."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
