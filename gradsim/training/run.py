"""Networks trained one by one, each by one thread from its first step to its last, and handed over in order.

A thread holds one network: its parameters, gradients, what the optimizer keeps, and its first weights.
"""

from contextlib import ExitStack, closing, contextmanager

import numpy as np

from ..errors import RequestError
from ..memory import available, gib
from ..model.activations import find_activation
from ..model.streams import stream_key
from ..simulation.chunks import in_order
from .kernels.begin import begin
from .kernels.layout import ACCURACY, HELD_OUT_ACCURACY, LOSS
from .kernels.network import train
from .program import Training, Workplace
from .statistics import ONCE_A_STEP, Columns, TrainingStatistics


class Trained:
    """The networks of a Settled run. Raises RequestError where not even one of them fits the memory."""

    def __init__(self, settled):
        network, data, run = settled.network, settled.data, settled.run
        self.settled = settled
        self.training = Training.of(network, run["inputs"], run["loss"], settled.request["float_type"])
        self.threads = min(settled.threads, run["replicas"], self._fitting())
        targets = data.targets.values if run["loss"] == "mse" else None
        self.rows = self.training.rows(data.inputs.values, targets, data.labels)
        self.held_out = self.training.rows(data.held_out, None, data.held_out_labels)
        self.key = stream_key(run["seed"], network.to_json() if run["stream"] is None else run["stream"])
        self.steps, self.recorded = settled.request["steps"], settled.recorded
        here = data.labels is not None, data.labels is not None and len(data.held_out) > 0
        once = ("loss", *(name for name, there in zip(ONCE_A_STEP[1:], here, strict=True) if there))
        self.columns = Columns(tuple(map(int, self.training.code.starts)), len(self.recorded), self.steps, once)
        self.kind = TrainingStatistics.kind(self.columns, run["replicas"])
        self._idle = []

    def _fitting(self):
        """Threads that there is memory for."""
        size = np.dtype(self.training.dtype).itemsize * sum(self.training.numbers.values())
        threads = available() // (2 * size)
        if threads < 1:
            raise RequestError(f"--width: a network in training would take {gib(size)} of memory, {gib(available())} are free")
        return threads

    def place(self):
        """A Workplace."""
        return Workplace(self.training)

    def one(self, replica, place=None):
        """(records (recorded, columns), curve (steps + 1, 3)) of a network; NaN behind a step whose loss is not a number."""
        place = place or self.place()
        code, net, tape, scratch, rates = self.training.code, place.net, place.tape, place.scratch, self.settled.rates
        records = np.full((len(self.recorded), self.training.columns), np.nan)
        curve = np.full((self.steps + 1, len(ONCE_A_STEP)), np.nan)
        begin(code, self.key, replica, self.training.base, net, tape, scratch)
        first, nothing = 0, np.empty(0)
        ends = [(t + 1, row) for t, row in zip(self.recorded, records, strict=True)]
        for end, record in [*ends, (self.steps + 1, nothing)]:
            part = curve[first:end]
            arrays = code, self.key, replica, self.rows, self.held_out, net, tape, scratch
            done = train(*arrays, self.settled.kind, rates, first, part, record) if len(part) else 0
            if len(part) and np.isnan(part[done - 1, LOSS]):
                record[:] = np.nan
                curve[first + done - 1 :, [ACCURACY, HELD_OUT_ACCURACY]] = 0.0  # which tells no classes apart
                break
            first = end
        return records, curve

    def _statistics(self, replica):
        try:
            place = self._idle.pop()
        except IndexError:
            place = self.place()
        try:
            records, curve = self.one(replica, place)
        finally:
            self._idle.append(place)
        strange = np.flatnonzero(~np.isfinite(curve[:, LOSS]))
        row = self.columns.row(records, curve)[None]
        return TrainingStatistics.of(self.columns, row, [strange[0] if len(strange) else -1], self.kind)

    def statistics(self, update):
        """The TrainingStatistics of all networks; update(1) is called after each."""
        replicas, total = range(self.settled.run["replicas"]), None
        with self._watched(), closing(in_order(self._statistics, replicas, self.threads, self.threads)) as results:
            for found in results:
                total = found if total is None else total + found
                update(1)
        return total

    @contextmanager
    def _watched(self):
        """While users' functions are watched. Raises RequestError where one fails."""
        entries = [find_activation(activation.name)[0] for activation in self.settled.network.activations]
        with ExitStack() as watch:
            for entry in entries:
                watch.enter_context(entry.watched())
            yield
            for entry in entries:
                entry.check_faults()
