"""What people printed about networks with blocks, or with layers of their own, and asked about in public.

Values of PyTorch are medians of 3,000 networks or means of 5 to 100; the threads they belong to are named.
"""

import numpy as np
import pytest

import gradsim
from gradsim import Activation, Linear, Repeat, Residual, RMSNorm


def median(curves, quantity):
    """Root mean square of the median network, over layers."""
    return np.exp(curves.quantile(quantity, 0.5) / 2)


@pytest.mark.parametrize(
    "shortcut, published",
    [(False, [1.64e-4, 1.84e-4, 5.2e-4, 1.83e-3, 1.16e-2]), (True, [0.0102, 0.0101, 0.0106, 0.0108, 0.0650])],
)
def test_shortcuts_in_a_network_of_five_layers(shortcut, published):
    """Raschka's example of shortcuts: Linear and GELU 3-3-3-3-3-1, PyTorch's default weights, input (1, 0, -1), loss MSE to 0;
    x + f(x) where shapes agree. Root mean square of dL/dW by PyTorch, medians of 3,000 networks: +- 3 % where there are
    shortcuts, +- 7 % where there are none (from the spread of three seeds of 3,000 networks)."""
    layer = [Linear(3, init="torch_default"), Activation("gelu")]
    hidden = [Residual(layer)] * 4 if shortcut else layer * 4
    network = gradsim.network([*hidden, Linear(1, init="torch_default"), Activation("gelu")], input_width=3)
    found = gradsim.simulate(network, 3000, input_file=[[1.0, 0.0, -1.0]], target_file=[[0.0]], loss="mse")
    assert median(found, "weight_gradient")[1:] == pytest.approx(published, rel=0.08 if shortcut else 0.13)


@pytest.mark.parametrize("init", ["he_normal", "xavier_uniform", "normal(0,1)"])
def test_a_norm_at_the_end_of_branches_adds_one_a_block(init):
    """x + rms_norm(f(x)): mean square 1 + l after l branches, whatever the weights (2.01, 3.01, 8.95, 33.0 at l = 1, 2, 8, 32
    by PyTorch, means of 5; OLMo issue 797)."""
    branch = [Linear(init=init), Activation("relu"), Linear(init=init), RMSNorm()]
    network = gradsim.network([Repeat(Residual(branch), 32)], input_width=256)
    found = np.exp(gradsim.simulate(network, 40)["stream_log_of_mean"])
    assert found[[1, 2, 8, 32]] == pytest.approx([2.01, 3.01, 8.95, 33.0], rel=0.06)


@pytest.mark.parametrize("scale, published", [(None, 15.0), ("1/sqrt(depth)", 1.42)])
def test_the_stream_of_a_transformer_like_gpt_2(scale, published):
    """x + s f(norm(x)), GELU, LeCun's weights: mean square 1 + 0.4252 s^2 l in the limit of infinite width, and 15.0 after 32
    branches by PyTorch; 1.42 with s = 1/sqrt(32) (minGPT issue 134, openai/gpt-2 issue 334)."""
    options = {"block": "pre_norm", "width": 256, "depth": 32, "activation": "gelu", "init": "lecun_normal"}
    found = np.exp(gradsim.simulate(gradsim.mlp(**options, residual_scale=scale), 40)["stream_log_of_mean"])
    limit = 1 + 0.4252 * np.arange(33) * (1 if scale is None else 1 / 32)
    assert found[32] == pytest.approx(published, rel=0.05) and found[:33] == pytest.approx(limit, rel=0.05)


def test_a_readout_a_tenth_as_large():
    """makemore, part 3: 5 tanh layers of 100, gain 5/3, 27 letters, a readout of 0.1 / sqrt(100); loss 3.298 and dL/dx_5 of
    3.07e-4 for a batch of 32 by PyTorch, 100 networks (published: 3.05e-4). What comes behind x_5 is an identity here, since
    dL/dh is on record."""
    tanh = [Linear(100, init="lecun_normal", gain=5 / 3), Activation("tanh")]
    same, last = Linear(100, init="identity"), Linear(27, init="lecun_normal", gain=0.1)
    network = gradsim.network([*tanh * 5, same, Activation("linear"), last], input_width=30)
    found = gradsim.simulate(network, 100, inputs=32, loss="cross_entropy")
    assert median(found, "loss") == pytest.approx(3.298, abs=0.004)
    assert median(found, "gradient")[6] == pytest.approx(3.07e-4, rel=0.02)
    options = {"width": 100, "depth": 5, "activation": "tanh", "init": "lecun_normal", "weight_gain": 5 / 3}
    short = gradsim.mlp(**options, input_width=30, outputs=27, last_gain=0.1)
    assert median(gradsim.simulate(short, 100, inputs=32, loss="cross_entropy"), "loss") == pytest.approx(3.298, abs=0.004)
    large = gradsim.mlp(**options, input_width=30, outputs=27)
    found = gradsim.simulate(large, 100, inputs=32, loss="cross_entropy")
    assert median(found, "loss") == pytest.approx(3.84, abs=0.12)


def test_a_first_layer_with_weights_of_its_own():
    """SIREN, 2-256-256-256-256-256, points in [-1, 1]^2: weights U(-15, 15) first, U(-sqrt(6/n), sqrt(6/n)) behind.

    By PyTorch, 100 networks (vsitzmann/siren issues 43, 57): root mean square of x 0.707, 0.657, 0.641, 0.635, 0.633, and
    the gradient of h_1 is 1.264 times that of h_5.
    """
    points, bound = np.random.default_rng(1).uniform(-1, 1, (64, 2)), (6 / 256) ** 0.5
    options = {"width": 256, "depth": 5, "activation": "sin", "first_init": "uniform(-15,15)", "input_width": 2}
    network = gradsim.mlp(init=f"uniform({-bound!r},{bound!r})", **options)
    found = gradsim.simulate(network, 50, inputs=64, input_file=points)
    assert median(found, "activation")[1:] == pytest.approx([0.707, 0.657, 0.641, 0.635, 0.633], rel=0.01)
    gradient = median(found, "gradient")
    assert gradient[1] / gradient[5] == pytest.approx(1.264, rel=0.03)
