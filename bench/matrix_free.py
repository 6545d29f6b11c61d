"""The matrix-free engine: python -m bench.matrix_free (needs the extra `bench`).

Against dense PyTorch and JAX (as in bench.dense), against the normals that it needs, and how its cost grows with depth,
width and inputs. All of it includes the statistics over networks.
"""

import json
import subprocess
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

import gradsim
from gradsim.program.engine import Layers

from . import timing
from .bounds import two_normals_alone
from .contest import contest
from .peers import Job

RESULT = Path(__file__).with_name("results") / "matrix_free.json"
ASKED = {256: (300, 800), 1024: (1500, 3000)}  # width: times faster than the better peer, and the aim
ASKED_OF_BOUND, ASKED_SECONDS, ASKED_MEGABYTES = 0.55, 12.0, 500.0
ENSEMBLE = 1000  # networks of each depth
AIMS = {"tanh": 3.0, "relu": 2.5}  # ns a unit, layer and core
INITS = {"tanh": "lecun_normal", "relu": "he_normal"}
LARGE = """
import resource, sys, time
import gradsim
gradsim.simulate(gradsim.mlp(width=256, depth=10), 10)
start = time.perf_counter()
gradsim.simulate(gradsim.mlp(width=256, depth=1000, activation=sys.argv[1], init=sys.argv[2]), 10_000)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def job(network, replicas, **options):
    return lambda: gradsim.simulate(network, replicas, **options)


def of_bound(count, width=1024, depth=100, replicas=1000):
    """{activation: ns a unit, layer and core of gradsim and of two normals alone, and their ratio}, taking turns."""
    key, result = np.array([1, 2], np.uint32), {}
    for activation, init in INITS.items():
        network = gradsim.mlp(width=width, depth=depth, activation=activation, init=init)
        contenders = {"gradsim": job(network, replicas), "normals": partial(two_normals_alone, key, replicas, width, depth)}
        taken = timing.rounds(contenders, count)
        scale = 1e9 * timing.CORES / (replicas * width * depth)
        result[activation] = {name: timing.summary(samples, scale) for name, samples in taken.items()}
        result[activation]["of_bound"] = result[activation]["normals"]["median"] / result[activation]["gradsim"]["median"]
    return result


def large(count):
    """10,000 networks of 1,000 layers of width 256: (seconds, MB of the process), medians of processes of their own."""
    runs = []
    for _ in range(max(1, count // 3)):
        command = [sys.executable, "-c", LARGE, "tanh", INITS["tanh"]]
        runs.append([float(x) for x in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()])
    return {"seconds": float(np.median([r[0] for r in runs])), "megabytes": max(r[1] for r in runs)}


def scaling(count):
    """{axis: {size: ns}}: of a network over depth, of a layer over width and over inputs (with what `auto` chose)."""
    depths, widths, inputs = (10, 100, 1000, 10_000), (16, 64, 256, 512, 1024, 2048, 4096, 8192), (1, 2, 4, 8, 16, 32, 64, 128)

    def networks(ns):  # about half a second's work on one core: what is done once a call is a small part of it
        return int(np.clip(5e8 / ns, 4, 4000))

    def measured(cases):
        """`cases`: {size: (network, inputs, engine, layers)}; ns of a layer, on all cores together."""
        jobs, per = {}, {}
        for size, (network, b, engine, layers) in cases.items():
            replicas = ENSEMBLE if layers == 1 else networks(Layers(network, engine, b).nanoseconds)
            jobs[size], per[size] = job(network, replicas, inputs=b, engine=engine), replicas * layers
        taken = timing.rounds(jobs, count, target=0.5)
        return {size: timing.summary(samples, 1e9 / per[size])["median"] for size, samples in taken.items()}

    def network(width, depth):
        return gradsim.mlp(width=width, depth=depth, activation="tanh", init="lecun_normal")

    return {
        "depth": measured({d: (network(128, d), 1, "auto", 1) for d in depths}),
        "width": measured({w: (network(w, 100), 1, "auto", 100) for w in widths}),
        "inputs": measured({b: (network(256, 4), b, "matrix_free", 4) for b in inputs}),
        "inputs, dense": measured({b: (network(256, 4), b, "dense", 4) for b in inputs}),
        "auto": {b: Layers(network(256, 4), "auto", b).used for b in inputs},
    }


def exponent(times, least=0):
    """Slope of log time over log size."""
    sizes = np.array([size for size in times if size >= least], float)
    return float(np.polyfit(np.log(sizes), np.log([times[size] for size in times if size >= least]), 1)[0])


def haar(count):
    """{width: time of orthogonal layers over that of Gaussian ones}, one input."""
    result = {}
    for width in (256, 1024):
        networks = {
            init: gradsim.mlp(width=width, depth=100, activation="tanh", init=init) for init in ("lecun_normal", "orthogonal")
        }
        taken = timing.rounds({init: job(network, 500) for init, network in networks.items()}, count, target=0.5)
        result[width] = float(np.median(taken["orthogonal"]) / np.median(taken["lecun_normal"]))
    return result


def show(result):
    console = Console(width=150, highlight=False)
    for width, part in result["peers"].items():
        table = Table("program", "ms a network", "quartiles", "gradsim is faster by", title=f"width {width}", box=None)
        for name, t in part["times"].items():
            ratio = t["median"] / part["times"]["gradsim"]["median"]
            table.add_row(name, f"{t['median']:.4g}", f"{t['low']:.4g} - {t['high']:.4g}", f"{ratio:.0f}")
        console.print(table)
        least, aim = ASKED[int(width)]
        console.print(
            f"asked {least}, aim {aim}: {part['ratio']:.0f} as they come, {part['ratio_to_threads']:.0f} with a thread a core\n"
        )
    for activation, part in result["bound"].items():
        console.print(
            f"{activation}: {part['gradsim']['median']:.2f} ns a unit, layer and core (aim {AIMS[activation]}), two normals "
            f"{part['normals']['median']:.2f}: {100 * part['of_bound']:.0f} % of the bound (asked {100 * ASKED_OF_BOUND:.0f} %)"
        )
    s, m = result["large"]["seconds"], result["large"]["megabytes"]
    console.print(
        f"10,000 networks x 1,000 layers x 256: {s:.1f} s (asked {ASKED_SECONDS:.0f}), {m:.0f} MB (asked {ASKED_MEGABYTES:.0f})"
    )
    e = result["exponents"]
    console.print(
        f"exponents: depth {e['depth']:.3f}, width from 512 {e['width']:.3f}"
        f", inputs {e['inputs']:.2f} (at most {e['steepest']:.2f})"
    )
    console.print("Haar over Gaussian: " + ", ".join(f"{r:.2f} at width {w}" for w, r in result["haar"].items()) + " (asked 2)")


@click.command()
@click.option("--rounds", "count", default=7, show_default=True)
@click.option(
    "--only", type=click.Choice(["large", "bound", "haar", "scaling", "peers"]), help="Measure this again, keep the rest."
)
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULT, help="Where the figures go.")
def main(count, only, path):
    """Time the matrix-free engine against PyTorch, JAX, its own random numbers and itself."""
    parts = {
        "large": large,
        "bound": of_bound,
        "haar": haar,
        "scaling": scaling,
        "peers": lambda count: {str(w): contest(Job(w, 100, "tanh", "lecun_normal"), "auto", 1000, count) for w in ASKED},
    }
    result = json.loads(path.read_text(encoding="utf-8")) if only else {}
    result |= {"rounds": count} | {name: measure(count) for name, measure in parts.items() if only in (None, name)}
    times = {axis: {int(size): t for size, t in sizes.items()} for axis, sizes in result["scaling"].items()}
    result["exponents"] = {
        "depth": exponent(times["depth"]),
        "width": exponent(times["width"], 512),
        "inputs": exponent(times["inputs"], 8),
        "steepest": max(exponent(dict(pair)) for pair in pairwise(times["inputs"].items())),
    }
    timing.write(path, result)
    show(result)


if __name__ == "__main__":
    main()
