"""Plain float arithmetic: the same numbers where nothing overflows, and overflow where it is predicted."""

import numpy as np
import pytest

import gradsim
from gradsim.statistics.precision import PRECISIONS, log_square_limits

KINDS = ("float32", "float64")
QUANTITIES = (
    "preactivation",
    "activation",
    "gradient",
    "weight_gradient",
    "bias_gradient",
    "input_gradient",
    "loss",
    "loss_gradient",
    "preactivation_max",
    "gradient_max",
)
ORDERED = [
    gradsim.mlp(width=[9, 5, 12], activation="tanh", init="normal(0.05,0.2)", bias_std=0.1, input_width=7),
    gradsim.mlp(width=[6, 9], activation="gelu", init="orthogonal", input_width=8, outputs=3),
    gradsim.mlp(width=7, depth=3, activation="linear", init="identity(0.9)", bias="constant(0.1)"),
    gradsim.mlp(width=16, depth=3, activation="leaky_relu", init="sparse(4)"),
    gradsim.mlp(width=5, depth=2, activation="sigmoid", init="constant(0.3)"),
]


@pytest.mark.parametrize("arithmetic", KINDS)
@pytest.mark.parametrize("loss", ["probe", "mse"])
def test_the_same_numbers_where_nothing_overflows(arithmetic, loss):
    for network in ORDERED:
        carried, plain = (
            gradsim.simulate(network, 20, inputs=2, engine="dense", loss=loss, arithmetic=a, keep_samples=True)
            for a in ("carried", arithmetic)
        )
        for name in QUANTITIES:
            np.testing.assert_allclose(plain[f"{name}_log"], carried[f"{name}_log"], rtol=2e-5, atol=2e-4)
        for name in ("activation_mean_mean", "dead_fraction_mean", "saturated_fraction_mean", "correlation_mean"):
            np.testing.assert_allclose(plain[name], carried[name], rtol=1e-4, atol=1e-5)


def first(mask):
    """The first layer of each row where `mask` holds; one past the end where it never does."""
    return np.where(mask.any(axis=1), mask.argmax(axis=1), mask.shape[1])


@pytest.mark.parametrize("arithmetic, gain", [("float32", 7.0), ("float64", 1e5)])
def test_overflow_is_seen_at_the_predicted_layer(arithmetic, gain):
    """In each network by itself, at the same layer as where the carried exponents say that an entry is too large."""
    network = gradsim.mlp(width=20, depth=70, activation="relu", init="xavier_uniform", weight_gain=gain)
    carried, plain = (
        gradsim.simulate(network, 100, arithmetic=a, engine="dense", keep_samples=True, stream="same")
        for a in ("carried", arithmetic)
    )
    limit = log_square_limits()[1][PRECISIONS.index(arithmetic)]
    predicted = first(carried["preactivation_max_log"][:, 1:] > limit)
    seen = first(~np.isfinite(plain["preactivation_log"][:, 1:]))
    assert predicted.max() < 70 and len(set(predicted)) > 1
    # A layer earlier where a partial sum overflows before the other terms would have brought it back.
    assert np.mean(predicted == seen) > 0.9 and set(predicted - seen) <= {0, 1}
    layer = 1 + int(np.median(seen))
    assert plain.verdict.word == "non-finite" and plain.verdict.exits["float32"]["backward"] == (70, "overflow")
    assert f"preactivations are inf or NaN from layer {layer} up, so every gradient is too" in plain.verdict.sentence


@pytest.mark.parametrize("arithmetic, gain", [("float32", 0.1), ("float64", 1e-6)])
def test_gradients_underflow_to_zero_at_the_predicted_layer(arithmetic, gain):
    network = gradsim.mlp(width=20, depth=70, activation="linear", init="xavier_normal", weight_gain=gain)
    carried, plain = (
        gradsim.simulate(network, 100, arithmetic=a, engine="dense", keep_samples=True, stream="same")
        for a in ("carried", arithmetic)
    )
    smallest = 2 * (np.log(float(np.finfo(arithmetic).smallest_subnormal)) - np.log(2))
    backwards = slice(None, 0, -1)
    predicted = first(carried["gradient_max_log"][:, backwards] < smallest)
    seen = first(plain["gradient_log"][:, backwards] == -np.inf)
    # a product may round up to the smallest number several times in a row, and keep the gradient for a layer more
    assert predicted.max() < 70 and np.mean(abs(predicted - seen) <= 1) > 0.97
    assert plain.verdict.word == "zero"


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_a_loss_that_overflows_is_counted(loss):
    """Outputs of 10^44: mse is 10^88; cross-entropy is as large as the outputs unless the label is the largest one's."""
    network = gradsim.mlp(width=24, depth=30, activation="relu", weight_gain=30.0, outputs=4)
    carried, plain = (gradsim.simulate(network, 40, loss=loss, arithmetic=a) for a in ("carried", "float32"))
    assert carried["loss_nonfinite_count"] == 0 and plain["loss_nonfinite_count"] == 40
    overflow = dict(zip(PRECISIONS, carried["loss_overflow_fraction"], strict=True))
    assert overflow["float64"] == 0 and overflow["float32"] == 1.0 if loss == "mse" else 0.5 < overflow["float32"] < 1


def test_infinities_and_nan_go_through_activations_as_their_limits():
    from gradsim.kernels import plain
    from gradsim.kernels.compilation import for_python
    from gradsim.model.activations import ACTIVATIONS, CODES
    from gradsim.model.parts import Activation
    from gradsim.program.steps import STEPS

    plain_phi, plain_derivative = for_python(plain.plain_phi), for_python(plain.plain_derivative)
    for entry in ACTIVATIONS:
        p = np.array(STEPS["activation"].parameters(Activation(entry.name))[1], float)
        for h, side in ((-np.inf, 0), (np.inf, 1)):
            limit = entry.slope[side] * h if entry.slope[side] != 0 else entry.intercept[side]
            np.testing.assert_equal(plain_phi(CODES[entry.name], p, h), limit)
            np.testing.assert_equal(plain_derivative(CODES[entry.name], p, h), entry.slope[side])
        assert np.isnan(plain_phi(CODES[entry.name], p, np.nan)) and np.isnan(plain_derivative(CODES[entry.name], p, np.nan))
