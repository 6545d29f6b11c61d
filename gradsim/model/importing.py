"""Users' own code by name: imported only because the user of this process typed it.

The current folder is searched after everything that is installed, and only while the module is imported: a file of it never
stands in for a module of Python, and sys.path is left as it was. Where a file and an installed module have one name, nobody
can tell which was meant, and neither is imported.
"""

import importlib
import sys
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

from ..errors import RequestError


def imported(name, option):
    """The module of that name. Raises RequestError, of the `option`."""
    _check_clash(name.partition(".")[0], option)
    with _told(name, option), _last(Path.cwd()):
        return importlib.import_module(name)


def imported_file(path, option):
    """The module that a file is; its name is the whole path, which no other module has. Raises RequestError."""
    with _told(path, option), _last(Path(path).resolve().parent):
        name = str(Path(path).resolve(strict=True))
        spec = spec_from_file_location(name, name)
        module = sys.modules[name] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module


def file_of(module):
    """Where a module came from, in words."""
    return getattr(module, "__file__", None) or "built in"


@contextmanager
def _told(name, option):
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may also call sys.exit
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise RequestError(f"{option}: cannot import {name!r}: {reason}") from None


@contextmanager
def _last(folder):
    before = list(sys.path)
    importlib.invalidate_caches()  # the file may be younger than what Python knows of the folder
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path[:] = before


def _check_clash(name, option):
    """Raises RequestError where a file of the current folder and another module have the name."""
    here = [path for path in (Path.cwd() / f"{name}.py", Path.cwd() / name / "__init__.py") if path.is_file()]
    if not here:
        return
    if name in sys.stdlib_module_names:
        raise RequestError(
            f"{option}: {name!r} is a module of Python itself, and {str(here[0])!r} has its name; rename the file"
        )
    try:
        other = find_spec(name)
    except (ImportError, ValueError):  # in sys.modules, but without a specification
        other = None
    if (
        other is not None
        and other.origin
        and not any(path.samefile(other.origin) for path in here if Path(other.origin).exists())
    ):
        raise RequestError(f"{option}: two modules are called {name!r}, {str(here[0])!r} and {other.origin!r}; rename the file")
