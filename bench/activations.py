"""What each activation costs the engine, with weights that cost next to nothing: constant, so that none is drawn."""

import numpy as np

from gradsim.activations import ACTIVATIONS
from gradsim.network import mlp
from gradsim.simulation import record_chunks

from .timing import Contender, markdown, summary, take_turns

INIT = "constant(0.05)"
ASKED = 2.0  # at most so many times tanh


def engine(activation, width, depth):
    network = mlp(width=width, depth=depth, activation=activation, init=INIT)

    def run(replicas):
        for _ in record_chunks(network, replicas=replicas, seed=1):
            pass

    return Contender(activation, run, 64)


def measure(rounds, seconds, width=64, depth=100):
    """Times relative to tanh, round by round, slowest first."""
    contenders = [engine(entry.name, width, depth) for entry in ACTIVATIONS]
    times = take_turns(contenders, rounds, seconds)
    rows = {
        name: {"milliseconds": summary(1e3 * times[name]), "times_tanh": summary(times[name] / times["tanh"])}
        for name in sorted(times, key=lambda name: -np.median(times[name] / times["tanh"]))
    }
    return {"width": width, "depth": depth, "init": INIT, "asked": ASKED, "activations": rows}


def table(results):
    rows = [
        (name, f"{row['milliseconds']['median']:.3f}", f"{row['times_tanh']['median']:.2f}",
         "yes" if row["times_tanh"]["median"] <= ASKED else "no")
        for name, row in results["activations"].items()
    ]  # fmt: skip
    return markdown(("activation", "ms a network", "times tanh", f"at most {ASKED:g}"), rows)
