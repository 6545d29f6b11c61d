"""Single networks as thin lines, where they were kept."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from gradsim import CurveSet, RequestError, mlp, simulate
from gradsim.results.verdict import DECADES

NETWORK = {"width": 6, "depth": 5, "activation": "tanh"}


@pytest.fixture(scope="module")
def kept():
    return simulate(mlp(**NETWORK), 60, keep_samples=True)


def thin(ax):
    """(layers, values) of each thin line, NaN in gaps."""
    return [part.vertices for found in ax.collections if isinstance(found, LineCollection) for part in found.get_paths()]


def test_the_first_ones_are_drawn(kept):
    figure = kept.plot(quantity="activation", samples=7)
    segments = thin(figure.axes[0])
    assert "thin lines: the first 7 networks" in figure.get_suptitle() and len(segments) == 7
    for one, logs in zip(segments, kept["activation_log"], strict=False):
        np.testing.assert_array_equal(one[:, 0], kept.layers)
        np.testing.assert_allclose(one[:, 1], logs * DECADES)
    low, high = figure.axes[0].get_ylim()
    assert all(low < one[:, 1].min() and one[:, 1].max() < high for one in segments)


def test_as_many_as_there_is_room_for(kept):
    assert len(thin(kept.plot().axes[0])) == 50
    assert len(thin(kept.plot(samples=0).axes[0])) == 0 and len(thin(kept.plot(samples=100).axes[0])) == 60
    assert "thin lines: every network" in kept.plot(samples=60).get_suptitle()
    without = simulate(mlp(**NETWORK), 60)
    assert "thin" not in without.plot().get_suptitle() and not thin(without.plot().axes[0])
    several = CurveSet([simulate(mlp(**NETWORK | {"width": width}), 30, keep_samples=True) for width in range(2, 11)])
    assert not thin(several.plot().axes[0]) and len(thin(several[:5].plot().axes[0])) == 50


def test_a_dead_network_has_a_gap():
    curves = simulate(mlp(width=2, depth=30, activation="relu"), 20, keep_samples=True)
    segments, dead = thin(curves.plot().axes[0]), ~np.isfinite(curves["gradient_log"])
    assert dead.any() and all(np.array_equal(np.isnan(one[:, 1]), gone) for one, gone in zip(segments, dead, strict=True))


def test_places_have_their_own():
    curves = simulate(mlp(block="pre_norm", block_depth=2, **NETWORK), 6, keep_samples=True)
    segments = thin(curves.plot(quantity="gradient").axes[0])
    assert len(segments) == 12
    place = curves.places.index("linear2")
    np.testing.assert_allclose(segments[-1][:, 1], curves["gradient_log"][5, :, place] * DECADES)


@pytest.mark.parametrize(
    "view, words",
    [
        ({"samples": -1}, "samples: -1 is not a whole number of 0 or more"),
        ({"samples": 5, "quantity": "dead_fraction"}, "samples: of dead_fraction no single networks are kept"),
        ({"samples": 5, "quantity": "loss"}, "samples: is for x layer"),
    ],
)
def test_refusals(kept, view, words):
    with pytest.raises(RequestError) as error:
        kept.plot(**view)
    assert str(error.value).startswith(words)
    with pytest.raises(RequestError, match=r"^samples: no single networks were kept; see keep_samples"):
        simulate(mlp(**NETWORK), 5).plot(samples=3)
