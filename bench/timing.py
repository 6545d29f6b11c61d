"""What every benchmark shares: contenders that take turns, their medians, the machine, tables and JSON."""

import json
import math
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Contender:
    """`run(n)` does n units of work (networks, say); n is a multiple of `step`."""

    name: str
    run: Callable
    step: int = 1

    def seconds(self, count):
        """Wall time of `count` units, a unit."""
        start = time.perf_counter()
        self.run(count)
        return (time.perf_counter() - start) / count

    def count_for(self, seconds):
        """Units that take about so many seconds, after a run to warm up."""
        self.run(self.step)
        each = self.seconds(self.step)
        if each * self.step < 0.1 * seconds:  # too short to measure by: look once more
            each = self.seconds(self.step * math.ceil(0.1 * seconds / (each * self.step)))
        return self.step * max(1, round(seconds / (each * self.step)))


def fastest(contender, seconds, times=3):
    """The least time of a unit in a few short runs: to choose between variants, not to report."""
    count = contender.count_for(seconds)
    return min(contender.seconds(count) for _ in range(times))


def take_turns(contenders, rounds, seconds):
    """{name: array of seconds a unit, one a round}. Each round starts with another contender.

    What the machine does besides changes from minute to minute; within a round it is much the same for all, so that
    ratios are to be taken round by round.
    """
    counts = [contender.count_for(seconds) for contender in contenders]
    samples = np.empty((len(contenders), rounds))
    for turn in range(rounds):
        for place in range(len(contenders)):
            k = (place + turn) % len(contenders)
            samples[k, turn] = contenders[k].seconds(counts[k])
    return {contender.name: row for contender, row in zip(contenders, samples, strict=True)}


def summary(samples):
    """Median and quartiles of the samples, and the samples, for the JSON."""
    lower, median, upper = np.quantile(samples, [0.25, 0.5, 0.75])
    return {"median": median, "quartiles": [lower, upper], "samples": list(map(float, samples))}


def machine(*packages):
    """The processor, its cores, and the versions of Python and `packages`."""
    from .peers import CORES

    return {
        "processor": _processor(),
        "cores": CORES,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
    }


def _processor():
    """The model, with what tells it apart from others of the same vague name."""
    try:
        fields = dict(
            map(str.strip, line.split(":", 1)) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line
        )
    except OSError:
        return platform.processor() or platform.machine()
    numbers = ", ".join(f"{what} {fields[what]}" for what in ("cpu family", "model", "stepping") if what in fields)
    vector = ", AVX-512" if "avx512f" in fields.get("flags", "").split() else ""
    return f"{fields.get('model name', platform.machine())} ({numbers}{vector})"


def write_json(path, results):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2, default=float) + "\n")


def markdown(headings, rows):
    """A Markdown table that can also be read as it stands."""
    cells = [list(map(str, row)) for row in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    return "\n".join([lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]])
