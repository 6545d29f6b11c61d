"""The executable specification: one network in NumPy float64, with explicit matrices and plain arrays.

Slow and readable. It is fed the same random numbers as the kernels (the same Philox words, made into normals in
float64), so every step of theirs can be held against it. No carried exponents: shallow networks only.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np

from .activations import find_activation
from .initializers import bias_law, weight_law
from .kernels.sampling import ROLE_BIAS, ROLE_INPUT, ROLE_PROBE, ROLE_WEIGHT
from .kernels.vectors import ROUNDING
from .quantities import QUANTITIES
from .streams import stream_key

_normal_quantile = np.vectorize(NormalDist().inv_cdf, otypes=[float])
_erf = np.vectorize(math.erf, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])


def _sigmoid(h):
    return np.exp(np.minimum(h, 0)) / (1 + np.exp(-np.abs(h)))


def _normal_cdf(h):
    return 0.5 * _erfc(-h / math.sqrt(2))


_SELU = (1.0507009873554805, 1.6732632423543772)


def _gate(h):
    """The gate's argument in gelu_tanh, and its derivative."""
    c = 2 * math.sqrt(2 / math.pi)
    return c * (h + 0.044715 * h**3), c * (1 + 3 * 0.044715 * h**2)


def _gated_derivative(h, gate, slope):
    """Of h sigmoid(gate)."""
    return _sigmoid(gate) + h * slope * _sigmoid(gate) * _sigmoid(-gate)


# name: (phi, phi'), each a function of h and the parameter a
ACTIVATIONS = {
    "linear": (lambda h, a: h, lambda h, a: np.ones_like(h)),
    "sigmoid": (lambda h, a: _sigmoid(h), lambda h, a: _sigmoid(h) * _sigmoid(-h)),
    "tanh": (lambda h, a: np.tanh(h), lambda h, a: 1 / np.cosh(h) ** 2),
    "relu": (lambda h, a: np.maximum(h, 0), lambda h, a: 1.0 * (h > 0)),
    "leaky_relu": (lambda h, a: np.where(h > 0, h, a * h), lambda h, a: np.where(h > 0, 1.0, a)),
    "gelu": (
        lambda h, a: h * _normal_cdf(h),
        lambda h, a: _normal_cdf(h) + h * np.exp(-h * h / 2) / math.sqrt(2 * math.pi),
    ),
    "abs": (lambda h, a: np.abs(h), lambda h, a: np.sign(h)),
    "hard_tanh": (lambda h, a: np.clip(h, -1, 1), lambda h, a: 1.0 * (np.abs(h) < 1)),
    "hard_sigmoid": (lambda h, a: np.clip(h / 6 + 0.5, 0, 1), lambda h, a: (np.abs(h) < 3) / 6),
    "relu6": (lambda h, a: np.clip(h, 0, 6), lambda h, a: 1.0 * ((h > 0) & (h < 6))),
    "hard_swish": (
        lambda h, a: h * np.clip(h / 6 + 0.5, 0, 1),
        lambda h, a: np.where(h >= 3, 1.0, np.where(h > -3, h / 3 + 0.5, 0.0)),
    ),
    "softsign": (lambda h, a: h / (1 + np.abs(h)), lambda h, a: 1 / (1 + np.abs(h)) ** 2),
    "sin": (lambda h, a: np.sin(h), lambda h, a: np.cos(h)),
    "gelu_tanh": (lambda h, a: h * _sigmoid(_gate(h)[0]), lambda h, a: _gated_derivative(h, *_gate(h))),
    "silu": (lambda h, a: h * _sigmoid(h), lambda h, a: _gated_derivative(h, h, 1.0)),
    "mish": (
        lambda h, a: h * np.tanh(np.logaddexp(0, h)),
        lambda h, a: np.tanh(np.logaddexp(0, h)) + h * _sigmoid(h) / np.cosh(np.logaddexp(0, h)) ** 2,
    ),
    "softplus": (lambda h, a: np.logaddexp(0, h), lambda h, a: _sigmoid(h)),
    "elu": (
        lambda h, a: np.where(h > 0, h, a * np.expm1(np.minimum(h, 0))),
        lambda h, a: np.where(h > 0, 1.0, a * np.exp(np.minimum(h, 0))),
    ),
    "selu": (
        lambda h, a: _SELU[0] * np.where(h > 0, h, _SELU[1] * np.expm1(np.minimum(h, 0))),
        lambda h, a: _SELU[0] * np.where(h > 0, 1.0, _SELU[1] * np.exp(np.minimum(h, 0))),
    ),
    "erf": (lambda h, a: _erf(h), lambda h, a: 2 / math.sqrt(math.pi) * np.exp(-h * h)),
}


