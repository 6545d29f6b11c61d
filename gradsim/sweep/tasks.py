"""What is to be computed: a task is a cell of a plan, and the precision that it runs for."""

import hashlib
from collections.abc import Sequence

from ..errors import RequestError
from ..kernels.record import LOG_QUANTITIES, PLAIN_QUANTITIES
from ..model.activations import find_activation, users_activations
from ..model.network import CANONICAL
from ..model.request import FILES
from ..simulation.footprint import Footprint
from ..statistics.blocks import blocks_of

QUANTITIES = (*LOG_QUANTITIES, *PLAIN_QUANTITIES)


class Task:
    """A PlannedCell, and the Precision that it runs for (None: it draws its replicas, no more).

    Its network and run are made when they are asked for, and kept until `forget`.
    """

    __slots__ = ("_made", "cell", "precision")

    def __init__(self, cell, precision=None):
        self.cell, self.precision, self._made = cell, precision, None

    def _network_and_run(self):
        if self._made is None:
            self._made = self.cell.network_and_run()
        return self._made

    def forget(self):
        """Gives its network back: of a hundred thousand tasks a few are at work."""
        self._made = None

    @property
    def network(self):
        return self._network_and_run()[0]

    @property
    def run(self):
        return self._network_and_run()[1]

    @property
    def chunk(self):
        """Replicas in a whole chunk."""
        return self.cell.settled.chunk

    @property
    def least(self):
        """Replicas that it is asked for."""
        return self.cell.replicas

    @property
    def most(self):
        """The largest number of replicas that it may come to."""
        return self.least if self.precision is None else max(self.least, self.precision.most)

    @property
    def counted(self):
        """How many of them have their units counted."""
        return self.cell.counted

    @property
    def blocks(self):
        return blocks_of(self.network, self.run["inputs"])

    @property
    def each(self):
        """About how long one of its networks takes on one core, in ns."""
        return self.cell.settled.nanoseconds

    @property
    def work(self):
        """The same for all that it is asked for."""
        return self.cell.work

    @property
    def own_activation(self):
        """Whether an activation of it is a user's function."""
        if not users_activations():  # so that no network is made for the question
            return False
        return any(find_activation(part.name)[0].faults is not None for part in self.network.activations)

    @property
    def memory(self):
        """Bytes that it takes on one thread."""
        return Footprint.of(self.network, self.run | {"replicas": self.most}).total(1, 1)

    @property
    def kin(self):
        """64 digits that all tasks share that draw the same networks, in order: they differ in their replicas at most."""
        return self._named(self.cell.ensemble, "ensemble")

    @property
    def identity(self):
        """64 digits of all that decides its numbers."""
        return self.cell.identity if self.precision is None else self._named(self.cell.identity, "cell")

    def _named(self, name, what):
        asked = None if self.precision is None else self.precision.asked
        return digest([what, name, self.cell.settled.probabilities, self.run["keep_samples"], asked])

    @property
    def plain_run(self):
        """The run as files have it, but for what it is found out."""
        return self.run | {name: None if self.run[name] is None else self.run[name].description for name in FILES}


class Tasks(Sequence):
    """Those of a Plan, in its order, each made when it is asked for."""

    def __init__(self, plan, precision=None):
        if precision is not None:
            precision.check_known(QUANTITIES)
        self._cells, self._precision = plan.cells, precision

    def __len__(self):
        return len(self._cells)

    def __getitem__(self, number):
        return Task(self._cells[number], self._precision)


def functions_of(tasks, numbers):
    """{name under which another process can import it: digest} of users' activations that tasks of these numbers have.

    Raises RequestError for one that only this process knows.
    """
    if not users_activations():
        return {}
    found = {}
    for number in numbers:
        found |= dict.fromkeys(part.name for part in tasks[number].network.activations if part.name in users_activations())
    for name in found:
        if ":" not in name:
            raise RequestError(f"activation {name!r} was given in Python; other processes can import module:function only")
    return {name: find_activation(name)[0].digest for name in found}


def digest(value):
    """The SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(CANONICAL.encode(value).encode()).hexdigest()
