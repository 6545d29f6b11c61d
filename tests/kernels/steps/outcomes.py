"""What the kernels make of one set of vectors: run as a program, it writes that to a file, without the compiler if so told."""

import sys

import numpy as np

from gradsim.kernels.steps.add import scale_parameters
from gradsim.kernels.steps.dropout import dropout_parameters, kept_numbers
from gradsim.kernels.workspace import Draws, new_scratch
from tests.kernels.steps.definitions import (
    KINDS,
    PLACE,
    add_backward,
    add_forward,
    backward,
    deliver,
    dropout_backward,
    dropout_forward,
    empty,
    forward,
    new_record,
    vector,
)


def outcomes(rows=3, n=21):
    """Named arrays: values and exponents of every vector that is made, records, doubts."""
    rng, found = np.random.default_rng(12), {}
    values = rng.normal(size=(rows, n))
    values[1] = 1.5  # LayerNorm holds it
    x, d = vector(values, [-70, 3, 3]), vector(rng.normal(size=(rows, n)), [0, -900, 1])
    scratch = new_scratch(rows, n)

    def note(name, *vectors):
        for k, v in enumerate(vectors):
            found[f"{name} {k}"], found[f"{name} {k} exponents"] = v.values, v.exponents
        found[f"{name} doubts"] = scratch.doubts.copy()
        scratch.doubts[:] = 0

    for kind in KINDS:
        out, kept, _ = forward(kind, x, 1e-5, scratch)
        g, record = backward(kind, out, kept, d, 1e-5, scratch)
        note(kind, out, g)
        found[f"{kind} record"] = record.values
    p, record, kept = np.array([*dropout_parameters(0.4), 0.0]), new_record(), np.zeros(kept_numbers(rows, n), np.float32)
    out, g = empty(rows, n), empty(rows, n)
    dropout_forward(p, Draws(np.array([1, 2], np.uint32), 3, 4), x, out, kept, PLACE, scratch, record)
    dropout_backward(p, kept, d, g)
    note("dropout", out, g)
    found["dropout record"] = record.values
    p, out, g = np.array([*scale_parameters(-0.7), 0.0]), empty(rows, n), empty(rows, n)
    add_forward(p, x, d, out, scratch)
    add_backward(p, d, g)
    total = empty(rows, n)
    deliver(d, total, True, scratch)
    deliver(g, total, False, scratch)
    note("add", out, g, total)
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **outcomes())
