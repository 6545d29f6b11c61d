"""x = phi(h), elementwise, and its chain rule, for every entry of the activation table."""

import math

import numpy as np

from ..activations import ACTIVATIONS
from .compilation import internal, kernel
from .record import ACTIVATION, ACTIVATION_MEAN, ACTIVATION_UNIT_VARIANCE, DEAD_FRACTION, SATURATED_FRACTION
from .vectors import LN2, largest, log_mean_square, normalise, power_of_two

# Columns of an activation step's parameters
(
    PARAMETER,
    VALUE_ZERO,
    SLOPE_ZERO_LEFT,
    SLOPE_ZERO_RIGHT,
    SLOPE_LEFT,
    SLOPE_RIGHT,
    INTERCEPT_LEFT,
    INTERCEPT_RIGHT,
    LARGEST_DERIVATIVE,
    HOMOGENEOUS,
) = range(10)

FAST_EXPONENT = 30  # |h| up to 2^31 goes through float32; 2^-30 below, phi is its tangent at 0 to float32 accuracy
UNDERFLOW = np.float32(2.0**-60)  # entries that float32 loses are then below 2^-66 of the largest
NEGLIGIBLE_LOG = -(2.0**50)  # smaller than e^(-2^50) counts as zero
LARGEST_LOG = 700.0  # e^700 is still a float64
SATURATION = 0.01


def _dispatch(functions, leaf, branch, first=0):
    """One kernel that picks a function by its activation's code, by halving.

    Each level of calls is optimised again by LLVM inside the level above, so there are few of them.
    """
    if len(functions) == 1:
        return leaf(functions[0])
    half = len(functions) // 2
    lower = _dispatch(functions[:half], leaf, branch, first)
    return branch(first + half, lower, _dispatch(functions[half:], leaf, branch, first + half))


def _vector_leaf(scalar):
    @internal
    def apply(code, v, scale, a, n, out):
        for i in range(n):
            out[i] = scalar(v[i] * scale, a)

    return apply


def _vector_branch(middle, lower, upper):
    @internal
    def apply(code, v, scale, a, n, out):
        if code < middle:
            lower(code, v, scale, a, n, out)
        else:
            upper(code, v, scale, a, n, out)

    return apply


def _log_leaf(scalar):
    @internal
    def apply(code, h, a):
        return scalar(h, a)

    return apply


def _log_branch(middle, lower, upper):
    @internal
    def apply(code, h, a):
        return lower(code, h, a) if code < middle else upper(code, h, a)

    return apply


apply_phi = _dispatch([entry.phi for entry in ACTIVATIONS], _vector_leaf, _vector_branch)
apply_derivative = _dispatch([entry.derivative for entry in ACTIVATIONS], _vector_leaf, _vector_branch)
log_phi = _dispatch([entry.log_abs for entry in ACTIVATIONS], _log_leaf, _log_branch)
log_derivative = _dispatch([entry.log_abs_derivative for entry in ACTIVATIONS], _log_leaf, _log_branch)


@kernel
def _log_of(value):
    return math.log(abs(value)) if value != 0.0 else -np.inf


@kernel
def extreme_phi(code, p, v, exponent):
    """(sign, log|phi(2^exponent v)|) in float64, by the asymptotes at 0 and at infinity where they are exact."""
    if v == 0.0:
        return (1.0 if p[VALUE_ZERO] >= 0.0 else -1.0), _log_of(p[VALUE_ZERO])
    log_h = math.log(abs(v)) + LN2 * exponent
    right = v > 0.0
    sign = 1.0 if right else -1.0
    if log_h < -60.0 * LN2:
        if p[VALUE_ZERO] != 0.0:
            return math.copysign(1.0, p[VALUE_ZERO]), _log_of(p[VALUE_ZERO])
        slope = p[SLOPE_ZERO_RIGHT] if right else p[SLOPE_ZERO_LEFT]
        return sign * math.copysign(1.0, slope), _log_of(slope) + log_h
    slope = p[SLOPE_RIGHT] if right else p[SLOPE_LEFT]
    if log_h > LARGEST_LOG or (log_h > 60.0 * LN2 and not np.isnan(slope)):
        if slope != 0.0:
            return sign * math.copysign(1.0, slope), _log_of(slope) + log_h
        intercept = p[INTERCEPT_RIGHT] if right else p[INTERCEPT_LEFT]
        return math.copysign(1.0, intercept), _log_of(intercept)
    return log_phi(code, math.ldexp(v, int(exponent)), p[PARAMETER])


@kernel
def extreme_derivative(code, p, v, exponent):
    """(sign, log|phi'(2^exponent v)|) in float64."""
    right = v > 0.0
    log_h = _log_of(v) + LN2 * exponent
    slope = 0.0
    if log_h < -60.0 * LN2:
        slope = p[SLOPE_ZERO_RIGHT] if right else p[SLOPE_ZERO_LEFT]
    else:
        slope = p[SLOPE_RIGHT] if right else p[SLOPE_LEFT]
        if log_h <= LARGEST_LOG and p[HOMOGENEOUS] == 0.0 and (log_h <= 60.0 * LN2 or slope == 0.0 or np.isnan(slope)):
            return log_derivative(code, math.ldexp(v, int(exponent)), p[PARAMETER])
    return math.copysign(1.0, slope), _log_of(slope)


