"""Mean field of networks with residuals, norms and dropout: reference tables, published values, and dense networks."""

import math

import numpy as np
import pytest
from scipy.special import gammaln, ndtri

import gradsim
from gradsim.model.parts import Activation, BatchNorm, Dropout, LayerNorm, Linear, Residual, RMSNorm
from gradsim.program.columns import columns
from gradsim.program.graph import graph
from gradsim.theory import finite_width, mean_field, precision
from tests.theory import dense
from tests.theory.blocks import WIDTH, branch, linear, network, rows

DIGITS = 2e-9  # of the tables


def growth(found):
    """Mean square of dL/dx_0 over that of dL/dx_L."""
    gradient = found["stream_gradient_log_mean"]
    return math.exp(gradient[0] - gradient[-1])


def factor(found, layer=5):
    """Of the squared gradient, a layer."""
    return math.exp(found["gradient_log_mean"][layer - 1] - found["gradient_log_mean"][layer])


def squares(found):
    return np.exp(found["stream_log_mean"])


# Reference tables


@pytest.mark.parametrize("activation, s1", [(row["activation"], row["s1"]) for row in rows("branch_moments")])
def test_moments_of_a_branch(activation, s1):
    """One pre_norm and one post_norm block: v, chi and (1 + chi)/(1 + v)."""
    row = next(row for row in rows("branch_moments") if row["activation"] == activation and row["s1"] == s1)
    parts = branch(activation, s1, row["s2"])
    found = mean_field(network(((Residual((RMSNorm(0.0), *parts)),), 1)))
    assert squares(found)[-1] - 1 == pytest.approx(row["v"], rel=DIGITS)
    assert growth(found) - 1 == pytest.approx(row["chi"], rel=DIGITS)
    after = mean_field(network(((Residual(parts), LayerNorm(0.0)), 1)))
    assert growth(after) == pytest.approx(row["postln_factor_a1"], rel=DIGITS)


@pytest.mark.parametrize("norm", [LayerNorm, RMSNorm])
def test_pre_norm_residuals(norm):
    for row in rows("preln_gradient"):
        blocks = int(row["blocks"])
        a2 = {"1/L": 1 / blocks, "1/(2L)": 0.5 / blocks}.get(row["a2"], row["a2"])
        parts = (norm(0.0), *branch(row["activation"], row["s1"], row["s2"]))
        found = mean_field(network(((Residual(parts, math.sqrt(a2)),), blocks)))
        assert squares(found)[-1] == pytest.approx(row["q_L"], rel=DIGITS), row
        assert growth(found) == pytest.approx(row["gradient_x0_over_xL"], rel=DIGITS), row


def test_post_norm_residuals_and_deep_norm():
    """DeepNorm, LayerNorm(alpha x + f(x)) with weights times beta (Wang et al. 2022, arXiv:2203.00555), as x + f(x) / alpha."""
    for row in rows("postln_gradient"):
        parts = branch(row["activation"], row["s1"] * row["beta2"], row["s2"] * row["beta2"])
        block = Residual(parts, row["alpha2"] ** -0.5), LayerNorm(0.0)
        found = mean_field(network((block, int(row["sub_blocks"]))))
        assert growth(found) == pytest.approx(row["gradient_x0_over_xL"], rel=DIGITS), row


def test_correlations_through_residuals():
    for row in rows("residual_overlap"):
        parts, norm = branch(row["activation"], row["s1"], row["s2"]), LayerNorm(0.0)
        block = (Residual((norm, *parts)),) if row["placement"] == "pre" else (Residual(parts), norm)
        found = mean_field(network((block, int(row["blocks"]))), inputs=2)
        assert squares(found)[-1] == pytest.approx(row["q"], rel=DIGITS), row
        assert found["stream_correlation_mean"][-1] == pytest.approx(row["overlap_from_0"], abs=DIGITS), row


