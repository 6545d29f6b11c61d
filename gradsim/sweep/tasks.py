"""What is to be computed: a task is a cell with all that decides its numbers, and so its identity."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from ..kernels.record import LOG_QUANTITIES, PLAIN_QUANTITIES
from ..model.activations import find_activation
from ..model.network import Network
from ..model.request import FILES
from ..program.engine import layers_of
from ..simulation.footprint import Footprint, chunk_of
from ..statistics.blocks import blocks_of
from ..statistics.quantities import QUANTILES

FORMAT = 1  # of the text that identifies a cell
MERELY_HOW = ("threads", "replicas")  # of a run: what decides no numbers, and what may be raised
QUANTITIES = (*LOG_QUANTITIES, *PLAIN_QUANTITIES)


@dataclass(frozen=True)
class Task:
    """A cell: its Network and checked run, and the Precision that it runs for (None: it draws its replicas, no more)."""

    network: Network
    run: dict
    precision: object = None

    @property
    def layers(self):
        return layers_of(self.network, self.run["engine"], self.run["inputs"], self.run["arithmetic"])

    @cached_property
    def chunk(self):
        """Replicas in a whole chunk."""
        return chunk_of(self.network, self.run)

    @property
    def most(self):
        """The largest number of replicas that it may come to."""
        return self.run["replicas"] if self.precision is None else max(self.run["replicas"], self.precision.most)

    @property
    def blocks(self):
        return blocks_of(self.network, self.run["inputs"])

    @cached_property
    def each(self):
        """About how long one of its networks takes on one core, in ns."""
        return self.layers.nanoseconds

    @property
    def work(self):
        """About how long it takes on one core, in ns."""
        return self.run["replicas"] * self.each

    @property
    def own_activation(self):
        """Whether an activation of it is a user's function."""
        return any(find_activation(part.name)[0].faults is not None for part in self.network.activations)

    @property
    def memory(self):
        """Bytes that it takes on one thread."""
        return Footprint.of(self.network, self.run | {"replicas": self.most}).total(1, 1)

    @cached_property
    def kind(self):
        """What identifies it but for its replicas, as plain values: tasks of one kind draw the same networks, in order."""
        run = {name: value for name, value in self.run.items() if name not in MERELY_HOW}
        run |= {name: None if run[name] is None else run[name].description for name in FILES}
        operations = [[operation, len(list(group))] for operation, group in groupby(self.layers.operations)]
        return {
            "format": FORMAT,
            "network": self.network.to_json(),
            "run": run,
            "quantiles": QUANTILES,
            "resolved": {"operations": operations, "chunk": self.chunk},
            "precision": None if self.precision is None else self.precision.asked,
        }

    @cached_property
    def kin(self):
        """The SHA-256 that all tasks of its kind share, in hexadecimal."""
        return digest(self.kind)

    @cached_property
    def identity(self):
        """The SHA-256 of all that decides its numbers."""
        return digest(self.kind | {"replicas": self.run["replicas"]})


def digest(value):
    """The SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def tasks_of(plan, precision=None):
    """The Tasks of a Plan, in its order."""
    if precision is not None:
        precision.check_known(QUANTITIES)
    return [Task(network, run, precision) for network, run in plan.cells]
