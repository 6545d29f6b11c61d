"""Variables that lie in a few arrays: each name has its own numbers, and together they are all that the arrays hold."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

import gradsim
from gradsim.statistics.stacked import Stacked, Together
from gradsim.sweep.cells import curves_from, record
from gradsim.sweep.parts import decoded

NETWORKS = {
    "plain": (gradsim.mlp(width=4, depth=3, activation="gelu", outputs=2), {"inputs": 3, "loss": "cross_entropy"}),
    "one layer": (gradsim.mlp(width=1, depth=1), {}),
    "stream": (gradsim.mlp(width=4, depth=2, block="pre_norm", norm="layer", dropout=0.1), {"inputs": 2}),
    "places": (gradsim.mlp(width=4, depth=2, block="pre_norm", norm="batch"), {"inputs": 4}),
}


@pytest.fixture(scope="module", params=sorted(NETWORKS))
def curves(request):
    network, run = NETWORKS[request.param]
    return gradsim.simulate(network, 5, **run)


def test_the_stacks_are_the_variables_one_after_another(curves):
    variables = curves.variables
    assert isinstance(variables, Stacked)
    listed = variables.listed
    assert sorted(name for name, *_ in listed) == sorted(variables) and len(variables) == len(listed)
    assert [(kind, shape) for _, kind, shape in listed] == [(variables[n].dtype.kind, variables[n].shape) for n, *_ in listed]
    held = b"".join(stack.tobytes() for stack in variables.stacks)
    assert held == b"".join(variables[name].tobytes() for name, *_ in listed)


def test_it_is_a_mapping(curves):
    variables = curves.variables
    assert "loss_log_mean" in variables and "nothing" not in variables and variables.get("nothing") is None
    assert np.ndim(variables["loss_log_mean"]) == 0 and isinstance(variables["loss_log_mean"], np.floating)
    with pytest.raises(KeyError):
        variables["nothing"]
    again = pickle.loads(pickle.dumps(variables))
    assert all(np.array_equal(again[name], values, equal_nan=True) for name, values in variables.items())


def test_a_record_is_the_same_from_stacks_and_from_a_dict(curves):
    both = [decoded(record(3, "ab" * 32, given)) for given in (curves, replace(curves, variables=dict(curves.variables)))]
    (name, said, arrays), (other_name, other_said, others) = both
    assert isinstance(curves_from(said, arrays).variables, Stacked) and "quantiles" not in curves_from(said, arrays).variables
    assert (name, said) == (other_name, other_said) and arrays.keys() == others.keys()
    for found in (arrays, others):
        read = curves_from(said, found)
        assert read.network == curves.network
        assert all(np.array_equal(read[key], values, equal_nan=True) for key, values in curves.variables.items())


def test_several_together_are_each_of_them(curves):
    several = [curves, gradsim.simulate(curves.network, 4, seed=1, **{k: curves.run[k] for k in ("inputs", "loss")})]
    together = Together.of([one.variables for one in several])
    assert set(together) == set(curves.variables)
    for name, values in together.items():
        assert np.array_equal(values, [one.variables[name] for one in several], equal_nan=True)
    read = [curves_from(*decoded(record(k, "ab" * 32, one))[1:]).variables for k, one in enumerate(several)]
    for name, values in Together.of(read).items():
        assert np.array_equal(values, together[name], equal_nan=True)


def test_what_is_not_alike_is_not_together(curves):
    other = gradsim.simulate(gradsim.mlp(width=3, depth=5), 3)
    assert Together.of([curves.variables, other.variables]) is None
    assert Together.of([curves.variables, dict(curves.variables)]) is None
    fewer = gradsim.simulate(curves.network, 3, quantiles=(0.5,), **{k: curves.run[k] for k in ("inputs", "loss")})
    assert Together.of([curves.variables, fewer.variables]) is None
