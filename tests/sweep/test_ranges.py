import math
from itertools import pairwise

import pytest

from gradsim import RequestError, sweep
from gradsim.model.options import OPTIONS
from gradsim.sweep import ranges


def values(name, **table):
    return ranges.values(OPTIONS[name], {key.rstrip("_"): value for key, value in table.items()})


def test_linear_ranges_are_what_a_person_would_write():
    """0.1 times 3 is 0.30000000000000004 in floats; here it is the float that 0.3 is, and what is between -1 and 1 is 0."""
    assert values("weight_gain", from_=0, to=1, points=11) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert values("weight_gain", from_=-1, to=1, points=21)[10] == 0.0
    assert values("bias_std", from_=0, to=0.3, step=0.1) == [0.0, 0.1, 0.2, 0.3]
    assert values("weight_gain", from_=2, to=1, points=3) == [2.0, 1.5, 1.0] == values("weight_gain", from_=2, to=1, step=-0.5)


def test_logarithmic_ranges():
    assert values("weight_gain", from_=1e-3, to=1e3, points=7, scale="log") == [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]
    between = values("weight_gain", from_=0.3, to=0.7, points=9, scale="log")
    ratios = [b / a for a, b in pairwise(between)]
    assert between[0] == 0.3 and between[-1] == 0.7 and max(ratios) / min(ratios) - 1 < 1e-10


def test_whole_numbers_of_a_range():
    found = values("width", from_=16, to=1024, points=7, scale="log")
    assert found == [16, 32, 64, 128, 256, 512, 1024] and all(type(width) is int for width in found)
    assert values("depth", from_=10, to=50, step=20) == [10, 30, 50] and values("seed", from_=0, to=3, points=4) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("weight_gain", {"a": 1}, "unknown name 'a'"),
        ("weight_gain", {}, "has from, to, and either points or step"),
        ("weight_gain", {"from": 1, "points": 3}, "has from, to, and either points or step"),
        ("weight_gain", {"from": 1, "to": 2}, "has from, to, and either points or step"),
        ("weight_gain", {"from": 1, "to": 2, "points": 3, "step": 1}, "has from, to, and either points or step"),
        ("weight_gain", {"from": 1, "to": 2, "points": 1}, "points of a range: 1 is not a whole number from 2"),
        ("weight_gain", {"from": 1, "to": 2, "points": 10**9}, "points of a range: 1000000000 is not a whole number from 2"),
        ("weight_gain", {"from": 1, "to": 1, "points": 2}, "two ends that differ"),
        ("weight_gain", {"from": 1, "to": "2", "points": 2}, "to of a range: '2' is not a finite number"),
        ("weight_gain", {"from": math.inf, "to": 2, "points": 2}, "from of a range: inf is not a finite number"),
        ("weight_gain", {"from": 1, "to": 2, "step": 0}, "does not lead from 1 to 2"),
        ("weight_gain", {"from": 1, "to": 2, "step": -0.1}, "does not lead from 1 to 2"),
        ("weight_gain", {"from": 0, "to": 1, "step": 0.3}, "do not end at 1, but at 0.9"),
        ("weight_gain", {"from": 0, "to": 1, "step": 1e-9}, "at most"),
        ("weight_gain", {"from": 0, "to": 1, "points": 3, "scale": "log"}, "are above 0"),
        ("weight_gain", {"from": 1, "to": 2, "step": 1, "scale": "log"}, "points, not a step"),
        ("weight_gain", {"from": 1, "to": 2, "points": 3, "scale": "lag"}, "did you mean log"),
        ("width", {"from": 1, "to": 3, "points": 5}, "are the same number"),
        ("depth", {"from": -3, "to": 3, "points": 3}, "depth: -3 is not a whole number"),
        ("activation", {"from": 1, "to": 2, "points": 2}, "a range goes with options that are numbers"),
    ],
)
def test_what_is_no_range(name, table, said):
    with pytest.raises(RequestError) as error:
        sweep.read_plan({"width": 2, "depth": 2} | {name: table})
    assert str(error.value).startswith(f"{name}: ") and said in str(error.value) and "\n" not in str(error.value)


def test_a_range_is_an_axis_and_may_stand_among_values():
    plan = sweep.read_plan(
        {
            "width": 2,
            "depth": 2,
            "weight_gain": [0.1, {"from": 1, "to": 2, "points": 3}],
            "bias_std": {"from": 0, "to": 1, "step": 1},
        }
    )
    assert plan.axes == {"weight_gain": (0.1, 1.0, 1.5, 2.0), "bias_std": (0.0, 1.0)}
    assert plan.request["weight_gain"] == [0.1, 1.0, 1.5, 2.0] and len(plan) == 8
