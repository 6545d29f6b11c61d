"""Elementary functions in float32, branch-free so that LLVM vectorises the loops that call them.

Numba has no vector mathematics library: exp, tanh and their like inside a loop are scalar calls to libm. These are
polynomials instead, a few ulp accurate over the whole range (tests/kernels/test_elementary.py measures it against
float64). The coefficients are weighted minimax fits (Lawson's iteration), made by
scripts/fit_polynomials.py; `error` is the largest relative error of the fit before rounding to float32.
"""

import math

import numpy as np

from .compilation import elementary, expression


def _float32(*coefficients):
    return tuple(np.float32(c) for c in coefficients)


# As scripts/fit_polynomials.py prints them: a number a line would take a page.
# fmt: off
# (e^r - 1 - r) / r^2 on |r| <= ln(2)/2, in powers of r; error 1.4e-8
EXPM1 = _float32(4.999999804e-01, 1.666653868e-01, 4.166722127e-02, 8.367180867e-03, 1.388239564e-03)
# (log(1+t) - t + t^2/2) / t^3 on sqrt(1/2) <= 1+t <= sqrt(2), in powers of t; error 5.8e-9
LOG1P = _float32(3.333333171e-01, -2.500082104e-01, 2.000122687e-01, -1.662335730e-01, 1.420175823e-01,
                 -1.316018306e-01, 1.276157564e-01, -7.634493024e-02)
# sin(pi a) / a on |a| <= 1/2, in powers of a^2; error 5.3e-9
SINPI = _float32(3.141592637e+00, -5.167709686e+00, 2.550069739e+00, -5.982421944e-01, 7.756050494e-02)
# cos(pi a) on |a| <= 1/2, in powers of a^2; absolute error 2.2e-10
COSPI = _float32(1.0, -4.934802137e+00, 4.058709165e+00, -1.335212061e+00, 2.349375760e-01, -2.439674136e-02)
# erf(x) / x on |x| <= 1, in powers of x^2; error 1.2e-9
ERF = _float32(1.128379166e+00, -3.761262583e-01, 1.128358518e-01, -2.685381310e-02, 5.188329603e-03,
               -8.010208807e-04, 7.853907666e-05)
# (a + 3) P(z > a) e^(a^2/2) on a >= 0 for a standard normal z, in powers of (a - 3)/(a + 3); error 2.5e-8
TAIL = _float32(7.290837072e-01, -5.093320763e-01, 2.300166910e-01, -4.726068170e-02, -1.045280865e-02,
                6.957533907e-03, 9.912176880e-04, -1.007876600e-03, -1.954175565e-04, 1.142651144e-04,
                2.773645465e-05)
# sqrt(2) erfinv(m v) / v on |v| <= 1 with m = P(|z| < 2), in powers of -log(1 - (m v)^2); error 3.6e-9
TRUNCATED = _float32(1.196288009e+00, 3.131877129e-01, 1.558787451e-02, -3.144646969e-03, -1.849715393e-04,
                     7.337902694e-05, -1.963071821e-06, -5.005629936e-07)
# x / y for normal quantiles (see `normal_quantile`) at w = -log(1 - y^2) <= 7, in powers of w - 7/2; error 1.5e-8
NEAR_QUANTILE = _float32(2.464733721e+00, 3.328469345e-01, -9.499426842e-03, -6.804248421e-04, 2.243051946e-04,
                         -2.245033005e-05, -5.644087265e-07, 4.782646080e-07, -4.840509492e-08, -3.428114082e-09,
                         8.076231879e-10)
# x t / y at t = 1/sqrt(w) from 1/30 to 1/sqrt(7), in powers of t - 1/5; error 5.3e-8
FAR_QUANTILE = _float32(1.371760609e+00, -2.850994105e-01, -2.439709047e-02, 1.073172309e+00, -1.754356673e+00,
                        2.526710900e+00, -2.865595545e+00, 8.792025757e+01, 3.016609550e+02, 7.634537319e+01,
                        -6.897410601e+03)
# fmt: on

