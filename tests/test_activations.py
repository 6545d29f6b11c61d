"""Every activation over its whole range: float32 against float64, slopes against differences, logs against values."""

import numpy as np
import pytest
from numba import njit

from gradsim.kernels import dispatch as kernels
from gradsim.model.activations import ACTIVATIONS, CODES, find_activation
from gradsim.model.activations.exact import exact

GRID = np.concatenate([np.linspace(-30, 30, 60_001), np.geomspace(30, 1e6, 400), -np.geomspace(30, 1e6, 400)])
SMOOTH = [entry.name for entry in ACTIVATIONS if not entry.homogeneous]


@njit
def vectors(code, h, a):
    value, slope = np.empty_like(h), np.empty_like(h)
    kernels.apply(code, 0, 0, h, np.float32(1.0), a, h.size, value, slope)
    return value, slope


@njit
def logs(code, h, a):
    out = np.empty((4, h.size))
    for i in range(h.size):
        out[0, i], out[1, i] = kernels.log_phi(code, 0, h[i], a)
        out[2, i], out[3, i] = kernels.log_derivative(code, 0, h[i], a)
    return out


@pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)
def test_float32_over_the_range(entry):
    """Relative to the value, and where phi or phi' crosses zero absolutely, to a float32 rounding of its scale."""
    h = GRID.astype(np.float32)
    found = vectors(CODES[entry.name], h, np.float32(entry.parameter or 0.0))
    with np.errstate(over="ignore"):
        value, slope = (f(h.astype(float)) for f in (exact(entry.name).phi, exact(entry.name).derivative))
    for f, e, scale in zip(found, (value, slope), (np.minimum(1, abs(h)), entry.largest_derivative), strict=True):
        assert np.all(abs(f - e) <= 4e-6 * abs(e) + 1e-7 * scale)


@pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)
def test_derivatives_are_differences(entry):
    h = np.linspace(-12, 12, 4001) + 1e-4  # no kink within the step
    eps = 1e-6
    phi, derivative = exact(entry.name).phi, exact(entry.name).derivative
    assert np.allclose((phi(h + eps) - phi(h - eps)) / (2 * eps), derivative(h), atol=1e-8)
    assert abs(derivative(np.linspace(-30, 30, 300_001))).max() == pytest.approx(entry.largest_derivative, rel=2e-4)
    for side, slope in zip((-1, 1), entry.slope_zero, strict=True):
        assert slope == pytest.approx(float(derivative(np.array(side * 1e-9))), abs=1e-8)
    assert float(phi(np.array(0.0))) == pytest.approx(entry.value_zero)
    if entry.name != "sin":
        for side, slope, intercept in zip((-1e6, 1e6), entry.slope, entry.intercept, strict=True):
            assert float(phi(np.array(side))) == pytest.approx(slope * side + intercept, abs=2e-6)


@pytest.mark.parametrize("name", SMOOTH)
def test_logs_are_logs_of_the_values(name):
    h = np.linspace(-20, 20, 4001)
    _, a = find_activation(name)
    found = logs(CODES[name], h, a)
    for sign, log, value in ((found[0], found[1], exact(name).phi(h)), (found[2], found[3], exact(name).derivative(h))):
        assert np.all(abs(sign * np.exp(log) - value) <= 1e-11 * abs(value) + 1e-15)


@pytest.mark.parametrize("name", SMOOTH)
def test_no_false_zero_of_the_derivative(name):
    """Far out the log of |phi'| is finite unless phi' is exactly zero, or too small even for its log."""
    h = np.concatenate([-np.geomspace(40, 1e30, 200), np.geomspace(40, 1e30, 200)])
    _, a = find_activation(name)
    log = logs(CODES[name], h, a)[3]
    flat = {"hard_tanh": abs(h) > 1, "hard_sigmoid": abs(h) > 3, "relu6": (h < 0) | (h > 6), "hard_swish": h < -3}
    zero = flat.get(name, np.zeros(h.size, bool))
    assert np.all(log[zero] == -np.inf) and np.isfinite(log[~zero]).all()


def test_sin_has_no_asymptote_and_says_so():
    import gradsim

    def run(gain):
        network = gradsim.mlp(width=4, depth=1, activation="sin", init="constant(1)", weight_gain=gain)
        return gradsim.simulate(network, 10)

    assert np.isfinite(run(1e200)["activation_log_mean"][1])
    beyond = run(1e307)
    assert beyond["preactivation_nonfinite_count"][1] == 0
    assert beyond["activation_nonfinite_count"][1] == 10 and beyond["gradient_nonfinite_count"][1] == 10
    assert beyond.verdict.word == "non-finite"
