"""Curves that are the same to the bit."""

import numpy as np


def same(found, expected):
    """Whether two sets of curves are the same, bit by bit, and so is what they say of themselves."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.network == other.network and one.run == other.run and one.quantile_method == other.quantile_method
        assert set(one.variables) == set(other.variables)
        for name, array in other.variables.items():
            assert np.asarray(one[name]).tobytes() == np.asarray(array).tobytes(), name
    return True
