"""One replica seen from inside: what the compiled code that every run uses leaves on its tape."""

from typing import NamedTuple

import numpy as np

from ..kernels.layout import OFFSET, SLOT, WIDTH
from ..model.request import checked
from ..model.streams import stream_key
from ..program.columns import columns
from ..program.graph import graph
from ..program.program import lower
from ..simulation.chunks import Workplace
from ..simulation.fit import fit


class Scaled(NamedTuple):
    """Numbers `mantissas` * 2^`exponents`, an exponent a row: beyond any float type."""

    mantissas: np.ndarray  # float64 (inputs, width)
    exponents: np.ndarray  # int64 (inputs, 1)

    @property
    def numbers(self):
        return np.ldexp(self.mantissas, self.exponents)


class Taped(NamedTuple):
    """`vectors[k]` is vector k of the tape, which node k makes; `into` are the cotangents of vectors 0 and 1, the last two
    that are made. `samples` are the rows of the input file. `record` is {quantity: values at its places}."""

    vectors: list
    into: list
    samples: np.ndarray
    record: dict


def taped(network, replica=0, seed=0, stream=None, **options):
    """The Taped of one replica. Options as of `gradsim.simulate`."""
    options = checked(seed=seed, stream=stream, **options)
    fit(network, options)
    arithmetic, inputs = options["arithmetic"], options["inputs"]
    program = lower(
        network,
        inputs,
        options["input_correlation"],
        options["loss"],
        options["probe"],
        options["input_file"],
        options["target_file"],
        options["engine"],
        arithmetic,
    )
    place = Workplace(program, arithmetic, 1)
    row = place.fill(program, stream_key(seed, network.to_json() if stream is None else stream), replica, 1)[0].copy()
    record = {quantity: row[at.columns] for quantity, at in columns(graph(network), inputs).placed.items()}

    def scaled(values, width, exponents):
        rows = values[: inputs * 4 * -(-width // 4)].reshape(inputs, -1)[:, :width].astype(float)
        return Scaled(rows, (exponents if arithmetic == "carried" else np.zeros(inputs, np.int64))[:, None])

    tape, carried = place.tape, arithmetic == "carried"
    vectors = [
        scaled(tape.values[step[OFFSET] :], step[WIDTH], tape.exponents[k] if carried else None)
        for k, step in enumerate(program.steps[:-1])
    ]
    slots = [step[SLOT] for step in program.steps[:2]]
    into = [
        scaled(tape.cotangents[slot], program.steps[k, WIDTH], tape.d_exponents[slot] if carried else None)
        for k, slot in enumerate(slots)
    ]
    return Taped(vectors, into, tape.samples.copy(), record)
