"""Machine code hangs on the sources alone: what a process compiled before changes nothing."""

import importlib
import pkgutil

import pytest
from numba.core.dispatcher import Dispatcher

from gradsim import kernels
from gradsim.kernels.compilation import for_python


def dispatchers():
    """Yield (name, Dispatcher) of every kernel."""
    for module in pkgutil.walk_packages(kernels.__path__, "gradsim.kernels."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Dispatcher) and value.py_func.__module__ == module.name:
                yield f"{module.name}.{name}", value


KERNELS = dict(dispatchers())


def test_of_every_kernel_it_is_said_whether_it_becomes_part_of_its_callers():
    """Where it is not, Numba takes that from the first caller in a process."""
    assert len(KERNELS) > 300
    silent = [
        name
        for name, found in KERNELS.items()
        if found.targetoptions.get("inline") != "always" and "forceinline" not in found.targetoptions
    ]
    assert not silent


def test_what_tests_call_is_no_part_of_its_callers():
    chosen = next(found for found in KERNELS.values() if found.targetoptions.get("forceinline"))
    assert for_python(chosen).targetoptions["forceinline"] is False


@pytest.mark.parametrize("option", ["fastmath", "error_model", "nogil"])
def test_what_else_numba_would_take_from_a_caller_is_said_too(option):
    silent = [
        name
        for name, found in KERNELS.items()
        if found.targetoptions.get("inline") != "always" and option not in found.targetoptions
    ]
    assert not silent
