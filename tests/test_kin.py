"""Kin are the networks that `mlp` makes, made otherwise."""

from contextlib import suppress

import pytest

import gradsim
from gradsim import RequestError
from gradsim.model.families import FAMILIES
from gradsim.model.kin import KEPT, Kin

OTHERS = [
    *({"block": block} for block in FAMILIES if block != "plain"),
    {},
    {"width": [3, 5, 5], "outputs": 2, "bias": None},
    {"init": "torch_default", "first_init": "zeros", "last_activation": "relu", "outputs": 2},
    {
        "block": "pre_norm",
        "width": [4, 4, 6],
        "depth": 3,
        "input_width": 3,
        "final_norm": True,
        "outputs": 2,
        "last_init": "zeros",
    },
    {"block": "fixup", "depth": 1, "block_depth": 3, "dropout": 0.5},
    {"last_gain": 1.5},
    {"init": "constant(0.5)", "norm": "rms"},
]


@pytest.mark.parametrize("options", OTHERS, ids=str)
def test_kin_are_what_mlp_makes(options):
    options = {"width": 4, "depth": 3} | options
    kin = Kin(options)
    for gain, std in [(1.3, 0.0), (1.0, 0.0), (-0.7, 0.25), (1e-3, 1e-7), (0.0, 0.5), (0.0, 0.0), (1.5, 1.0), (5e-324, 0.0)]:
        found, made = kin.network(gain, std), gradsim.mlp(**options, weight_gain=gain, bias_std=std)
        assert found == made and found.to_json() == made.to_json() and hash(found) == hash(made)
        assert found.linear_maps == made.linear_maps and found.distinct_maps == made.distinct_maps
        for name in (*KEPT, "usual_gain", "readout_maps"):
            assert getattr(found, name) == getattr(made, name)


@pytest.mark.parametrize(
    ("options", "gain", "std"),
    [
        ({"init": "constant(1e200)"}, 1e200, 0.0),
        ({"bias": "zeros"}, 1.0, 0.5),
        ({"block": "fixup", "block_depth": 1}, 1.0, 0.0),
        ({"init": "sparse(9)"}, 1.0, 0.0),
    ],
)
def test_they_are_refused_as_mlp_refuses_them(options, gain, std):
    options = {"width": 4, "depth": 3} | options
    with pytest.raises(RequestError) as expected:
        gradsim.mlp(**options, weight_gain=gain, bias_std=std)
    kin = Kin(options)
    for _ in range(2):  # before there is a first network and after it, where there can be one
        with pytest.raises(RequestError) as error:
            kin.network(gain, std)
        assert str(error.value) == str(expected.value)
        with suppress(RequestError):
            kin.network(0.5, std)