def test_batch_norm_before_a_branch():
    """u = q (1 - c) and the gradient of x + W relu(batch_norm(x)), and the factor of the plain network."""
    for row in rows("batchnorm_residual"):
        inputs, blocks, norm = int(row["batch"]), int(row["blocks"]), BatchNorm(0.0)
        found = mean_field(network(((Residual((norm, Activation("relu"), linear(2.0))),), blocks)), inputs=inputs)
        u = squares(found)[-1] * (1 - found["stream_correlation_mean"][-1])
        assert u == pytest.approx(row["u_L"], rel=DIGITS), row
        assert growth(found) == pytest.approx(row["gradient_x0_over_xL"], rel=DIGITS), row
        plain = mean_field(network(((linear(2.0), norm, Activation("relu")), 9)), inputs=inputs)
        assert factor(plain) == pytest.approx(row["plain_factor"], rel=DIGITS), row


# Published values


@pytest.mark.parametrize("square", [0.3, 2.0])
@pytest.mark.parametrize("inputs, expected", [(8, 1.788190), (32, 1.521953), (128, 1.479681), (1024, None)])
def test_batch_norm_makes_gradients_explode(inputs, expected, square):
    """Yang et al. 2019 (arXiv:1902.08129): ReLU, any weights; pi/(pi - 1) for many inputs."""
    found = mean_field(network(((linear(square), BatchNorm(0.0), Activation("relu")), 9)), inputs=inputs)
    if expected is None:
        assert factor(found) == pytest.approx(math.pi / (math.pi - 1), abs=2 / inputs)
    else:
        assert factor(found) == pytest.approx(expected, abs=6e-7)
    line = mean_field(network(((linear(square), BatchNorm(0.0), Activation("linear")), 9)), inputs=inputs)
    assert factor(line) == pytest.approx((inputs - 2) / (inputs - 3), rel=1e-12)


def test_batch_norm_of_two_and_of_three_inputs():
    """Two leave no gradient, three an infinite mean square; an epsilon makes both finite."""
    block = linear(2.0), BatchNorm(0.0), Activation("relu")
    two, three = (mean_field(network((block, 4)), inputs=inputs)["gradient_log_mean"] for inputs in (2, 3))
    assert (two == -math.inf).all() and (three == math.inf).all()
    damped = linear(2.0), BatchNorm(1e-3), Activation("relu")
    for inputs in (2, 3):
        assert np.isfinite(mean_field(network((damped, 4)), inputs=inputs)["gradient_log_mean"]).all()


@pytest.mark.parametrize("activation, ratio", [("relu", 1.0), ("gelu", 1.072032), ("tanh", 1.177807), ("linear", 1.0)])
def test_layer_norm_before_activations(activation, ratio):
    """E phi'^2 / E phi^2 a layer, whatever the weights."""
    for norm in (LayerNorm, RMSNorm):
        found = mean_field(network(((linear(0.37), norm(0.0), Activation(activation)), 9)))
        assert factor(found) == pytest.approx(ratio, abs=6e-7)


def test_layer_norm_behind_activations_is_the_limit_of_batch_norm():
    """E phi'^2 over the variance of phi: pi/(pi - 1) for ReLU (Yang et al. 2019, section 4)."""
    found = mean_field(network(((linear(1.3), Activation("relu"), LayerNorm(0.0)), 9)))
    assert factor(found) == pytest.approx(math.pi / (math.pi - 1), rel=1e-12)
    root = mean_field(network(((linear(1.3), Activation("relu"), RMSNorm(0.0)), 9)))
    assert factor(root) == pytest.approx(1.0, rel=1e-12)


def test_he_residuals_of_one_linear_map():
    """Yang & Schoenholz 2017 (arXiv:1712.08969): 2^L at scale 1, forward and backward, and e at 1/sqrt(L)."""
    block = Activation("relu"), linear(2.0)
    for blocks, scale, expected in ((100, 1.0, 2.0**100), (10_000, 0.01, math.e), (10_000, 0.0, 1.0)):
        found = mean_field(network(((Residual(block, scale),), blocks)))
        rel = 1e-4 if expected == math.e else 1e-10
        assert squares(found)[-1] == pytest.approx(expected, rel=rel)
        assert growth(found) == pytest.approx(expected, rel=rel)


def test_ten_thousand_doublings():
    found = mean_field(network(((Residual(branch("relu", 2.0)),), 10_000)), inputs=2)
    assert found["stream_log_mean"][-1] == pytest.approx(10_000 * math.log(2), rel=1e-12)
    assert all(np.isfinite(value).all() for name, value in found.variables.items() if "log_mean" in name)


