"""The contest with other libraries: the same networks in law, the same recorded quantities, taking turns."""

import sys

import click
import numpy as np

import gradsim
from gradsim.simulation.chunks import record_chunks

from . import timing
from .agreement import STANDARD_ERRORS, distance

AGREEING = 200  # networks of each program that are compared
LARGEST_BATCH = 4e9  # bytes of weights that a batch may take


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
            if 4 * job.depth * job.width**2 * variant.batch > LARGEST_BATCH:
                continue
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


def flat(records):
    """Records of shape (networks, quantities, places), NaN where a quantity has no such place, as gradsim has them: columns."""
    columns = records.reshape(len(records), -1)
    return columns[:, ~np.isnan(columns).all(axis=0)]


def check_agreement(network, engine, variant, count=AGREEING):
    """Exit unless the peer's records have the means and variances of gradsim's, column by column."""
    ours = np.concatenate(list(record_chunks(network, replicas=count, engine=engine)))
    theirs = flat(variant.run(-(-count // variant.batch)))
    if theirs.shape[1] != ours.shape[1]:
        click.echo(f"bench: {variant.name} has {theirs.shape[1]} columns, gradsim {ours.shape[1]}", err=True)
        sys.exit(1)
    apart = distance(ours, theirs)
    if not max(apart) < STANDARD_ERRORS:
        click.echo(f"bench: {variant.name} disagrees: means, variances apart by {apart} standard errors", err=True)
        sys.exit(1)


def contest(job, engine, replicas, count, bounds=()):
    """gradsim's `engine` against the fastest variant of each family of peers and each (name, function, networks) of `bounds`.

    {"times": {name: summary in ms a network}, "tried": what each variant took once, "ratio": the better of PyTorch and
    JAX as they come over gradsim, "ratio_to_threads": the same where the user adds a thread a core}. Nothing is timed
    before the programs agree.
    """
    network = gradsim.mlp(width=job.width, depth=job.depth, activation=job.activation, init=job.init)
    contenders = {"gradsim": (lambda: gradsim.simulate(network, replicas, engine=engine), replicas)}
    contenders |= {name: (function, networks) for name, function, networks in bounds}
    tried = {}
    for family, variants in peers(job).items():
        best, tried[family] = fastest(variants)
        check_agreement(network, engine, best)
        contenders[family] = (lambda v=best: statistics(v.run(1)), best.batch)
    taken = timing.rounds({name: run for name, (run, _) in contenders.items()}, count)
    times = {name: timing.summary(samples, 1e3 / contenders[name][1]) for name, samples in taken.items()}
    ours = times["gradsim"]["median"]
    plain, threaded = (
        min(t["median"] for name, t in times.items() if name in names)
        for names in (("PyTorch", "JAX"), ("PyTorch, a thread a core", "JAX, a thread a core"))
    )
    return {"times": times, "tried": tried, "ratio": plain / ours, "ratio_to_threads": threaded / ours}
