"""Deep residual networks: python -m bench.blocks (needs PyTorch, in the extra `bench`).

1,000 networks of 1,000 pre-norm blocks, two linear maps of width 256 in each: how long they take on all cores, how much
memory, and how much longer PyTorch takes with explicit matrices, the same networks in law and the same recorded quantities.
Nothing is timed before the programs agree, column by column (exit code 1 if they do not, 2 if PyTorch is missing).

PyTorch would take a quarter of an hour, so it runs fewer networks of fewer blocks, of several sizes: what a block takes must
not depend on their number, and the least that was found is what counts.
"""

import json
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from statistics import median

import click
from rich.console import Console
from rich.table import Table

import gradsim

from . import timing
from .contest import LARGEST_BATCH, check_agreement, fastest, statistics

RESULT = Path(__file__).with_name("results") / "blocks.json"
ASKED, ASKED_SECONDS, ASKED_MEGABYTES = 200.0, 12.0, 500.0
WIDTH, DEPTH, NETWORKS, ACTIVATION, INIT, VARIANCE = 256, 1000, 1000, "relu", "he_normal", 2.0
AGREEING_DEPTH = 12  # blocks of networks that are compared
TRIED_DEPTH = 50  # at which the fastest variant is found
SIZES = ((25, 1), (50, 1), (100, 1), (50, 2), (50, 4))  # blocks and batches of networks that PyTorch runs
ALONE = """
import json, resource, sys, time
import gradsim
network, replicas = json.loads(sys.argv[1]), int(sys.argv[2])
gradsim.simulate(gradsim.mlp(**network | {"depth": 2}), 10)
start = time.perf_counter()
gradsim.simulate(gradsim.mlp(**network), replicas)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def options(depth):
    return {"block": "pre_norm", "depth": depth, "width": WIDTH, "activation": ACTIVATION, "init": INIT}


def alone(depth, networks):
    """(seconds, MB) of a process that does nothing else, its kernels loaded before."""
    command = [sys.executable, "-c", ALONE, json.dumps(options(depth)), str(networks)]
    return tuple(float(x) for x in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def peers(depth):
    """{family: variants} of PyTorch, for networks of so many blocks."""
    try:
        from .peers import torch_blocks
    except ImportError as error:
        click.echo(f"bench: {error.name} is missing; pip install '.[bench]'", err=True)
        sys.exit(2)
    job, families = torch_blocks.BlockJob(WIDTH, depth, ACTIVATION, VARIANCE), {}
    for variant in torch_blocks.variants(job):
        if job.bytes * variant.batch <= LARGEST_BATCH:
            families.setdefault("PyTorch" if variant.plain else "PyTorch, a thread a core", []).append(variant)
    return families


@cache
def named(depth, family, name):
    return next(variant for variant in peers(depth)[family] if variant.name == name)


def agree(names, networks):
    """Exit unless the variants of these names have the statistics of gradsim's networks."""
    network = gradsim.mlp(**options(AGREEING_DEPTH))
    for family, name in names.items():
        check_agreement(network, "auto", named(AGREEING_DEPTH, family, name), networks)


def job(variant, batches):
    """Records of so many batches and what is made of them; and how many networks these are."""
    return (lambda: statistics(variant.run(batches))), batches * variant.batch


def contest(count, depth, networks, tried, sizes, agreeing):
    """The times of gradsim's networks and of PyTorch's, in ms a network and block, and how they compare."""
    best, taken = {}, {}
    for family, variants in peers(tried).items():
        chosen, taken[family] = fastest(variants)
        best[family] = chosen.name
    agree(best, agreeing)
    jobs, per = {}, {}
    for family, name in best.items():
        for blocks, batches in sizes:
            run, made = job(named(blocks, family, name), batches)
            jobs[family, blocks, made], per[family, blocks, made] = run, blocks * made
    ours = ("gradsim", depth, networks)
    jobs[ours], per[ours] = partial(gradsim.simulate, gradsim.mlp(**options(depth)), networks), depth * networks
    turns = timing.rounds(jobs, count, target=0.0)  # each turn is one job
    each = {key: timing.summary(samples, 1e3 / per[key]) for key, samples in turns.items()}
    found = {family: [t["median"] for key, t in each.items() if key[0] == family] for family in best}
    least = {family: min(times) for family, times in found.items()}
    return {
        "turn": median(turns[ours]),
        "best": best,
        "tried": taken,
        "ms": [dict(zip(("program", "blocks", "networks"), key, strict=True)) | t for key, t in each.items()],
        "linearity": {family: max(times) / min(times) for family, times in found.items()},
        "ratios": {family: ms / each[ours]["median"] for family, ms in least.items()},
        "extrapolated": {family: ms * depth * networks / 1e3 for family, ms in least.items()},
    }


def show(result):
    table = Table("program", "networks", "blocks", "us a network and block", "quartiles", box=None)
    for row in result["ms"]:
        sizes = f"{row['networks']:,}", f"{row['blocks']:,}"
        table.add_row(row["program"], *sizes, f"{1e3 * row['median']:.3g}", f"{1e3 * row['low']:.3g} - {1e3 * row['high']:.3g}")
    console = Console(width=120, highlight=False)
    console.print(table)
    console.print(
        f"{result['networks']:,} networks of {result['depth']:,} blocks: {result['seconds']:.1f} s "
        f"(asked {ASKED_SECONDS:.0f}), {result['megabytes']:.0f} MB (asked {ASKED_MEGABYTES:.0f})"
    )
    for family, ratio in result["ratios"].items():
        took = result["extrapolated"][family]
        console.print(
            f"{family} ({result['best'][family]}): {took:,.0f} s, {ratio:.0f} times as long (asked {ASKED:.0f}); a block "
            f"takes {result['linearity'][family]:.2f} times as long in the slowest size as in the fastest"
        )


@click.command()
@click.option("--rounds", "count", default=5, show_default=True)
@click.option("--quick", is_flag=True, help="A small size, to see that it works; nothing is kept.")
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULT, help="Where the figures go.")
def main(count, quick, path):
    """Time deep residual networks, and PyTorch on smaller ones of the kind."""
    if quick:
        count, depth, networks, tried, sizes, agreeing = 1, 20, 40, 2, ((4, 1), (8, 1)), 48
    else:
        depth, networks, tried, sizes, agreeing = DEPTH, NETWORKS, TRIED_DEPTH, SIZES, 200
    result = {"rounds": count, "width": WIDTH, "depth": depth, "networks": networks, "activation": ACTIVATION, "init": INIT}
    # First: a process counts what its parent held when it was started, which PyTorch will make more
    runs = [alone(depth, networks) for _ in range(max(1, count // 2))]
    result |= {"seconds": median(run[0] for run in runs), "megabytes": max(run[1] for run in runs)}
    result |= contest(count, depth, networks, tried, sizes, agreeing)
    if not quick:
        timing.write(path, result)
    show(result)


if __name__ == "__main__":
    main()
