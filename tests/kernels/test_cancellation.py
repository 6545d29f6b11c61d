"""Sums that cancel: what is recorded as zero is zero, and what float32 does not tell from zero is recorded as its bound."""

from decimal import Decimal, getcontext

import numpy as np
import pytest

from gradsim import mlp, reference, simulate
from gradsim.kernels.record import LOG_QUANTITIES, RECORDED
from gradsim.model.activations import ACTIVATIONS
from gradsim.model.data import Samples
from gradsim.program.graph import LINEAR, graph
from gradsim.show.table import remarks
from gradsim.simulation.chunks import folded_chunks
from tests.oracles.places import by_place, places_of

BIAS, WEIGHT, LOSS = (RECORDED.index(name) for name in ("bias_gradient", "weight_gradient", "loss"))


def found(network, replicas, **options):
    """Records (replicas, quantities, layers), and which of them are unresolved."""
    parts = list(folded_chunks(network, lambda *arrays: tuple(map(np.array, arrays)), replicas=replicas, **options))
    rows, flags = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    records = by_place(network, options.get("inputs", 1), rows)
    return records, (flags[:, None] >> np.arange(len(RECORDED))[:, None]) & 1 == 1


def truths(network, replicas, **options):
    """The reference's records, draw and tape of each replica."""
    for replica in range(replicas):
        drawn = reference.draw(network, replica, **options)
        tape = reference.forward(network, drawn)
        with np.errstate(divide="ignore", invalid="ignore"):  # cosines of zeros
            row = reference.record_row(network, drawn, tape, reference.backward(network, drawn, tape))
        yield by_place(network, len(drawn.inputs), row), drawn, tape


@pytest.mark.parametrize("outputs, inputs", [(2, 2), (2, 4), (3, 3), (5, 2)])
@pytest.mark.parametrize("std", [1e-6, 1e-3])
def test_bias_gradient_of_a_vanishing_classifier_is_of_the_size_of_its_logits(outputs, inputs, std):
    """Logits of 1e-12 and labels that are there equally often: sum_b (softmax_b - onehot_b) is 1e-12, its terms are 1/2."""
    network = mlp(width=4, depth=1, activation="linear", init=f"normal(0,{std})", outputs=outputs, input_width=2)
    options = {"inputs": inputs, "loss": "cross_entropy"}
    records, unresolved = found(network, 200, engine="dense", **options)
    truth = np.array([truth[:, 2] for truth, _, _ in truths(network, 200, **options)])
    expected, logits = truth[:, BIAS], truth[:, RECORDED.index("preactivation")]
    if inputs % outputs == 0:
        assert (expected < -15 if std == 1e-6 else expected < -8).sum() > 20  # those whose labels are even
    digits = 2e-5 + 2e-6 * np.exp((logits - expected) / 2)  # what the logits' float32 leaves of a sum
    assert np.all(abs(records[:, BIAS, 2] - expected) < digits)
    assert not unresolved[:, BIAS, 2].any()


def test_the_layer_below_has_bounds_where_its_terms_cancel():
    network = mlp(width=4, depth=1, activation="linear", init="normal(0,1e-6)", outputs=2, input_width=2)
    options = {"inputs": 2, "loss": "cross_entropy"}
    records, unresolved = found(network, 200, engine="dense", **options)
    cancelled = unresolved[:, BIAS, 1]
    assert 60 < cancelled.sum() < 140  # labels differ in half of the networks
    for record, bound, (_, drawn, tape) in zip(records[:, BIAS, 1], cancelled, truths(network, 200, **options), strict=True):
        below = reference.sum_of_loss_gradients(drawn, tape[-1]) @ drawn.weights[1]  # phi' = 1
        truth = np.log(np.mean(below**2))
        assert record > truth if bound else record == pytest.approx(truth, abs=1e-4)


