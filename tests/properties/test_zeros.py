"""Zero weights: the gradients that the chain rule makes exactly zero are, and no others.

With W = 0 every preactivation is its bias c, and x_l = phi(c) but for the input. Nothing passes a layer on the way back, so
only the last linear layer T has a gradient: delta_T is phi'(c) times the loss's, or the loss's own behind a readout.
dL/db_T is delta_T, and dL/dW_T = delta_T x_(T-1)^T needs x_(T-1) besides: phi(c), or the input where T = 1.

False alarms: what is not zero could be by chance, two units or more at once in float32: 1e-14 for each of 1e4 numbers.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gradsim import mlp, simulate
from gradsim.model.activations import ACTIVATIONS
from gradsim.model.activations.exact import exact
from gradsim.model.initializers import bias_law

REPLICAS = 16
# At 0, worked out by hand: phi(0) is 1/2, 1/2 and log 2 for these and 0 for the others,
AWAY = {"sigmoid", "hard_sigmoid", "softplus"}
# and phi'(0) is 0 at the kinks of these, by convention, and not 0 for the others.
FLAT = {"relu", "relu6", "abs"}


@st.composite
def networks(draw):
    return mlp(
        width=draw(st.sampled_from([2, 8, 33])),
        depth=draw(st.integers(1, 5)),
        input_width=draw(st.sampled_from([2, 7])),
        activation=draw(st.sampled_from([a.name for a in ACTIVATIONS])),
        outputs=draw(st.sampled_from([None, 2, 10])),
        init=draw(st.sampled_from(["zeros", "constant(0)", "normal(0,0)"])),
        weight_gain=draw(st.sampled_from([1.0, -3.0])),
        bias=draw(st.sampled_from(["zeros", "zeros", "constant(0.7)", "constant(-0.5)"])),
    )


@given(
    network=networks(),
    inputs=st.integers(1, 3),
    loss=st.sampled_from(["probe", "mse"]),
    seed=st.integers(0, 2**63),
    engine=st.sampled_from(["auto", "dense"]),
)
def test_zeros_are_those_of_the_chain_rule(network, inputs, loss, seed, engine):
    curves = simulate(network, REPLICAS, seed, inputs=inputs, loss=loss, engine=engine)
    for quantity, alive in chain_rule(network).items():
        count = curves[f"{quantity}_zero_count"]
        count = count[curves.blocks.defined(quantity)] if count.ndim else count
        np.testing.assert_array_equal(count, np.where(alive, 0, REPLICAS), quantity)


def chain_rule(network):
    """Quantity: whether it is not zero, over the layers on which it is defined."""
    c, layers = bias_law(network.bias, 1).mean, 1 + np.arange(len(network.linear_widths))
    value, slope = at(network.activation, c)
    gradient = (layers == layers[-1]) & (slope or network.outputs is not None)
    return {
        "preactivation": np.full(layers.size, c != 0),
        "activation": np.array([True] + [value] * network.depth),
        "gradient": gradient,
        "bias_gradient": gradient,
        "weight_gradient": gradient & (value or layers.size == 1),
        "input_gradient": False,
    }


def at(activation, c):
    """Whether phi(c) and phi'(c) are not zero."""
    if c == 0:
        return activation in AWAY, activation not in FLAT
    phi, point = exact(activation), np.array(c)
    return bool(phi.phi(point)), bool(phi.derivative(point))
