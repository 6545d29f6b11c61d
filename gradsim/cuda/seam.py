"""The one place that imports numba.cuda: when it is asked for, and so that no broken installation breaks anything else.

An installation of numba-cuda without its toolkit raises a RuntimeError as it is imported, not an ImportError.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from types import ModuleType

from numba import config

from ..errors import RequestError

INSTALL = "pip install 'gradsim[cuda]'"


@dataclass(frozen=True)
class Device:
    """A GPU: its number, its name, its compute capability, bytes of its memory, of these free ones, and its multiprocessors."""

    number: int
    name: str
    capability: tuple
    memory: int
    free: int
    multiprocessors: int


def simulated():
    """Whether CUDA is Numba's simulator, which is slow and needs nothing."""
    return bool(config.ENABLE_CUDASIM)


def _words(error):
    return " ".join(str(error).split()).rstrip(" .:") or type(error).__name__


@cache
def _cuda() -> tuple[ModuleType | None, str | None]:
    """(numba.cuda, None), or (None, what is missing)."""
    if not simulated() and find_spec("numba_cuda") is None:
        return None, f"numba-cuda is not installed: {INSTALL}"
    try:
        from numba import cuda
    except Exception as error:  # whatever a broken installation raises
        return None, f"numba-cuda does not load, its toolkit is missing or broken ({_words(error)}): {INSTALL}"
    return cuda, None


@cache
def missing() -> str | None:
    """What is missing for kernels to run on a GPU here, in words; None where nothing is."""
    cuda, reason = _cuda()
    if cuda is None or simulated():
        return reason
    try:
        if not cuda.is_available():
            return _no_device(cuda)
        cuda.current_context()
    except Exception as error:
        return f"the GPU does not answer: {_words(error)}"
    return None


def _no_device(cuda):
    """Whether it is the driver that is not there, or a GPU."""
    try:
        count = len(cuda.gpus)
    except Exception as error:
        words = _words(error)
        if "NO_DEVICE" in words.upper():
            return "the driver finds no GPU"
        return f"there is no NVIDIA driver that works here ({words})"
    return "the driver finds no GPU" if not count else "the driver is too old for the installed toolkit"


def numba_cuda():
    """numba.cuda. Raises RequestError where it does not load; a GPU need not be there."""
    cuda, reason = _cuda()
    if cuda is None:
        raise RequestError(f"--engine: cuda cannot run here: {reason}")
    return cuda


def require_device():
    """Raises RequestError unless kernels can run here."""
    reason = missing()
    if reason is not None:
        raise RequestError(f"--engine: cuda cannot run here: {reason}; --engine=auto runs on the CPU")


def devices():
    """The Devices of this machine, none where one could not be used (see `missing`)."""
    if missing() is not None or simulated():
        return []
    return [_described(gpu) for gpu in numba_cuda().gpus]


def _described(gpu):
    cuda = numba_cuda()
    with gpu:
        free, total = cuda.current_context().get_memory_info()
        name = gpu.name.decode() if isinstance(gpu.name, bytes) else str(gpu.name)
        return Device(gpu.id, name, tuple(gpu.compute_capability), total, free, gpu.MULTIPROCESSOR_COUNT)


def on_device(function):
    """A device function, which becomes part of those that call it; in the simulator, the function itself."""
    return function if simulated() else numba_cuda().jit(device=True, forceinline=True)(function)


def called_on_device(function):
    """A device function that its compiler may call."""
    return function if simulated() else numba_cuda().jit(device=True)(function)


def inlined_on_device(function):
    """The same, for functions that give views of arrays."""
    return function if simulated() else numba_cuda().jit(device=True, inline="always")(function)
