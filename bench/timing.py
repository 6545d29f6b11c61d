"""Fair timing on a shared machine: contenders take turns, round after round, and medians are compared."""

import contextlib
import json
import os
import platform
import time
from datetime import date
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median, quantiles

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
PACKAGES = ("gradsim", "numpy", "numba", "torch", "jax")


def seconds(job, clock=time.perf_counter):
    start = clock()
    job()
    return clock() - start


def repeats_for(job, target):
    """How often `job` has to run to take `target` seconds."""
    job()
    return max(1, round(target / max(seconds(job), 1e-6)))


def rounds(contenders, count, target=1.0, clock=time.perf_counter):
    """{name: seconds of one job in each round} for contenders {name: job}, each sample about `target` seconds by `clock`.

    One of the CPU's time says what jobs of one thread take, whoever else is on the machine. Each round starts with another
    contender, so that none always follows the same one.
    """
    repeats = {name: repeats_for(job, target) for name, job in contenders.items()}
    taken = {name: [] for name in contenders}
    for turn in range(count):
        order = [*contenders][turn % len(contenders) :] + [*contenders][: turn % len(contenders)]
        for name in order:
            job = contenders[name]
            several = partial(_repeated, job, repeats[name])
            taken[name].append(seconds(several, clock) / repeats[name])
    return taken


def _repeated(job, times):
    for _ in range(times):
        job()


def summary(samples, scale=1.0):
    """Median and quartiles, times `scale`."""
    low, _, high = quantiles(samples, n=4) if len(samples) > 1 else (samples[0],) * 3
    return {"median": median(samples) * scale, "low": low * scale, "high": high * scale}


def machine():
    """What the figures depend on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    versions = {}
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": CORES,
        "versions": versions,
        "date": str(date.today()),
    }


def write(path, result):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result | machine(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
