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


def run_text(run, settled, extent=True, **more):
    """The canonical JSON of a checked run and its Settled; without `extent`, of what each network alone hangs on. `more` are
    plain values that decide bits too."""
    fields = {name: run[name] for name in NUMBERS}
    for name in FILES:
        if run[name] is not None:
            fields[name] = {key: value for key, value in run[name].description.items() if key != "name"}
    found = {"engine": settled.engine, "chunk": settled.chunk} | more
    if extent:
        fields |= {name: run[name] for name in EXTENT}
        found |= {"quantiles": settled.quantiles, "probabilities": settled.probabilities}
    return f'"run":{CANONICAL.encode(fields)},"settled":{CANONICAL.encode(found)}'


def identity(network_text, run_text):
    """The digest, in 64 digits, of a network's and a run's canonical JSON."""
    return hashlib.sha256(f'{{"format":{FORMAT},"network":{network_text},{run_text}}}'.encode()).hexdigest()