ZERO, HALF, ONE, TWO, THREE = _float32(0.0, 0.5, 1.0, 2.0, 3.0)
LOG2_E = np.float32(1.4426950408889634)
LN2_HIGH = np.float32(0.693359375)  # ten bits: an exponent times it is exact
LN2_LOW = np.float32(-2.1219444005469057e-4)
SQRT_2 = np.float32(1.4142135623730951)
INVERSE_SQRT_2PI = np.float32(0.3989422804014327)
TWO_OVER_SQRT_PI = np.float32(1.1283791670955126)
EXP_MIN, EXP_MAX = _float32(-125.0 * np.log(2), 127.0 * np.log(2))  # results stay normal numbers
TAIL_MAX = np.float32(13.2)  # e^(-a^2/2) leaves the normal numbers of float32 at a = 13.19
SQUARE_MAX = np.float32(9.33)  # the same for e^(-a^2)
SEVEN, SEVEN_HALVES, FIFTH = _float32(7.0, 3.5, 0.2)  # where and about what quantiles are expanded
MASS_WITHIN_TWO = np.float32(0.9544997361036416)  # P(|z| < 2)
INVERSE_PI = 1 / np.pi
PI_HIGH = 3.141592025756836  # 22 bits: a multiple by up to 2^31 is exact
PI_LOW = 6.278329573009626e-07
SQRT_HALF_BITS = np.int32(0x3F3504F3)
EXPONENT_BIAS = np.int32(127)
MANTISSA_BITS = np.int32(23)
EXP64_MIN = -708.0
LOG2_E_64 = 1.4426950408889634
LN2_HIGH_64 = 0.693147180369123816490  # 33 bits: an exponent times it is exact
LN2_LOW_64 = 1.90821492927058770002e-10
TAYLOR = tuple(1 / math.factorial(k) for k in range(14))
HIGH_BITS = np.int32(-4096)  # 0xFFFFF000: the upper 12 significant bits, whose square is exact


@elementary
def bits_of(x):
    """The bit pattern of a float32, as int32."""
    return np.float32(x).view(np.int32)


@elementary
def float_of(bits):
    """The float32 with the given bit pattern."""
    return np.int32(bits).view(np.float32)


@elementary
def polynomial(x, coefficients):
    """c[0] + c[1] x + c[2] x^2 + ... by Horner's rule."""
    total = coefficients[-1]
    for k in range(len(coefficients) - 2, -1, -1):
        total = total * x + coefficients[k]
    return total


@expression
def _reduce(x, correction):
    """Split x + correction into k ln 2 + r with |r| <= ln(2)/2: returns (2^k, e^r - 1)."""
    k = np.rint(x * LOG2_E)
    r = ((x - k * LN2_HIGH) - k * LN2_LOW) + correction
    scale = float_of((np.int32(k) + EXPONENT_BIAS) << MANTISSA_BITS)
    square = r * r
    # Estrin's scheme: what follows waits for fewer results one after another than with Horner's
    low, high = EXPM1[0] + r * EXPM1[1], EXPM1[2] + r * EXPM1[3]
    return scale, r + square * (low + square * (high + square * EXPM1[4]))


@expression
def exp(x):
    """e^x; the argument is held inside the range whose results are normal numbers."""
    scale, tail = _reduce(min(max(x, EXP_MIN), EXP_MAX), ZERO)
    return scale + scale * tail


@expression
def expm1(x):
    """e^x - 1 without cancellation near zero; the argument is held as in `exp`."""
    scale, tail = _reduce(min(max(x, EXP_MIN), EXP_MAX), ZERO)
    return scale * tail + (scale - ONE)


@elementary
def log(x):
    """Natural logarithm of a positive normal number."""
    bits = bits_of(x)
    above = np.int32(bits - SQRT_HALF_BITS)  # cast before the shift: Numba subtracts in 64 bits, half as many at a time
    k = np.int32(above >> MANTISSA_BITS)
    t = float_of(bits - (k << MANTISSA_BITS)) - ONE
    exponent = np.float32(k)
    small = t * t * (t * polynomial(t, LOG1P) - HALF) + exponent * LN2_LOW
    return exponent * LN2_HIGH + (t + small)


@elementary
def sincos_half_turns(y):
    """(sin(pi y), cos(pi y)) for -1 <= y <= 1."""
    a = HALF - abs(y)
    square = a * a
    return np.copysign(polynomial(square, COSPI), y), a * polynomial(square, SINPI)


@expression
def tanh(x):
    """(1 - e^(-2|x|)) / (1 + e^(-2|x|)): written so that the derivative shares what is costly."""
    scale, tail = _reduce(max(-(abs(x) + abs(x)), EXP_MIN), ZERO)
    return np.copysign(((ONE - scale) - scale * tail) * (ONE / (ONE + (scale + scale * tail))), x)


@expression
def tanh_derivative(x):
    """1 - tanh(x)^2 as 4 e^(-2|x|) / (1 + e^(-2|x|))^2, which does not cancel."""
    scale, tail = _reduce(max(-(abs(x) + abs(x)), EXP_MIN), ZERO)
    decay = scale + scale * tail
    share = ONE / (ONE + decay)
    double = share + share  # additions have units of their own on many CPUs
    return decay * double * double


@expression
def sigmoid(x):
    """1 / (1 + e^-x), by e^-|x| on both sides, as the derivative."""
    decay = exp(-abs(x))
    share = ONE / (ONE + decay)
    return share if x >= ZERO else decay * share


