"""A network from its description to its records, and what cannot be described."""

import numpy as np
import pytest

from gradsim.errors import RequestError
from gradsim.kernels import layout
from gradsim.kernels import record as rec
from gradsim.kernels.steps.linear import BALANCED
from gradsim.model.network import mlp, network
from gradsim.model.parts import PARTS, Activation, BatchNorm, Linear, Residual
from gradsim.program.program import lower
from gradsim.simulation.chunks import Workplace
from gradsim.simulation.simulate import simulate
from gradsim.steps import BLOCK_STEPS
from tests.oracles.places import by_place

KEY = np.array([1, 2], np.uint32)


def records(network, replicas, inputs=1):
    program = lower(network, inputs)
    return by_place(network, inputs, Workplace(program, "carried", replicas).fill(program, KEY, 0, replicas))


def test_parts_are_of_the_step_that_lists_them():
    listed = {name: step for step, names in BLOCK_STEPS.items() for name in names}
    plain = {"Linear": "linear", "Activation": "activation", "Repeat": None}
    assert {name: part.kind for name, part in PARTS.items()} == plain | listed
    assert list(layout.BLOCK_OPERATIONS.values()) == list(range(layout.LOSS + 1, layout.LOSS + 1 + len(BLOCK_STEPS)))


def test_he_keeps_the_mean_square_of_relu_at_unequal_widths():
    """E M_L = M_0 exactly (physics: symmetric weights, Var W = 2/fan_in), |z| < 5; the key is fixed."""
    logs = records(mlp(width=[7, 16, 5], init="he_uniform", input_width=9), 20_000)[:, rec.ACTIVATION]
    ratio = np.exp(logs[:, 3] - logs[:, 0])
    assert abs(ratio.mean() - 1) < 5 * ratio.std() / np.sqrt(ratio.size)


def test_huge_and_tiny_gains_shift_the_curve_exactly():
    unit, tiny = (records(mlp(width=8, depth=4, activation="linear", weight_gain=g), 3) for g in (1.0, 2.0**-400))
    shift = tiny[:, rec.PREACTIVATION, 1:] - unit[:, rec.PREACTIVATION, 1:]
    assert np.allclose(shift, -800 * np.log(2) * np.arange(1, 5), rtol=1e-12)


def test_readout_and_several_inputs_fill_every_record():
    result = records(mlp(width=6, depth=2, activation="tanh", bias_std=0.3, outputs=3), 2, inputs=3)
    assert result.shape == (2, len(rec.RECORDED), 4)
    assert np.isfinite(result[:, rec.GRADIENT, 1:]).all() and np.isfinite(result[:, rec.CORRELATION, 1:]).all()
    assert np.isfinite(result[:, rec.INPUT_GRADIENT, 0]).all() and np.isnan(result[:, rec.ACTIVATION, 3]).all()


@pytest.mark.parametrize(
    "options, words",
    [
        ({"width": 0}, "width: 0"),
        ({"width": 2.5}, "width: 2.5"),
        ({"depth": -1}, "depth: -1"),
        ({"width": [4, 4], "depth": 3}, "does not go with depth 3"),
        ({"bias_std": -0.1}, "bias_std: -0.1"),
        ({"weight_gain": float("nan")}, "weight_gain: nan"),
        ({"activation": "rleu"}, "did you mean relu"),
        ({"activation": "tanh(2)"}, "should be written tanh"),
        ({"init": "he_norml"}, "did you mean he_normal"),
    ],
)
def test_bad_requests(options, words):
    with pytest.raises(RequestError) as error:
        mlp(**options)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_identity_is_canonical():
    assert mlp(width=4, depth=2).to_json() == mlp(width=[4, 4]).to_json()


def test_gradients_before_batch_norm_add_up_to_zero():
    """Also through a sum and another linear map; not where something else reads the vector, nor through an activation."""
    tanh, norm = Activation("tanh"), BatchNorm()
    residual = Residual((Linear(), tanh, Linear(), Linear()))
    program = lower(network([residual, norm, tanh, Linear(), norm, Linear(), tanh], 6), 3)
    linear = np.isin(program.steps[:, layout.OPERATION], (layout.LINEAR_DENSE, layout.LINEAR_GAUSSIAN))
    assert program.parameters[linear, BALANCED].tolist() == [0, 1, 1, 1, 0]


def test_nothing_is_in_doubt_behind_batch_norm():
    """Bias gradients there are zero, not sums that cancel: networks ran twice for them, and were told to be unresolved."""
    curves = simulate(mlp(width=16, depth=5, activation="relu", norm="batch"), 20, inputs=4)
    assert curves.unresolved == () and np.all(curves["bias_gradient_zero_count"][1:] == 20)
