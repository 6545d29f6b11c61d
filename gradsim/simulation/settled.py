"""What a run comes to, settled before it is begun: how each layer is computed, in which chunks, how quantiles are found, what
it takes of time and memory. With the network and its run it decides bits; later versions may settle it otherwise."""

from dataclasses import dataclass
from itertools import groupby

from ..kernels.interpreter import LINEAR_DENSE, LINEAR_GAUSSIAN, LINEAR_HAAR
from ..model.initializers import bias_law, weight_law
from ..program.engine import Layers
from ..program.program import nanoseconds
from ..statistics.blocks import blocks_of
from ..statistics.quantiles import Samples, bins_of, collector, rows_of
from ..statistics.quantities import QUANTILES
from .fit import fit
from .footprint import Footprint, chunk_of, counting_nanoseconds, workers

OPERATIONS = {LINEAR_DENSE: "dense", LINEAR_GAUSSIAN: "gaussian", LINEAR_HAAR: "haar"}


@dataclass(frozen=True)
class Settled:
    """`engine` is a tuple of (operation, layers in a row), `chunk` replicas in a chunk, `quantiles` how they are found; of one
    network on one core, `nanoseconds` is about how long it takes and `logs` how many logs it leaves; `counting` is about how
    long the units of all take that are to be counted. `curves` are bytes."""

    engine: tuple
    chunk: int
    quantiles: str
    probabilities: tuple
    nanoseconds: float
    logs: int
    counting: float
    curves: int

    @classmethod
    def of(cls, network, run):
        """Of a network and a checked run. Raises RequestError where they do not fit each other, or the memory."""
        fit(network, run)
        workers(network, run, threads=1)
        layers = Layers(network, run["engine"], run["inputs"], run["arithmetic"])
        columns = blocks_of(network, run["inputs"]).columns
        rows = rows_of(columns)
        exact, drawing = collector(rows, run["replicas"]) is Samples, nanoseconds(network, layers)
        return cls(
            engine=tuple((OPERATIONS[operation], len(list(group))) for operation, group in groupby(layers.operations)),
            chunk=chunk_of(network, run),
            quantiles="exact" if exact else f"histogram of {bins_of(rows)} bins",
            probabilities=QUANTILES,
            nanoseconds=drawing,
            logs=columns.logs,
            counting=run["histograms"] * counting_nanoseconds(network, run, drawing),
            curves=Footprint.of(network, run).curves,
        )


def outline(network, run):
    """What `Settled.of` hangs on: two of one outline are settled alike. Hashable; rows of files are objects in it, by ids."""
    laws = []
    for fan_in, linear in network.distinct_maps:
        law, bias = weight_law(linear.init, fan_in, linear.width, linear.gain), bias_law(linear.bias, fan_in)
        laws.append((law.kind, bool(law.mean), bool(bias.mean or bias.scale)))
    asked = tuple(run[name] for name in ("inputs", "engine", "arithmetic", "replicas", "keep_samples", "histograms", "loss"))
    files = id(run["input_file"]), id(run["target_file"])
    return network.shape, tuple(laws), asked, files
