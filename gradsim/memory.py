"""How much memory there is, and the refusal of what would take more: found out before it is taken."""

import os
from contextlib import suppress
from pathlib import Path

from .errors import RequestError

SMALL = 2**27  # bytes, what Python and Numba take: to ask the system whether as much is free takes 0.4 ms, as long as some runs
FALLBACK = 4 * 2**30  # bytes, where the system does not say
PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def available():
    """Bytes that this process may still take: the least that the machine, its control groups and its limits leave it."""
    bounds = [bound for found in (_machine, _groups, _limits) for bound in found()]
    return max(0, min(bounds)) if bounds else FALLBACK


def require(option, what, size):
    """Raises RequestError, naming `option`, where `size` bytes are more than there are: "`what` would take ..."."""
    if size > SMALL and size > (free := available()):
        raise RequestError(f"{option}: {what} would take {gib(size)} of memory, and {gib(free)} are free")


def gib(size):
    """Bytes in words."""
    number = size / 2**30
    return f"{number:.2g} GiB" if number < 10 or number >= 1e9 else f"{number:,.0f} GiB"


def _machine():
    for line in _lines(PROC / "meminfo"):
        if line.startswith("MemAvailable:"):
            return [1024 * int(line.split()[1])]
    with suppress(AttributeError, OSError, ValueError):
        return [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2]  # the other half may well be in use
    return []


def _groups():
    """Of Linux's control groups, of both versions: what a container or a batch system grants."""
    for line in _lines(PROC / "self/cgroup"):
        _, controllers, path = line.rstrip().split(":", 2)
        if controllers in ("", "memory"):
            top = GROUPS if not controllers else GROUPS / "memory"
            names = ("memory.max", "memory.current") if not controllers else ("memory.limit_in_bytes", "memory.usage_in_bytes")
            place = top / path.strip("/")
            for folder in (place, *place.parents):
                if folder == top.parent:
                    break
                limit, used = (_number(folder / name) for name in names)
                if limit is not None:
                    yield limit - max(0, (used or 0) - _cached(folder))


def _cached(folder):
    """Bytes of files that the kernel gives up when memory is asked for."""
    for line in _lines(folder / "memory.stat"):
        if line.startswith(("inactive_file ", "total_inactive_file ")):
            return int(line.split()[1])
    return 0


def _limits():
    """Of `ulimit -v`."""
    with suppress(ImportError, OSError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            pages = [int(line.split()[0]) for line in _lines(PROC / "self/statm")]
            yield limit - (pages[0] * os.sysconf("SC_PAGE_SIZE") if pages else 0)


def _lines(path):
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _number(path):
    """The number in a file; None where there is none ("max")."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None