@kernel
def from_logs(signs, logs, n, out):
    """out and its exponent from signs and natural logs of magnitudes."""
    top = -np.inf
    for i in range(n):
        if np.isnan(logs[i]):  # no asymptote: the value is not a number, and stays so
            out[:n] = np.nan
            return 0
        top = max(top, logs[i])
    if not top > NEGLIGIBLE_LOG:
        out[:n] = 0.0
        return 0
    exponent = np.int64(math.floor(top / LN2))
    for i in range(n):
        out[i] = np.float32(signs[i] * math.exp(logs[i] - LN2 * exponent))
    return normalise(out, n, exponent)


@kernel
def float32_scale(exponent):
    return np.float32(power_of_two(max(min(exponent, 100), -140)))


@kernel
def phi_of(code, p, v, exponent, n, x, signs, logs):
    """x = phi(2^exponent v), normalised; returns its exponent."""
    homogeneous = p[HOMOGENEOUS] != 0.0
    if homogeneous or (exponent <= FAST_EXPONENT and (exponent >= -FAST_EXPONENT or p[VALUE_ZERO] != 0.0)):
        # One call for both: every place that it is called from costs the compiler all activations once more.
        scale = np.float32(1.0) if homogeneous else float32_scale(exponent)
        apply_phi(code, v, scale, np.float32(p[PARAMETER]), n, x)
        if homogeneous or not largest(x, n) < UNDERFLOW:
            return normalise(x, n, exponent if homogeneous else 0)
    for i in range(n):
        signs[i], logs[i] = extreme_phi(code, p, np.float64(v[i]), exponent)
    return from_logs(signs, logs, n, x)


@kernel
def record_units(p, h, h_exponents, x, x_exponents, n, layer, record):
    """Mean over units and inputs, and the variance between units (each averaged over the inputs)."""
    rows = x.shape[0]
    mean, variance = 0.0, 0.0
    for b in range(rows):
        centre = 0.0
        for i in range(n):
            centre += x[b, i]
        centre /= n
        spread = 0.0
        if p[VALUE_ZERO] != 0.0 and h_exponents[b] < -20:
            # phi(0) + slope * h in float32 has lost the differences between units; the tangent has not.
            middle = 0.0
            for i in range(n):
                middle += h[b, i]
            middle /= n
            for i in range(n):
                spread += (h[b, i] - middle) ** 2
            variance += spread / n * p[SLOPE_ZERO_RIGHT] ** 2 * power_of_two(2 * h_exponents[b])
        else:
            for i in range(n):
                spread += (x[b, i] - centre) ** 2
            variance += spread / n * wide_power_of_two(2 * x_exponents[b])
        mean += centre * wide_power_of_two(x_exponents[b])
    record[ACTIVATION_MEAN, layer] = mean / rows
    record[ACTIVATION_UNIT_VARIANCE, layer] = variance / rows


@kernel
def wide_power_of_two(exponent):
    """2^exponent in float64, infinite beyond its range: what overflows is counted, not held."""
    return np.inf if exponent > 1023 else power_of_two(exponent)


@kernel
def activation_forward(code, p, h, h_exponents, n, x, x_exponents, signs, logs, layer, record):
    for b in range(h.shape[0]):
        x_exponents[b] = phi_of(code, p, h[b], h_exponents[b], n, x[b], signs, logs)
    record[ACTIVATION, layer] = log_mean_square(x, x_exponents, n)
    record_units(p, h, h_exponents, x, x_exponents, n, layer, record)


@kernel
def activation_backward(code, p, h, h_exponents, g, g_exponents, n, d, d_exponents, slopes, alive, signs, logs, layer, record):
    """d = phi'(h) * g. `slopes` (float32), `alive`, `signs`, `logs` (float64) are scratch space of n entries."""
    rows = h.shape[0]
    alive[:n] = 0.0
    saturated = 0
    threshold = np.float32(SATURATION * p[LARGEST_DERIVATIVE])
    for b in range(rows):
        apply_derivative(code, h[b], float32_scale(h_exponents[b]), np.float32(p[PARAMETER]), n, slopes)
        for i in range(n):
            d[b, i] = slopes[i] * g[b, i]
            alive[i] += abs(slopes[i])
            saturated += abs(slopes[i]) < threshold
        if largest(d[b], n) < UNDERFLOW and p[HOMOGENEOUS] == 0.0:
            for i in range(n):
                sign, log = extreme_derivative(code, p, np.float64(h[b, i]), h_exponents[b])
                signs[i] = sign * (1.0 if g[b, i] >= 0.0 else -1.0)
                logs[i] = log + _log_of(np.float64(g[b, i])) + LN2 * g_exponents[b]
            d_exponents[b] = from_logs(signs, logs, n, d[b])
        else:
            d_exponents[b] = normalise(d[b], n, g_exponents[b])
    dead = 0
    for i in range(n):
        dead += alive[i] == 0.0
    record[DEAD_FRACTION, layer] = dead / n
    record[SATURATED_FRACTION, layer] = saturated / (n * rows)
