"""The ranges of the float types that networks are trained in."""

from functools import cache

import ml_dtypes
import numpy as np

PRECISIONS = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float32", "float64")


@cache
def log_square_limits():
    """Natural logs of the squares of the smallest normal and of the largest number: two arrays over PRECISIONS."""
    limits = [ml_dtypes.finfo(name) for name in PRECISIONS]
    logs = [[2 * np.log(float(value)) for value in (f.smallest_normal, f.max)] for f in limits]
    return tuple(np.array(logs).T)


@cache
def log_square_zero():
    """Natural logs of the squares of half the smallest number above 0, over PRECISIONS: what is below is rounded to 0."""
    return np.array([2 * np.log(float(ml_dtypes.finfo(name).smallest_subnormal)) - 2 * np.log(2) for name in PRECISIONS])
