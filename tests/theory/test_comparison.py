"""Theory beside curves: stored, read back, drawn, and judged by z-scores."""

import math

import numpy as np
import pytest
import xarray

import gradsim
from gradsim.curves import CurveSet
from gradsim.show.comparison import disagreement_table, missing
from gradsim.statistics.quantities import PREDICTED
from gradsim.theory.comparison import disagreements, predicted_exits, silence
from gradsim.theory.float_ranges import measured_exits


@pytest.fixture(scope="module")
def curves():
    """An exact law and mean field; mean field alone; neither."""
    networks = (
        gradsim.mlp(width=24, depth=20),
        gradsim.mlp(width=24, depth=20, activation="tanh", init="xavier_uniform", bias_std=0.2),
        gradsim.mlp(width=24, depth=20, init="constant(0.01)"),
    )
    return CurveSet([gradsim.simulate(n, 400) for n in networks]).with_theory()


def test_what_each_network_gets(curves):
    found = [{name.split("_")[0] for name in c.variables if name in PREDICTED} for c in curves]
    assert found == [{"mean", "exact"}, {"mean"}, set()]
    assert all("mean zero" in silence(theory, curves[2]) for theory in ("mean_field", "exact"))
    assert silence("mean_field", curves[1]) is None and "no exact law" in silence("exact", curves[1])


def test_theory_is_not_computed_again(curves, monkeypatch):
    monkeypatch.setattr("gradsim.theory.comparison.prediction", None)
    assert curves[0].with_theory() is curves[0]


def test_exact_laws_leave_small_scores(curves):
    """Five numbers of one ensemble; |z| < 5 fails once in 300,000 seeds, and this one is fixed."""
    rows = [row for row in disagreements(curves[0]) if row.theory == "exact"]
    assert {row.quantity for row in rows} == {"activation", "gradient", "input_gradient"}
    assert all(abs(row.z) < 5 for row in rows)
    for row in rows:
        assert row.z == pytest.approx((row.measured - row.predicted) / row.standard_error)


def test_networks_that_die_are_compared():
    """Three networks of four die, and the exact law knows how many; |z| < 5."""
    rows = disagreements(gradsim.simulate(gradsim.mlp(width=4, depth=20), 500).with_theory())
    dead = {row.quantity: row for row in rows if row.statistic == "zero_share"}
    assert dead.keys() == {"activation", "gradient", "input_gradient"}
    for row in dead.values():
        assert row.theory == "exact" and row.predicted == pytest.approx(1 - (1 - 2**-4) ** 20)
        assert row.standard_error == pytest.approx(math.sqrt(row.predicted * (1 - row.predicted) / 500))
        assert abs(row.z) < 5 and row.z == pytest.approx((row.measured - row.predicted) / row.standard_error, abs=0.1)


def test_networks_that_are_all_zero_agree_with_theory_or_do_not():
    c = gradsim.simulate(gradsim.mlp(width=4, depth=5, init="zeros"), 50).with_theory()
    rows = disagreements(c)
    assert {row.statistic for row in rows} == {"zero_share"} and all(row.z == 0 and row.measured == 1 for row in rows)
    c.variables["gradient_zero_count"] = c["gradient_zero_count"] - 1
    assert {row.quantity: row.z for row in disagreements(c)}["gradient"] == -math.inf


def test_rounding_is_no_disagreement():
    """Zero weights and sigmoid: every network is the same, 1/2 up to a float32."""
    c = gradsim.simulate(gradsim.mlp(width=8, depth=6, activation="sigmoid", init="zeros"), 200).with_theory()
    assert abs({row.quantity: row.z for row in disagreements(c)}["activation"]) < 1


def test_plain_arithmetic_is_not_that_of_theory(capsys):
    network = gradsim.mlp(width=8, depth=200, weight_gain=0.1)
    c = gradsim.simulate(network, 50, arithmetic="float32").with_theory()
    assert c["gradient_zero_count"][1] == 50 and not [r for r in disagreements(c) if r.statistic == "zero_share"]
    assert any("real numbers" in line for line in missing(CurveSet([c])))


def test_mean_field_is_off_by_depth_over_width(curves):
    """-5/2 L/n for the log of a ReLU signal: many standard errors, and said so."""
    row = next(r for r in disagreements(curves[0]) if r.theory == "mean_field" and r.quantity == "activation")
    assert row.z < -10 and row.measured - row.predicted == pytest.approx(-2.5 * 20 / 24, rel=0.2)


def test_two_inputs_compare_correlations():
    c = gradsim.simulate(gradsim.mlp(width=200, depth=4, activation="tanh", bias_std=0.3), 300, inputs=2).with_theory()
    rows = {row.quantity: row for row in disagreements(c)}
    assert abs(rows["correlation"].measured - rows["correlation"].predicted) < 0.02 + 5 * rows["correlation"].standard_error


