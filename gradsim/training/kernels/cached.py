"""What Python calls of the kernels of training; their machine code is kept beside that of `gradsim.kernels`."""

import hashlib
from functools import cache
from pathlib import Path

from ...kernels import compilation
from ...kernels.cache import KernelCache

DIGITS = 16  # of the digest, in the name of a file


@cache
def sources():
    """The first digits of the SHA-256 over the sources of this folder: an edit has these kernels compiled again, no others."""
    folder, digest = Path(__file__).parent, hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:DIGITS]


class TrainingCache(KernelCache):
    def _file(self, signature):
        return f"{super()._file(signature)}-{sources()}"


def entry_point(function):
    """As that of `kernels.compilation`."""
    dispatcher = compilation.entry_point(function)
    if hasattr(dispatcher, "_cache"):  # absent under NUMBA_DISABLE_JIT=1
        dispatcher._cache = TrainingCache(function)
    return dispatcher
