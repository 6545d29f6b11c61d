"""Errors planted in copies of the project, one at a time: `gradsim verify`, two samples, or the tests, must find each.

.venv/bin/python scripts/planted.py [TEXT ...] runs those whose names contain any TEXT. Exits 1 if one is missed, or if a check
disagrees or a test fails without an error. Each error in arithmetic compiles its own kernels, an hour for all on two cores;
those that samples or tests must find take a few seconds each.
"""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.oracles.faults.laws import FAULTS as BY_SAMPLES
from tests.oracles.faults.laws import WITHOUT
from tests.oracles.planted import BY_CHECKS, BY_TESTS, copied, copied_with_tests, differing, disagreeing, failing, missed

AT_A_TIME = 2  # copies under test


def by_checks(fault=None):
    """(whether it is found, words); without a fault, whether every check agrees."""
    with tempfile.TemporaryDirectory() as folder:
        copied(Path(folder), fault)
        checks = () if fault is None else fault.checks
        code, names, output = disagreeing(Path(folder), checks, NUMBA_CACHE_DIR=f"{folder}/cache")
    if fault is None:
        return code == 0 and not names, "every check agrees" if code == 0 else output
    lost = missed(fault, names)
    found = code == 1 and not lost
    return found, ", ".join(sorted(names)) if found else f"MISSED by {', '.join(lost)}; exit code {code}\n{output}"


def by_samples(fault=None):
    """(whether samples of the fault's cell differ, words); without a fault, whether those of whole kernels agree."""
    outcomes = []
    for planted in WITHOUT.values() if fault is None else [fault]:
        with tempfile.TemporaryDirectory() as folder:
            copied(Path(folder), planted, beside=("tests",))
            outcomes.append(differing(Path(folder), planted))
    code, output = max(outcomes)
    good = code == (fault is not None) and "p-values" in output
    return good, output.strip() if good else f"MISSED, exit code {code}\n{output}"


def by_tests(fault):
    """The same of a fault that tests must find; of a tuple of tests, whether they pass without one."""
    with tempfile.TemporaryDirectory() as folder:
        if not hasattr(fault, "tests"):
            copied_with_tests(Path(folder))
            code, _, output = failing(Path(folder), fault)
            return code == 0, "every test passes" if code == 0 else output
        copied_with_tests(Path(folder), fault)
        code, failed, output = failing(Path(folder), fault.tests)
    lost = [test for test in fault.tests if test not in failed]
    found = code == 1 and not lost
    return found, ", ".join(failed) if found else f"MISSED by {', '.join(lost)}; exit code {code}\n{output}"


def run(texts=(), each=print):
    """(how many are found, how many there are, whether all agree and pass without an error)."""
    counts, agrees = [0, 0], True
    kinds = (BY_CHECKS, by_checks, 1), (BY_SAMPLES, by_samples, AT_A_TIME), (BY_TESTS, by_tests, AT_A_TIME)
    for faults, trial, at_a_time in kinds:
        chosen = {name: fault for name, fault in faults.items() if not texts or any(text in name for text in texts)}
        if not chosen:
            continue
        nothing = None if trial is not by_tests else tuple(sorted({test for fault in chosen.values() for test in fault.tests}))

        def timed(name, planted, trial=trial):
            start = time.perf_counter()
            good, words = trial(planted)
            each(f"{'ok  ' if good else 'FAIL'} {name:<58} {words}  ({time.perf_counter() - start:.0f} s)")
            return good

        agrees &= timed("without an error", nothing)
        with ThreadPoolExecutor(at_a_time) as pool:
            found = sum(pool.map(timed, chosen, chosen.values()))
        counts = [counts[0] + found, counts[1] + len(chosen)]
    return *counts, agrees


if __name__ == "__main__":
    found, count, agrees = run(sys.argv[1:], lambda line: print(line, flush=True))
    print(f"{found} of {count} found")
    sys.exit(0 if agrees and found == count else 1)