def test_a_classifier_that_vanishes_beyond_float64_keeps_its_bias_gradient():
    network = mlp(width=8, depth=200, activation="linear", init="normal(0,1e-3)", outputs=2)
    records, unresolved = found(network, 50, inputs=2, loss="cross_entropy")
    logits, bias = records[:, RECORDED.index("preactivation"), -1], records[:, BIAS, -1]
    assert np.all(logits < -2000)
    even = bias < -10
    assert 10 < even.sum() < 40 and not unresolved[:, BIAS, -1].any()
    # two outputs: a quarter of the logits' difference, summed over the inputs and halved; 1e-5: by chance 1e-4 of networks
    assert np.all(abs(bias - logits)[even] < 2 * np.log(1e5))


def exact_zeros(network, replica):
    """Which logs are -inf by arithmetic of 400 digits, for tanh, one input and independent probes, without biases."""
    getcontext().prec = 400
    drawn = reference.draw(network, replica)

    def times(w, v):
        return [sum(Decimal(float(c)) * entry for c, entry in zip(line, v, strict=True)) for line in w]

    x, slopes, zeros = [Decimal(float(np.float32(v))) for v in drawn.inputs[0]], [], {}
    xs = [x]
    for layer, w in enumerate(drawn.weights, start=1):
        h = times(w, x)
        small = [(-2 * abs(v)).exp() for v in h]
        x = [(1 - e) / (1 + e) * (1 if v > 0 else -1) if v else Decimal(0) for v, e in zip(h, small, strict=True)]
        slopes.append([4 * e / (1 + e) ** 2 for e in small])
        xs.append(x)
        zeros["preactivation", layer] = zeros["activation", layer] = not any(h)
    probe = [Decimal(float(g)) for g in drawn.against[0]]
    zeros["loss", 0] = sum(g * v for g, v in zip(probe, x, strict=True)) == 0
    g = probe
    for layer in range(len(slopes), 0, -1):
        d = [s * v for s, v in zip(slopes[layer - 1], g, strict=True)]
        zeros["gradient", layer] = zeros["bias_gradient", layer] = not any(d)
        zeros["weight_gradient", layer] = not any(d) or not any(xs[layer - 1])
        g = times(drawn.weights[layer - 1].T, d)
    zeros["input_gradient", 0] = not any(g)
    return zeros


def test_zeros_of_saturated_signs_are_those_of_400_digits():
    """tanh with weights of 20 and -20: float32 has +1 and -1 for 1 - 1e-17 and 1e-11 - 1."""
    network, replicas = mlp(width=2, depth=4, activation="tanh", init="rademacher(20)"), 150
    records, unresolved = found(network, replicas)
    truth = [exact_zeros(network, replica) for replica in range(replicas)]
    for name, layer in truth[0]:
        row = RECORDED.index(name)
        zero, expected = records[:, row, layer] == -np.inf, np.array([t[name, layer] for t in truth])
        assert np.array_equal(zero, expected), (name, layer)
        assert not (unresolved[:, row, layer] & zero).any()
    gradient = RECORDED.index("gradient")
    assert 0.12 < (records[:, gradient, 1] == -np.inf).mean() < 0.32  # 0.22: 0.1 is three standard errors
    assert unresolved[:, gradient, 1].mean() > 0.1  # what float32 would call zero besides


CASES = [
    ({"width": 2, "init": "rademacher(7)"}, 1, "probe"),
    ({"width": 2, "init": "rademacher(7)"}, 2, "shared"),
    ({"width": 2, "init": "rademacher(7)", "outputs": 2}, 2, "cross_entropy"),
    ({"width": 2, "init": "rademacher(0.5)", "bias": "constant(1)"}, 2, "mse"),
    ({"width": 3, "init": "constant(0.4)", "outputs": 3}, 3, "cross_entropy"),
    ({"width": 3, "init": "identity(9)", "bias": "constant(-9)"}, 2, "probe"),
    ({"width": 2, "init": "normal(0,1e-5)", "bias": "constant(0.5)", "outputs": 2}, 2, "cross_entropy"),
    ({"width": 1, "init": "rademacher(3)"}, 3, "shared"),
]


