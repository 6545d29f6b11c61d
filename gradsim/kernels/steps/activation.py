"""x = phi(h), elementwise, and its chain rule, for every entry of the activation table."""

import math

import numpy as np

from ..activations import CODES, CUSTOM
from ..activations.piecewise import PIECEWISE
from ..cancellation import hold_at_floor
from ..compilation import part, widest_vectors
from ..dispatch import apply, log_derivative, log_of, log_phi
from ..rare import rarely_called
from ..record import ACTIVATION, ACTIVATION_MEAN, ACTIVATION_UNIT_VARIANCE, DEAD_FRACTION, SATURATED_FRACTION, put
from ..vectors import (
    LN2,
    from_logs,
    in_window,
    largest,
    log_mean,
    magnitude,
    measure_units,
    multiply,
    power_of_two,
    settle,
)
from ..windows import row

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

FAST_EXPONENT = 27  # |h| up to 2^31 goes through float32; 2^-27 below, phi is its tangent at 0 to float32 accuracy
TANGENT_EXPONENT = -12  # below it, differences between units are taken from h and the tangent at 0
UNDERFLOW = np.float32(2.0**-60)  # entries that float32 loses are then below 2^-66 of the largest
LARGEST_LOG = 700.0  # e^700 is still a float64
SATURATION = 0.01
PIECEWISE_CODES, ELU = len(PIECEWISE), CODES["elu"]


@part
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


@part
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


@part
def float32_scale(exponent):
    return np.float32(power_of_two(max(min(exponent, 100), -140)))


@part
def apply_tangent(v, n, left, right, x, slopes):
    """x = phi(v), slopes = phi'(v) for a phi with phi(0) = 0 and these slopes, next to 0."""
    widest_vectors()
    for i in range(n):
        slope = right if v[i] > 0.0 else left
        slopes[i] = slope
        x[i] = slope * v[i]


@part
def phi_of(code, p, v, exponent, n, x, slopes, scratch):
    """x = phi(2^exponent v) and slopes = phi'(2^exponent v); (exponent of x, mean and variance of its units)."""
    slopes_known = not (np.isnan(p[SLOPE_ZERO_LEFT]) or np.isnan(p[SLOPE_ZERO_RIGHT]))
    straight = exponent < -FAST_EXPONENT and p[VALUE_ZERO] == 0.0 and slopes_known
    homogeneous = p[HOMOGENEOUS] != 0.0 or straight
    if straight:
        apply_tangent(v, n, np.float32(p[SLOPE_ZERO_LEFT]), np.float32(p[SLOPE_ZERO_RIGHT]), x, slopes)
    else:
        scale = np.float32(1.0) if homogeneous else float32_scale(exponent)
        phi, derivative = np.int64(p[PHI_ADDRESS]), np.int64(p[DERIVATIVE_ADDRESS])
        apply(code, phi, derivative, v, scale, np.float32(p[PARAMETER]), n, x, slopes)
    top, mean, variance = measure_units(x, n)
    inside = exponent <= FAST_EXPONENT and (exponent >= -FAST_EXPONENT or p[VALUE_ZERO] != 0.0)
    x_exponent = exponent if homogeneous else 0
    if not (homogeneous or (inside and UNDERFLOW <= top < np.inf)):
        for i in range(n):
            scratch.signs[i], scratch.logs[i] = extreme_phi(code, p, np.float64(v[i]), exponent)
        x_exponent = from_logs(scratch.signs, scratch.logs, n, x)
        if exponent > FAST_EXPONENT and np.isnan(p[SLOPE_RIGHT]):  # no asymptote, and none of float32's business
            for i in range(n):
                sign, log = extreme_derivative(code, p, np.float64(v[i]), exponent)
                slopes[i] = np.float32(sign * math.exp(log))
        top, mean, variance = measure_units(x, n)
    if not in_window(top):
        x_exponent = settle(x, n, top, x_exponent)
        _, mean, variance = measure_units(x, n)
    return x_exponent, mean, variance


@part
def unit_variance(p, h, h_exponent, n, variance, x_exponent):
    """Variance between the units, from that of x without its exponent."""
    if p[VALUE_ZERO] != 0.0 and h_exponent < TANGENT_EXPONENT:
        # phi(0) + slope * h in float32 has lost the differences between units; the tangent has not.
        _, _, variance = measure_units(h, n)
        return variance * p[SLOPE_ZERO_RIGHT] ** 2 * power_of_two(2 * h_exponent)
    return variance * wide_power_of_two(2 * x_exponent)


