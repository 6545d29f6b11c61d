"""Laws that hold network by network: scaled weights, permuted units and inputs, seeds and streams.

Where phi(c h) = c phi(h), weights times c multiply the activations of layer l by c^l and its gradients by c^(T - l), T the
last linear layer: for any c where phi is linear or |h|, for c > 0 where it is ReLU or leaky ReLU. Float32 rounds the
products unless c is a power of two.

False alarms: what is left of sums that cancel has larger relative errors. Norms over the many units that are alive in 33 do
not; a loss does to a part in 1e10 with probability 1e-10, for each of 40.
"""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gradsim import mlp, reference, simulate
from gradsim.model.activations import ACTIVATIONS
from gradsim.model.streams import stream_key

REPLICAS = 32
ROUNDING = 3e-6  # of a log, a layer, in float32
EXACT = 1e-11  # the logs themselves
SEEDS = st.integers(0, 2**63)
WIDTHS = st.lists(st.sampled_from([33, 64, 100]), min_size=1, max_size=6)
OUTPUTS = st.sampled_from([None, 8])
EVEN = ("linear", "abs")
ACTIVATED = st.sampled_from([*EVEN, "relu", "leaky_relu(0.3)", "leaky_relu(-0.5)"])


@given(
    widths=WIDTHS,
    outputs=OUTPUTS,
    activation=ACTIVATED,
    c=st.floats(1e-3, 1e3),
    negative=st.booleans(),
    init=st.sampled_from(["lecun_normal", "he_normal(fan_out)", "orthogonal", "normal(0,1)"]),
    seed=SEEDS,
)
def test_scaled_weights_shift_the_logs(widths, outputs, activation, c, negative, init, seed):
    """Without matrices the signs of preactivations are drawn, so that rounding does not change which units are alive."""
    c *= -1 if negative and activation in EVEN else 1
    options = {"width": widths, "outputs": outputs, "activation": activation, "init": init}
    check_shifts(options, c, seed, ROUNDING)


@given(
    widths=WIDTHS,
    outputs=OUTPUTS,
    activation=ACTIVATED,
    power=st.integers(-40, 40),
    inputs=st.integers(1, 3),
    seed=SEEDS,
    init=st.sampled_from(["xavier_uniform", "he_truncated_normal", "rademacher", "sparse(4)", "normal(0.1,0.3)", "orthogonal"]),
)
def test_powers_of_two_shift_the_logs_exactly(widths, outputs, activation, power, init, inputs, seed):
    options = {"width": widths, "outputs": outputs, "activation": activation, "init": init}
    check_shifts(options, 2.0**power, seed, EXACT, inputs=inputs, engine="dense")


def check_shifts(options, c, seed, rounding, **run):
    run |= {"replicas": REPLICAS, "seed": seed, "stream": "shared", "keep_samples": True}
    first, second = (simulate(mlp(**options, weight_gain=gain), **run) for gain in (1.0, c))
    layers, last = first.layers, first.layers[-1]
    powers = {
        "preactivation": layers,
        "activation": layers,
        "gradient": last - layers,
        "bias_gradient": last - layers,
        "weight_gradient": last - 1,
        "input_gradient": last,
        "loss_gradient": 0,
    }
    for quantity, power in powers.items():
        before, after = first[f"{quantity}_log"], second[f"{quantity}_log"]
        expected = before + 2 * power * math.log(abs(c))
        np.testing.assert_allclose(after, expected, rtol=0, atol=rounding * (last + 1), err_msg=quantity)


@given(
    widths=st.lists(st.sampled_from([3, 4, 7]), min_size=1, max_size=4),
    outputs=st.sampled_from([None, 2, 5]),
    activation=st.sampled_from([a.name for a in ACTIVATIONS]),
    bias=st.sampled_from([0.0, 0.5]),
    inputs=st.integers(1, 3),
    loss=st.sampled_from(["probe", "mse", "cross_entropy"]),
    seed=SEEDS,
)
def test_the_order_of_units_and_inputs_does_not_matter(widths, outputs, activation, bias, seed, inputs, loss):
    network = mlp(
        width=widths,
        input_width=6,
        activation=activation,
        init="he_normal",
        bias_std=bias,
        outputs=outputs or 3 if loss == "cross_entropy" else outputs,
    )
    drawn = reference.draw(network, 0, inputs, seed, loss=loss)
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(n) for n in (6, *map(len, drawn.biases))]
    first, second = (recorded(network, d) for d in (drawn, permuted(drawn, orders, rng.permutation(inputs))))
    np.testing.assert_allclose(second, first, rtol=0, atol=1e-6)


def permuted(drawn, orders, rows):
    """Units of every layer in another order, rows and columns of the weights with them, and inputs in another order."""
    labels = drawn.loss == "cross_entropy"
    return reference.Draw(
        drawn.inputs[np.ix_(rows, orders[0])],
        tuple(w[np.ix_(after, before)] for w, before, after in zip(drawn.weights, orders, orders[1:], strict=False)),
        tuple(b[after] for b, after in zip(drawn.biases, orders[1:], strict=True)),
        drawn.loss,
        np.argsort(orders[-1])[drawn.against[rows]] if labels else drawn.against[np.ix_(rows, orders[-1])],
    )


def recorded(network, drawn):
    tape = reference.forward(network, drawn)
    with np.errstate(invalid="ignore"):  # cosines of gradients that are zero
        return reference.record_row(network, drawn, tape, reference.backward(network, drawn, tape))


@given(
    widths=WIDTHS,
    activation=st.sampled_from(["gelu", "sin"]),
    inputs=st.integers(1, 2),
    seed=SEEDS,
    other=SEEDS,
    init=st.sampled_from(["lecun_normal", "lecun_uniform", "orthogonal"]),
)
def test_a_seed_gives_the_same_bits_and_another_seed_others(widths, activation, init, inputs, seed, other):
    network = mlp(width=widths, activation=activation, init=init, bias_std=0.1)
    first, again, second = (simulate(network, REPLICAS, s, inputs, keep_samples=True) for s in (seed, seed, other))
    for name in first.variables:
        assert first[name].tobytes() == again[name].tobytes()
    for name in ("activation_log", "gradient_log", "input_gradient_log", "loss_log"):
        assert (first[name].tobytes() == second[name].tobytes()) == (seed == other)


@given(seed=SEEDS, other=SEEDS, stream=st.text(max_size=5), another=st.text(max_size=5))
def test_keys_are_those_of_seed_and_stream(seed, other, stream, another):
    same = bool((stream_key(seed, stream) == stream_key(other, another)).all())
    assert same == ((seed, stream) == (other, another))