@pytest.mark.parametrize("activation", [a.name for a in ACTIVATIONS])
@pytest.mark.parametrize("network, inputs, loss", CASES)
def test_zeros_are_zeros_and_bounds_are_bounds(activation, network, inputs, loss):
    """Against float64, which tells e^-28 from zero where float32 does not; what it makes of zeros is below 1e-12."""
    network, replicas = mlp(depth=2, activation=activation, **network), 12
    kind = {"loss": "probe", "probe": "shared"} if loss == "shared" else {"loss": loss}
    records, unresolved = found(network, replicas, inputs=inputs, engine="dense", **kind)
    for record, bound, (truth, _, tape) in zip(
        records, unresolved, truths(network, replicas, inputs=inputs, **kind), strict=True
    ):
        maps = [k for k, node in enumerate(graph(network)) if node.kind == LINEAR]
        if any(np.any((tape[k] != 0) & (abs(tape[k]) < 1e-12)) for k in maps):
            continue  # on which side of a kink it is float64 does not tell either
        for name, layers in places_of(network, inputs).items():
            if name not in LOG_QUANTITIES:
                continue
            row = RECORDED.index(name)
            r, u, t = record[row, layers], bound[row, layers], truth[row, layers]
            assert np.all(t[r == -np.inf] < -50), name
            assert np.all(r[u] > t[u] - 0.1), name


@pytest.mark.parametrize("activation, exact", [("tanh", False), ("sigmoid", False), ("gelu", False), ("hard_tanh", True)])
def test_what_is_too_small_for_its_exponent_is_not_zero(activation, exact):
    """phi' = 4 e^(-2e20): no zero, and no number that is carried. Where a function is flat it is a zero."""
    curves = simulate(mlp(width=2, depth=2, activation=activation, init="rademacher(1e20)"), 50)
    zeros, unresolved = curves["gradient_zero_count"][1], curves["gradient_unresolved_count"][1]
    if exact:
        assert zeros == 50 and unresolved == 0
    elif activation == "tanh":  # zeros are those of what cancels
        assert zeros < 25 and zeros + unresolved == 50
    else:
        assert zeros < 40


def test_targets_that_float32_does_not_tell_from_the_output():
    ones = Samples("ones", np.ones((1, 2)))
    inputs = Samples("inputs", np.full((1, 2), 3.0))
    network = mlp(width=2, depth=1, activation="tanh", init="constant(5)")
    records, unresolved = found(network, 3, loss="mse", input_file=inputs, target_file=ones)
    row = RECORDED.index("loss_gradient")
    assert unresolved[:, [row, LOSS, RECORDED.index("gradient")], [0, 0, 1]].all()
    assert np.all(records[:, row, 0] > 2 * (np.log(2) - 60)) and np.isfinite(records[:, row, 0]).all()


def test_plain_arithmetic_has_the_zeros_that_it_computes():
    network = mlp(width=2, depth=3, activation="tanh", init="rademacher(20)")
    curves = simulate(network, 100, arithmetic="float32")
    assert curves["gradient_zero_count"][1] > 0 and not curves.unresolved


def test_counts_and_a_remark():
    network = mlp(width=2, depth=3, activation="tanh", init="rademacher(20)")
    curves = simulate(network, 100)
    assert "gradient" in curves.unresolved and 0 < curves["gradient_unresolved_count"][1] < 100
    assert curves["gradient_unresolved_count"][0] == -1  # layer 0 has none
    assert sum("does not tell from zero" in line and "gradient" in line for line in remarks([curves])) == 1
    assert not simulate(mlp(width=8, depth=3), 50).unresolved


def test_bits_do_not_depend_on_doubts_in_other_networks():
    network = mlp(width=2, depth=6, activation="tanh", init="rademacher(20)")
    whole, _ = found(network, 30, inputs=2)
    one = np.concatenate([found(network, n, inputs=2)[0][-1:] for n in range(1, 31)])
    assert whole.tobytes() == one.tobytes()
