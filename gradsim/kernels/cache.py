"""Where compiled kernels are kept between runs: in the user's cache folder, apart from the installation.

A folder an environment, named by the digest of all that machine code depends on (`ingredients`); a file a compiled
function in it, headed by the checksum of the rest. What is not whole, or could have been written by somebody else, is
compiled again and replaced. Nothing that goes wrong here stops a run: the kernels are compiled anew then, and stderr
says so once.
"""

import contextlib
import hashlib
import os
import pickle
import platform
import shutil
import stat
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from string import hexdigits

import llvmlite
import numba
import numpy as np
from numba.core import config
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from ..steps import BLOCK_STEPS

FORMAT = 1  # of the files
ABOUT = "about.txt"  # says what a folder is for
NAME_DIGITS = 32  # of the digest, in the name of a folder
DAY = 86400.0
KEPT_DAYS = 30  # without being used
KEPT_FOLDERS = 8  # of other environments; what was used within a day is kept beside them
_said = []  # what stderr was told
SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT")  # of Numba, in machine code


@cache
def source_digest():
    """SHA-256 over the sources that end up in machine code, as hexadecimal text. Raises OSError without sources.

    Numba looks only at the file of a cached function, so an edit to a function that it calls in another file would
    leave stale machine code behind.
    """
    kernels = Path(__file__).parent
    sources = sorted(kernels.rglob("*.py"))
    if not sources:
        raise FileNotFoundError(2, "the sources of the kernels are not beside them", str(kernels))
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.relative_to(kernels).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def ingredients():
    """What machine code depends on, as lines of text."""
    triple, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    versions = f"numba {numba.__version__}, llvmlite {llvmlite.__version__}, numpy {np.__version__}"
    python = f"{platform.python_implementation()} {platform.python_version()} {getattr(sys, 'abiflags', '')}"
    settings = ", ".join(f"{name} {getattr(config, name, None)}" for name in SETTINGS)
    sources = f"kernels {source_digest()}, steps {', '.join(BLOCK_STEPS)}"
    lines = f"format {FORMAT}", sources, versions, python, triple, f"{cpu} {features}", settings
    return "\n".join(lines) + "\n"


def base():
    """The folder of all environments: in NUMBA_CACHE_DIR if it is set. Raises OSError where there is none."""
    if config.CACHE_DIR:
        return Path(config.CACHE_DIR).absolute() / "gradsim"
    from platformdirs import user_cache_dir

    path = Path(user_cache_dir("gradsim", appauthor=False))
    if not path.is_absolute():  # "~/.cache" of a user without a home
        raise FileNotFoundError(2, "there is no home folder", str(path))
    return path


def folder():
    """The folder of this environment. Raises OSError."""
    return base() / hashlib.sha256(ingredients().encode()).hexdigest()[:NAME_DIGITS]


def prepared():
    """The folder of this environment, made and found to be writable. Raises OSError."""
    path = folder()
    for part in (path.parent, path):
        part.mkdir(mode=0o755, parents=True, exist_ok=True)
        _guard(part)
    tempfile.TemporaryFile(dir=path).close()
    return path


def obstacle():
    """Why nothing can be kept, in words; None where it can."""
    try:
        prepared()
    except OSError as error:
        return _words(error)


def _words(error):
    try:
        where = base()
    except OSError:
        where = error.filename
    return f"{where}: {error.strerror or error}"


def _only_ours(status):
    """Whether none but this user and root can have written it: what is read from it is run."""
    if not hasattr(os, "geteuid"):
        return True  # Windows: a profile is its user's
    return status.st_uid in (os.geteuid(), 0) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _guard(path):
    """Shuts others out of a folder of this user. Raises PermissionError where that cannot be."""
    status = path.stat()
    if not _only_ours(status) and status.st_uid == os.geteuid():
        path.chmod(stat.S_IMODE(status.st_mode) & 0o755)
        status = path.stat()
    if not _only_ours(status):
        raise PermissionError(1, "other users can write there", str(path))


