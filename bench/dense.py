"""The dense engine against PyTorch and JAX: python -m bench.dense (needs the extra `bench`).

The same networks in law, the same recorded quantities, all cores at the disposal of each, taking turns. Nothing is
timed before the programs agree in law, in every recorded quantity (exit code 1 if they do not, 2 if a peer is missing).
"""

import sys
from functools import partial
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

import gradsim
from gradsim.activations import ACTIVATIONS, CODES
from gradsim.kernels import dispatch, record
from gradsim.kernels.compilation import kernel
from gradsim.chunks import record_chunks

from . import timing
from .agreement import STANDARD_ERRORS, distance
from .bounds import LAWS, weights_alone
from .peers import RECORDED, Job

RESULT = Path(__file__).with_name("results") / "dense.json"
ASKED = {"normal": 2.5, "uniform": 6.0}
ASKED_OF_BOUND = 0.6
AGREEING = 200  # networks of each program that are compared
REPLICAS = 64  # networks in a job of gradsim and of the bound


def peers(job):
    """{family: variants}. As they come, PyTorch draws with one generator and XLA runs a scan on one core."""
    try:
        from .peers import jax_dense, torch_dense
    except ImportError as error:
        click.echo(f"bench: {error.name} is missing; pip install '.[bench]'", err=True)
        sys.exit(2)
    families = {}
    for library, module in (("PyTorch", torch_dense), ("JAX", jax_dense)):
        for variant in module.variants(job):
            family = library if variant.plain else f"{library}, a thread a core"
            if "from words" in variant.name:
                family = f"{library}, a thread a core, uniforms from raw words"
            families.setdefault(family, []).append(variant)
    return families


def statistics(records):
    """What gradsim makes of its records, for peers: moments and quantiles over networks."""
    return np.mean(records, 0), np.var(records, 0), np.quantile(records, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)


def fastest(variants):
    """The variant that takes least a network, and how long each took, in ms."""
    taken = {}
    for variant in variants:
        variant.run(1)
        taken[variant.name] = min(timing.seconds(lambda v=variant: v.run(1)) for _ in range(3)) / variant.batch * 1e3
    return min(variants, key=lambda v: taken[v.name]), taken


def check_agreement(network, variant):
    """Exit unless the peer's records have the means and variances of gradsim's."""
    rows = [record.RECORDED.index(name) for name in RECORDED]
    ours = np.concatenate(list(record_chunks(network, replicas=AGREEING)))[:, rows]
    theirs = variant.run(-(-AGREEING // variant.batch))
    apart = distance(ours, theirs)
    if not max(apart) < STANDARD_ERRORS:
        click.echo(f"bench: {variant.name} disagrees: means, variances apart by {apart} standard errors", err=True)
        sys.exit(1)


def compare(job, count):
    """One law of weights: {name: summary in ms a network}, the variants that were tried, and the ratios."""
    network = gradsim.mlp(width=job.width, depth=job.depth, activation=job.activation, init=job.init)
    law, key = ("normal" if job.normal else "uniform"), np.array([1, 2], np.uint32)
    contenders = {
        "gradsim": (lambda: gradsim.simulate(network, REPLICAS), REPLICAS),
        "random numbers alone": (lambda: weights_alone(LAWS[law], key, REPLICAS, job.width, job.depth), REPLICAS),
    }
    tried = {}
    for family, variants in peers(job).items():
        if variants:
            best, tried[family] = fastest(variants)
            check_agreement(network, best)
            contenders[family] = (lambda v=best: statistics(v.run(1)), best.batch)
    taken = timing.rounds({name: run for name, (run, _) in contenders.items()}, count)
    times = {name: timing.summary(samples, 1e3 / contenders[name][1]) for name, samples in taken.items()}
    ours = times["gradsim"]["median"]
    plain, threaded = (
        min(t["median"] for name, t in times.items() if name in names)
        for names in (("PyTorch", "JAX"), ("PyTorch, a thread a core", "JAX, a thread a core"))
    )
    return {
        "times": times,
        "tried": tried,
        "of_bound": times["random numbers alone"]["median"] / ours,
        "ratio": plain / ours,
        "ratio_to_threads": threaded / ours,
    }


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
