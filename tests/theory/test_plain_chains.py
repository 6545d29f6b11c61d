"""Mean field of plain chains: every bit of what the code gave that knew chains only, before it walked graphs.

`reference/plain_chains.json` was written by that code. Elementary functions may differ in their last bit between machines;
`fingerprint` tells whether they do, and then 1e-9 is asked.
"""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from scipy.special import erf, expit, ndtr

import gradsim
from gradsim.theory import mean_field

GOLDEN = Path(__file__).parent / "reference" / "plain_chains.json"
ARRAYS = ("q", "correlation", "log_one_minus_correlation", "chi_perp", "chi_par", "log_slope_square")
CASES = [  # (arguments of mlp, of mean_field, every which layer is kept)
    ({"width": [5, 20, 7], "input_width": 9, "activation": "tanh", "bias": "normal(0.3)"}, {"inputs": 2, "probe": "shared"}, 1),
    ({"width": 12, "depth": 4, "bias": "constant(0.2)", "outputs": 3}, {"inputs": 3, "input_correlation": -0.4}, 1),
    ({"width": [25, 9], "activation": "gelu", "init": "torch_default", "weight_gain": 2.0, "outputs": 2}, {"inputs": 2}, 1),
    ({"width": 8, "depth": 3, "activation": "sin", "init": "he_uniform", "weight_gain": 3.0}, {"input_square": 0.3}, 1),
    ({"width": 8, "depth": 3, "activation": "selu", "init": "orthogonal(1.5)"}, {"inputs": 2, "input_correlation": None}, 1),
    ({"width": 8, "depth": 3, "activation": "elu", "init": "lecun_normal"}, {"inputs": 4, "loss": "mse"}, 1),
    ({"width": 10, "depth": 3, "init": "zeros", "bias": "constant(0.5)"}, {"inputs": 2, "probe": "shared"}, 1),
    ({"width": 10, "depth": 3, "activation": "tanh", "init": "zeros"}, {"inputs": 2}, 1),
    ({"width": 10, "depth": 400, "weight_gain": 100.0}, {"inputs": 2, "probe": "shared"}, 40),
    ({"width": 64, "depth": 600, "activation": "elu"}, {"inputs": 2, "input_correlation": 0.2, "probe": "shared"}, 40),
    ({"width": 64, "depth": 600, "activation": "tanh", "init": "lecun_normal", "outputs": 5}, {"inputs": 2}, 40),
    ({"width": 64, "depth": 300, "activation": "hard_tanh", "init": "normal(0,0.2)", "bias_std": 0.3}, {"inputs": 2}, 40),
]


def fingerprint():
    """Of the elementary functions of this machine."""
    x = np.linspace(-30, 30, 10_001)
    values = [np.exp(x), np.tanh(x), np.log1p(np.exp(x)), np.logaddexp(x, 1.0), np.sin(x), erf(x), expit(x), ndtr(x)]
    return sha256(np.concatenate(values).tobytes()).hexdigest()


def answer(case):
    """{name: floats} of everything that mean field says."""
    network, options, step = case
    found = mean_field(gradsim.mlp(**network), **options)
    values = found.variables | {name: getattr(found, name) for name in ARRAYS}
    return {name: np.atleast_1d(np.asarray(value, float))[::step].tolist() for name, value in values.items()}


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_plain_chain_keeps_every_bit(number):
    stored = json.loads(GOLDEN.read_text())
    expected, found = stored["answers"][number], answer(CASES[number])
    assert set(found) == set(expected)
    exact = stored["fingerprint"] == fingerprint()
    for name, values in expected.items():
        if exact:
            np.testing.assert_array_equal(found[name], values, err_msg=name)
        else:
            np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-9, err_msg=name)
