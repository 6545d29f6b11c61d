"""Training many small networks, gradsim against PyTorch: python -m bench.train (needs the extras `bench` and `digits`).

Tanh networks of width 64 and depth 10 on the digits, batches of 32, stochastic gradient descent in float32: the time of one
core that an update of one network takes, as the operating system counts it, so that other work on the machine changes little.
Both programs give every core networks of its own at no loss. PyTorch has them side by side with `torch.func.vmap`, as many as
is fastest, or one after another in a plain loop. Nothing is timed before the programs agree in law in what they have learned
(exit code 1 if they do not, 2 if PyTorch is missing).
"""

import math
import sys
import time
from functools import partial
from pathlib import Path

import click
import numpy as np

import gradsim
from gradsim.training.data import digits

from . import timing

RESULT = Path(__file__).with_name("results") / "train.json"
ASKED = 5.0
WIDTH, DEPTH, BATCH = 64, 10, 32
STEPS = {"gradsim": 300, "vmap of 1,000": 3}  # updates of a job; of PyTorch's as many as that one costs what it costs among 300
OTHERS = 30
NETWORKS = {"gradsim": 32, "vmap of 1,000": 1000, "vmap of 100": 100, "vmap of 20": 20, "loop": 2}
LOOP = "loop"
DEVIATIONS = 5.0  # standard errors of a mean loss: by chance, once in 1.7 million times


def ours(replicas, steps):
    """The TrainingCurves of so many networks."""
    network = gradsim.mlp(width=WIDTH, depth=DEPTH, activation="tanh", init="xavier_normal", input_width=64, outputs=10)
    options = {"learning_rate": 0.05, "batch_size": BATCH, "held_out": 0.0, "record_at": [0], "progress": False, "threads": 1}
    return gradsim.train(network, "digits", replicas=replicas, steps=steps, **options)


def agree(theirs):
    """Whether the mean loss of the last of OTHERS updates is the same within its error; the two means."""
    found = ours(64, OTHERS - 1)
    mean, variance = found["loss_mean"][-1], found["loss_variance"][-1]
    error = math.sqrt(variance / 64 + np.var(theirs, ddof=1) / len(theirs))
    return abs(mean - np.mean(theirs)) < DEVIATIONS * error, (float(mean), float(np.mean(theirs)))


def jobs():
    """{name: job}, PyTorch's on the same digits."""
    import torch

    from .peers.torch_train import by_loop, by_vmap

    pixels, labels = (samples.values for samples in digits())
    data = torch.tensor(pixels, dtype=torch.float32), torch.tensor(labels[:, 0], dtype=torch.int64)

    torch.set_num_threads(1)

    def loop():
        by_loop(WIDTH, DEPTH, *data, NETWORKS[LOOP], BATCH, OTHERS)

    def vmap(name):
        return by_vmap(WIDTH, DEPTH, *data, NETWORKS[name], BATCH, STEPS.get(name, OTHERS))

    side_by_side = {name: partial(vmap, name) for name in NETWORKS if name.startswith("vmap")}
    return {"gradsim": partial(ours, NETWORKS["gradsim"], STEPS["gradsim"]), LOOP: loop} | side_by_side


def seconds(job):
    start = time.process_time()
    job()
    return time.process_time() - start


def rounds(contenders, count):
    """{name: seconds of one core that an update took in each round}; they take turns, another one first each time."""
    taken = {name: [] for name in contenders}
    for turn in range(count):
        first = turn % len(contenders)
        for name in [*contenders][first:] + [*contenders][:first]:
            taken[name].append(seconds(contenders[name]) / NETWORKS[name] / STEPS.get(name, OTHERS))
    return taken


@click.command()
@click.option("--rounds", "count", default=5, show_default=True, help="Times that every program has its turn.")
@click.option("--write", is_flag=True, help=f"Write {RESULT.name}.")
def main(count, write):
    try:
        contenders = jobs()
    except ImportError as error:
        print(f"missing: {error}", file=sys.stderr)
        sys.exit(2)
    same, means = agree(contenders["vmap of 100"]())
    print(f"mean loss behind {OTHERS - 1} updates: gradsim {means[0]:.4f}, PyTorch {means[1]:.4f}")
    if not same:
        sys.exit(1)
    times = {name: timing.summary(samples, 1e6) for name, samples in rounds(contenders, count).items()}
    best = min(times.keys() - {"gradsim"}, key=lambda name: times[name]["median"])
    faster = times[best]["median"] / times["gradsim"]["median"]
    for name, found in times.items():
        print(f"{name:>14}  {found['median']:8.1f} us of one core an update  ({found['low']:.1f} to {found['high']:.1f})")
    print(f"gradsim is {faster:.1f} times as fast as {best}; {ASKED:g} are asked for")
    if write:
        result = {"times": times, "rounds": count, "best": best, "faster": faster, "asked": ASKED, "mean_losses": means}
        timing.write(RESULT, result)


if __name__ == "__main__":
    main()
