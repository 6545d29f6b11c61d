"""Everything that is recorded is drawn: with the numbers that it has, on an axis that says what they are."""

from dataclasses import replace

import numpy as np
import pytest

import gradsim
from gradsim import RequestError, mlp, simulate
from gradsim.cli import main
from gradsim.curves import CurveSet
from gradsim.results.verdict import DECADES
from gradsim.statistics.quantities import QUANTITIES

NETWORK = {"block": "pre_norm", "norm": "layer", "block_depth": 1, "width": 5, "depth": 4, "outputs": 3, "init": "he_normal"}
LAYERED = [name for name, quantity in QUANTITIES.items() if quantity.at != "network"]
ONCE = [name for name in QUANTITIES if name not in LAYERED]


@pytest.fixture(scope="module")
def curve_set():
    """Networks that have all of it."""
    networks = [mlp(activation="relu", weight_gain=gain, **NETWORK) for gain in (0.5, 1.0, 2.0)]
    found = CurveSet([simulate(network, 8, inputs=3) for network in networks])
    assert found[0].blocks.rows.keys() == QUANTITIES.keys()
    return found


def expected(curves, quantity):
    """The middle and both ends of a curve, by the names that files have."""
    if quantity.log:
        found = [curves.quantile(quantity.name, q) * DECADES for q in (0.05, 0.5, 0.95)]
    else:
        unit = 1 / np.log(10) if quantity.name.startswith("log_") else 1.0
        mean, spread = curves[f"{quantity.name}_mean"], np.sqrt(curves[f"{quantity.name}_variance"])
        found = [(mean + k * spread) * unit for k in (-1, 0, 1)]
    return found


@pytest.mark.parametrize("name", LAYERED)
def test_against_the_layer(name, curve_set):
    figure, quantity = curve_set.plot(quantity=name), QUANTITIES[name]
    ax = figure.axes[0]
    for line, curves in zip(ax.lines, curve_set, strict=True):
        middle = expected(curves, quantity)[1]
        shown = np.isfinite(middle)
        np.testing.assert_array_equal(line.get_xdata(), curves.layers[shown])
        np.testing.assert_allclose(line.get_ydata(), middle[shown], rtol=1e-12)
    if quantity.log or name.startswith("log_"):
        assert ax.yaxis.get_major_formatter()(2.0) == "$10^{2}$"
    *title, facts = figure.get_suptitle().split("\n")
    assert " ".join(title).endswith("5–95 % band" if quantity.log else "mean and standard deviation over the networks")
    assert facts == "width 5, depth 4, 8 networks each"
    low, high = ax.get_ylim()
    if name.endswith("_fraction"):
        assert -0.03 < low < high < 1.03 and ax.get_ylabel() == "fraction of the units"
    elif name.endswith("correlation") and not name.startswith("log_"):
        assert -1.05 < low < high < 1.05 and ax.get_ylabel() == "correlation"


@pytest.mark.parametrize("name", QUANTITIES)
def test_against_a_column(name, curve_set):
    """A loss has no other picture, and needs no column to be named for it."""
    quantity = QUANTITIES[name]
    at = {} if name in ONCE else {"x": "weight_gain", "at": 2}
    ax = curve_set.plot(quantity=name, **at).axes[0]
    values = [expected(curves, quantity)[1] for curves in curve_set]
    here = [value if value.ndim == 0 else value[2] for value in values]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), here, rtol=1e-12)
    assert ax.get_xlabel() == "weight gain" and ax.get_ylabel() == curve_set.plot(quantity=name).axes[0].get_ylabel()