def philox(counters, key):
    """Philox4x32-10 (Salmon et al. 2011): uint64 arrays of 32-bit words, counters (..., 4) and key (2,), to (..., 4)."""
    c = [counters[..., i].astype(np.uint64) for i in range(4)]
    k = [int(word) for word in key]
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(b >> half) ^ c[1] ^ np.uint64(k[0]), b & low, (a >> half) ^ c[3] ^ np.uint64(k[1]), a & low]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return np.stack(c, axis=-1)


def unit_numbers(kind, key, layer, replica, role, rows, columns):
    """Numbers of a unit law, shape (rows, columns): column k * blocks + j is number k of block row * blocks + j."""
    blocks = -(-columns // 4)
    counters = np.zeros((rows * blocks, 4), np.uint64)
    counters[:, 0] = np.arange(rows * blocks)
    counters[:, 1:] = layer, replica, role
    words = philox(counters, key).astype(np.uint32)
    signed = (words.view(np.int32) + 0.5) * 2.0**-31  # in (-1, 1), symmetric
    if kind == "uniform":
        numbers = signed
    elif kind == "rademacher":
        numbers = np.sign(signed)
    elif kind == "truncated_normal":  # the quantile function of a normal given that it is within [-2, 2]
        numbers = _normal_quantile(0.5 + 0.5 * math.erf(math.sqrt(2)) * signed)
    else:  # Box & Muller 1958: words 0 and 2 give radii, 1 and 3 angles
        radius = np.sqrt(-2 * np.log(np.minimum((words[:, 0::2] + 0.5) * 2.0**-32, 1 - 2.0**-24)))
        angle = np.pi * signed[:, 1::2]
        numbers = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1, 4)
    return numbers.reshape(rows, blocks, 4).transpose(0, 2, 1).reshape(rows, 4 * blocks)[:, :columns]


@dataclass(frozen=True)
class Draw:
    """Everything random in one network: inputs (B, n_0), a weight matrix and a bias a layer, probes (B, n_last)."""

    inputs: np.ndarray
    weights: tuple
    biases: tuple
    probes: np.ndarray


def matrix_of(law, key, layer, replica, rows, columns, role=ROLE_WEIGHT):
    """The matrix of a WeightLaw, shape (rows, columns): (fan_out, fan_in) for weights."""
    matrix = np.full((rows, columns), law.mean)
    if law.scale:
        matrix += law.scale * unit_numbers(law.kind, key, layer, replica, role, rows, columns)
    return matrix


def draw(network, replica, inputs=1, seed=0, stream=None):
    """The Draw of one replica: what the kernels draw."""
    key = stream_key(seed, network.to_json() if stream is None else stream)
    weights, biases, fan_in = [], [], network.input_width
    for layer, fan_out in enumerate(network.linear_widths, start=1):
        law = weight_law(network.init, fan_in, fan_out, network.weight_gain)
        weights.append(matrix_of(law, key, layer, replica, fan_out, fan_in))
        biases.append(matrix_of(bias_law(network.bias, fan_in), key, layer, replica, 1, fan_out, ROLE_BIAS)[0])
        fan_in = fan_out
    x_0 = unit_numbers("normal", key, 0, replica, ROLE_INPUT, inputs, network.input_width)
    probes = unit_numbers("normal", key, 0, replica, ROLE_PROBE, inputs, fan_in)
    return Draw(x_0, tuple(weights), tuple(biases), probes)