def test_rezero_is_the_identity():
    """Bachlechner et al. 2020 (arXiv:2003.04887): scale 0, or a last linear map of zeros (Fixup, arXiv:1901.09321)."""
    zeros = linear(), Activation("tanh"), Linear(WIDTH, "zeros")
    for block in (Residual(branch("tanh"), 0.0), Residual(zeros)):
        found = mean_field(network(((block,), 50)), inputs=2, input_correlation=0.3)
        assert (found["stream_log_mean"] == 0).all() and growth(found) == 1
        np.testing.assert_allclose(found["stream_correlation_mean"], 0.3, rtol=1e-12)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_relu_with_dropout_is_critical_at_two_times_what_is_kept(p):
    """Schoenholz et al. 2017 (arXiv:1611.01232, section 4); no two inputs stay equal."""
    block = linear(2 * (1 - p)), Activation("relu"), Dropout(p)
    found = mean_field(network((block, 20)), inputs=2, input_correlation=1.0, probe="shared")
    np.testing.assert_allclose(found["activation_log_mean"], 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(found["gradient_log_mean"]), 0, atol=1e-12)
    assert found["correlation_mean"][0] == 1 and found["correlation_mean"][1] == pytest.approx(1 - p, rel=1e-12)
    one = mean_field(network((block, 1)), inputs=2, input_correlation=1.0, probe="shared")
    assert one["gradient_correlation_mean"][0] == pytest.approx(1 - p, rel=1e-12)


def test_streams_that_people_measured():
    """x + rms_norm(f(x)): 2.01, 3.01, 8.95, 33.0 after 1, 2, 8, 32 branches; x + f(norm(x)), GELU, LeCun: 15.0 after 32, and
    1.42 with branches over sqrt(32). (OLMo issue 797, minGPT issue 134; PyTorch, medians of 3,000 units.)"""
    after = squares(mean_field(network(((Residual((*branch("gelu"), RMSNorm(0.0))),), 32))))
    np.testing.assert_allclose(after, np.arange(33) + 1.0, rtol=1e-12)
    np.testing.assert_allclose(after[[1, 2, 8, 32]], [2.01, 3.01, 8.95, 33.0], rtol=0.01)
    before = squares(mean_field(network(((Residual((LayerNorm(), *branch("gelu"))),), 32))))
    np.testing.assert_allclose(before, 1 + 0.4252214826 * np.arange(33), rtol=2e-5)  # an epsilon of 1e-5
    assert before[-1] == pytest.approx(15.0, rel=0.03)
    scaled = squares(mean_field(network(((Residual((LayerNorm(), *branch("gelu")), 32**-0.5),), 32))))
    assert scaled[-1] == pytest.approx(1.42, rel=0.005)


# Dense networks

N = 400


def wide(*blocks, **options):
    return network(*blocks, input_width=options.pop("input_width", N), **options)


def inner(activation, *behind, bias=None):
    return linear(1.6, N, bias=bias), Activation(activation), *behind, linear(1.2, N, bias=bias)


def shifted(scale):
    return (Residual((RMSNorm(0.2), Activation("gelu"), linear(2.0, N, bias="constant(0.4)")), scale),)


