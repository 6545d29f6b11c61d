"""Records by quantity and place, as an array with holes: of a plain network, by quantity and layer."""

import numpy as np

from gradsim.kernels.record import RECORDED
from gradsim.program.columns import columns
from gradsim.program.graph import graph


def places_of(network, inputs):
    """{quantity: slice of its places}."""
    found = columns(graph(network), inputs)
    firsts = {name: at.columns.start - found.starts[RECORDED.index(name)] for name, at in found.placed.items()}
    return {name: slice(firsts[name], firsts[name] + len(at.names)) for name, at in found.placed.items()}


def by_place(network, inputs, rows):
    """(..., quantities of RECORDED, places) from rows (..., columns); NaN where no column is."""
    found, places = columns(graph(network), inputs), places_of(network, inputs)
    result = np.full((*rows.shape[:-1], len(RECORDED), found.places), np.nan)
    for name, at in found.placed.items():
        result[..., RECORDED.index(name), places[name]] = rows[..., at.columns]
    return result
