"""This checkout against another one: python -m bench.before PATH (of a checkout of an earlier commit, as `git worktree` makes).

Each has a process of its own, with one thread, and they take turns. Bits are compared too: they should be the same unless
the change between the two is meant to change them.
"""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from . import timing

RESULT = Path(__file__).with_name("results") / "before.json"
ROOT = Path(__file__).parents[1]
ALLOWED = 1.02  # times as long
INITS = {"tanh": "lecun_normal", "relu": "he_normal"}
# Answers lines of JSON, {"network": ..., "run": ...}, with the sum of the simulation's bits
WORKER = """
import hashlib, json, sys
import gradsim
for line in sys.stdin:
    asked = json.loads(line)
    curves = gradsim.simulate(gradsim.mlp(**asked["network"]), **asked["run"], threads=1)
    digest = hashlib.sha256()
    for name in ("gradient_log_mean", "gradient_log_quantile", "activation_log_variance", "weight_gradient_log_of_mean"):
        digest.update(curves[name].tobytes())
    print(digest.hexdigest(), flush=True)
"""


class Checkout:
    """A process that simulates with the gradsim of a checkout, compiled into a cache of its own."""

    def __init__(self, path):
        environment = os.environ | {"PYTHONPATH": str(path)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", WORKER], env=environment, cwd=path, **pipes)

    def simulate(self, asked):
        """The digest of what comes out."""
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()


def cells():
    """{name: what is asked}: the steps of both engines at three widths, and those of several inputs and losses."""
    for activation, init in INITS.items():
        for width, dense in ((64, 400), (256, 40), (1024, 4)):
            network = {"width": width, "depth": 50, "activation": activation, "init": init}
            yield f"{activation} {width} matrix-free", {"network": network, "run": {"replicas": 256_000 // width}}
            run = {"replicas": dense, "engine": "dense"}
            yield f"{activation} {width} dense", {"network": network | {"depth": 20}, "run": run}
    for init in ("he_normal", "he_uniform", "orthogonal", "rademacher(0.1)"):
        network = {"width": 128, "depth": 20, "activation": "gelu", "init": init, "bias_std": 0.1, "outputs": 10}
        yield f"gelu 128 {init}, 3 inputs", {"network": network, "run": {"replicas": 400, "inputs": 3, "loss": "cross_entropy"}}


def compared(path, chosen, rounds):
    """{name: (seconds by checkout, whether the bits are equal)} of one pair of processes."""
    here, there = Checkout(ROOT), Checkout(path)
    result = {}
    for name, asked in chosen.items():
        same = here.simulate(asked) == there.simulate(asked)
        contenders = {"now": partial(here.simulate, asked), "before": partial(there.simulate, asked)}
        result[name] = timing.rounds(contenders, rounds, 0.2), same
    for checkout in (here, there):
        checkout.process.communicate()
    return result


@click.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--restarts", default=5, show_default=True, help="Pairs of processes: one and the same code differs by some percent."
)
@click.option("--rounds", default=3, show_default=True, help="Turns in each.")
@click.option("--only", default="", help="Cells whose names contain this.")
def main(path, restarts, rounds, only):
    """Time this checkout against the one at PATH."""
    chosen = {name: asked for name, asked in cells() if only in name}
    found = [compared(path.resolve(), chosen, rounds) for _ in range(restarts)]
    table, result = Table("cell", "before, ms", "now, ms", "now / before", "bits", box=None), {}
    for name in chosen:
        taken = {key: [s for part in found for s in part[name][0][key]] for key in ("before", "now")}
        ratio = timing.summary([a / b for a, b in zip(taken["now"], taken["before"], strict=True)])
        same = all(part[name][1] for part in found)
        result[name] = {key: timing.summary(samples, 1e3) for key, samples in taken.items()} | {
            "ratio": ratio,
            "same_bits": same,
        }
        figures = (f"{result[name][key]['median']:.1f}" for key in ("before", "now"))
        mark = "" if ratio["median"] <= ALLOWED else " !"
        spread = f"{ratio['median']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f}){mark}"
        table.add_row(name, *figures, spread, "equal" if same else "differ")
    Console(width=120).print(table)
    if not only:
        timing.write(RESULT, {"cells": result, "restarts": restarts, "rounds": rounds})


if __name__ == "__main__":
    main()
