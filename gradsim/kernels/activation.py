"""x = phi(h), elementwise, and its chain rule, for every entry of the activation table."""

import math

import numpy as np

from ..activations import ACTIVATIONS
from .compilation import kernel
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
SATURATION = 0.01


def _chain(function_of_entry, link, end):
    """One kernel that dispatches on the activation's code: a chain of ifs, one link an entry of the table."""
    chain = end
    for entry in reversed(ACTIVATIONS):
        chain = link(entry.code, function_of_entry(entry), chain)
    return chain


def _vector_link(own_code, scalar, others):
    @kernel
    def apply(code, v, scale, a, n, out):
        if code == own_code:
            for i in range(n):
                out[i] = scalar(v[i] * scale, a)
        else:
            others(code, v, scale, a, n, out)

    return apply


def _log_link(own_code, scalar, others):
    @kernel
    def apply(code, h, a):
        if code == own_code:
            return scalar(h, a)
        return others(code, h, a)

    return apply


@kernel
def _no_vector(code, v, scale, a, n, out):
    for i in range(n):
        out[i] = np.nan


@kernel
def _no_log(code, h, a):
    return 1.0, np.nan


apply_phi = _chain(lambda entry: entry.phi, _vector_link, _no_vector)
apply_derivative = _chain(lambda entry: entry.derivative, _vector_link, _no_vector)
log_phi = _chain(lambda entry: entry.log_abs, _log_link, _no_log)
log_derivative = _chain(lambda entry: entry.log_abs_derivative, _log_link, _no_log)


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
    if log_h > 60.0 * LN2:
        slope = p[SLOPE_RIGHT] if right else p[SLOPE_LEFT]
        if slope != 0.0:
            return sign * math.copysign(1.0, slope), _log_of(slope) + log_h
        intercept = p[INTERCEPT_RIGHT] if right else p[INTERCEPT_LEFT]
        return math.copysign(1.0, intercept), _log_of(intercept)
    return log_phi(code, sign * math.exp(log_h), p[PARAMETER])


@kernel
def extreme_derivative(code, p, v, exponent):
    """(sign, log|phi'(2^exponent v)|) in float64."""
    right = v > 0.0
    log_h = _log_of(v) + LN2 * exponent
    slope = 0.0
    if log_h < -60.0 * LN2:
        slope = p[SLOPE_ZERO_RIGHT] if right else p[SLOPE_ZERO_LEFT]
    elif log_h > 60.0 * LN2 or p[HOMOGENEOUS] != 0.0:
        slope = p[SLOPE_RIGHT] if right else p[SLOPE_LEFT]
    else:
        return log_derivative(code, math.exp(log_h) if right else -math.exp(log_h), p[PARAMETER])
    return math.copysign(1.0, slope), _log_of(slope)


@kernel
def from_logs(signs, logs, n, out):
    """out and its exponent from signs and natural logs of magnitudes."""
    top = -np.inf
    for i in range(n):
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
    if p[HOMOGENEOUS] != 0.0:
        apply_phi(code, v, np.float32(1.0), np.float32(p[PARAMETER]), n, x)
        return normalise(x, n, exponent)
    if exponent <= FAST_EXPONENT and (exponent >= -FAST_EXPONENT or p[VALUE_ZERO] != 0.0):
        apply_phi(code, v, float32_scale(exponent), np.float32(p[PARAMETER]), n, x)
        if not largest(x, n) < UNDERFLOW:
            return normalise(x, n, 0)
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
