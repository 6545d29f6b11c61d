"""x = phi(h), elementwise, and its chain rule, for every entry of the activation table."""

import math

import numpy as np

from .compilation import internal
from .dispatch import apply_derivative, apply_phi, log_derivative, log_of, log_phi
from .record import ACTIVATION, ACTIVATION_MEAN, ACTIVATION_UNIT_VARIANCE, DEAD_FRACTION, SATURATED_FRACTION
from .vectors import LN2, from_logs, largest, log_mean_square, normalise, power_of_two

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
    PHI_ADDRESS,  # of a user's own functions; below 2^53, so a float64 holds it
    DERIVATIVE_ADDRESS,
) = range(12)

FAST_EXPONENT = 30  # |h| up to 2^31 goes through float32; 2^-30 below, phi is its tangent at 0 to float32 accuracy
UNDERFLOW = np.float32(2.0**-60)  # entries that float32 loses are then below 2^-66 of the largest
LARGEST_LOG = 700.0  # e^700 is still a float64
SATURATION = 0.01


@internal
def extreme_phi(code, p, v, exponent):
    """(sign, log|phi(2^exponent v)|) in float64, by the asymptotes at 0 and at infinity where they are exact."""
    if v == 0.0:
        return (1.0 if p[VALUE_ZERO] >= 0.0 else -1.0), log_of(p[VALUE_ZERO])
    log_h = math.log(abs(v)) + LN2 * exponent
    right = v > 0.0
    sign = 1.0 if right else -1.0
    if log_h < -60.0 * LN2:
        if p[VALUE_ZERO] != 0.0:
            return math.copysign(1.0, p[VALUE_ZERO]), log_of(p[VALUE_ZERO])
        slope = p[SLOPE_ZERO_RIGHT] if right else p[SLOPE_ZERO_LEFT]
        if not np.isnan(slope):
            return sign * math.copysign(1.0, slope), log_of(slope) + log_h
    slope = p[SLOPE_RIGHT] if right else p[SLOPE_LEFT]
    if log_h > LARGEST_LOG or (log_h > 60.0 * LN2 and not np.isnan(slope)):
        if slope != 0.0:
            return sign * math.copysign(1.0, slope), log_of(slope) + log_h
        intercept = p[INTERCEPT_RIGHT] if right else p[INTERCEPT_LEFT]
        return math.copysign(1.0, intercept), log_of(intercept)
    return log_phi(code, np.int64(p[PHI_ADDRESS]), math.ldexp(v, int(exponent)), p[PARAMETER])


@internal
def extreme_derivative(code, p, v, exponent):
    """(sign, log|phi'(2^exponent v)|) in float64."""
    right = v > 0.0
    log_h = log_of(v) + LN2 * exponent
    if log_h < -60.0 * LN2:
        slope = p[SLOPE_ZERO_RIGHT] if right else p[SLOPE_ZERO_LEFT]
        asymptotic = not np.isnan(slope)
    else:
        slope = p[SLOPE_RIGHT] if right else p[SLOPE_LEFT]
        far = log_h > 60.0 * LN2 and slope != 0.0 and not np.isnan(slope)
        asymptotic = log_h > LARGEST_LOG or far or p[HOMOGENEOUS] != 0.0
    if asymptotic:
        return math.copysign(1.0, slope), log_of(slope)
    return log_derivative(code, np.int64(p[DERIVATIVE_ADDRESS]), math.ldexp(v, int(exponent)), p[PARAMETER])


@internal
def float32_scale(exponent):
    return np.float32(power_of_two(max(min(exponent, 100), -140)))


@internal
def phi_of(code, p, v, exponent, n, x, scratch):
    """x = phi(2^exponent v), normalised; returns its exponent."""
    homogeneous = p[HOMOGENEOUS] != 0.0
    if homogeneous or (exponent <= FAST_EXPONENT and (exponent >= -FAST_EXPONENT or p[VALUE_ZERO] != 0.0)):
        # One call for both: every place that it is called from costs the compiler all activations once more.
        scale = np.float32(1.0) if homogeneous else float32_scale(exponent)
        apply_phi(code, np.int64(p[PHI_ADDRESS]), v, scale, np.float32(p[PARAMETER]), n, x)
        top = largest(x, n)
        if homogeneous or UNDERFLOW <= top < np.inf:
            return normalise(x, n, exponent if homogeneous else 0)
    for i in range(n):
        scratch.signs[i], scratch.logs[i] = extreme_phi(code, p, np.float64(v[i]), exponent)
    return from_logs(scratch.signs, scratch.logs, n, x)


@internal
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


@internal
def wide_power_of_two(exponent):
    """2^exponent in float64, infinite beyond its range: what overflows is counted, not held."""
    return np.inf if exponent > 1023 else power_of_two(exponent)


@internal
def activation_forward(code, p, h, h_exponents, n, x, x_exponents, scratch, layer, record):
    for b in range(h.shape[0]):
        x_exponents[b] = phi_of(code, p, h[b], h_exponents[b], n, x[b], scratch)
    record[ACTIVATION, layer] = log_mean_square(x, x_exponents, n)
    record_units(p, h, h_exponents, x, x_exponents, n, layer, record)


@internal
def activation_backward(code, p, h, h_exponents, g, g_exponents, n, d, d_exponents, scratch, layer, record):
    """d = phi'(h) * g."""
    rows, slopes, alive = h.shape[0], scratch.slopes, scratch.floats
    alive[:n] = 0.0
    saturated = 0
    for b in range(rows):
        scale, a = float32_scale(h_exponents[b]), np.float32(p[PARAMETER])
        apply_derivative(code, np.int64(p[DERIVATIVE_ADDRESS]), h[b], scale, a, n, slopes)
        for i in range(n):
            d[b, i] = slopes[i] * g[b, i]
        saturated += count_slopes(p, slopes, n, alive)
        if UNDERFLOW <= largest(d[b], n) < np.inf or p[HOMOGENEOUS] != 0.0:
            d_exponents[b] = normalise(d[b], n, g_exponents[b])
        else:
            d_exponents[b] = extreme_chain_rule(code, p, h[b], h_exponents[b], g[b], g_exponents[b], n, d[b], scratch)
    record_slopes(alive, saturated, rows, n, layer, record)


@internal
def extreme_chain_rule(code, p, h, h_exponent, g, g_exponent, n, d, scratch):
    """d = phi'(h) * g from logs; returns its exponent."""
    for i in range(n):
        sign, log = extreme_derivative(code, p, np.float64(h[i]), h_exponent)
        scratch.signs[i] = sign * (1.0 if g[i] >= 0.0 else -1.0)
        scratch.logs[i] = log + log_of(np.float64(g[i])) + LN2 * g_exponent
    return from_logs(scratch.signs, scratch.logs, n, d)


@internal
def count_slopes(p, slopes, n, alive):
    """Marks in `alive` the units whose phi' is not 0; returns how many are saturated."""
    threshold = np.float32(SATURATION * p[LARGEST_DERIVATIVE])
    saturated = 0
    for i in range(n):
        alive[i] += abs(slopes[i])
        saturated += abs(slopes[i]) < threshold
    return saturated


@internal
def record_slopes(alive, saturated, rows, n, layer, record):
    dead = 0
    for i in range(n):
        dead += alive[i] == 0.0
    record[DEAD_FRACTION, layer] = dead / n
    record[SATURATED_FRACTION, layer] = saturated / (n * rows)
