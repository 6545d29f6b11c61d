"""Errors planted in copies of the package, one at a time: `gradsim verify` must find each. Exits 1 if one is missed.

.venv/bin/python scripts/planted.py [TEXT ...] runs those whose names contain any TEXT. Each compiles its own kernels: an
hour for all on two cores.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.oracles.planted import FAULTS, copied, disagreeing, missed


def planted(name, fault):
    """(whether it is found, words)."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        copied(Path(folder), fault)
        code, names, output = disagreeing(Path(folder), fault.checks, NUMBA_CACHE_DIR=f"{folder}/cache")
    lost = missed(fault, names)
    found = code == 1 and not lost
    words = ", ".join(sorted(names)) if found else f"MISSED by {', '.join(lost)}; exit code {code}\n{output}"
    return found, f"{words}  ({time.perf_counter() - start:.0f} s)"


def unplanted():
    """The whole run, in a copy without an error."""
    with tempfile.TemporaryDirectory() as folder:
        copied(Path(folder))
        code, names, output = disagreeing(Path(folder), NUMBA_CACHE_DIR=f"{folder}/cache")
    return code == 0 and not names, "every check agrees" if code == 0 else output


def run(texts=(), each=print):
    """(how many are found, how many there are, whether the copy without an error agrees)."""
    chosen = {name: fault for name, fault in FAULTS.items() if not texts or any(text in name for text in texts)}
    agrees, words = unplanted()
    each(f"{'ok  ' if agrees else 'FAIL'} without an error: {words}")
    found = 0
    for name, fault in chosen.items():
        good, words = planted(name, fault)
        found += good
        each(f"{'ok  ' if good else 'FAIL'} {name:<58} {words}")
    return found, len(chosen), agrees


if __name__ == "__main__":
    found, count, agrees = run(sys.argv[1:], lambda line: print(line, flush=True))
    print(f"{found} of {count} found")
    sys.exit(0 if agrees and found == count else 1)
