"""One number a network against a column: points where the numbers are, bands of quantiles, theory over them."""

from dataclasses import replace

import numpy as np
import pytest

from gradsim import RequestError, mlp, simulate
from gradsim.curves import CurveSet
from gradsim.results.number import Number
from gradsim.show.across import said

GAINS = (0.5, 1.0, 2.0)
SMALL = {"depth": 6, "init": "xavier_normal"}


def grid(activations=("tanh",), widths=(8,), gains=GAINS, replicas=10):
    return [
        simulate(mlp(weight_gain=gain, activation=activation, width=width, **SMALL), replicas)
        for activation in activations
        for width in widths
        for gain in gains
    ]


def curves_of(ax):
    """The measured lines of a panel: {label: (x, y)}."""
    return {line.get_label(): line.get_xydata().T for line in ax.lines if line.get_marker() == "o"}


def test_points_and_bands_are_the_numbers():
    found = grid()
    ax = CurveSet(found[::-1]).plot(x="weight_gain").axes[0]
    ((x, y),) = curves_of(ax).values()
    low, middle, high = np.array([Number.checked().band(curves) for curves in found]).T
    np.testing.assert_array_equal(x, GAINS)
    np.testing.assert_array_equal(y, middle)
    corners = ax.collections[0].get_paths()[0].vertices
    for gain, least, most in zip(GAINS, low, high, strict=True):
        here = corners[corners[:, 0] == gain, 1]
        assert here.min() == least and here.max() == most
    assert ax.get_ylabel() == "decades per 100 layers" and ax.get_xlabel() == "weight gain"


def test_panels_have_one_scale_and_lines_all_else():
    figure = CurveSet(grid(("tanh", "linear"), (4, 8))).plot(x="weight_gain")
    panels = [ax for ax in figure.axes if ax.get_title("left")]
    assert [ax.get_title("left") for ax in panels] == ["tanh", "linear"]
    assert panels[0].get_ylim() == panels[1].get_ylim() and all(set(curves_of(ax)) == {"4", "8"} for ax in panels)
    figure = CurveSet(grid(("tanh", "linear"), (4, 8))).plot(x="weight_gain", panels=["width"])
    assert [ax.get_title("left") for ax in figure.axes] == ["width 4", "width 8"]
    assert set(curves_of(figure.axes[0])) == {"tanh", "linear"}
    figure = CurveSet(grid(("tanh", "linear"), (4, 8))).plot(x="weight_gain", panels=["width", "activation"])
    titles = [f"width {width}, {activation}" for width in (4, 8) for activation in ("tanh", "linear")]
    assert [ax.get_title("left") for ax in figure.axes] == titles
    assert figure.axes[0].get_gridspec().ncols == 2


def test_two_columns_of_panels_make_a_table():
    curves = grid(("tanh", "linear", "relu"), (4, 8), GAINS[:2], 3)
    figure = CurveSet(curves).plot(x="weight_gain", panels=["width", "activation"])
    assert figure.axes[0].get_gridspec().get_geometry() == (2, 3)
    assert CurveSet(curves[:-2]).plot(x="weight_gain", panels=["width", "activation"]).axes[0].get_gridspec().nrows == 3


def test_names_stand_side_by_side():
    networks = [mlp(width=w, depth=3, init=init, activation="tanh") for init in ("he_normal", "orthogonal") for w in (4, 8, 16)]
    ax = CurveSet([simulate(part, 4) for part in networks]).plot(x="init").axes[0]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["he_normal", "orthogonal"]
    places = np.array([x for x, _ in curves_of(ax).values()])
    assert len(set(places[:, 0])) == 3 and (abs(places - [0, 1]) < 0.3).all()


def test_at_a_layer_the_axis_is_of_decades():
    found = grid()
    ax = CurveSet(found).plot(x="weight_gain", quantity="activation", at=-1).axes[0]
    ((_, y),) = curves_of(ax).values()
    np.testing.assert_allclose(y, [curves.quantile("activation", 0.5)[6] / 2 / np.log(10) for curves in found])
    assert ax.yaxis.get_major_formatter()(-2.0) == "$10^{-2}$"


def test_what_is_not_on_the_axis_is_said():
    found = grid(gains=(0.5, 1.0, 2.0, 3.0))
    for k, value in ((0, -np.inf), (1, -np.inf), (3, np.inf)):
        held = found[k].variables["gradient_log_quantile"].copy()
        held[1] = value
        found[k] = replace(found[k], variables=found[k].variables | {"gradient_log_quantile": held})
    ax = CurveSet(found).plot(x="weight_gain").axes[0]
    assert ax.get_title("right") == "exactly zero from 0.5 to 1.0\ninf or NaN at 3.0"
    ((x, _),) = curves_of(ax).values()
    assert x.tolist() == [2.0]


def test_theory_is_over_the_points():
    found = [simulate(mlp(width=64, weight_gain=gain, activation="linear", **SMALL), 40) for gain in GAINS]
    figure = CurveSet(found).plot(x="weight_gain", theory=True)
    predicted = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines if line.get_label().startswith("theory")}
    assert len(predicted) == 2 and len(figure.legends) == 1
    for values in predicted.values():
        np.testing.assert_allclose(values, 100 * np.log10(GAINS), atol=2)


def test_layers_in_words():
    places = {at: said(Number("gradient", at)) for at in (3, -1, -2, -3, -7)}
    assert places == {
        3: "at layer 3",
        -1: "at the last layer",
        -2: "at the second last layer",
        -3: "at the third last layer",
        -7: "at the 7th last layer",
    }


@pytest.mark.parametrize(
    "view, words",
    [
        ({"x": "widht"}, "x: unknown name 'widht'"),
        ({"x": "depth"}, "x: depth is 6 in all of these networks; they differ in weight_gain"),
        ({"at": 3}, "at: is for x but the layer"),
        ({"x": "weight_gain", "panels": "blocks"}, "panels: unknown name 'blocks'"),
        ({"x": "weight_gain", "panels": 3}, "panels: 3 is neither"),
        ({"x": "weight_gain", "colour": "weight_gain"}, "colour: lines do not differ in weight_gain"),
    ],
)
def test_refusals(view, words):
    with pytest.raises(RequestError) as error:
        CurveSet(grid(gains=GAINS[:2], replicas=3)).plot(**view)
    assert str(error.value).startswith(words)