class KernelCache(_Cache):
    """Of one function: what Numba asks for machine code, and gives it to."""

    def __init__(self, function):
        self._name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        self._enabled = True

    @property
    def cache_path(self):
        with contextlib.suppress(OSError):
            return str(folder())

    def enable(self):
        self._enabled = True

    def disable(self):
        self._enabled = False

    def flush(self):
        with contextlib.suppress(OSError):
            for path in folder().glob(f"{self._name}-*"):
                path.unlink(missing_ok=True)

    def _file(self, signature):
        return f"{self._name}-{hashlib.sha256(str(signature).encode()).hexdigest()[:NAME_DIGITS]}"

    def load_overload(self, signature, target_context):
        """The CompileResult that was kept; None where there is none that is whole and ours.

        Numba's own caches have all that the compiler knows loaded first (`refresh`), 0.25 s of every process and, with the
        BLAS of scipy.linalg that it looks for, 11 MB. Where something is compiled, the compiler does so itself.
        """
        if not self._enabled:
            return None
        rtsys.initialize(target_context)  # all that machine code needs of `refresh`: types and functions are the compiler's
        try:
            path = folder()
            if not _only_ours(path.parent.stat()) or not _only_ours(path.stat()):
                return None
            content = _read(path / self._file(signature))
            found = content and CompileResult._rebuild(target_context, *pickle.loads(content))
        except Exception:  # whatever a damaged file makes pickle or LLVM raise, it is compiled again
            return None
        _mark_used(path)
        return found

    def save_overload(self, signature, result):
        """Keeps a CompileResult, or says once why it cannot."""
        if not self._enabled or result.library.has_dynamic_globals:
            return
        content = dumps(result._reduce())
        try:
            try:
                _write(prepared(), self._file(signature), content)
            except FileNotFoundError:  # somebody tidied up under way
                _write(prepared(), self._file(signature), content)
        except OSError as error:
            _say(_words(error))
        else:
            _remove_old()


def _read(path):
    with open(path, "rb") as file:
        if not _only_ours(os.fstat(file.fileno())):
            return None
        checksum, content = file.read(hashlib.sha256().digest_size), file.read()
    return content if hashlib.sha256(content).digest() == checksum else None


def _write(path, name, content):
    """Under a temporary name first: who reads meanwhile sees the old file or the new one."""
    descriptor, temporary = tempfile.mkstemp(prefix=f"{name}.", suffix=".tmp", dir=path)
    try:
        with open(descriptor, "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)
        os.chmod(temporary, 0o644)  # so that root can compile for others, as in an image of a container
        os.replace(temporary, path / name)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    with contextlib.suppress(OSError):
        (path / ABOUT).write_text(ingredients(), encoding="utf-8")


def _say(words):
    """Once a process."""
    if not _said and sys.stderr is not None:
        _said.append(words)
        print(
            f"gradsim: the compiled kernels cannot be kept ({words}), so every start compiles them again;"
            " set NUMBA_CACHE_DIR to a folder that only you can write",
            file=sys.stderr,
            flush=True,
        )


def _mark_used(path):
    """The time of the folder says when it was last used, to the day."""
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > DAY:
            os.utime(path)


@cache  # once a process is enough
def _remove_old():
    """Removes folders of other environments that were not used for long or are too many, and what broken writers left.

    A process that has read its kernels needs its folder no more, and one that finds it gone makes it again.
    """
    with contextlib.suppress(OSError):
        current, now = folder(), time.time()
        ages = {path: now - path.stat().st_mtime for path in current.parent.iterdir() if _is_environment(path)}
        others = sorted(ages.keys() - {current}, key=ages.get)
        for place, path in enumerate(others):
            if ages[path] > KEPT_DAYS * DAY or (place >= KEPT_FOLDERS and ages[path] > DAY):
                shutil.rmtree(path, ignore_errors=True)
        for path in current.glob("*.tmp"):
            if now - path.stat().st_mtime > DAY:
                path.unlink(missing_ok=True)


def _is_environment(path):
    return len(path.name) == NAME_DIGITS and set(path.name) <= set(hexdigits.lower()) and path.is_dir()