@expression
def sigmoid_derivative(x):
    decay = exp(-abs(x))
    share = ONE / (ONE + decay)
    return decay * share * share


@expression
def _square_decay(a, factor):
    """e^(-factor a^2) without the relative error a^2 eps that a rounded square would bring; factor is a power of two."""
    head = float_of(bits_of(a) & HIGH_BITS)
    rest = a - head
    scale, tail = _reduce(-factor * head * head, -factor * rest * (TWO * head + rest))
    return scale + scale * tail


@expression
def half_square_decay(a):
    """e^(-a^2/2) for a >= 0."""
    return _square_decay(min(a, TAIL_MAX), HALF)


@expression
def normal_tail_ratio(a):
    """P(z > a) e^(a^2/2) for a >= 0 and z standard normal."""
    return polynomial((a - THREE) / (a + THREE), TAIL) / (a + THREE)


@expression
def normal_cdf(x):
    """P(z <= x) for a standard normal z."""
    a = abs(x)
    tail = half_square_decay(a) * normal_tail_ratio(min(a, TAIL_MAX))
    return tail if x < ZERO else ONE - tail


@expression
def erf(x):
    a = abs(x)
    near = a * polynomial(min(a, ONE) * min(a, ONE), ERF)
    scaled = min(a * SQRT_2, TAIL_MAX)
    far = ONE - TWO * half_square_decay(scaled) * normal_tail_ratio(scaled)
    return np.copysign(near if a < ONE else far, x)


@expression
def erf_derivative(x):
    return TWO_OVER_SQRT_PI * _square_decay(min(abs(x), SQUARE_MAX), ONE)


@expression
def gelu(x):
    """x P(z <= x) for a standard normal z."""
    return x * normal_cdf(x)


@expression
def gelu_derivative(x):
    """P(z <= x) + x e^(-x^2/2) / sqrt(2 pi)."""
    a = abs(x)
    decay = half_square_decay(a)
    bounded = min(a, TAIL_MAX)
    excess = decay * (normal_tail_ratio(bounded) - bounded * INVERSE_SQRT_2PI)
    return excess if x < ZERO else ONE - excess


@elementary
def truncated_normal_quantile(v):
    """The number x with P(z < x | |z| < 2) = (1 + v)/2, for -1 <= v <= 1 and z standard normal."""
    y = MASS_WITHIN_TWO * v
    return v * polynomial(-log(ONE - y * y), TRUNCATED)


@elementary
def normal_quantile(y, w):
    """The number x with P(z < x) = (1 + y)/2, z standard normal, for -1 <= y <= 1 and w = -log(1 - y^2) up to 900.

    Of y next to -1 or 1, it is w that has the digits: 1 - y^2 is 4 P(z < x) P(z > x). So does Giles 2010, "Approximating the
    erfinv function", with other polynomials.
    """
    t = ONE / np.sqrt(max(w, ONE))  # where w is less, it does not count
    near, far = polynomial(w - SEVEN_HALVES, NEAR_QUANTILE), polynomial(t - FIFTH, FAR_QUANTILE) / t
    return y * (near if w < SEVEN else far)


@expression
def log1p(x):
    """log(1 + x) for x >= 0: the logarithm of what 1 + x keeps, and the slope there times what it loses."""
    shifted = ONE + x
    return log(shifted) + (x - (shifted - ONE)) / shifted


@expression
def _half_turns(x):
    """x = pi (k + y) with |y| <= 1/2: ((-1)^k, y), reduced in float64, exact to float32 up to |x| = 2^31."""
    wide = np.float64(x)
    k = np.rint(wide * INVERSE_PI)
    y = ((wide - k * PI_HIGH) - k * PI_LOW) * INVERSE_PI
    parity = k - 2.0 * np.rint(0.5 * k)
    return np.float32(1.0 - 2.0 * abs(parity)), y


@expression
def _sin_half_turns(y):
    """sin(pi y) for |y| <= 1/2, to relative accuracy."""
    return y * polynomial(y * y, SINPI)


@expression
def sin(x):
    sign, y = _half_turns(x)
    return sign * _sin_half_turns(np.float32(y))


@expression
def cos(x):
    sign, y = _half_turns(x)
    return sign * _sin_half_turns(np.float32(0.5 - abs(y)))


@elementary
def exp64(x):
    """e^x for x <= 0 in float64, to 2e-16 of itself; 0 below the normal numbers. Taylor's series on |r| <= ln(2)/2."""
    k = np.rint(max(x, EXP64_MIN) * LOG2_E_64)
    r = (max(x, EXP64_MIN) - k * LN2_HIGH_64) - k * LN2_LOW_64
    scale = np.int64((np.int64(k) + 1023) << 52).view(np.float64)
    return scale * polynomial(r, TAYLOR) if x >= EXP64_MIN else 0.0
