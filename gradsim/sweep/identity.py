"""What a cell is called by: a SHA-256 of all that decides its numbers, and of nothing else.

That is the network, the run, and what `simulation.settled` came to. Names of files, threads, and how something was spelled are
not in it: the same cell of two sweeps has one identity.
"""

import hashlib

from ..model.network import CANONICAL
from ..model.request import FILES

FORMAT = 1
NUMBERS = ("seed", "stream", "inputs", "input_correlation", "loss", "probe", "arithmetic", *FILES)  # of a run, of one network
EXTENT = ("replicas", "keep_samples")  # how many networks, and what is kept of them
ASKED_FOR = ("histograms",)  # the same, but that cells without are called as they were before there were any


def run_text(run, extent=True):
    """The canonical JSON of a checked run; without `extent`, of what each network of it hangs on."""
    fields = {name: run[name] for name in NUMBERS}
    for name in FILES:
        if run[name] is not None:
            fields[name] = {key: value for key, value in run[name].description.items() if key != "name"}
    if extent:
        fields |= {name: run[name] for name in EXTENT} | {name: run[name] for name in ASKED_FOR if run[name]}
    return CANONICAL.encode(fields)


def settled_text(settled, extent=True, **more):
    """The same of a Settled; `more` are plain values that decide bits too."""
    fields = {"engine": settled.engine, "chunk": settled.chunk} | more
    if extent:
        fields |= {"quantiles": settled.quantiles, "probabilities": settled.probabilities}
    return CANONICAL.encode(fields)


def digest(network_text, run_text, settled_text):
    """The identity, 64 digits, of these three texts."""
    text = f'{{"format":{FORMAT},"network":{network_text},"run":{run_text},"settled":{settled_text}}}'
    return hashlib.sha256(text.encode()).hexdigest()


def identity(network, run, settled, extent=True, **more):
    """That of a cell; without `extent`, of the ensemble whose first networks it draws."""
    return digest(network.to_json(), run_text(run, extent), settled_text(settled, extent, **more))
