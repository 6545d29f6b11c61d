"""gradsim's dense engine against PyTorch and JAX on the same networks, and against the time of its random numbers.

python -m bench.dense    (from the root of the repository, with the extra `bench` installed)

Nothing is timed before the three programs agree in law: exit code 1 if they do not, 2 if a peer is missing.
"""

from itertools import count, islice
from pathlib import Path

import click
import numpy as np

import gradsim
from gradsim.kernels import record
from gradsim.kernels.sampling import LAW_NORMAL, LAW_UNIFORM
from gradsim.quantities import QUANTILES
from gradsim.simulation import record_chunks
from gradsim.streams import stream_key

from . import activations
from .agreement import STANDARD_ERRORS, agree, distances
from .bounds import weights_alone
from .peers import CORES, RECORDED, Job
from .timing import Contender, fastest, machine, markdown, summary, take_turns, write_json

RESULTS = Path(__file__).parent / "results" / "dense.json"
INITS = {"tanh": ("lecun_normal", "lecun_uniform"), "relu": ("he_normal", "he_uniform")}
STEP = 4 * CORES  # so that every thread of the engine gets as many networks as any other
ENGINE, RECORDS, BOUND = "gradsim.simulate", "gradsim, records alone", "its random numbers alone"


def peers():
    """{name: function of a Job}, or exit code 2."""
    try:
        from .peers import jax_dense, torch_dense
    except ImportError as missing:
        click.echo(f"{missing}; the peers come with the extra `bench`: pip install 'gradsim[bench]'", err=True)
        raise SystemExit(2) from None
    return {"PyTorch": torch_dense.variants, "JAX": jax_dense.variants}


def gradsim_records(network, replicas):
    """Records of gradsim, restricted to what is recorded of one input."""
    rows = [record.RECORDED.index(name) for name in RECORDED]
    return np.concatenate(list(record_chunks(network, replicas=replicas, seed=1)))[:, rows]


def own_contenders(job, network):
    """The engine with statistics, without them, and the bound; every run takes a new seed."""
    seeds, law = count(2), LAW_NORMAL if job.normal else LAW_UNIFORM

    def records(replicas):
        for _ in record_chunks(network, replicas=replicas, seed=next(seeds)):
            pass

    def bound(replicas):
        weights_alone(law, stream_key(next(seeds), "bound"), replicas, job.width, job.depth)

    return [
        Contender(ENGINE, lambda replicas: gradsim.simulate(network, replicas=replicas, seed=next(seeds)), STEP),
        Contender(RECORDS, records, STEP),
        Contender(BOUND, bound, STEP),
    ]


def with_statistics(name, variant):
    """A peer's variant, with the least of the statistics over networks that `gradsim.simulate` gives."""

    def run(replicas):
        records = variant.run(replicas // variant.batch)
        return records.mean(axis=0), records.var(axis=0, ddof=1), np.quantile(records, QUANTILES, axis=0)

    return Contender(name, run, variant.batch)


def choose(name, variants, seconds):
    """(the fastest variant, {its name and the others': ms a network}); only the chosen one's buffers stay."""
    best, tried = None, {}
    for variant in variants:
        tried[variant.name] = 1e3 * fastest(with_statistics(name, variant), seconds)
        if tried[variant.name] == min(tried.values()):
            best = variant
        click.echo(f"  {name}, {variant.name}: {tried[variant.name]:.2f} ms")
    return best, tried


def measure(job, contestants, rounds, seconds, replicas):
    """Everything about one job, or exit code 1 if the programs do not agree."""
    click.echo(f"{job.init}, {job.activation}, width {job.width}, depth {job.depth}: variants of the peers")
    network = gradsim.mlp(width=job.width, depth=job.depth, activation=job.activation, init=job.init)
    chosen, tried = {}, {}
    for name, variants in contestants.items():
        chosen[name], tried[name] = choose(name, variants(job), seconds / 4)
    ensembles = {"gradsim": gradsim_records(network, replicas)}
    ensembles |= {name: variant.run(-(-replicas // variant.batch)) for name, variant in chosen.items()}
    pairs = distances(ensembles)
    for pair, (mean, variance) in pairs.items():
        click.echo(f"  {pair}: means within {mean:.1f} standard errors, variances within {variance:.1f}")
    if not agree(pairs):
        click.echo(f"the programs do not agree within {STANDARD_ERRORS:g} standard errors: no times", err=True)
        raise SystemExit(1)
    rivals = [with_statistics(name, variant) for name, variant in chosen.items()]
    times = take_turns([*own_contenders(job, network), *rivals], rounds, seconds)
    better = min(chosen, key=lambda name: np.median(times[name]))
    return {
        "job": vars(job),
        "milliseconds": {name: summary(1e3 * samples) for name, samples in times.items()},
        "variant": {name: variant.name for name, variant in chosen.items()},
        "tried_milliseconds": tried,
        "agreement_standard_errors": pairs,
        "better_peer": better,
        "times_faster_than_better_peer": summary(times[better] / times[ENGINE]),
        "fraction_of_bound": summary(times[BOUND] / times[RECORDS]),
    }


def table(result):
    rows = []
    for name, times in result["milliseconds"].items():
        label = f"{name}: {result['variant'][name]}" if name in result["variant"] else name
        rows.append((label, f"{times['median']:.2f}", "{:.2f} to {:.2f}".format(*times["quartiles"])))
    ratio, fraction = result["times_faster_than_better_peer"], result["fraction_of_bound"]
    return "\n".join([
        f"\n{result['job']['init']}, {result['job']['activation']}",
        markdown(("program", "ms a network", "quartiles"), rows),
        f"{ratio['median']:.2f} times as fast as {result['better_peer']} ({ratio['quartiles'][0]:.2f} to "
        f"{ratio['quartiles'][1]:.2f}); {fraction['median']:.0%} of the bound",
    ])  # fmt: skip


@click.command(help=__doc__)
@click.option("--activation", type=click.Choice(tuple(INITS)), default="tanh", show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True, help="In which all take turns.")
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULTS, help="Where the numbers go.")
@click.option("--quick", is_flag=True, help="Tiny networks, one variant of each peer: does it run at all?")
@click.option("--activations", "also_activations", is_flag=True, help="Also what each activation costs.")
def main(activation, rounds, path, quick, also_activations):
    width, depth, seconds, replicas = (16, 4, 0.02, 64) if quick else (256, 100, 1.0, 200)
    contestants = peers()
    if quick:
        contestants = {name: lambda job, own=own: islice(own(job), 1) for name, own in contestants.items()}
    results = {"machine": machine("gradsim", "numpy", "numba", "torch", "jax"), "rounds": rounds, "dense": []}
    for init in INITS[activation]:
        results["dense"].append(measure(Job(width, depth, activation, init), contestants, rounds, seconds, replicas))
        click.echo(table(results["dense"][-1]) + "\n")
    if also_activations:
        results["activations"] = activations.measure(rounds, seconds / 4)
        click.echo(activations.table(results["activations"]))
    write_json(path, results)
    click.echo(f"written: {path}")


if __name__ == "__main__":
    main()
