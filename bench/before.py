"""This checkout against another one: python -m bench.before PATH (of a checkout of an earlier commit, as `git worktree` makes).

Each has a process of its own, with one thread, and both run at once on one core: the system gives them slices of a few
milliseconds in turns, and the CPU seconds of each are compared. On a shared machine the pace of a core goes up and down by a
quarter within 20 to 40 ms (docs/performance.md), so that turns of half a second, one after the other, differ by 15 % for one
and the same code. Bits are compared too: they should be the same unless the change between the two is meant to change them.
Then both are compiled from nothing, in turns.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from . import timing

RESULT = Path(__file__).with_name("results") / "before.json"
ROOT = Path(__file__).parents[1]
ALLOWED = 1.02  # times as long
ALLOWED_SECONDS = 35.0  # of a first compilation
NAMES = ("gradient_log_mean", "gradient_log_quantile", "activation_log_variance", "weight_gradient_log_of_mean")
INITS = {"tanh": "lecun_normal", "relu": "he_normal"}
# Answers lines of JSON, {"network": ..., "run": ...}, with the CPU seconds of the simulation and the sum of its bits
WORKER = f"""
import hashlib, json, os, sys, time
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
import gradsim
for line in sys.stdin:
    asked = json.loads(line)
    start = time.process_time()
    curves = gradsim.simulate(gradsim.mlp(**asked["network"]), **asked["run"], threads=1)
    taken = time.process_time() - start
    digest = hashlib.sha256()
    for name in {NAMES}:
        digest.update(curves[name].tobytes())
    print(taken, digest.hexdigest(), flush=True)
