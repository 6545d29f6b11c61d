"""Numbers where they lie, evenly or by their logs; names, and numbers of no spacing, one step a value."""

import numpy as np
import pytest

from gradsim.show.axis import LINEAR, LOG, STEPS, Axis


@pytest.mark.parametrize(
    "levels, scale",
    [
        ([0.5, 1.0, 1.5], LINEAR),
        ([1.0, 2.0, 4.0, 8.0], LINEAR),
        ([16, 64, 256], LOG),
        ([1, 100], LOG),
        ([*np.linspace(0.1, 10, 50)], LINEAR),
        ([0.0, 0.01, 0.1, 1.0], STEPS),
        ([-3, 0, 3], LINEAR),
        (["0.5", "1", "2"], LINEAR),
        (["1/depth", "0.5"], STEPS),
        (["tanh"], STEPS),
        ([3], STEPS),
    ],
)
def test_scales(levels, scale):
    axis = Axis("name", levels)
    assert axis.scale == scale and list(axis.at) == levels
    edges, at = axis.edges(), [*axis.at.values()]
    assert len(edges) == len(levels) + 1 and (np.diff(edges) > 0).all()
    assert all(low < place < high for low, place, high in zip(edges, at, edges[1:], strict=False))
