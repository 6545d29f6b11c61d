"""One writer an output: the lock is the system's own, on an open file, and goes with its process, however that ends.

What stands in the file, host and process, is for the message only: that it is there says nothing.
"""

import errno
import json
import os
import socket
import time
from datetime import UTC, datetime

from ..errors import RequestError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

TRIES, WAIT_SECONDS = 5, 0.05  # whoever asks for the state of a sweep holds its lock for an instant
WITHOUT = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class Lock:
    """Held on the file at `path` from now on until `release`, or the end of the process.

    Raises RequestError, naming `what` and who holds it, where another process does. `missing` says whether the file system
    has no locks: then nothing is held, and the user should know.
    """

    def __init__(self, path, what):
        self.missing = fcntl is None
        tries = TRIES
        while True:
            self._stream = open(path, "a+b")  # noqa: SIM115 (it stays open as long as it is held)
            try:
                self._take()
                if os.path.samestat(os.fstat(self._stream.fileno()), os.stat(path)):
                    break  # else its last holder removed it while this one waited for it
            except FileNotFoundError:
                pass
            except BlockingIOError:
                tries -= 1
                if not tries:
                    self._stream.close()
                    raise RequestError(f"{what}: {_words(holder(path))} is at work on it") from None
                time.sleep(WAIT_SECONDS)
            self._stream.close()
        said = {"host": socket.gethostname(), "pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        self._stream.truncate(0)
        self._stream.write(json.dumps(said).encode())
        self._stream.flush()

    def _take(self):
        try:
            if fcntl is not None:
                fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in WITHOUT:
                raise
            self.missing = True

    def release(self):
        self._stream.close()


def holder(path):
    """Who wrote last into the file of a lock: a dict of host, pid and since; None where it does not say."""
    try:
        with open(path, "rb") as stream:
            said = json.loads(stream.read(1000))
        return said if {"host", "pid", "since"} <= set(said) else None
    except (OSError, ValueError, TypeError):
        return None


def held(path):
    """Whether a process holds the lock; None where that cannot be found out."""
    if fcntl is None:
        return None
    try:
        with open(path, "rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError:
        return None


def _words(said):
    return "another process" if said is None else f"process {said['pid']} on {said['host']}, since {said['since']},"
