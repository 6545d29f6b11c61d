"""A Program as training has it: the same steps, with room for vectors, weights and gradients in a float type."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..kernels import layout
from ..kernels.sampling import LAW_IDENTITY, LAW_ORTHOGONAL
from ..kernels.workspace import new_scratch, padded_width, tile_blocks
from ..program.program import Program, lower
from .kernels.layout import COLUMNS, OWN, OWN_END, WIDER, Code, Net, Rows, Tape
from .kernels.network import STEPS
from .kernels.products import padded_to_vectors

LOGS = ("weight", "weight_change", "weight_update", "gradient", "weight_gradient", "activation")
QUANTITIES = (*LOGS, "dead_fraction", "saturated_fraction")  # of a record, in the order of kernels/layout.py
WHOLE = (LAW_IDENTITY, LAW_ORTHOGONAL)  # laws that draw a matrix at once


@dataclass(frozen=True)
class Training:
    """`code` for the kernels, `base` what parameters are before they are drawn (numbers of the float type `dtype`).

    A quantity of a record stands at `code.starts[k]` to `code.starts[k + 1]`: from linear map 1 on, activations from that of
    the input on, fractions from activation 1 on.
    """

    program: Program
    code: Code
    base: np.ndarray
    dtype: str

    @classmethod
    def of(cls, network, batch_size, loss, dtype):
        """Of a Network for batches of so many rows. Raises RequestError for what has no program."""
        program = lower(network, batch_size, loss=loss, engine="dense")
        steps = np.zeros((len(program.steps), WIDER), np.int64)
        steps[:, : program.steps.shape[1]] = program.steps
        widths = padded_to_vectors(program.steps[:, layout.WIDTH])
        steps[:, COLUMNS] = widths
        steps[:, layout.OFFSET] = batch_size * (np.cumsum(widths) - widths)
        base, kept, numbers = [], 0, 0
        for row in steps:
            step, n = STEPS.get(row[layout.OPERATION]), row[COLUMNS]
            row[layout.KEPT], row[OWN] = kept, numbers
            if step is not None:
                own = np.zeros(step.own_numbers(widths[row[layout.SOURCE]], n), dtype)
                own[: row[layout.WIDTH]] = getattr(step, "STARTS_AS", 0.0)
                base.append(own)
                numbers, kept = numbers + own.size, kept + step.kept_numbers(batch_size, n)
            row[OWN_END] = numbers
        return cls(program, Code(steps, program.parameters, _starts(steps)), np.concatenate(base), dtype)

    @cached_property
    def maps(self):
        """Numbers of the steps that are linear maps, first to last."""
        return [k for k, row in enumerate(self.code.steps) if row[layout.OPERATION] == layout.LINEAR_DENSE]

    @property
    def columns(self):
        """Of a record."""
        return int(self.code.starts[-1])

    @cached_property
    def numbers(self):
        """What a thread needs room for, of the type `dtype`: {array: numbers}."""
        steps, rows = self.code.steps, self.program.inputs
        widest, n_0 = int(steps[:, COLUMNS].max()), padded_width(self.program.widest)
        matrices = [int(steps[k, COLUMNS] * steps[steps[k, layout.SOURCE], COLUMNS]) for k in self.maps]
        whole = any(steps[k, layout.VARIANT] in WHOLE for k in self.maps)
        return {
            "parameters": 5 * self.base.size,
            "values": rows * int(steps[:, COLUMNS].sum()),
            "kept": int(steps[-1, layout.KEPT]),
            "cotangents": self.program.slots * rows * widest,
            "turned": max(matrices),
            "square": 3 * n_0 * n_0 if whole else 1,
        }

    def rows(self, inputs, targets, labels):
        """Samples (n, width) with targets (n, outputs) and labels (n,), either of them None."""
        steps = self.code.steps
        padded = [np.zeros((len(inputs), steps[0, COLUMNS]), self.dtype), np.zeros((0, 1), self.dtype)]
        padded[0][:, : inputs.shape[1]] = inputs
        if targets is not None:
            padded[1] = np.zeros((len(inputs), steps[-1, COLUMNS]), self.dtype)
            padded[1][:, : targets.shape[1]] = targets
        return Rows(*padded, np.zeros(0, np.int64) if labels is None else labels.astype(np.int64))

    def weights(self, parameters):
        """[(weights (units out, units in), bias (units out,))] of the linear maps, out of all parameters."""
        found, steps = [], self.code.steps
        for k in self.maps:
            n_in, n = steps[steps[k, layout.SOURCE], layout.WIDTH], steps[k, layout.WIDTH]
            own = parameters[steps[k, OWN] : steps[k, OWN_END]].reshape(-1, steps[k, COLUMNS])
            found.append((own[:n_in, :n].T.copy(), own[-1, :n].copy()))
        return found


def _starts(steps):
    """Where the quantities begin in a record."""
    placed = steps[:, [layout.OPERATION, layout.PLACE]]
    maps, activations = (
        max([place for operation, place in placed if operation == wanted], default=0)
        for wanted in (layout.LINEAR_DENSE, layout.ACTIVATE)
    )
    sizes = (maps, maps, maps, maps, maps, activations + 1, activations, activations)
    return np.array([0, *np.cumsum(sizes)], np.int64)


class Workplace:
    """What a thread trains a network in."""

    def __init__(self, training):
        self.training = training
        numbers, dtype, rows = training.numbers, training.dtype, training.program.inputs
        self.net = Net(*(np.zeros(training.base.size, dtype) for _ in Net._fields))
        self.tape = Tape(
            np.zeros(numbers["values"], dtype),
            np.zeros(max(numbers["kept"], 1), dtype),
            np.zeros((training.program.slots, numbers["cotangents"] // training.program.slots), dtype),
            np.zeros(numbers["turned"], dtype),
            np.zeros((4, tile_blocks(training.program.widest)), dtype),
            np.zeros(numbers["square"], dtype),
            np.zeros(rows, np.int64),
        )
        self.scratch = new_scratch(rows, training.program.widest)
