"""The dense engine against PyTorch and JAX: python -m bench.dense (needs the extra `bench`).

The same networks in law, the same recorded quantities, all cores at the disposal of each, taking turns. Nothing is
timed before the programs agree in law, in every recorded quantity (exit code 1 if they do not, 2 if a peer is missing).
"""

from functools import partial
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from gradsim.kernels import dispatch
from gradsim.kernels.compilation import kernel
from gradsim.model.activations import ACTIVATIONS, CODES

from . import timing
from .bounds import LAWS, weights_alone
from .contest import contest
from .peers import Job

RESULT = Path(__file__).with_name("results") / "dense.json"
ASKED = {"normal": 2.5, "uniform": 6.0}
ASKED_OF_BOUND = 0.6
ALONE = "random numbers alone"
REPLICAS = 64  # networks in a job of gradsim and of the bound


def compare(job, count):
    """One law of weights: the contest, with the random numbers alone as a bound."""
    law, key = ("normal" if job.normal else "uniform"), np.array([1, 2], np.uint32)
    alone = partial(weights_alone, LAWS[law], key, REPLICAS, job.width, job.depth)
    result = contest(job, "dense", REPLICAS, count, [(ALONE, alone, REPLICAS)])
    return result | {"of_bound": result["times"][ALONE]["median"] / result["times"]["gradsim"]["median"]}


@kernel
def _phi_and_derivative(code, h, a, out, slopes, times):
    for _ in range(times):
        dispatch.apply(code, 0, 0, h, np.float32(1.0), a, h.size, out, slopes)


def activation_costs(count):
    """ns a unit for phi and phi' of 256 normal preactivations, on one core."""
    h = np.random.default_rng(0).normal(size=256).astype(np.float32)
    out, slopes, times = np.empty_like(h), np.empty_like(h), 2000
    jobs = {}
    for entry in ACTIVATIONS:
        parameter = np.float32(entry.parameter or 0)
        jobs[entry.name] = partial(_phi_and_derivative, CODES[entry.name], h, parameter, out, slopes, times)
    taken = timing.rounds(jobs, count, target=0.01)
    return {name: timing.summary(samples, 1e9 / times / h.size)["median"] for name, samples in taken.items()}


def show(result):
    console = Console(width=150, highlight=False)
    for law, part in result["laws"].items():
        table = Table("program", "ms a network", "quartiles", "gradsim is faster by", title=f"{law} weights", box=None)
        for name, t in part["times"].items():
            ratio = t["median"] / part["times"]["gradsim"]["median"]
            table.add_row(name, f"{t['median']:.2f}", f"{t['low']:.2f} - {t['high']:.2f}", f"{ratio:.2f}")
        console.print(table)
        console.print(
            f"against the better of PyTorch and JAX: {part['ratio']:.1f} as they come (asked {ASKED[law]}), "
            f"{part['ratio_to_threads']:.1f} with a thread a core; of the bound: "
            f"{100 * part['of_bound']:.0f} % (asked {100 * ASKED_OF_BOUND:.0f} %)\n"
        )
    costs = result["activations"]
    worst = max(costs, key=costs.get)
    console.print(f"activations: at most {costs[worst] / costs['tanh']:.2f} times tanh ({worst}; asked 2)")


@click.command()
@click.option("--rounds", "count", default=7, show_default=True)
@click.option("--width", default=256, show_default=True)
@click.option("--depth", default=100, show_default=True)
@click.option("--activation", type=click.Choice(["tanh", "relu"]), default="tanh", show_default=True)
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULT, help="Where the figures go.")
def main(count, width, depth, activation, path):
    """Time the dense engine against PyTorch, JAX and its own random numbers."""
    jobs = {"normal": Job(width, depth, activation, "lecun_normal"), "uniform": Job(width, depth, activation, "lecun_uniform")}
    result = {"width": width, "depth": depth, "activation": activation, "rounds": count}
    result["laws"] = {law: compare(job, count) for law, job in jobs.items()}
    result["activations"] = activation_costs(count)
    timing.write(path, result)
    show(result)


if __name__ == "__main__":
    main()
