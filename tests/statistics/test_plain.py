"""Plain networks keep every bit of every variable: against what commit b31340f gave, before records were flat.

plain.npz was written by `python tests/statistics/test_plain.py` on that commit. On another CPU sums are taken in another
order, so figures are compared to eight digits there.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import gradsim
from gradsim.statistics import quantiles
from gradsim.store.dataset import provenance

GOLDEN = Path(__file__).parent / "plain.npz"
MACHINE = ("cpu", "vector_instructions", "numpy", "numba", "llvmlite")
DRAWN = np.random.default_rng(14)
ROWS = {"input_file": DRAWN.normal(size=(9, 4)), "target_file": DRAWN.integers(0, 3, size=(9, 1))}
CELLS = {  # (network, run)
    "matrix-free": ({"width": 5, "depth": 4, "activation": "tanh"}, {"replicas": 30, "seed": 3}),
    "readout, three inputs": (
        {"width": 5, "depth": 4, "activation": "relu", "outputs": 2},
        {"replicas": 40, "seed": 2**65, "inputs": 3, "input_correlation": 0.25},
    ),
    "samples": (
        {"width": [3, 7, 2], "input_width": 4, "activation": "relu", "outputs": 3},
        {"replicas": 30, "seed": 5, "inputs": 2, "keep_samples": True},
    ),
    "haar": ({"width": 4, "depth": 3, "activation": "gelu", "init": "orthogonal"}, {"replicas": 20, "seed": 6}),
    "haar, two inputs": (
        {"width": 4, "depth": 3, "activation": "leaky_relu(0.2)", "init": "orthogonal", "outputs": 2},
        {"replicas": 20, "seed": 7, "inputs": 2},
    ),
    "float32": (
        {"width": 6, "depth": 5, "activation": "linear", "init": "normal(0,1000)"},
        {"replicas": 25, "seed": 8, "arithmetic": "float32"},
    ),
    "float64": (
        {"width": 6, "depth": 5, "activation": "tanh", "init": "torch_default", "outputs": 1},
        {"replicas": 25, "seed": 9, "arithmetic": "float64", "loss": "mse", "inputs": 2},
    ),
    "shared probe": (
        {"width": 8, "depth": 2, "activation": "sigmoid", "bias_std": 0.5},
        {"replicas": 20, "seed": 10, "inputs": 2, "probe": "shared", "engine": "dense"},
    ),
    "unresolved": (
        {"width": 3, "depth": 6, "activation": "tanh", "init": "rademacher(20)"},
        {"replicas": 64, "seed": 11, "inputs": 2},
    ),
    "cross-entropy": (
        {"width": 4, "depth": 2, "activation": "relu", "outputs": 3},
        {"replicas": 20, "seed": 12, "inputs": 4, "loss": "cross_entropy", **ROWS},
    ),
    "zeros": (
        {"width": 2, "depth": 40, "activation": "relu", "weight_gain": 60.0},
        {"replicas": 12, "seed": 13, "stream": "shared"},
    ),
    "one unit": ({"width": 1, "depth": 1}, {"replicas": 8, "seed": 14}),
    "two chunks": (
        {"width": 130, "depth": 3, "activation": "silu", "init": "xavier_uniform", "bias": "uniform(-1,1)"},
        {"replicas": 300, "seed": 15, "inputs": 2},
    ),
}
BINNED = ({"width": 2, "depth": 600, "activation": "tanh"}, {"replicas": 50, "seed": 16})  # 256 bins, wider than the finest


def curves_of(network, run):
    return gradsim.simulate(gradsim.mlp(**network), **run)


def digest(curves):
    """Of all variables by name, type, shape and bytes."""
    parts = [f"{name} {v.dtype} {v.shape} ".encode() + v.tobytes() for name, v in _arrays(curves)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _arrays(curves):
    return sorted((name, np.ascontiguousarray(values)) for name, values in curves.variables.items())


def _binned():
    kept, quantiles.SAMPLE_BYTES = quantiles.SAMPLE_BYTES, 0
    try:
        return curves_of(*BINNED)
    finally:
        quantiles.SAMPLE_BYTES = kept


def _here():
    return {name: provenance()[name] for name in MACHINE}


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return {name: file[name] for name in file}


@pytest.mark.parametrize("cell", CELLS)
def test_every_variable_keeps_its_bits(golden, cell):
    found, known = curves_of(*CELLS[cell]), json.loads(str(golden["known"]))
    names = known["cells"][cell]
    assert {name: list(values.shape) for name, values in found.variables.items()} == names
    ends = np.cumsum([int(np.prod(shape)) for shape in names.values()])
    for (name, shape), numbers in zip(names.items(), np.split(golden[cell], ends[:-1]), strict=True):
        values = np.asarray(found[name])
        if known["machine"] == _here():
            assert np.array_equal(values.astype(float), numbers.reshape(shape), equal_nan=True), name
        else:
            np.testing.assert_allclose(values.astype(float), numbers.reshape(shape), 1e-8, 1e-8, err_msg=name)
    if known["machine"] == _here():
        assert digest(found) == known["digests"][cell]


def test_histograms_keep_their_bins(golden):
    known, found = json.loads(str(golden["known"])), _binned()
    assert found.quantile_method == "histogram"
    np.testing.assert_allclose(found["gradient_log_quantile"][::100], golden["bins"], 1e-8)
    if known["machine"] == _here():
        assert digest(found) == known["digests"]["bins"]


def main():
    found = {cell: curves_of(*options) for cell, options in CELLS.items()}
    binned = _binned()
    known = {
        "machine": _here(),
        "cells": {c: {name: list(v.shape) for name, v in curves.variables.items()} for c, curves in found.items()},
        "digests": {name: digest(curves) for name, curves in {**found, "bins": binned}.items()},
    }
    arrays = {
        cell: np.concatenate([np.ravel(curves[name]).astype(float) for name in known["cells"][cell]])
        for cell, curves in found.items()
    }
    np.savez_compressed(GOLDEN, known=json.dumps(known), bins=binned["gradient_log_quantile"][::100], **arrays)


if __name__ == "__main__":
    main()
