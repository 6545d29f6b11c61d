"""Where pictures are drawn: panels that share their scales, axes of the caller's, limits of float types, and files of it."""

import io

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from gradsim import CurveSet, RequestError, mlp, simulate
from gradsim.show import float_types
from gradsim.show.picture import image

GAINS = (0.2, 1.0, 5.0)


def grid(activations=("tanh", "linear"), gains=GAINS, **more):
    options = {"width": 6, "depth": 5, "init": "xavier_normal"} | more
    networks = [mlp(activation=name, weight_gain=gain, **options) for name in activations for gain in gains]
    return CurveSet([simulate(network, 6) for network in networks])


@pytest.fixture(scope="module")
def curve_set():
    return grid()


def limits_of(ax):
    return sorted(text.get_text() for text in ax.texts)


def test_panels_share_their_scales_unless_told(curve_set):
    one, other = curve_set.plot().axes
    assert one.get_ylim() == other.get_ylim() and one.get_ylabel() and not other.get_ylabel()
    for ax in (one, other):
        for line in ax.lines:
            assert one.get_ylim()[0] < line.get_ydata().min() and line.get_ydata().max() < one.get_ylim()[1]
    own = curve_set.plot(share=False).axes
    assert own[0].get_ylim() != own[1].get_ylim() and own[1].get_ylabel() == "root mean square"
    assert own[0].get_ylim()[1] - own[0].get_ylim()[0] < one.get_ylim()[1] - one.get_ylim()[0]


def test_panels_of_depths_have_their_own_layers():
    deep = CurveSet([*grid(("tanh",)), *grid(("tanh",), depth=20)])
    assert [round(ax.get_xlim()[1]) for ax in deep.plot(panels="depth").axes] == [5, 20]
    activations = CurveSet([*grid(("tanh",)), *grid(("linear",), depth=20)])
    assert [round(ax.get_xlim()[1]) for ax in activations.plot().axes] == [20, 20]
    assert "width 6, depth 5–20, 6 networks each" in deep.plot().get_suptitle()


def test_limits_of_float_types_are_where_they_are():
    found = {words: 10.0**decades for decades, words in float_types.limits() if "float64" not in words}
    assert found.keys() == {
        "largest float16",
        "smallest normal float16",
        "largest bfloat16, float32",
        "smallest normal bfloat16, float32",
    }
    for name, info in (("float16", np.finfo(np.float16)), ("bfloat16, float32", np.finfo(np.float32))):
        assert found[f"largest {name}"] == pytest.approx(float(info.max), rel=0.01)
        assert found[f"smallest normal {name}"] == pytest.approx(float(info.tiny), rel=1e-6)


def test_they_are_drawn_where_a_picture_reaches_them(curve_set):
    assert limits_of(curve_set.select(weight_gain=1.0).plot().axes[0]) == []
    far = grid(("linear",), (1e-3, 1.0, 1e3), depth=12)
    whole = far.plot().axes[0]
    assert "largest float16" in limits_of(whole) and "largest bfloat16, float32" not in limits_of(whole)
    (line,) = [part for part in whole.collections if isinstance(part, LineCollection)][-1].get_segments()
    assert line[0, 1] == line[1, 1] and line[:, 0].tolist() == [0, 1]
    column = far.plot(x="weight_gain", at=1).axes[0]
    assert "largest float16" in limits_of(column) and limits_of(far.plot(x="weight_gain").axes[0]) == []
    assert limits_of(far.plot(quantity="activation_unit_variance").axes[0]) == []


@pytest.mark.parametrize("view", [{}, {"x": "weight_gain"}, {"x": "weight_gain", "y": "activation"}], ids=str)
def test_axes_of_the_caller_s(curve_set, view):
    own = curve_set.plot(**view)
    panels = len([ax for ax in own.axes if ax.get_label() != "<colorbar>"])
    mine = Figure()
    axes = np.atleast_1d(mine.subplots(1, panels + 1))
    drawn = curve_set.plot(ax=axes[:panels] if panels > 1 else axes[0], **view)
    assert drawn is mine and not mine.get_suptitle() and not mine.legends and not axes[-1].lines
    for theirs, given in zip(own.axes, axes[:panels], strict=False):
        for line, same in zip(theirs.lines, given.lines, strict=True):
            np.testing.assert_array_equal(line.get_xydata(), same.get_xydata())
        assert given.get_ylim() == pytest.approx(theirs.get_ylim(), rel=0.05) and given.get_ylim() == axes[0].get_ylim()
        assert len(theirs.collections) == len(given.collections)
    if "y" not in view:
        assert axes[0].get_ylabel().startswith("Gradient dL/dh\n") and len(axes[panels - 1].texts) == len(own.axes[1].texts)
    image(mine, "a.png")


def test_one_legend_has_lines_and_theory(curve_set):
    mine = Figure()
    curve_set[:3].plot(ax=mine.subplots(), theory=True)
    legend = mine.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["0.2", "1.0", "5.0", "theory: mean field (infinite width)"]
    assert legend.get_title().get_text() == "weight gain"


def test_a_picture_in_axes_is_saved_whole(curve_set, tmp_path):
    mine = Figure()
    left, right = mine.subplots(1, 2)
    right.plot([1, 2])
    assert curve_set[0].plot(tmp_path / "a.png", ax=left) is mine and (tmp_path / "a.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "ax, words",
    [
        (lambda: 3, "ax: 3 is neither an Axes of matplotlib nor several"),
        (list, "ax: [] is neither"),
        (lambda: Figure().subplots(), "ax: the picture has 2 panels, and here are 1 Axes; choose networks with select"),
    ],
)
def test_other_axes_are_refused(curve_set, ax, words):
    with pytest.raises(RequestError) as error:
        curve_set.plot(ax=ax())
    assert str(error.value).startswith(words)


def test_files_have_fonts_and_text(curve_set):
    """TrueType in PDF, which journals ask for, and text that is found and edited in SVG."""
    figure = curve_set.plot()
    assert b"<text" in bytes(image(figure, "a.svg")) and b">weight gain</text>" in bytes(image(figure, "a.svg"))
    content = bytes(image(figure, "a.pdf"))
    assert b"/FontFile2" in content and b"/Type3" not in content


def test_what_is_shown_in_a_notebook_is_the_picture(curve_set):
    from matplotlib.image import imread

    assert imread(io.BytesIO(curve_set.plot()._repr_png_())).shape[0] > 300
