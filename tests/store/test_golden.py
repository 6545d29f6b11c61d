"""Files that earlier versions wrote open for ever, with the numbers that were stored and what they were numbers of.

schema_1.h5: five networks of every kind that schema 1 knows (spellings, biases, several inputs, a cross-entropy on a
file, float32 arithmetic, kept samples, theory beside them). schema_1_custom.h5: an activation of a user's own, "bump",
which no process that reads the file needs to have. schema_2.h5: a network with places and a stream beside plain ones.
"""

import math
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

import gradsim
from gradsim.model.activations import find_activation
from gradsim.model.initializers import bias_law, weight_law
from gradsim.statistics.quantities import VARIABLES

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.h5"))

# (file, cell): variable: (where, the float64 that is stored)
FIGURES = {
    ("schema_1", 0): {
        "activation_log_mean": (3, "-0x1.a0cc6190bae75p+1"),
        "gradient_log_mean": (1, "-0x1.20fdc0117464fp+2"),
        "gradient_log_quantile": ((1, 3), "-0x1.52190e4f3ada4p+2"),
        "weight_gradient_log_variance": (1, "0x1.09829456150b7p+3"),
        "dead_fraction_mean": (3, "0x1.2eeeeeeeeeeefp-1"),
        "loss_log_mean": ((), "-0x1.17678a096de5dp+2"),
        "mean_field_gradient_log_mean": (1, "-0x1.0a2b23f3bab73p+1"),
        "exact_gradient_log_mean": (1, "-0x1.0eaa8caabd12fp+2"),
        "gradient_zero_count": (1, 7.0),
    },
    ("schema_1", 1): {
        "activation_log_mean": (2, "-0x1.d4a739fda7ae2p-1"),
        "gradient_log_quantile": ((1, 3), "-0x1.03c88b8173f8ap+3"),
        "loss_log_mean": ((), "0x1.07419dd07b488p+0"),
        "correlation_mean": (2, "0x1.f86892f126c90p-1"),
        "gradient_log": ((0, 1), "-0x1.01afca7731b7ep+3"),
    },
    ("schema_1", 2): {
        "gradient_log_mean": (1, "-0x1.897a13ab7072dp+2"),
        "weight_gradient_log_variance": (1, "0x1.8100753a0a879p-1"),
        "loss_log_mean": ((), "0x1.3f005df39106ap-2"),
        "correlation_mean": (2, "0x1.09226903d0035p-3"),
    },
    ("schema_1", 3): {
        "gradient_log_quantile": ((1, 3), "inf"),
        "gradient_nonfinite_count": (1, 20.0),
        "dead_fraction_mean": (40, 0.0),
    },
    ("schema_1", 4): {
        "gradient_log_quantile": ((1, 3), "-inf"),
        "gradient_zero_count": (1, 10.0),
        "dead_fraction_mean": (2, 1.0),
    },
    ("schema_2", 0): {
        "gradient_log_mean": (1, "-0x1.2ac70b31353b0p+2"),
        "gradient_log_quantile": ((1, 3), "-0x1.1c4f7182d2aaap+2"),
        "correlation_mean": (2, "0x1.062475bc46efcp-1"),
    },
    ("schema_2", 1): {
        "gradient_log_mean": ((2, 4), "-0x1.7cfd3fb0765cep+0"),
        "activation_log_mean": ((2, 3), "-0x1.9e0128e5e07cbp-1"),
        "stream_log_mean": (2, "0x1.ee2e496761055p-1"),
        "norm_gain_gradient_log_variance": ((1, 1), "0x1.41dc3141183ecp+1"),
    },
    ("schema_2", 2): {"gradient_log_mean": (1, "-0x1.aa4b432e53289p+1"), "gradient_log": ((0, 1), "-0x1.c29c94c93b536p+1")},
    ("schema_1_custom", 0): {
        "activation_log_mean": (2, "-0x1.f66574cb7ee6dp+0"),
        "gradient_log_mean": (1, "-0x1.cb265423e27a5p+1"),
        "gradient_log_quantile": ((1, 3), "-0x1.7b79435ef5654p+1"),
        "loss_log_mean": ((), "-0x1.08f03b29051eep+2"),
    },
}

# file: cell by cell (activation and its parameter, law of the first weights, law of the biases, widths, outputs)
NETWORKS = {
    "schema_1": [
        (("relu", 0.0), ("he_normal", 4, 4), "zeros", (4, 4, 4), None),
        (("tanh", 0.0), ("normal(0,0.25)", 5, 5), "normal(1.0)", (5, 3), 2),
        (("leaky_relu", 0.2), ("orthogonal", 5, 6), "zeros", (6, 6), 3),
        (("linear", 0.0), ("normal(0,1000)", 4, 4), "zeros", (4,) * 40, None),
        (("relu", 0.0), ("zeros", 4, 4), "zeros", (4, 4), None),
    ],
    "schema_2": [
        (("tanh", 0.0), ("xavier_normal", 4, 4), "normal(0.5)", (4, 4, 4), None),
        (("relu", 0.0), ("he_normal", 3, 4), "zeros", (4, 4), 2),
        (("relu", 0.0), ("he_normal", 3, 3), "zeros", (3, 3), None),
    ],
    "schema_1_custom": [(None, ("he_normal", 4, 4), "zeros", (4, 4), None)],
}
RUNS = {
    ("schema_1", 0): {"replicas": 30, "seed": 1, "inputs": 1, "loss": "probe", "engine_used": "matrix-free"},
    ("schema_1", 1): {"seed": 2**70, "inputs": 3, "input_correlation": 0.5, "probe": "shared", "keep_samples": True},
    ("schema_1", 2): {"loss": "cross_entropy", "inputs": 4, "replicas": 20, "stream": None},
    ("schema_1", 3): {"arithmetic": "float32", "stream": "shared", "seed": 4},
    ("schema_1", 4): {"engine": "dense", "replicas": 10, "seed": 5},
    ("schema_2", 0): {"replicas": 30, "seed": 1, "inputs": 2},
    ("schema_2", 1): {"replicas": 20, "seed": 2},
    ("schema_2", 2): {"replicas": 6, "keep_samples": True},
    ("schema_1_custom", 0): {"replicas": 10, "seed": 5, "inputs": 1},
}