@pytest.mark.parametrize("name", ["loss", "dead_fraction", "log_one_minus_correlation", "activation_mean"])
def test_on_the_command_line(name, curve_set, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    curve_set[1:2].save("a.h5")
    with pytest.raises(SystemExit) as ended:
        main(["plot", "a.h5", "--quantity", name, "-o", "a.svg"])
    assert ended.value.code == 0 and (tmp_path / "a.svg").stat().st_size > 5000
    assert capsys.readouterr().out == "written: a.svg\n"


@pytest.mark.parametrize("name", ["correlation", "activation_mean", "log_one_minus_correlation", "stream_gradient"])
def test_bands_are_standard_deviations(name, curve_set):
    """Or quantiles, of what has them."""
    (curves,) = one = curve_set[2:]
    ax = one.plot(quantity=name).axes[0]
    corners = next(part for part in ax.collections if part.get_paths()[0].vertices.shape[0] > 4).get_paths()[0].vertices
    low, _, high = expected(curves, QUANTITIES[name])
    for layer in curves.layers[np.isfinite(low)]:
        here = corners[corners[:, 0] == layer, 1]
        assert here.min() == pytest.approx(low[layer]) and here.max() == pytest.approx(high[layer])


def test_what_cannot_be_drawn_is_said(curve_set):
    one = CurveSet([simulate(mlp(width=4, depth=3), 4)])
    for curves, quantity, view, words in (
        (one, "correlation", {}, "^quantity: correlation is between inputs, of which these networks got one"),
        (one, "stream_correlation", {}, "^quantity: stream_correlation is between inputs"),
        (one, "stream", {}, "^quantity: stream is of networks with other parts"),
        (one, "loss", {"x": "layer"}, "^x: loss is one number a network"),
        (one, "losses", {}, "did you mean loss"),
        (one, 3, {}, "^quantity: unknown name 3"),
    ):
        with pytest.raises(RequestError, match=words):
            curves.plot(quantity=quantity, **view)


def changed(curves, **variables):
    return replace(curves, variables=curves.variables | variables)


def test_numbers_that_lie_far_apart_have_an_axis_of_logs(curve_set):
    """The variance of an exploding network; a mean of both signs stays linear about zero."""
    curves = curve_set[0]
    spread, mean = curves["activation_unit_variance_mean"], curves["activation_mean_mean"]
    far = np.where(np.isnan(spread), np.nan, 10.0 ** np.arange(0, 4 * len(spread), 4))
    zeros = np.where(np.arange(len(far)) == 2, 0 * far, far)
    ax = changed(curves, activation_unit_variance_mean=zeros).plot(quantity="activation_unit_variance").axes[0]
    assert ax.get_yscale() == "log" and ax.get_title("right") == "he_normal: exactly zero at layer 2"
    ax = changed(curves, activation_mean_mean=-far).plot(quantity="activation_mean").axes[0]
    assert ax.get_yscale() == "symlog"
    assert np.nanmax(abs(mean)) < 1000 and curves.plot(quantity="activation_mean").axes[0].get_yscale() == "linear"


def test_networks_without_a_number_are_told(curve_set):
    curves = curve_set[0]
    count = np.where(curves["dead_fraction_nonfinite_count"] == 0, 0, -1)
    count[2:] = np.where(count[2:] == 0, 2, -1)
    told = changed(curves, dead_fraction_nonfinite_count=count).plot(quantity="dead_fraction").axes[0].get_title("right")
    assert told == "he_normal: up to 25 % of the networks left out, that have no number, at layers 2–4"
    count[3:] = np.where(count[3:] == 2, 8, -1)
    told = changed(curves, dead_fraction_nonfinite_count=count).plot(quantity="dead_fraction").axes[0].get_title("right")
    assert told == "he_normal: no number in any network at layers 3–4"


def test_theory_is_drawn_over_means_too():
    curves = gradsim.simulate(mlp(width=16, depth=4, activation="tanh"), 20, inputs=2)
    (line,) = (x for x in curves.plot(quantity="correlation", theory=True).axes[0].lines if x.get_label().startswith("theory"))
    np.testing.assert_allclose(line.get_ydata(), curves.with_theory()["mean_field_correlation_mean"][1:])
