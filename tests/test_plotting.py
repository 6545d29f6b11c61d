"""Lines that readers of any colour vision tell apart, and pictures of what has no logarithm."""

from itertools import combinations

import numpy as np
import pytest

import gradsim
from gradsim.curves import CurveSet
from gradsim.show.lines import style_of
from gradsim.show.picture import figure
from gradsim.show.style import COLOURS

# Linear RGB as it is seen. Machado, Oliveira & Fernandes 2009 (doi:10.1109/TVCG.2009.113), severity 1.0
VISIONS = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
APART = 25.0  # in CIELAB; 2.3 is just noticeable side by side (Mahy et al. 1994), thin lines need far more
LINES = 80


def lab(colour, vision):
    coded = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.asarray(VISIONS[vision]) @ linear, 0, 1) / XYZ.sum(axis=1)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISIONS)
def test_lines_differ_in_dashes_marks_or_a_colour_that_is_seen(vision):
    seen = {colour: lab(colour, vision) for colour in COLOURS}
    for one, other in combinations([style_of(k) for k in range(LINES)], 2):
        shape = [(style["linestyle"], style.get("marker")) for style in (one, other)]
        apart = np.linalg.norm(seen[one["color"]] - seen[other["color"]])
        assert shape[0] != shape[1] or apart >= APART, (one, other, apart)
    assert all(np.linalg.norm(seen[a] - seen[b]) >= APART for a, b in combinations(COLOURS, 2))
    for colour in COLOURS:
        assert np.linalg.norm(seen[colour] - lab("#FFFFFF", vision)) >= APART


def test_neighbours_have_different_dashes():
    """Of two lines that coincide the one below is seen between the dashes of the other."""
    for k in range(len(COLOURS) - 1):
        assert style_of(k)["linestyle"] != style_of(k + 1)["linestyle"]


def test_a_band_goes_to_the_edge_where_networks_are_zero():
    curves = gradsim.simulate(gradsim.mlp(width=5, depth=8), 200)
    low, middle = (curves.quantile("gradient", q) for q in (0.05, 0.5))
    assert low[1] == -np.inf and np.isfinite(middle[1])
    panel = figure(CurveSet([curves])).axes[0]
    band = panel.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == panel.get_ylim()[0]
    share = curves["gradient_zero_count"][1:].min() / 200
    assert f"{100 * share:.0f} % or more exactly zero at every layer" in panel.get_title("right")


def test_a_panel_with_nothing_on_its_axis_has_no_ticks():
    panel = figure(CurveSet([gradsim.simulate(gradsim.mlp(width=3, depth=3, init="zeros"), 3)])).axes[0]
    assert len(panel.get_yticks()) == 0 and "exactly zero at every layer" in panel.get_title("right")


def drawn_with(gains):
    """The axes of linear networks with these gains: 40 layers, so that gain g ends at g^39 of where it begins."""
    options = {"width": 8, "depth": 40, "activation": "linear", "init": "xavier_normal"}
    return figure(CurveSet([gradsim.simulate(gradsim.mlp(weight_gain=gain, **options), 5) for gain in gains])).axes


def test_lines_that_are_flat_beside_others_have_a_close_up():
    whole, close = drawn_with((0.97, 1.0, 1e4))
    low, high = close.get_ylim()
    assert high - low < 10 < 100 < np.ptp(whole.get_ylim())
    assert close.get_title("left") == "linear, close up" and len(close.lines) == len(whole.lines) == 3
    for line in close.lines[:2]:
        assert (line.get_ydata() > low).all() and (line.get_ydata() < high).all()
    assert close.lines[2].get_ydata()[0] > high
    for gains in ((0.97, 1.0), (1.0, 1e4), (1e-4, 1.0, 1e4)):  # nothing to see closer, or a line alone
        assert len(drawn_with(gains)) == 1


def test_the_axis_is_of_layers_of_blocks_or_of_both():
    plain, residual = ({"block": block} for block in ("plain", "residual"))
    for several, label in (((plain,), "layer"), ((residual,), "block"), ((plain, residual), "layer, or block")):
        curves = [gradsim.simulate(gradsim.mlp(width=3, depth=2, **options), 4) for options in several]
        assert figure(CurveSet(curves)).axes[0].get_xlabel() == label
