"""Users' functions by name, "module:function": imported only because the user of this process typed it.

The current folder is searched after everything that is installed, and only while the module is imported: a file of it never
stands in for a module of Python, and sys.path is left as it was. Where a file and an installed module have one name, nobody
can tell which was meant, and neither is imported.
"""

import importlib
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ...errors import RequestError
from ...kernels.activations.entry import Activation
from .custom import custom_entry


def load(text):
    """The Activation of "module:function", or what `gradsim.activation` returned, by that name.

    Its derivative is `function_derivative` in the same module, its kinks, if there are any, `function_kinks`. Raises
    RequestError.
    """
    module_name, _, attribute = text.partition(":")
    if not module_name:
        raise RequestError(f"--activation: {text!r} names no module; write module:function")
    module = _imported(module_name)
    found = getattr(module, attribute, None)
    if found is None:
        raise RequestError(f"--activation: module {module_name!r} ({_file(module)}) has no {attribute!r}")
    if isinstance(found, Activation):
        return found
    derivative = getattr(module, f"{attribute}_derivative", None)
    if derivative is None:
        raise RequestError(
            f"--activation: {text!r} needs its derivative beside it, {attribute}_derivative(h) in {_file(module)}"
        )
    return custom_entry(text, found, derivative, getattr(module, f"{attribute}_kinks", ()))


def _file(module):
    return getattr(module, "__file__", None) or "built in"


def _imported(name):
    _check_clash(name.partition(".")[0])
    with _current_folder_last():
        try:
            return importlib.import_module(name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may also call sys.exit
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise RequestError(f"--activation: cannot import {name!r}: {reason}") from None


@contextmanager
def _current_folder_last():
    before, folder = list(sys.path), str(Path.cwd())
    importlib.invalidate_caches()  # the file may be younger than what Python knows of the folder
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path[:] = before


def _check_clash(name):
    """Raises RequestError where a file of the current folder and another module have the name."""
    here = [path for path in (Path.cwd() / f"{name}.py", Path.cwd() / name / "__init__.py") if path.is_file()]
    if not here:
        return
    if name in sys.stdlib_module_names:
        raise RequestError(
            f"--activation: {name!r} is a module of Python itself, and {str(here[0])!r} has its name; rename the file"
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
        raise RequestError(
            f"--activation: two modules are called {name!r}, {str(here[0])!r} and {other.origin!r}; rename the file"
        )