CASES = {
    "post_norm, biases, a projection across widths": (
        wide(((Residual(inner("gelu", bias="normal(0.3)"), 0.7, linear(1.0, N)), RMSNorm(0.5)), 2), input_width=N // 2),
        False,
    ),
    "pre_norm of one linear map, constant biases": (
        wide(((Residual((LayerNorm(0.2), Activation("relu"), linear(2.0, N, bias="constant(0.4)"))),), 3)),
        False,
    ),
    "scales of both signs, constant biases": (wide((shifted(-0.8), 2), (shifted(0.9), 1)), True),
    "uniform biases in a stream that a norm reads": (
        wide(((Residual((LayerNorm(), *inner("tanh", bias="uniform(-0.2,0.7)"))),), 3)),
        True,
    ),
    "dropout": (wide(((Residual((*inner("relu", Dropout(0.4)), Dropout(0.2)), 0.9),), 3)), True),
    "layer norm before and behind": (
        wide(((linear(0.5, N), LayerNorm(0.1), Activation("tanh"), linear(3.0, N), Activation("relu"), LayerNorm(0.1)), 2)),
        True,
    ),
    "batch norm, dropout": (wide(((linear(1.1, N), BatchNorm(0.3), Activation("relu"), Dropout(0.3)), 3)), True),
    "batch norm, layer norm behind": (wide(((linear(1.1, N), BatchNorm(0.3), Activation("relu"), LayerNorm(0.1)), 3)), True),
    "batch norm before a branch": (
        wide(((Residual((BatchNorm(0.3), Activation("leaky_relu(0.2)"), linear(2.0, N))),), 3)),
        False,
    ),
    "batch norm before linear maps": (
        wide(((Residual((BatchNorm(0.3), *inner("tanh"))),), 2), readout=(linear(1.0, 50),)),
        True,
    ),
    "a residual in a residual": (
        wide(((Residual((*inner("tanh"), Residual((RMSNorm(0.1), *inner("gelu")), 0.6)), 0.8),), 2), stem=(linear(1.5, N),)),
        False,
    ),
    "a branch that is normalised behind": (wide(((Residual((*inner("gelu"), RMSNorm(0.1)), 1.2),), 3)), True),
}


@pytest.mark.parametrize("name", CASES)
def test_against_dense_networks(name):
    """12 networks of width 400, four inputs: false alarms at |z| > 6 are 2e-9 a number, and L/n times a constant is allowed."""
    of, shared = CASES[name]
    rng, runs = np.random.default_rng(3), 12
    drawn = [dense.record(of, rng, 4, 0.3, shared) for _ in range(runs)]
    found = mean_field(of, inputs=4, input_correlation=0.3, probe="shared" if shared else "independent")
    assert not found.silences
    for quantity in drawn[0]:
        values = np.array([run[quantity] for run in drawn])
        allowance = 6 * values.std(axis=0, ddof=1) / math.sqrt(runs) + 0.03
        gap = np.abs(values.mean(axis=0) - found[quantity])
        zero = found[quantity] == -math.inf  # sums of gradients over the inputs, behind batch norm
        assert np.all((gap < allowance) | zero & (values.max(axis=0) < -50)), (quantity, gap, allowance)


# What theory does not say


def test_a_branch_that_hangs_together_with_the_stream():
    """No linear map behind the activation: the forward pass from there on is unknown, and the gradients below it."""
    found = mean_field(network(((Residual((linear(), Activation("tanh"))),), 1), ((Residual(branch("tanh")),), 2)), inputs=2)
    assert np.isfinite(found["stream_log_mean"][0]) and np.isnan(found["stream_log_mean"][1:]).all()
    assert np.isfinite(found["preactivation_log_mean"][0]) and np.isnan(found["preactivation_log_mean"][1:]).all()
    assert "linear map" in found.silences["stream"] and "block 1" in found.silences["stream"]
    assert np.isnan(found["gradient_log_mean"][:-1]).all() and np.isfinite(found["gradient_log_mean"][-1])
    assert "gradient" in found.silences and np.isnan(found["correlation_mean"][1:]).all()


def test_a_projection_makes_any_branch_independent():
    found = mean_field(network(((Residual((linear(), Activation("tanh")), skip=linear()),), 3)))
    assert not found.silences and np.isfinite(found["stream_gradient_log_mean"]).all()


def test_batch_norm_without_a_closed_form():
    """What is above the first activation keeps its curves, going forward; its gradients end there."""
    of = network(((linear(), BatchNorm(), Activation("tanh")), 3))
    found = mean_field(of, inputs=4)
    assert np.isfinite(found["preactivation_log_mean"][0]) and np.isnan(found["preactivation_log_mean"][1:]).all()
    assert "no closed form" in found.silences["activation"] and "no closed form" in found.silences["gradient"]
    given = mean_field(of, inputs=4, input_correlation=None)
    assert "file" in given.silences["activation"]
    with pytest.raises(gradsim.RequestError, match="two inputs"):
        mean_field(of)
    behind = mean_field(network(((linear(), Activation("relu"), BatchNorm()), 3)), inputs=4)
    assert "not Gaussian" in behind.silences["preactivation"]


def test_units_without_a_law():
    """An activation of what was dropped out, of two uniform biases together, or of rows of a file."""
    for block in (
        (linear(), Dropout(0.5), Activation("tanh")),
        (
            Residual(
                (linear(bias="uniform(-1,1)"), Activation("relu"), linear(bias="uniform(-1,1)")),
                skip=linear(bias="uniform(0,1)"),
            ),
            Activation("tanh"),
        ),
    ):
        assert "no law" in mean_field(network((block, 2))).silences["activation"]
    of = network(((Residual((RMSNorm(), Activation("relu"), linear())),), 2))
    assert not mean_field(of).silences
    assert "no law" in mean_field(of, gaussian_input=False).silences["stream"]


# Names and places


def test_arrays_are_over_the_places_of_a_record():
    of = network(
        ((Residual((LayerNorm(), linear(), Activation("relu"), Dropout(0.1), linear())),), 2),
        ((linear(), Activation("tanh")), 1),
        stem=(linear(),),
        readout=(linear(1.0, 5),),
    )
    placed = columns(graph(of), 2).placed
    found = mean_field(of, inputs=2, probe="shared")
    names = {name.removesuffix("_log_mean") for name in found.variables if name.endswith("_log_mean")}
    assert names == set(placed) - {n for n in placed if n.endswith(("_max", "_fraction"))} - {
        "activation_mean",
        "activation_unit_variance",
        "correlation",
        "log_one_minus_correlation",
        "gradient_correlation",
        "stream_correlation",
        "stream_gradient_correlation",
        "norm_gain_gradient",
        "norm_shift_gradient",
    }
    for name, value in found.variables.items():
        quantity = max((q for q in placed if name.startswith(f"{q}_")), key=len)
        size = placed[quantity].columns.stop - placed[quantity].columns.start
        assert np.size(value) == size, name


def test_epsilon_in_true_scale():
    """A stream of mean square 1e-30 is damped by an epsilon of 1e-5 as it would be in practice."""
    of = network(((Residual((LayerNorm(1e-5), *branch("relu", 2.0))),), 1))
    found = mean_field(of, input_square=1e-30)
    assert squares(found)[-1] == pytest.approx(1e-30 + 1e-25, rel=1e-9)
    assert growth(found) == pytest.approx(1 + 1e5, rel=1e-9)


def test_depths_of_ten_thousand_blocks():
    """The gradient's growth is a ratio of Gamma functions, which grows like L^zeta."""
    v, chi, blocks = 0.3942944904, 0.4644029024, 10_000
    found = mean_field(network(((Residual((RMSNorm(0.0), *branch("tanh"))),), blocks)), inputs=2, probe="shared")
    assert squares(found)[-1] == pytest.approx(1 + v * blocks, rel=DIGITS)
    log_growth = gammaln(blocks + (1 + chi) / v) - gammaln((1 + chi) / v) - gammaln(blocks + 1 / v) + gammaln(1 / v)
    assert math.log(growth(found)) == pytest.approx(log_growth, abs=1e-7)


# Float ranges


def test_where_blocks_leave_a_float_type():
    """A stream that doubles a block: float16 ends where the median of the largest of 2 x 64 preactivations does."""
    found = precision(network(((Residual(branch("relu", 2.0)),), 60)))
    exit = found.forward["float16"]
    sizes = mean_field(found.network)["preactivation_log_mean"]
    place = int(np.argmax(found.log_largest_preactivation > 2 * math.log(65504)))
    assert exit.overflow == place // 2 + 1 and exit.zero is None
    spread = found.log_largest_preactivation - sizes
    np.testing.assert_allclose(spread, 2 * math.log(ndtri(0.5 + 0.5 ** (1 + 1 / WIDTH))), rtol=1e-9)
    beyond = np.flatnonzero(found.log_largest_gradient > 2 * math.log(65504))
    assert found.backward["float16"].overflow == beyond[-1] // 2 + 1 and found.depth_over_width == 120 / WIDTH


def test_exact_laws_are_of_plain_networks():
    with pytest.raises(gradsim.RequestError, match="plain networks"):
        finite_width(network(((Residual(branch("relu", 2.0)),), 2)))
