"""A legend up to eight lines a panel, a colour scale above; which column it is of, and what becomes of other ones."""

import numpy as np
import pytest

from gradsim import mlp, simulate
from gradsim.curves import CurveSet
from gradsim.show import picture
from gradsim.show.canvas import MANY


def curve_set(gains=(1.0,), **axes):
    """Every combination of gains and of one axis more."""
    ((name, values),) = axes.items() if axes else [("width", (4,))]
    options = {"width": 4, "depth": 3, "init": "xavier_normal", "activation": "linear"}
    networks = [mlp(**options | {"weight_gain": float(gain), name: value}) for value in values for gain in gains]
    return CurveSet([simulate(network, 3) for network in networks])


def bar_of(figure):
    """The axes of the colour scale, or None."""
    found = [ax for ax in figure.axes if ax.get_label() == "<colorbar>"]
    return found[0] if found else None


def lines(ax):
    return [line for line in ax.lines if not line.get_label().startswith("_")]


@pytest.mark.parametrize("x", [None, "width"])
def test_eight_lines_have_a_legend_nine_a_scale(x):
    for count in (8, 9):
        figure = curve_set(np.linspace(1, 2, count), width=(4, 8) if x else (4,)).plot(x=x)
        bar = bar_of(figure)
        assert len(lines(figure.axes[0])) == count and (bar is not None) == (count == 9) and len(figure.legends) == (count == 8)
    assert bar.get_ylabel() == "weight gain"


def test_numbers_have_a_scale_though_no_panel_has_all_of_them():
    """A legend would use its colours again."""
    few, more = curve_set(np.linspace(1, 2, 5), width=(4,)), curve_set(np.linspace(3, 4, 5), width=(8,))
    figure = CurveSet([*few, *more]).plot(panels="width")
    assert bar_of(figure).get_ylabel() == "weight gain" and bar_of(figure).get_ylim() == pytest.approx((1, 4))
    assert len({line.get_color() for ax in figure.axes[:2] for line in lines(ax)}) == 10


def test_colours_follow_the_scale():
    """From dark to bright, and a shape for what is not the colour."""
    figure = curve_set(np.geomspace(0.1, 10, 9), width=(4, 8)).plot(panels="depth")
    found = lines(figure.axes[0])
    brightness = {line.get_label(): np.dot(line.get_color()[:3], (0.3, 0.6, 0.1)) for line in found}
    first = [brightness[line.get_label()] for line in found if line.get_linestyle() == "-"]
    assert len(found) == 18 and len(first) == 9 and (np.diff(first) > 0.02).all() and first[-1] < 0.8
    bar = bar_of(figure)
    assert bar.get_yscale() == "log" and bar.get_ylim() == pytest.approx((0.1, 10))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["4", "8"]
    assert figure.legends[0].get_title().get_text() == "width"


def test_a_colour_that_is_asked_for():
    figure = curve_set((0.5, 1.0, 2.0), width=(4, 8)).plot(colour="weight_gain")
    assert bar_of(figure).get_ylabel() == "weight gain" and len({line.get_color() for line in lines(figure.axes[0])}) == 3


def test_names_have_a_scale_of_steps():
    inits = ("he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "xavier_normal", "xavier_uniform", "orthogonal")
    figure = curve_set(init=(*inits, "zeros", "uniform(-1,1)", "normal(0,1)")).plot()
    bar = bar_of(figure)
    assert [text.get_text() for text in bar.get_yticklabels()] == [*inits, "zeros", "uniform(-1,1)", "normal(0,1)"]
    assert len({line.get_color() for line in lines(figure.axes[0])}) == 10
    assert figure.axes[0].get_title("right") == "exactly zero at layers 1–2 (1 line)"


def test_more_than_dashes_can_tell_is_said():
    figure = curve_set(np.linspace(1, 2, 9), width=(2, 3, 4, 5, 6)).plot()
    assert "lines of one colour differ in width" in figure.get_supxlabel() and not figure.legends


def test_very_many_networks_are_a_map_unless_lines_are_asked_for(monkeypatch):
    monkeypatch.setattr(picture, "MOST_LINES", 5)
    many = curve_set((0.5, 1.0, 2.0), width=(4, 8))
    ax = many.plot().axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("width", "weight gain")
    assert len(lines(many.plot(x="layer").axes[0])) == 6 and len(lines(many.plot(x="width").axes[0])) == 3
    along = curve_set(np.linspace(1, 2, 6)).plot().axes[0]
    assert along.get_xlabel() == "weight gain" and along.get_ylabel() == "decades per 100 layers"


def test_panels_have_an_end():
    many = curve_set(np.linspace(1, 2, MANY + 1))
    with pytest.raises(picture.RequestError, match=f"panels: {MANY + 1} panels are more than {MANY}"):
        many.plot(x="layer", panels="weight_gain")
