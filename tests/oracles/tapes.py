"""Everything that the interpreter leaves on its tape, replica by replica: vectors and their cotangents in float64."""

import hashlib
from pathlib import Path

import numpy as np

from gradsim.kernels.bundles import bundle
from gradsim.kernels.compilation import entry_point
from gradsim.kernels.interpreter import backward_step, forward_step
from gradsim.kernels.layout import OFFSET, SLOT, WIDTH
from gradsim.kernels.record import Record
from gradsim.kernels.windows import row, window
from gradsim.kernels.workspace import new_scratch, new_tape


def _collect(code, key, data, tape, scratch, first, records, deltas, d_exponents, values, exponents, ranks):
    arrays = tape
    code, data, tape, scratch = bundle(code), bundle(data), bundle(tape), bundle(scratch)
    columns = np.int64(records.shape[1])
    for r in range(records.shape[0]):
        record, replica = bundle(Record(window(records, r * columns, (columns,)), code.starts)), first + r
        for k in range(code.steps.shape[0]):
            forward_step(k, code, key, replica, data, tape, scratch, record)
        values[r], exponents[r], ranks[r] = arrays.values, arrays.exponents, arrays.ranks
        for k in range(code.steps.shape[0] - 1, -1, -1):
            slot = code.steps[k, SLOT]
            deltas[r, k] = row(arrays.cotangents, slot)
            d_exponents[r, k] = row(arrays.d_exponents, slot)
            if k > 0:
                backward_step(k, code, key, replica, data, tape, scratch, record)


# Kept on disk as the kernels are, under the digest of this file too
_collect.__qualname__ += "-" + hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
_collect = entry_point(_collect)


class Tapes:
    """`values[k]` and `deltas[k]`: vector k and its cotangent, when all of it is there, float64 (replicas, inputs, width);
    `records`, `ranks`."""

    def __init__(self, program, key, replicas, first=0):
        p, steps = program, len(program.steps)
        scratch, tape = new_scratch(p.inputs, p.widest), new_tape(steps, p.inputs, p.tape_size, p.widest, p.slots)
        self.records = np.full((replicas, p.columns.size), np.nan)
        self.ranks = np.zeros((replicas, steps), np.int64)
        values, exponents = np.zeros((replicas, p.tape_size), np.float32), np.zeros((replicas, steps, p.inputs), np.int64)
        deltas = np.zeros((replicas, steps, tape.cotangents.shape[1]), np.float32)
        d_exponents = np.zeros_like(exponents)
        for place, apart in p.apart:
            scratch.state[place] = apart.address(p.code, key, tape, scratch, Record(self.records[0], p.code.starts))
        _collect(
            p.code,
            key,
            p.data,
            tape,
            scratch,
            first,
            self.records,
            deltas,
            d_exponents,
            values,
            exponents,
            self.ranks,
        )
        self.values, self.deltas = [], []
        for k, step in enumerate(p.steps[:-1]):
            width, offset = step[WIDTH], step[OFFSET]
            size, shape = p.inputs * 4 * -(-width // 4), (replicas, p.inputs, -1)
            for into, v, e in (
                (self.values, values[:, offset : offset + size], exponents[:, k]),
                (self.deltas, deltas[:, k, :size], d_exponents[:, k]),
            ):
                into.append(np.ldexp(v.reshape(shape)[:, :, :width].astype(float), e[:, :, None]))
