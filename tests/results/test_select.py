"""Networks chosen by what they are: values in the words of the options, of the table, and ranges."""

import pytest

from gradsim import RequestError, mlp, simulate
from gradsim.curves import CurveSet
from gradsim.results.columns import levels
from gradsim.results.select import chosen, parsed, select

GRID = [(activation, gain, width) for activation in ("tanh", "relu") for gain in (0.1 + 0.2, 1.0, 1.2) for width in (2, 4)]


@pytest.fixture(scope="module")
def curve_set():
    networks = [mlp(width=w, depth=2, activation=a, init="xavier_normal", weight_gain=g) for a, g, w in GRID]
    return CurveSet([simulate(network, 3, seed=5) for network in networks], {"width": [2, 4]})


def test_levels_are_in_the_order_of_numbers_or_of_appearance():
    assert levels([3, 1, 2, 1]) == [1, 2, 3] and levels(["10", "9", "-1e3"]) == ["-1e3", "9", "10"]
    assert levels(["tanh", "relu", "tanh"]) == ["tanh", "relu"] and levels(["2", "", "1"]) == ["2", "", "1"]


# What is wanted in Python, the same on the command line, and which (activation, gain, width) have it
WANTED = {
    "a name": ({"activation": "tanh"}, ["activation=tanh"], lambda a, g, w: a == "tanh"),
    "a name otherwise spelled": ({"activation": "ReLU"}, ["activation=ReLU"], lambda a, g, w: a == "relu"),
    "a number": ({"weight_gain": 1}, ["weight-gain=1"], lambda a, g, w: g == 1),
    "a number to nine digits": ({"weight_gain": 0.3}, ["weight_gain=0.3"], lambda a, g, w: g < 0.5),
    "several": ({"weight_gain": [1.0, 1.2]}, ["weight_gain=1", "weight_gain=1.2"], lambda a, g, w: g > 0.5),
    "a range": ({"weight_gain": slice(0.3, 1)}, ["weight_gain = 0.3 .. 1"], lambda a, g, w: g <= 1),
    "half a range": ({"weight_gain": slice(1.0, None)}, ["weight_gain=1.."], lambda a, g, w: g >= 1),
    "all of two": ({"activation": "tanh", "width": 4}, ["activation=tanh", "width=4"], lambda a, g, w: a == "tanh" and w == 4),
    "as described": ({"seed": 5, "bias": "zeros"}, ["seed=5", "bias=zeros"], lambda a, g, w: True),
    "nothing": ({}, [], lambda a, g, w: True),
}


@pytest.mark.parametrize("wanted, texts, has", WANTED.values(), ids=WANTED)
def test_chosen_are_those_that_have_it(wanted, texts, has, curve_set):
    expected = [k for k, cell in enumerate(GRID) if has(*cell)]
    assert expected and list(chosen(curve_set, wanted)) == expected == list(chosen(curve_set, parsed(texts)))
    found = select(curve_set, wanted)
    assert type(found) is CurveSet and found.request == curve_set.request
    assert [curves.network for curves in found] == [curve_set[k].network for k in expected]


REFUSED = {
    "a name that is none": (["wieght_gain=1"], "did you mean weight_gain?"),
    "a value that is none": (["activation=tahn"], "did you mean tanh?"),
    "no number": (["weight_gain=much"], "'much' is not a finite number"),
    "not among them": (["weight_gain=1.1"], "no network has weight_gain=1.1; there are 0.30000000000000004, 1.0, 1.2"),
    "a range without any": (["weight_gain=2..3"], "no network has weight_gain=2..3"),
    "a range of names": (["activation=1..2"], "activation is not a number"),
    "not together": (["weight_gain=1", "weight_gain=1.2", "width=4", "depth=3"], "no network has depth=3"),
    "no equals sign": (["weight_gain"], "is not NAME=VALUE"),
    "no name": (["=3"], "is not NAME=VALUE"),
    "no value": (["activation="], "activation"),
    "in other words": (["final_norm=rms"], "no network has final_norm=rms"),
}


@pytest.mark.parametrize("texts, words", REFUSED.values(), ids=REFUSED)
def test_refusals_say_what_there_is(texts, words, curve_set):
    if texts[0].startswith("final_norm"):
        curve_set = CurveSet([simulate(mlp(width=4, depth=2, block="pre_norm", final_norm=True), 2)])
    with pytest.raises(RequestError) as error:
        chosen(curve_set, parsed(texts), "--select")
    assert words in str(error.value) and str(error.value).startswith("select") and "\n" not in str(error.value)


def test_values_that_no_network_has_together(curve_set):
    two = curve_set.part([0, 7])
    assert chosen(two, {"activation": "tanh"}) == [0] and chosen(two, {"activation": "relu", "width": 4}) == [1]
    with pytest.raises(RequestError, match="no network has all of activation=relu, width=2"):
        chosen(two, {"activation": "relu", "width": 2})


def test_what_the_table_says_of_a_network_can_be_asked_for(curve_set):
    found = [curves.verdict.decades_per_100_layers for curves in curve_set]
    assert chosen(curve_set, {"verdict": curve_set[0].verdict.word})[0] == 0
    middle = sorted(found)[5]
    assert chosen(curve_set, {"decades_per_100_layers": slice(middle, None)}) == [k for k, v in enumerate(found) if v >= middle]


def test_a_slice_that_is_no_range(curve_set):
    for wrong in (slice("a", None), slice(0, 1, 2)):
        with pytest.raises(RequestError, match="not a range of two numbers"):
            chosen(curve_set, {"weight_gain": wrong})