@part
def wide_power_of_two(exponent):
    """2^exponent in float64, infinite beyond its range: what overflows is counted, not held."""
    return np.inf if exponent > 1023 else power_of_two(exponent)


@part
def has_flat_parts(code, p):
    """Whether zeros of phi and phi' away from 0 are exact: of what is smooth, they are smaller than any number here.

    A user's function is taken at its word, which a float64 holds.
    """
    return code < PIECEWISE_CODES or code == CUSTOM or (code == ELU and p[PARAMETER] == 0.0)


@part
def after_underflow(code, p, h, n, x, b, scratch):
    """(exponent, square) of row b, an x = phi(h) that came out as zero."""
    rarely_called()
    if largest(h, n) == 0.0 or has_flat_parts(code, p):
        return np.int64(0), 0.0
    return hold_at_floor(x, n, b, scratch), np.float64(n)


@part
def activation_forward(code, p, h, x, slopes, place, scratch, record):
    """x = phi(h), and slopes = phi'(h) for the way back."""
    rows, n = h.values.shape[0], x.n
    mean, variance, saturated, dead = 0.0, 0.0, 0, 0
    for b in range(rows):
        before, after, steep = row(h.values, b), row(x.values, b), row(slopes, b)
        x.exponents[b], centre, spread = phi_of(code, p, before, h.exponents[b], n, after, steep, scratch)
        x.squares[b] = n * (spread + centre * centre)
        if x.squares[b] == 0.0:
            x.exponents[b], x.squares[b] = after_underflow(code, p, before, n, after, b, scratch)
        mean += centre * wide_power_of_two(x.exponents[b])
        variance += unit_variance(p, before, h.exponents[b], n, spread, x.exponents[b])
        dead, low = count_slopes(p, steep, n)
        saturated += low
    if rows > 1:
        dead = count_dead(slopes, n, scratch.floats)
    # together: how the compiler divides by one number twice is a matter of bits
    mean, variance, dead_fraction, saturated_fraction = mean / rows, variance / rows, dead / n, saturated / (n * rows)
    put(record, ACTIVATION, place, log_mean(x.squares, x.exponents, rows, n))
    put(record, ACTIVATION_MEAN, place, mean)
    put(record, ACTIVATION_UNIT_VARIANCE, place, variance)
    put(record, DEAD_FRACTION, place, dead_fraction)
    put(record, SATURATED_FRACTION, place, saturated_fraction)


@part
def count_slopes(p, slopes, n):
    """How many slopes are zero, and how many are saturated."""
    widest_vectors()
    threshold = magnitude(SATURATION * p[LARGEST_DERIVATIVE])
    alive, steep = np.int32(0), np.int32(0)
    for i in range(n):
        bits = magnitude(slopes[i])
        alive = np.int32(alive + np.int32(bits > 0))
        steep = np.int32(steep + np.int32(bits >= threshold))
    return n - alive, n - steep


@part
def count_dead(slopes, n, alive):
    """How many units have slope zero for every input; `alive` is scratch space."""
    dead = 0
    for i in range(n):
        alive[i] = 0.0
    for b in range(slopes.shape[0]):
        for i in range(n):
            alive[i] += abs(slopes[b, i])
    for i in range(n):
        dead += alive[i] == 0.0
    return dead


@part
def activation_backward(code, p, h, slopes, d, g, scratch):
    """g = phi'(h) * d."""
    for b in range(h.values.shape[0]):
        after = row(g.values, b)
        top = multiply(row(slopes, b), row(d.values, b), d.n, after)
        if UNDERFLOW <= top < np.inf or p[HOMOGENEOUS] != 0.0:
            g.exponents[b] = settle(after, d.n, top, d.exponents[b])
        else:
            g.exponents[b] = extreme_chain_rule(code, p, h, d, after, b, scratch)


@part
def extreme_chain_rule(code, p, h, d, g, b, scratch):
    """Row b, g = phi'(h) * d from logs; returns its exponent."""
    before, after, n = row(h.values, b), row(d.values, b), d.n
    for i in range(n):
        sign, log = extreme_derivative(code, p, np.float64(before[i]), h.exponents[b])
        scratch.signs[i] = sign * (1.0 if after[i] >= 0.0 else -1.0)
        scratch.logs[i] = log + log_of(np.float64(after[i])) + LN2 * d.exponents[b]
    exponent = from_logs(scratch.signs, scratch.logs, n, g)
    if largest(g, n) == 0.0 and largest(after, n) > 0.0 and not has_flat_parts(code, p):
        return hold_at_floor(g, n, b, scratch)
    return exponent
