"""What a step costs, forward and back, against an activation of the same size: python -m bench.steps.

Each is measured in the interpreter that runs everybody's programs: the time of a network with STEPS of them in a row, less
that of the same network without them, kernels alone (no statistics over networks), on one core. So calls, records and what a
step leaves in the caches of the next one are all in it, and what is the same in both falls out. All programs of a size take
turns, and ratios are taken within a round. Steps that cannot follow themselves stand between activations, which are then
what falls out: dropout would leave nothing of its input, and a sum needs a branch. BatchNorm stands in such branches too:
behind itself or next to nothing but activations, its gradients end as roundings, and a network of which anything is in
doubt runs twice. Networks that do are not measured.

Beside it is what the numbers that a step reads from and writes to the tape would cost in the plainest loop there is,
out = factor v with its largest entry, over a tape of the same size.
"""

from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from gradsim import Activation, BatchNorm, Dropout, LayerNorm, Linear, Repeat, Residual, RMSNorm, network
from gradsim.kernels.cancellation import DOUBTS
from gradsim.kernels.compilation import kernel
from gradsim.kernels.steps.rows import multiple
from gradsim.kernels.windows import window
from gradsim.program.program import lower
from gradsim.simulation.chunks import Workplace

from . import timing

RESULT = Path(__file__).with_name("results") / "steps.json"
ALLOWED = 1.5  # times an activation step
STEPS = 64
SIZES = tuple((width, inputs) for inputs in (1, 8, 64) for width in (64, 256, 1024))
RECTIFIED = Activation("relu")
DROPOUT = Dropout(0.001)  # what it costs does not depend on p, but units must be left behind all of them
SCALE = 0.1  # of a branch, so that the stream does not leave float32 every few steps


class Measured(NamedTuple):
    """A step, `parts` with it and `less` without it; `numbers` are those of a row that it reads and writes for each unit,
    going forward and back, and `shared` the further ones where there are several inputs."""

    parts: tuple
    less: tuple
    numbers: int
    shared: int = 0
    least: int = 1  # inputs


def inside(*parts):
    """The branch of one residual block: sums in it are no stream, whose records are a matter of their own."""
    return (Residual(parts),)


ACTIVATIONS = {  # h, x, slopes; x; slopes; back slopes, d, g. Several inputs: slopes once more, for dead units
    name: Measured((Repeat((Activation(name),), STEPS),), (), 8, 1) for name in ("tanh", "relu")
}
NEW = {
    # x; x, y; back d, y; d, y, g. Several inputs: d and y once more, for the gradients of gain and shift
    "LayerNorm": Measured((Repeat((LayerNorm(),), STEPS),), (), 8, 2),
    "RMSNorm": Measured((Repeat((RMSNorm(),), STEPS),), (), 8, 2),
    # Behind BatchNorm, BatchNorm's sums of cotangents over the inputs are roundings: every network would run twice for them
    "BatchNorm": Measured(
        inside(Repeat((Residual((BatchNorm(), RECTIFIED), SCALE),), STEPS)),
        inside(Repeat((Residual((RECTIFIED,), SCALE),), STEPS)),
        8,
        least=8,
    ),
    # the mask; x, the mask, y; y; back the mask, d, g; and a random word a unit
    "dropout": Measured((Repeat((RECTIFIED, DROPOUT), STEPS),), (Repeat((RECTIFIED,), STEPS),), 8),
    # skip, branch, sum; back d, g of the branch; and the skip's cotangent added to the branch's: both of them, and the sum
    "add": Measured(inside(Repeat((Residual((RECTIFIED,), SCALE),), STEPS)), inside(Repeat((RECTIFIED,), STEPS)), 8),
    # the same with the records of a stream: the sum twice, and its cotangent twice
    "add to a stream": Measured((Repeat((Residual((RECTIFIED,), SCALE),), STEPS),), inside(Repeat((RECTIFIED,), STEPS)), 12),
}


def filling(parts, width, inputs):
    """A function that runs networks of `parts` behind a linear map that draws nothing, and how many it runs."""
    program = lower(network([Linear(width, init="identity"), *parts], width), inputs)
    replicas = max(1, 2**20 // (STEPS * width * inputs))
    place, key = Workplace(program, "carried", replicas), np.array([1, 2], np.uint32)
    run = partial(place.fill, program, key, 0, replicas)
    run()
    if place.scratch.state[DOUBTS] != 0:
        raise click.ClickException(f"width {width}, {inputs} inputs: networks in doubt run twice: {parts}")
    return run, replicas


@kernel
def _passes(tape, n, replicas):
    """STEPS passes over a tape, a row of n units to the next."""
    top = np.float32(0.0)
    for _ in range(replicas):
        for k in range(tape.shape[0] - 1):
            before, after = window(tape, k * n, (n,)), window(tape, (k + 1) * n, (n,))
            top = max(top, multiple(np.float32(1.0), before, n, after))
    return top


def passing(width, inputs):
    tape = np.ones((STEPS * inputs + 1, width), np.float32)
    replicas = max(1, 2**22 // tape.size)
    return partial(_passes, tape, np.int64(width), replicas), replicas


def measured(width, inputs, count, target):
    """{step: {"ns": a unit and input, "passes": what its passes cost, "over tanh" and "over relu": ratios}}."""
    asked = ACTIVATIONS | {name: step for name, step in NEW.items() if inputs >= step.least}
    wanted = dict.fromkeys(parts for step in asked.values() for parts in (step.parts, step.less))
    jobs = {parts: filling(parts, width, inputs) for parts in wanted} | {"passes": passing(width, inputs)}
    taken = timing.rounds({name: run for name, (run, _) in jobs.items()}, count, target)
    each = {name: np.array(samples) / jobs[name][1] for name, samples in taken.items()}
    unit = 1e9 / (STEPS * width * inputs)
    costs = {name: (each[step.parts] - each[step.less]) * unit for name, step in asked.items()}
    number = median(each["passes"] * unit) / 2
    return {
        name: {
            "ns": timing.summary(cost.tolist()),
            "passes": number * (asked[name].numbers + (asked[name].shared if inputs > 1 else 0)),
        }
        | {f"over {other}": timing.summary((cost / costs[other]).tolist()) for other in ACTIVATIONS}
        for name, cost in costs.items()
    }


def show(result):
    table = Table("step", "width", "inputs", "ns a unit", "its passes", "over tanh", "over relu", box=None)
    for size, steps in result["sizes"].items():
        for name, found in steps.items():
            ratios = []
            for other in ACTIVATIONS:
                ratio = found[f"over {other}"]
                mark = " !" if name in NEW and ratio["median"] > ALLOWED else ""
                ratios.append(f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f}){mark}")
            table.add_row(name, *size.split(" x "), f"{found['ns']['median']:.3f}", f"{found['passes']:.3f}", *ratios)
    Console(width=120, highlight=False).print(table)
    print(f"asked: at most {ALLOWED} times an activation of the same size")


@click.command()
@click.option("--rounds", "count", default=9, show_default=True)
@click.option("--quick", is_flag=True, help="One small size, to see that it works; nothing is kept.")
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULT, help="Where the figures go.")
def main(count, quick, path):
    """Time every step against an activation of the same size."""
    count, sizes, target = (2, ((64, 8),), 0.01) if quick else (count, SIZES, 0.1)
    found = {f"{width} x {inputs}": measured(width, inputs, count, target) for width, inputs in sizes}
    result = {"rounds": count, "steps": STEPS, "sizes": found}
    if not quick:
        timing.write(path, result)
    show(result)


if __name__ == "__main__":
    main()