def step_forward(network, drawn, k, vector):
    """Vector k of the tape from vector k - 1. Vectors are x_0, h_1, x_1, h_2, x_2, ..., of shape (B, width)."""
    if k % 2:
        return vector @ drawn.weights[k // 2].T + drawn.biases[k // 2]
    entry, a = find_activation(network.activation)
    return ACTIVATIONS[entry.name][0](vector, a)


def step_backward(network, drawn, k, vector, cotangent):
    """The cotangent of vector k - 1 (whose value is `vector`) from the cotangent of vector k."""
    if k % 2:
        return cotangent @ drawn.weights[k // 2]
    entry, a = find_activation(network.activation)
    return ACTIVATIONS[entry.name][1](vector, a) * cotangent


def tape_length(network):
    return 1 + 2 * network.depth + (network.outputs is not None)


def forward(network, drawn, vector=None, start=0):
    """The tape from vector `start` on, whose value is `vector` (the input unless given)."""
    tape = [drawn.inputs if vector is None else vector]
    for k in range(start + 1, tape_length(network)):
        tape.append(step_forward(network, drawn, k, tape[-1]))
    return tape


def probe_gradient(drawn):
    return drawn.probes / math.sqrt(drawn.probes.shape[1])


def loss(drawn, tape):
    return float(np.sum(probe_gradient(drawn) * tape[-1]))


def backward(network, drawn, tape):
    """Cotangents of all vectors of the tape."""
    cotangents = [probe_gradient(drawn)]
    for k in range(len(tape) - 1, 0, -1):
        cotangents.insert(0, step_backward(network, drawn, k, tape[k - 1], cotangents[0]))
    return cotangents


def _log_mean_square(v):
    with np.errstate(divide="ignore"):
        return np.log(np.mean(np.square(v)))


def _one_minus_cosines(v):
    """Over pairs of rows, as half the squared distance of unit vectors, which does not cancel."""
    unit = v / np.linalg.norm(v, axis=1, keepdims=True)
    gaps = np.array([np.sum((unit[a] - unit[b]) ** 2) / 2 for a, b in combinations(range(len(v)), 2)])
    return np.where(gaps < ROUNDING, 0.0, gaps)


def records(network, drawn, tape, cotangents):
    """Float64 of shape (quantities, layers), NaN where undefined: what the kernels record."""
    result = {name: np.full(len(network.linear_widths) + 1, np.nan) for name in QUANTITIES}
    entry, a = find_activation(network.activation)
    result["activation"][0] = _log_mean_square(tape[0])
    result["input_gradient"][0] = _log_mean_square(cotangents[0])
    result["loss"][0] = _log_mean_square(loss(drawn, tape))
    for layer in range(1, len(network.linear_widths) + 1):
        x, h, delta = tape[2 * layer - 2], tape[2 * layer - 1], cotangents[2 * layer - 1]
        result["preactivation"][layer] = _log_mean_square(h)
        result["gradient"][layer] = _log_mean_square(delta)
        result["weight_gradient"][layer] = _log_mean_square(delta.T @ x)
        result["bias_gradient"][layer] = _log_mean_square(delta.sum(axis=0))
        for name, v in (("preactivation_max", h), ("gradient_max", delta)):
            result[name][layer] = _log_mean_square(np.abs(v).max())
        if len(h) > 1:
            gap = _one_minus_cosines(h).mean()
            result["correlation"][layer] = 1 - gap
            result["log_one_minus_correlation"][layer] = np.log(gap) if gap else -np.inf
            result["gradient_correlation"][layer] = 1 - _one_minus_cosines(delta).mean()
        if layer <= network.depth:
            after, slope = tape[2 * layer], ACTIVATIONS[entry.name][1](h, a)
            result["activation"][layer] = _log_mean_square(after)
            result["activation_mean"][layer] = after.mean()
            result["activation_unit_variance"][layer] = after.var(axis=1).mean()
            result["dead_fraction"][layer] = np.mean((slope == 0).all(axis=0))
            result["saturated_fraction"][layer] = np.mean(np.abs(slope) < 0.01 * entry.largest_derivative)
    return np.array(list(result.values()))


def run(network, replica, inputs=1, seed=0, stream=None):
    """The records of one replica."""
    drawn = draw(network, replica, inputs, seed, stream)
    tape = forward(network, drawn)
    return records(network, drawn, tape, backward(network, drawn, tape))