def test_every_golden_file_is_held_to_figures():
    assert [path.stem for path in FILES] == sorted(NETWORKS) == sorted({name for name, _ in FIGURES})
    for name, networks in NETWORKS.items():
        for cells in (FIGURES, RUNS):
            assert [cell for file, cell in cells if file == name] == list(range(len(networks)))


@pytest.mark.parametrize("name, cell", FIGURES, ids=str)
def test_the_stored_figures(name, cell):
    curves = gradsim.open(GOLDEN / f"{name}.h5")[cell]
    for variable, (where, figure) in FIGURES[name, cell].items():
        assert float(curves[variable][where]) == (float.fromhex(figure) if isinstance(figure, str) else figure), variable


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_variable_of_the_file_is_read_as_it_stands(path):
    found = gradsim.open(path)
    with h5py.File(path) as file:
        stored = {name for name, dataset in file.items() if dataset.dtype.kind in "fi" and dataset.ndim > 1}
        stored -= {"layer_width"}
        assert len(stored) > 60 and stored <= set(VARIABLES)
        read = set()
        for cell, curves in enumerate(found):
            for name in stored & set(curves.variables):
                values, dims = curves[name], VARIABLES[name].placed_dims
                if "place" in file and "place" in dims:  # in the order of the cell, which has all places of the file
                    axis = dims.index("layer")
                    values = values if curves.places else curves.blocks.opened(VARIABLES[name].quantity.name, values, axis)
                    names = file["place"].asstr()[()].tolist()
                    part = np.take(file[name][cell], [names.index(place) for place in curves.blocks.names], axis + 1)
                    part = part[tuple(slice(n) for n in values.shape)]
                else:
                    part = file[name][(cell, *(slice(n) for n in values.shape))]
                np.testing.assert_array_equal(values, part, name)
                read.add(name)
        assert read == stored


@pytest.mark.parametrize("name, cell", RUNS, ids=str)
def test_what_they_are_figures_of(name, cell):
    curves = gradsim.open(GOLDEN / f"{name}.h5")[cell]
    network, (activation, weights, biases, widths, outputs) = curves.network, NETWORKS[name][cell]
    if activation is None:
        assert network.activation == "bump"
    else:
        entry, parameter = find_activation(network.activation)
        assert (entry.name, parameter) == activation
    scheme, fan_in, fan_out = weights
    assert network.input_width == fan_in and network.weight_gain == 1.0
    assert weight_law(network.init, fan_in, fan_out, 1.0) == weight_law(scheme, fan_in, fan_out, 1.0)
    assert bias_law(network.bias, fan_in) == bias_law(biases, fan_in)
    assert (network.widths, network.outputs) == (widths, outputs)
    assert {option: curves.run[option] for option in RUNS[name, cell]} == RUNS[name, cell]
    np.testing.assert_array_equal(curves.quantiles, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
    assert curves.quantile_method == "exact"


def test_where_the_data_came_from():
    run = gradsim.open(GOLDEN / "schema_1.h5")[2].run
    for option, shape, digest in (("input_file", [12, 5], "8c6f9d2a814d940a"), ("target_file", [12, 1], "878721596db4e261")):
        described = run[option]
        assert described["name"] == "array" and list(described["shape"]) == shape and described["sha256"].startswith(digest)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_request_table_picture_and_xarray(path, tmp_path):
    found = gradsim.open(path)
    assert len(found.request) == len(found) == len(NETWORKS[path.stem])
    assert [cell["run"]["seed"] for cell in found.request] == [curves.run["seed"] for curves in found]
    table = found.table()
    assert table.count("\n") > len(found) and all(curves.verdict.sentence in table for curves in found)
    found.plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000
    with xarray.open_dataset(path) as dataset:
        here = found.to_xarray()
        np.testing.assert_array_equal(dataset["gradient_log_mean"], here["gradient_log_mean"])
        assert dataset.sizes["cell"] == len(found)


def test_verdicts_of_the_medians():
    """Decades from layer 1 to L of the median network, by hand from the stored quantiles."""
    for curves in gradsim.open(GOLDEN / "schema_1.h5")[:3]:
        depth = curves.network.depth
        median = curves.quantile("gradient", 0.5)
        assert curves.verdict.decades == pytest.approx((median[1] - median[depth]) / math.log(100), rel=1e-12)


def test_written_anew_they_hold_the_same(tmp_path):
    old = gradsim.open(GOLDEN / "schema_1.h5")
    old.save(tmp_path / "new.h5")
    for before, after in zip(old, gradsim.open(tmp_path / "new.h5"), strict=True):
        assert before.network == after.network and set(before.variables) <= set(after.variables)
        for name, values in before.variables.items():
            np.testing.assert_array_equal(values, after[name], name)
