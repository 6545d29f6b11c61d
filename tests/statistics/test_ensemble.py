"""Whole ensembles against NumPy on all their records at once."""

import numpy as np
import pytest

from gradsim.model.network import mlp
from gradsim.simulation.chunks import record_chunks
from gradsim.statistics.blocks import blocks_of
from gradsim.statistics.ensemble import EnsembleStatistics
from gradsim.statistics.precision import PRECISIONS, log_square_limits
from gradsim.statistics.quantiles import Binning, Samples
from gradsim.statistics.quantities import COUNTED, PREDICTED, QUANTITIES, VARIABLES

NETWORK = mlp(width=3, depth=4, activation="relu", outputs=2)  # width 3: one layer in eight is dead


@pytest.fixture(scope="module")
def chunks():
    return list(record_chunks(NETWORK, replicas=700, inputs=2))


@pytest.mark.parametrize("collector", [Samples, Binning(4096)])
def test_chunks_add_up(chunks, collector):
    blocks = blocks_of(NETWORK, 2)
    parts = [EnsembleStatistics.of(chunk, collector, blocks) for chunk in chunks]
    assert len(parts) > 1
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    records = np.concatenate(chunks)
    found = dict(total.variables(blocks, (0.25, 0.5)))
    has = [name for name in QUANTITIES if not name.startswith(("stream", "norm"))]
    named = {name for name, v in VARIABLES.items() if "replica" not in v.dims and v.quantity.name in has}
    assert set(found) == named - PREDICTED - COUNTED
    gradient = blocks.of("gradient", records)[:, 1:6]
    zeros = (gradient == -np.inf).sum(axis=0)
    assert zeros[0] > 50 and np.array_equal(found["gradient_zero_count"], [-1, *zeros])
    alive = np.where(np.isfinite(gradient), gradient, np.nan)
    assert np.allclose(found["gradient_log_mean"][1:], np.nanmean(alive, axis=0), rtol=1e-13)
    assert np.allclose(found["gradient_log_variance"][1:], np.nanvar(alive, axis=0, ddof=1), rtol=1e-12)
    assert np.allclose(found["gradient_log_of_mean"][1:], np.log(np.exp(gradient).mean(axis=0)), rtol=1e-12)
    assert np.allclose(found["gradient_log_quantile"][1:, 1], np.sort(gradient, axis=0)[349:351].mean(0), atol=0.02)
    assert found["loss_log_mean"].shape == () and found["activation_mean_mean"].shape == (6,)
    assert np.isnan(found["activation_mean_mean"][[0, 5]]).all()


def test_precision_counts_what_leaves_the_range():
    blocks = blocks_of(NETWORK, 1)
    records = np.full((4, blocks.columns.size), np.nan)
    values = [1e-9, 1e-3, 7e4, 1e39]
    for name in ("gradient", "gradient_max", "preactivation", "preactivation_max"):
        records[:, blocks.columns.placed[name].columns] = 2 * np.log(values)[:, None]
    found = dict(EnsembleStatistics.of(records, Samples, blocks).variables(blocks, (0.5,)))
    over = dict(zip(PRECISIONS, found["gradient_overflow_fraction"][1], strict=True))
    under = dict(zip(PRECISIONS, found["gradient_underflow_fraction"][1], strict=True))
    assert over == {"float16": 0.5, "bfloat16": 0.25, "float8_e4m3fn": 0.5, "float8_e5m2": 0.5, "float32": 0.25, "float64": 0.0}
    assert under == {
        "float16": 0.25,
        "bfloat16": 0.0,
        "float8_e4m3fn": 0.5,
        "float8_e5m2": 0.25,
        "float32": 0.0,
        "float64": 0.0,
    }


@pytest.mark.parametrize("arithmetic", ["carried", "float32"])
def test_shares_that_have_left_a_type_are_those_of_the_samples(arithmetic):
    """Every way to leave, at every layer, type and network, from the logs that were kept; NaN is an overflow."""
    from gradsim import simulate

    network = mlp(width=[9, 3, 30, 4] * 6, input_width=5, activation="tanh", init="normal(0,60)", outputs=2)
    tiny = mlp(width=[4, 7] * 12, activation="linear", weight_gain=0.02)
    wild = mlp(width=20, depth=30, activation="relu", weight_gain=60.0)
    normal, largest = log_square_limits()
    left = set()
    for net in (network, tiny, wild):
        curves = simulate(net, 60, inputs=2, keep_samples=True, arithmetic=arithmetic)
        widths = np.array([net.input_width, *net.linear_widths])
        entries = {"weight_gradient": np.concatenate([[1], widths[1:] * widths[:-1]])}
        for name, step in (("preactivation", 1), ("gradient", -1), ("weight_gradient", -1)):
            logs = curves[f"{name}_log"].copy()
            if step == 1:
                logs[:, 0] = curves["activation_log"][:, 0]
            sums = logs + np.log(entries.get(name, 2 * widths))
            found = {"norm_overflow": ~(sums[..., None] <= largest / 2)}
            if name != "weight_gradient":
                tops = curves[f"{name}_max_log"]
                found["overflow"] = ~(tops[..., None] <= largest)
                found["underflow"] = logs[..., None] < normal
                found["norm_underflow"] = sums[..., None] < normal / 2
            for way, leaves in found.items():
                expected = np.maximum.accumulate(leaves[:, 1:][:, ::step], axis=1)[:, ::step].mean(axis=0)
                shares = curves[f"{name}_{way}_fraction"]
                if step == 1:  # from the input on, whose largest entry is not among the samples
                    assert way == "overflow" or np.array_equal(shares[0], leaves[:, 0].mean(axis=0)), way
                    expected = np.maximum(expected, shares[0])
                assert np.array_equal(shares[1:], expected), (name, way)
                left |= {(name, way, k) for k in np.flatnonzero((expected > 0).any(axis=0) & (expected < 1).any(axis=0))}
    assert len(left) > 20


def test_layers_without_the_quantity_hold_nothing():
    """Of every variable: -1 in a count and NaN in a number where the quantity is not defined, and counts elsewhere."""
    from gradsim import simulate

    network = mlp(width=[5, 3], input_width=4, outputs=2)
    curves, looked_at = simulate(network, 9, inputs=2, keep_samples=True), set()
    for name, values in curves.variables.items():
        variable = VARIABLES[name]
        if "layer" not in variable.dims:
            continue
        inside = curves.blocks.defined(variable.quantity.name)
        if variable.quantity.name == "preactivation" and "precision" in variable.dims:
            inside[0] = True  # the input leaves float types as well
        values = np.moveaxis(values, variable.dims.index("layer"), 0)
        if variable.integer:
            assert np.all(values[~inside] == -1) and np.all(values[inside] >= 0), name
        else:
            assert np.isnan(values[~inside]).all() and not np.isnan(values[inside]).all(), name
        looked_at |= {(variable.quantity.name, variable.integer)} if not inside.all() else set()
    assert looked_at >= {(name, whole) for name in ("gradient", "dead_fraction", "activation") for whole in (True, False)}
