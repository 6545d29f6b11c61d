"""Files that are no plain files. Each takes the path at which it is made."""

import os

import pytest


def fifo(path):
    """A pipe that nobody writes to: opening it waits for ever."""
    os.mkfifo(path)


def device(major, minor):
    """A device of its own: (1, 3) null, (1, 5) zero, (1, 7) full. Only root can make one; /dev is left alone."""

    def make(path):
        try:
            os.mknod(path, 0o666 | 0o020000, os.makedev(major, minor))
        except PermissionError:
            pytest.skip("only root makes devices")

    return make


def circle(path):
    """A link to itself."""
    os.symlink(os.path.basename(path), path)
