"""What travels between processes: a batch of tasks to whoever computes it, as numbers, and their records back, as bytes.

Bytes, since a dict of the arrays of a cell costs its receiver several times as much. Whoever computes has all Tasks of the
sweep from its start, so that a batch is a few numbers.
"""

import threading
from dataclasses import dataclass
from typing import NamedTuple

import llvmlite
import numba
import numpy as np

from ..errors import RequestError
from ..kernels.cache import source_digest
from ..model.activations import typed_activation
from ..simulation.chunks import Desk
from ..version import __version__
from .cells import record
from .draws import Draws
from .parts import decoded, identity_of
from .single import curves_of, is_small

_here = threading.local()  # `desk`, a thread's own
_alone = threading.Lock()  # what a user's function notes is of one task at a time


class Batch(NamedTuple):
    """`numbers` of tasks, and of some of them what was drawn before: {number: bytes of a record}.

    `lost` is None, or how often the one task was lost alone.
    """

    numbers: tuple
    drawn: dict
    lost: int | None = None


class Answer(NamedTuple):
    """What became of a batch: `records`, bytes, `drawn`, bytes of what may be gone on with, `failed`, pairs (number, words)."""

    records: list
    drawn: list
    failed: list


@dataclass(frozen=True)
class Order:
    """What all batches of a sweep share: its Tasks, whether what is drawn of them comes back, users' activations
    ({"module:function", as it was typed: digest}), and by which `code` it would be computed where it is asked for."""

    tasks: object
    keep: bool
    functions: dict
    code: tuple

    @classmethod
    def of(cls, tasks, keep, functions=None):
        return cls(tasks, keep, functions or {}, code())

    def answer(self, batch):
        """The Answer to a Batch, computed by the calling thread. Raises RequestError where this process has other code."""
        if code() != self.code:
            raise RequestError(f"a worker has {_words(code())}, and here is {_words(self.code)}")
        for name, digest in self.functions.items():
            if typed_activation(name)[0].digest != digest:
                raise RequestError(f"activation {name!r} is another function at a worker than here; begin the workers anew")
        records, drawn, failed = [], [], []
        for number in batch.numbers:
            task = self.tasks[number]
            handed = _Handed(batch.drawn.get(number))
            try:
                records.append(record(number, task.identity, _curves(task, Draws(handed, self.keep))))
            except RequestError as error:
                failed.append((number, str(error)))
            drawn += [handed.came] if self.keep and handed.came is not None else []
            task.forget()
        return Answer(records, drawn, failed)


def code():
    """What decides the digits, beside the CPU: versions, and the digest of the kernels."""
    return __version__, source_digest(), numba.__version__, llvmlite.__version__, np.__version__


def _words(code):
    version, kernels, *others = code
    names = ("Numba", "llvmlite", "NumPy")
    return f"gradsim {version} (kernels {kernels[:8]}), {', '.join(f'{n} {v}' for n, v in zip(names, others, strict=True))}"


def _curves(task, draws):
    if task.own_activation:
        with _alone:
            return curves_of(task, 1, _ignore, draws)
    if not is_small(task):  # it may not fit the memory, which is found out without a desk
        return curves_of(task, 1, _ignore, draws)
    if not hasattr(_here, "desk"):
        _here.desk = Desk()
    return curves_of(task, 1, _ignore, draws, _here.desk)


def _ignore(replicas):
    """Nobody is told how far a task of a batch is."""


class _Handed:
    """In a Shelf's place: the record that came with a task (None: none did), and the one that goes back."""

    def __init__(self, record):
        self._record, self.came = record, None

    def __len__(self):
        return self._record is not None

    def get(self, identity):
        if self._record is None or identity_of(self._record) != identity:
            raise KeyError(identity)
        return decoded(self._record)[1:]

    def add(self, record):
        self.came = record

    def forget(self, identity):
        """What came stays with who sent it."""

    def flush(self):
        """Nothing lasts here."""
