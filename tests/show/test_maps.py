"""Maps: every network's number at its place, what is missing in grey, the same colours in all panels."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgba

import gradsim
from gradsim import RequestError, mlp, simulate
from gradsim.curves import CurveSet
from gradsim.show.maps import BROKEN, MISSING, ZERO

GAINS, BIASES = (0.5, 1.0, 2.0, 3.0), (0.0, 0.1, 0.2)
SMALL = {"width": 8, "depth": 6, "init": "xavier_normal"}


def network(gain, bias, activation="tanh", **more):
    return mlp(weight_gain=gain, bias_std=bias, activation=activation, **SMALL | more)


@pytest.fixture(scope="module")
def grid():
    return [simulate(network(gain, bias), 10) for gain in GAINS for bias in BIASES]


def meshes(ax):
    return [part for part in ax.collections if isinstance(part, QuadMesh)]


def test_every_network_is_at_its_place(grid):
    """In any order of the networks; cells reach half-way to their neighbours, in any spacing."""
    shuffled = [grid[k] for k in np.random.default_rng(1).permutation(len(grid))]
    ax = CurveSet(shuffled).plot(x="bias_std", y="weight_gain").axes[0]
    values = np.ma.asarray(meshes(ax)[-1].get_array()).reshape(len(GAINS), len(BIASES))
    rates = [curves.verdict.decades_per_100_layers for curves in grid]
    np.testing.assert_allclose(values, np.reshape(rates, (len(GAINS), len(BIASES))), rtol=1e-12)
    corners = meshes(ax)[-1].get_coordinates()
    np.testing.assert_allclose(corners[0, :, 0], [-0.05, 0.05, 0.15, 0.25])
    np.testing.assert_allclose(corners[:, 0, 1], [0.25, 0.75, 1.5, 2.5, 3.5])
    assert ax.get_xlabel() == "bias std" and ax.get_ylabel() == "weight gain"


@pytest.mark.parametrize(
    "view", [{}, {"quantity": "activation"}, {"at": 3}, {"at": -2}, {"quantity": "dead_fraction"}], ids=str
)
def test_what_is_read_as_a_whole_is_what_is_read_one_by_one(view, grid, tmp_path):
    """Depths differ, one has no rate, and one network is zero."""
    depths = [simulate(mlp(**SMALL | {"depth": d}, weight_gain=g), 9) for d in (1, 2, 6) for g in (0.0, 1.0)]
    for curve_set, x, y in ((CurveSet(grid), "weight_gain", "bias_std"), (CurveSet(depths), "depth", "weight_gain")):
        curve_set.save(tmp_path / "a.h5", overwrite=True)
        held, stored = (found.plot(x=x, y=y, **view) for found in (curve_set, gradsim.open(tmp_path / "a.h5")))
        for one, other in zip(meshes(held.axes[0]), meshes(stored.axes[0]), strict=True):
            np.testing.assert_array_equal(np.ma.filled(one.get_array(), 99), np.ma.filled(other.get_array(), 99))
        assert held.get_suptitle() == stored.get_suptitle()


def test_at_a_layer_and_of_another_quantity(grid):
    ax = CurveSet(grid).plot(x="bias_std", y="weight_gain", quantity="activation", at=3).axes[0]
    values = np.ma.asarray(meshes(ax)[-1].get_array()).ravel()
    expected = [curves.quantile("activation", 0.5)[3] / 2 / np.log(10) for curves in grid]
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_missing_zero_and_not_finite_cells_are_no_numbers(grid):
    """A sweep need not be a full grid, nor finished."""
    part = grid[:-1]
    quantiles = "gradient_log_quantile"
    for k, value in ((3, -np.inf), (5, np.inf)):
        held = part[k].variables[quantiles].copy()
        held[1] = value
        part[k] = replace(part[k], variables=part[k].variables | {quantiles: held})
    figure = CurveSet(part).plot(x="bias_std", y="weight_gain")
    ax = figure.axes[0]
    expected = {(b, g) for g in range(4) for b in range(3)} - {(2, 3), (0, 1), (2, 1)}
    values = np.ma.asarray(meshes(ax)[-1].get_array()).reshape(4, 3)
    assert {(b, g) for g in range(4) for b in range(3) if not np.ma.getmaskarray(values)[g, b]} == expected
    marks = {mesh.get_cmap()(0.5): mesh for mesh in meshes(ax)[:-1]}
    for colour, place in ((ZERO, 3), (BROKEN, 5)):
        mask = np.ma.getmaskarray(np.ma.asarray(marks[to_rgba(colour)].get_array())).ravel()
        assert np.flatnonzero(~mask).tolist() == [place]
    assert ax.get_facecolor() == to_rgba(MISSING)
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words[:3] == ["no such network, or no number", "exactly zero in half of the networks", "inf or NaN in half"]


def test_panels_without_one_below_have_ticks():
    networks = [network(g, b, a) for a in ("tanh", "relu", "erf") for g in (0.5, 2.0) for b in (0.0, 1.0)]
    figure = CurveSet([simulate(part, 4) for part in networks]).plot(x="weight_gain", y="bias_std")
    figure.canvas.draw()
    labelled = [(ax.get_xlabel(), ax.xaxis.get_tick_params()["labelbottom"], ax.get_ylabel()) for ax in figure.axes[:3]]
    assert labelled == [("", False, "bias std"), ("weight gain", True, ""), ("weight gain", True, "bias std")]


def test_a_panel_for_all_else_in_the_same_colours():
    networks = [network(g, b, a, width=w) for w in (4, 6) for a in ("tanh", "relu") for g in (0.5, 2.0) for b in (0.0, 1.0)]
    figure = CurveSet([simulate(part, 4) for part in networks]).plot(x="weight_gain", y="bias_std")
    panels = [ax for ax in figure.axes if ax.get_title("left")]
    assert [ax.get_title("left") for ax in panels] == ["tanh, width 4", "tanh, width 6", "relu, width 4", "relu, width 6"]
    limits = {meshes(ax)[-1].norm.vmin for ax in panels}
    assert len(limits) == 1 and {meshes(ax)[-1].norm.vmax for ax in panels} == {-limits.pop()}
    figure = CurveSet([simulate(part, 4) for part in networks]).plot(x="weight_gain", y="bias_std", panels="width")
    assert figure.axes[0].get_title("left") == "width 4, tanh"


def test_axes_of_names_and_of_logs():
    networks = [mlp(width=w, depth=3, init=init) for w in (2, 8, 32) for init in ("he_normal", "lecun_normal", "orthogonal")]
    ax = CurveSet([simulate(part, 4) for part in networks]).plot(x="width", y="init").axes[0]
    assert ax.get_xscale() == "log" and [t.get_text() for t in ax.get_xticklabels()] == ["2", "8", "32"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["he_normal", "lecun_normal", "orthogonal"]
    np.testing.assert_allclose(meshes(ax)[-1].get_coordinates()[0, :, 0], [1, 4, 16, 64])


def test_the_line_is_where_the_rate_changes_its_sign():
    """The rate of linear networks is that of their gain's log; between two gains the line is where a straight one is zero."""
    options = {"width": 64, "depth": 6, "init": "xavier_normal", "activation": "linear"}
    networks = [mlp(weight_gain=g, bias_std=b, **options) for g in (0.5, 1.5) for b in (0.0, 1.0)]
    figure = CurveSet([simulate(part, 40) for part in networks]).plot(x="weight_gain", y="bias_std", theory=True)
    solid, dotted = (part for part in figure.axes[0].collections if not isinstance(part, QuadMesh))
    for line in (solid, dotted):
        x = np.concatenate([path.vertices[:, 0] for path in line.get_paths()])
        gain = 0.5 + np.log(2) / np.log(3)  # where the log of the gain, linear between the two, is zero
        np.testing.assert_allclose(x, gain, atol=0.05)
    assert "the same by mean field" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_refusals(grid):
    curve_set = CurveSet(grid)
    for view, words in (
        ({"x": "weight_gian", "y": "bias_std"}, "x: unknown name 'weight_gian'; did you mean weight_gain?"),
        ({"x": "weight_gain", "y": "width"}, "y: width is 8 in all of these networks; they differ in weight_gain, bias_std"),
        ({"x": "weight_gain", "y": "weight_gain"}, "y: weight_gain is that of x already"),
        ({"y": "weight_gain"}, "y: a map needs x"),
        ({"x": "weight_gain", "y": "bias_std", "at": 99}, "at: no network has a finite number at layer 99"),
        ({"x": "weight_gain", "y": "bias_std", "colour": "width"}, "colour: width is 8 in all"),
        ({"x": "weight_gain", "y": "bias_std", "quantity": "stream"}, "quantity: stream is not known of any"),
    ):
        with pytest.raises(RequestError) as error:
            curve_set.plot(**view)
        assert str(error.value).startswith(words), str(error.value)
    with pytest.raises(RequestError, match=r"there are several networks with weight_gain=0\.5, bias_std=0\.0"):
        CurveSet([*grid, grid[0]]).plot(x="weight_gain", y="bias_std")


@pytest.mark.parametrize("name", ["map.svg", "map.pdf", "map.png"])
def test_files(name, grid, tmp_path):
    CurveSet(grid).plot(tmp_path / name, x="weight_gain", y="bias_std")
    start = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}[name[-3:]]
    assert (tmp_path / name).read_bytes().startswith(start)
