"""The numbers of a phase diagram, for other programs: a row a point of theory or of simulation."""

import json
from pathlib import Path

import numpy as np

from ..export.formats import FORMATS, JSON_START, csv_texts, json_number, json_rows
from ..store.files import Kind
from ..theory.fixed_points import edge_of_chaos
from ..version import __version__

CSV_START = b"source,"
KINDS = {  # ending of a name: what it replaces
    ".csv": Kind("a table of gradsim", lambda content: content[: len(CSV_START)] == CSV_START),
    ".json": FORMATS["json"][1],
}


def ending(path):
    """The key of KINDS for a file of that name; None where it is for no numbers."""
    found = Path(path).suffix.lower()
    return found if found in KINDS else None


def content(path, diagram, measured=None, **options):
    """The bytes of a file of that name, .csv or .json, for a PhaseDiagram; `measured` is (weight_std, bias_std, decades) of a
    simulation with these `options`, or None.

    Both have a row a point: `source` ("theory" or "simulation"), `weight_std`, `bias_std`, `decades_per_100_layers`, and of
    theory `q_star` and `chi_perp`. JSON also has the edge of chaos, as rows of `weight_std`, `bias_std` and `stable`.
    """
    blocks = [_block("theory", diagram.weight_std, diagram.bias_std, diagram.decades_per_100_layers, diagram)]
    if measured is not None:
        blocks.append(_block("simulation", *measured))
    if ending(path) == ".csv":
        return "".join(csv_texts(blocks)).encode()
    edge = [dict(zip(("weight_std", "bias_std", "stable"), row, strict=True)) for row in _edge(diagram.activation)]
    found = {
        "activation": diagram.activation,
        "simulation": None if measured is None else options,
        "points": [row for block in blocks for row in json_rows(block)],
        "edge": edge,
    }
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    return JSON_START + f"{json.dumps(__version__)}, {text[1:]}\n".encode()


def _block(source, weight_std, bias_std, decades, diagram=None):
    """{column: array} of all points; `decades` is of shape (bias_std, weight_std)."""
    weights, biases = np.meshgrid(weight_std, bias_std)
    missing = np.full(decades.shape, np.nan)
    columns = {
        "source": np.full(decades.shape, source, object),
        "weight_std": weights,
        "bias_std": biases,
        "decades_per_100_layers": decades,
        "q_star": missing if diagram is None else diagram.q_star,
        "chi_perp": missing if diagram is None else diagram.chi_perp,
    }
    return {name: values.ravel() for name, values in columns.items()}


def _edge(activation):
    """Yield (weight_std, bias_std, whether it is stable) along the edge of chaos, as JSON has numbers."""
    weight_std, bias_std, stable = edge_of_chaos(activation)
    for weight, bias, holds in zip(weight_std, bias_std, stable, strict=True):
        yield json_number(float(weight)), json_number(float(bias)), bool(holds)