def test_the_file_holds_theory_beside_the_data(curves, tmp_path):
    path = tmp_path / "theory.h5"
    curves.save(path)
    for mine, read in zip(curves, gradsim.open(path), strict=True):
        assert set(mine.variables) == set(read.variables)
        assert all(np.array_equal(mine[name], read[name], equal_nan=True) for name in mine.variables)
    with xarray.open_dataset(path) as dataset:
        assert "infinite width" in dataset["mean_field_gradient_log_mean"].attrs["long_name"]
        assert np.isnan(dataset["exact_gradient_log_mean"][1]).all()


def test_a_file_without_theory_has_none(tmp_path):
    gradsim.simulate(gradsim.mlp(width=4, depth=2), 5).save(tmp_path / "plain.h5")
    assert not PREDICTED & set(gradsim.open(tmp_path / "plain.h5")[0].variables)


def test_the_picture_shows_it(curves):
    axes = curves.plot(theory=True).axes
    drawn = [line.get_label() for ax in axes for line in ax.get_lines()]
    assert drawn.count("theory: exact law (mean of the log)") == 1
    assert drawn.count("theory: mean field (infinite width)") == 2
    assert not [t for ax in curves.plot().axes for t in ax.get_lines() if t.get_label().startswith("theory")]


def test_other_losses_and_files():
    network = gradsim.mlp(width=16, depth=3, activation="gelu", input_width=5, outputs=4)
    rows = 3 * np.random.default_rng(0).normal(size=(40, 5))
    c = gradsim.simulate(network, 200, inputs=2, input_file=rows, loss="cross_entropy").with_theory()
    assert "mean_field_gradient_log_mean" not in c.variables and "mean_field_correlation_mean" not in c.variables
    assert c["mean_field_activation_log_mean"][0] == pytest.approx(math.log(9), abs=0.3)
    assert np.isnan(predicted_exits(c).log_largest_gradient).all()


def test_exits_predicted_and_measured():
    """Signals that grow by 1.44 a layer and gradients that grow by the same on the way back."""
    c = gradsim.simulate(gradsim.mlp(width=64, depth=60, weight_gain=1.2), 300).with_theory()
    predicted = predicted_exits(c)
    for way, measured in zip((predicted.forward, predicted.backward), measured_exits(c), strict=True):
        for name in way:
            for p, m in zip(way[name], measured[name], strict=True):
                assert (p is None) == (m is None) or 1 in (p, m) or 60 in (p, m)
                assert p is None or m is None or abs(p - m) <= 2
    assert predicted.forward["float8_e4m3fn"].overflow and predicted.backward["float8_e4m3fn"].overflow


def test_scores_are_over_the_standard_error_of_what_is_alive():
    """From the samples themselves: of networks that are not zero, their number under the root."""
    c = gradsim.simulate(gradsim.mlp(width=4, depth=20), 500, keep_samples=True).with_theory()
    rows = [row for row in disagreements(c) if row.statistic == "log_mean"]
    assert {row.theory for row in rows} == {"mean_field", "exact"}
    for row in rows:
        logs = c[f"{row.quantity}_log"]
        logs = logs if logs.ndim == 1 else logs[:, row.layer]
        alive = logs[np.isfinite(logs)]
        assert 100 < alive.size < 400
        assert row.measured == pytest.approx(alive.mean())
        assert row.standard_error == pytest.approx(alive.std(ddof=1) / math.sqrt(alive.size))
        assert row.z == pytest.approx((row.measured - row.predicted) / row.standard_error, rel=1e-6)


@pytest.mark.parametrize("outputs", [None, 3])
def test_scores_are_of_the_ends(outputs):
    """Signals where they come out, gradients where they arrive."""
    network = gradsim.mlp(width=16, depth=5, activation="tanh", outputs=outputs)
    rows = disagreements(gradsim.simulate(network, 20, inputs=2).with_theory())
    found = {row.quantity: row.layer for row in rows}
    last = 5 if outputs is None else 6
    assert found.pop("input_gradient") == 0 and found.pop("gradient_correlation", 1) == 1
    assert found == {"activation": 5, "gradient": 1, "correlation": last}


def test_the_table_is_in_decades(curves):
    """Logs of mean squares as log10 of the root; correlations and shares as they are."""
    pairs = gradsim.simulate(gradsim.mlp(width=16, depth=5), 50, inputs=2).with_theory()
    dying = gradsim.simulate(gradsim.mlp(width=4, depth=20), 500).with_theory()
    for c in (curves[0], pairs, dying):
        table = disagreement_table(CurveSet([c]))
        columns = {column.header: list(column.cells) for column in table.columns}
        for k, row in enumerate(disagreements(c)):
            factor = 0.5 / math.log(10) if row.statistic == "log_mean" else 1.0
            for header, value in (("measured", row.measured), ("±", row.standard_error), ("predicted", row.predicted)):
                assert float(columns[header][k]) == pytest.approx(value * factor, abs=6e-5)
            assert float(columns["z"][k]) == pytest.approx(row.z, abs=6e-3)