"""
# The first run of all, of one network with one unit: seconds, and those of all cores together
FIRST = """
import resource, time
start = time.perf_counter()
import gradsim
gradsim.simulate(gradsim.mlp(width=1, depth=1), replicas=1)
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - start, used.ru_utime + used.ru_stime)
"""


class Checkout:
    """A process that simulates with the gradsim of a checkout, compiled into a cache of its own."""

    def __init__(self, path):
        environment = os.environ | {"PYTHONPATH": str(path)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", WORKER], env=environment, cwd=path, **pipes)

    def ask(self, asked):
        print(json.dumps(asked), file=self.process.stdin, flush=True)

    def answer(self):
        """(CPU seconds, digest of what came out) of what was asked."""
        taken, digest = self.process.stdout.readline().split()
        return float(taken), digest


def at_once(checkouts, asked):
    """[(CPU seconds, digest)] of checkouts that simulate the same at once."""
    for checkout in checkouts:
        checkout.ask(asked)
    return [checkout.answer() for checkout in checkouts]


def cells():
    """{name: what is asked}: the steps of both engines at three widths, and those of several inputs and losses.

    About 0.4 s each on a core of 2023.
    """
    for activation, init in INITS.items():
        for width, free, dense in ((64, 14_000, 3000), (256, 6000, 220), (1024, 2200, 14)):
            network = {"width": width, "depth": 50, "activation": activation, "init": init}
            yield f"{activation} {width} matrix-free", {"network": network, "run": {"replicas": free}}
            run = {"replicas": dense, "engine": "dense"}
            yield f"{activation} {width} dense", {"network": network | {"depth": 20}, "run": run}
    for init, replicas in (("he_normal", 1600), ("he_uniform", 1000), ("orthogonal", 1400), ("rademacher(0.1)", 1000)):
        network = {"width": 128, "depth": 20, "activation": "gelu", "init": init, "bias_std": 0.1, "outputs": 10}
        run = {"replicas": replicas, "inputs": 3, "loss": "cross_entropy"}
        yield f"gelu 128 {init}, 3 inputs", {"network": network, "run": run}


def smaller(asked):
    """The same with a few networks."""
    return asked | {"run": asked["run"] | {"replicas": 3}}


def compared(path, chosen, rounds):
    """{name: ({checkout: CPU seconds of each round}, whether the bits are equal)} of one pair of processes."""
    places = {"now": ROOT, "before": path}
    checkouts = [Checkout(place) for place in places.values()]
    result = {}
    for name, asked in chosen.items():
        digests = {digest for _, digest in at_once(checkouts, asked)}
        turns = [dict(zip(places, at_once(checkouts, asked), strict=True)) for _ in range(rounds)]
        result[name] = {key: [turn[key][0] for turn in turns] for key in places}, len(digests) == 1
    for checkout in checkouts:
        checkout.process.communicate()
    return result


def first_run(path):
    """(seconds, seconds of all cores together) of a process that finds no machine code."""
    with tempfile.TemporaryDirectory() as empty:
        environment = os.environ | {"PYTHONPATH": str(path), "NUMBA_CACHE_DIR": empty}
        command = [sys.executable, "-c", FIRST]
        text = subprocess.run(command, env=environment, cwd=path, check=True, capture_output=True, text=True).stdout
    return tuple(float(x) for x in text.split())


def compiled(path, count):
    """{checkout: {"seconds": summary, "of all cores": summary}}, in turns."""
    places, taken = {"before": path, "now": ROOT}, {"before": [], "now": []}
    for turn in range(count):
        for name in list(places)[:: 1 if turn % 2 == 0 else -1]:
            taken[name].append(first_run(places[name]))
    kinds = ("seconds", "of all cores")
    return {
        name: {kind: timing.summary([run[k] for run in runs]) for k, kind in enumerate(kinds)} for name, runs in taken.items()
    }


def cell(found, name):
    """What is kept of a cell, from all restarts."""
    taken = {key: [s for part in found for s in part[name][0][key]] for key in ("before", "now")}
    ratio = timing.summary([a / b for a, b in zip(taken["now"], taken["before"], strict=True)])
    same = all(part[name][1] for part in found)
    return {key: timing.summary(samples, 1e3) for key, samples in taken.items()} | {"ratio": ratio, "same_bits": same}


def show(result):
    table, console = Table("cell", "before, CPU ms", "now, CPU ms", "now / before", "bits", box=None), Console(width=120)
    for name, figures in result["cells"].items():
        ratio = figures["ratio"]
        mark = "" if ratio["median"] <= ALLOWED else " !"
        table.add_row(
            name,
            *(f"{figures[key]['median']:.1f}" for key in ("before", "now")),
            f"{ratio['median']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f}){mark}",
            "equal" if figures["same_bits"] else "differ",
        )
    console.print(table)
    for name, taken in result.get("compilation", {}).items():
        console.print(
            f"first run of all, {name}: {taken['seconds']['median']:.1f} s, {taken['of all cores']['median']:.1f} s of all "
            f"cores together (asked {ALLOWED_SECONDS:.0f} s)"
        )


@click.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--restarts", default=5, show_default=True, help="Pairs of processes: one and the same code differs by some percent."
)
@click.option("--rounds", default=5, show_default=True, help="Simulations at once in each.")
@click.option("--compilations", default=3, show_default=True, help="First runs of each checkout.")
@click.option("--only", default="", help="Cells whose names contain this; nothing is kept.")
@click.option("--quick", is_flag=True, help="A few networks each, to see that it works and compare bits; nothing is kept.")
def main(path, restarts, rounds, compilations, only, quick):
    """Time this checkout against the one at PATH."""
    path, chosen = path.resolve(), {name: asked for name, asked in cells() if only in name}
    if quick:
        chosen, restarts, rounds = {name: smaller(asked) for name, asked in chosen.items()}, 1, 1
    found = [compared(path, chosen, rounds) for _ in range(restarts)]
    result = {"cells": {name: cell(found, name) for name in chosen}, "restarts": restarts, "rounds": rounds}
    if not (only or quick):
        result["compilation"] = compiled(path, compilations)
        timing.write(RESULT, result)
    show(result)


if __name__ == "__main__":
    main()
