"""Where a file was written, and how: versions, machine, command line, threads and times."""

import platform
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ..version import __version__

VECTOR_INSTRUCTIONS = ("sse2", "avx", "fma", "avx2", "avx512f", "avx512dq", "avx512vl", "avx512bw", "neon", "sve", "sve2")


def provenance(**more):
    """A dict for JSON: versions, time, and the machine with its CPU's instruction set; `more` is what only the caller knows:
    `threads`, `seconds` and whatever else tells how the numbers came to be.

    Sums are taken in another order on vectors of another length: one seed on a CPU with AVX-512 and on one with AVX2 alone
    gives numbers that differ in their last digits.
    """
    versions = {name: version(name) for name in ("numpy", "numba", "llvmlite", "h5py")}
    versions |= {"gradsim": __version__, "python": platform.python_version()}
    machine = {"machine": platform.machine(), "system": platform.system()} | _instruction_set()
    program, *arguments = sys.argv or [""]
    here = {"created": datetime.now(UTC).isoformat(timespec="seconds"), "command_line": [Path(program).name, *arguments]}
    return versions | machine | here | more


@cache
def machine_words():
    """The CPU and its vector instructions, in words."""
    found = _instruction_set()
    return f"{found['cpu']} ({' '.join(found['vector_instructions'])})"


def _instruction_set():
    """The CPU and those of its vector instructions that Numba compiles for, by its own account."""
    from numba.core.registry import cpu_target

    _, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    present = {feature[1:] for feature in features.split(",") if feature.startswith("+")}
    return {"cpu": cpu, "vector_instructions": [name for name in VECTOR_INSTRUCTIONS if name in present]}
