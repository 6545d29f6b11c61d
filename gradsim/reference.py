"""The executable specification: one network in NumPy float64, with explicit matrices and plain arrays.

Slow and readable. It is fed the same random numbers as the kernels (the same Philox words, made into normals in
float64), so every step of theirs can be held against it. No carried exponents: shallow networks only.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np

from .kernels.sampling import (
    ROLE_BIAS,
    ROLE_INPUT,
    ROLE_LABEL,
    ROLE_PLACE,
    ROLE_PROBE,
    ROLE_SAMPLE,
    ROLE_TARGET,
    ROLE_WEIGHT,
)
from .kernels.vectors import ROUNDING
from .model.activations import find_activation
from .model.activations.exact import exact
from .model.initializers import bias_law, weight_law
from .model.streams import stream_key
from .statistics.quantities import QUANTITIES

_normal_quantile = np.vectorize(NormalDist().inv_cdf, otypes=[float])


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


def words_of(key, layer, replica, role, rows, columns, first_block=0):
    """Uint32 of shape (rows, columns): column k * blocks + j is word k of block first_block + row * blocks + j."""
    blocks = -(-columns // 4)
    counters = np.zeros((rows * blocks, 4), np.uint64)
    counters[:, 0] = first_block + np.arange(rows * blocks)
    counters[:, 1:] = layer, replica, role
    words = philox(counters, key).astype(np.uint32)
    return words.reshape(rows, blocks, 4).transpose(0, 2, 1).reshape(rows, 4 * blocks)[:, :columns]


def unit_numbers(kind, key, layer, replica, role, rows, columns, first_block=0):
    """Numbers of a unit law, shape (rows, columns), from the words of `words_of`."""
    blocks = -(-columns // 4)
    words = words_of(key, layer, replica, role, rows, 4 * blocks, first_block)
    signed = (words.view(np.int32) + 0.5) * 2.0**-31  # in (-1, 1), symmetric
    if kind == "uniform":
        numbers = signed
    elif kind == "rademacher":
        numbers = np.sign(signed)
    elif kind == "truncated_normal":  # the quantile function of a normal given that it is within [-2, 2]
        numbers = _normal_quantile(0.5 + 0.5 * math.erf(math.sqrt(2)) * signed)
    else:  # Box & Muller 1958: words 0 and 2 give radii, 1 and 3 angles
        words, signed = (v.reshape(rows, 2, 2, blocks) for v in (words, signed))
        radius = np.sqrt(-2 * np.log(np.minimum((words[:, :, 0] + 0.5) * 2.0**-32, 1 - 2.0**-24)))
        angle = np.pi * signed[:, :, 1]
        numbers = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2).reshape(rows, 4 * blocks)
    return numbers[:, :columns]


@dataclass(frozen=True)
class Draw:
    """Everything random in one network: inputs (B, n_0), a weight matrix and a bias a layer, and what the loss needs:

    probes or targets (B, n_last), or labels (B,).
    """

    inputs: np.ndarray
    weights: tuple
    biases: tuple
    loss: str
    against: np.ndarray


def matrix_of(law, key, layer, replica, rows, columns, role=ROLE_WEIGHT):
    """The matrix of a WeightLaw, shape (rows, columns): (fan_out, fan_in) for weights."""
    if not law.scale:
        return np.full((rows, columns), law.mean)
    if law.kind == "identity":
        unit = np.eye(rows, columns)
    elif law.kind == "orthogonal":
        tall = _orthonormal_columns(key, layer, replica, max(rows, columns), min(rows, columns))
        unit = tall if rows >= columns else tall.T
    elif law.kind == "sparse":
        kept = _places(key, layer, replica, rows, columns, round(law.density * columns))
        unit = kept * unit_numbers("normal", key, layer, replica, role, rows, columns)
    else:
        unit = unit_numbers(law.kind, key, layer, replica, role, rows, columns)
    return law.mean + law.scale * unit


def _orthonormal_columns(key, layer, replica, n, m):
    """The Q of a QR factorization with positive R of an n x m Gaussian matrix, reflection by reflection (Stewart 1980)."""
    q = np.eye(n, m)
    for k in reversed(range(m)):
        z = unit_numbers("normal", key, layer, replica, ROLE_WEIGHT, 1, n - k, first_block=k * -(-n // 4))[0]
        sign = 1.0 if z[0] >= 0 else -1.0
        u = z + sign * np.linalg.norm(z) * np.eye(n - k)[0]
        q[k] *= -sign
        q[k:] -= np.outer(u, 2 / (u @ u) * (u @ q[k:]))
    return q


def _places(key, layer, replica, rows, columns, wanted):
    """Which entries of a sparse matrix are not zero: `wanted` of each row (Knuth 3.4.2, Algorithm S)."""
    words = words_of(key, layer, replica, ROLE_PLACE, rows, columns)
    kept = np.zeros((rows, columns), bool)
    for r, i in np.ndindex(rows, columns):
        kept[r, i] = (int(words[r, i]) * (columns - i)) >> 32 < wanted - kept[r].sum()
    return kept


def draw(
    network,
    replica,
    inputs=1,
    seed=0,
    stream=None,
    input_correlation=0.0,
    input_file=None,
    target_file=None,
    loss="probe",
    probe="independent",
):
    """The Draw of one replica: what the kernels draw. Arguments as in `gradsim.simulate`, files as Samples."""
    key = stream_key(seed, network.to_json() if stream is None else stream)
    weights, biases, fan_in = [], [], network.input_width
    for layer, fan_out in enumerate(network.linear_widths, start=1):
        law = weight_law(network.init, fan_in, fan_out, network.weight_gain)
        weights.append(matrix_of(law, key, layer, replica, fan_out, fan_in))
        biases.append(matrix_of(bias_law(network.bias, fan_in), key, layer, replica, 1, fan_out, ROLE_BIAS)[0])
        fan_in = fan_out
    if input_file is None:
        rows = range(inputs)
        x_0 = unit_numbers("normal", key, 0, replica, ROLE_INPUT, inputs, network.input_width)
        x_0 = _root_of_correlation(inputs, input_correlation) @ x_0
    else:
        rows = _sample_rows(key, replica, inputs, len(input_file.values))
        x_0 = input_file.values[rows]
    if loss == "probe":
        probes = unit_numbers("normal", key, 0, replica, ROLE_PROBE, 1 if probe == "shared" else inputs, fan_in)
        against = np.broadcast_to(probes, (inputs, fan_in))
    elif target_file is not None:
        against = target_file.values[rows]
    elif loss == "mse":
        against = unit_numbers("normal", key, 0, replica, ROLE_TARGET, inputs, fan_in)
    else:
        against = _below(words_of(key, 0, replica, ROLE_LABEL, inputs, 1), fan_in)
    if loss == "cross_entropy":
        against = against[:, 0].astype(int)
    return Draw(x_0, tuple(weights), tuple(biases), loss, against)


def _below(words, count):
    """Whole numbers from 0 to count - 1 from 32-bit words."""
    return (words.astype(np.uint64) * np.uint64(count)) >> np.uint64(32)


def _root_of_correlation(inputs, correlation):
    mean = np.full((inputs, inputs), 1 / inputs)
    common = max(1 + (inputs - 1) * correlation, 0)
    return math.sqrt(1 - correlation) * (np.eye(inputs) - mean) + math.sqrt(common) * mean


def _sample_rows(key, replica, inputs, count):
    """Distinct rows by Floyd's algorithm."""
    rows = []
    for b, word in enumerate(words_of(key, 0, replica, ROLE_SAMPLE, inputs, 1)[:, 0]):
        newest = count - inputs + b
        row = int(_below(word, newest + 1))
        rows.append(newest if row in rows else row)
    return rows


def activation_functions(network):
    """phi and phi' as functions of an array."""
    found = exact(network.activation)
    return found.phi, found.derivative


def step_forward(network, drawn, k, vector):
    """Vector k of the tape from vector k - 1. Vectors are x_0, h_1, x_1, h_2, x_2, ..., of shape (B, width)."""
    if k % 2:
        return vector @ drawn.weights[k // 2].T + drawn.biases[k // 2]
    return activation_functions(network)[0](vector)


def step_backward(network, drawn, k, vector, cotangent):
    """The cotangent of vector k - 1 (whose value is `vector`) from the cotangent of vector k."""
    if k % 2:
        return cotangent @ drawn.weights[k // 2]
    return activation_functions(network)[1](vector) * cotangent


def tape_length(network):
    return 1 + 2 * network.depth + (network.outputs is not None)


def forward(network, drawn, vector=None, start=0):
    """The tape from vector `start` on, whose value is `vector` (the input unless given)."""
    tape = [drawn.inputs if vector is None else vector]
    for k in range(start + 1, tape_length(network)):
        tape.append(step_forward(network, drawn, k, tape[-1]))
    return tape


def loss(drawn, tape):
    """The loss of the last vector of the tape, a number."""
    return _loss_and_gradient(drawn, tape[-1])[0]


def loss_gradient(drawn, output):
    """Of shape (B, n_last)."""
    return _loss_and_gradient(drawn, output)[1]


def _loss_and_gradient(drawn, output):
    inputs, n = output.shape
    if drawn.loss == "probe":
        gradient = drawn.against / math.sqrt(n)
        return float(np.sum(gradient * output)), gradient
    if drawn.loss == "mse":
        residual = output - drawn.against
        return float(np.mean(residual**2)), 2 * residual / residual.size
    logits = output - output.max(axis=1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    truth = np.eye(n)[drawn.against]
    return float(-np.sum(truth * logs) / inputs), (np.exp(logs) - truth) / inputs


def sum_of_loss_gradients(drawn, output):
    """`loss_gradient` summed over the inputs, without the cancellation of softmax - onehot where softmax is nearly even.

    Of cross-entropy: sum_b (1/n - onehot_b), which may be zero, and sum_b (softmax_b - 1/n), which is of the logits' size.
    """
    if drawn.loss != "cross_entropy":
        return loss_gradient(drawn, output).sum(axis=0)
    inputs, n = output.shape
    logits = output - output.max(axis=1, keepdims=True)
    gaps = np.expm1(logits)
    uneven = (n * gaps - gaps.sum(axis=1, keepdims=True)) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.bincount(drawn.against, minlength=n)
    return ((inputs - n * labels) + uneven.sum(axis=0)) / (n * inputs)


def backward(network, drawn, tape):
    """Cotangents of all vectors of the tape."""
    cotangents = [loss_gradient(drawn, tape[-1])]
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
    largest_derivative, derivative = find_activation(network.activation)[0].largest_derivative, activation_functions(network)[1]
    result["loss_gradient"][0] = _log_mean_square(cotangents[-1])
    result["activation"][0] = _log_mean_square(tape[0])
    result["preactivation_max"][0] = _log_mean_square(np.abs(tape[0]).max())
    result["input_gradient"][0] = _log_mean_square(cotangents[0])
    result["loss"][0] = _log_mean_square(loss(drawn, tape))
    for layer in range(1, len(network.linear_widths) + 1):
        x, h, delta = tape[2 * layer - 2], tape[2 * layer - 1], cotangents[2 * layer - 1]
        result["preactivation"][layer] = _log_mean_square(h)
        result["gradient"][layer] = _log_mean_square(delta)
        result["weight_gradient"][layer] = _log_mean_square(delta.T @ x)
        readout = layer == len(network.linear_widths) > network.depth
        summed = sum_of_loss_gradients(drawn, h) if readout else delta.sum(axis=0)
        result["bias_gradient"][layer] = _log_mean_square(summed)
        for name, v in (("preactivation_max", h), ("gradient_max", delta)):
            result[name][layer] = _log_mean_square(np.abs(v).max())
        if len(h) > 1:
            gap = _one_minus_cosines(h).mean()
            result["correlation"][layer] = 1 - gap
            result["log_one_minus_correlation"][layer] = np.log(gap) if gap else -np.inf
            result["gradient_correlation"][layer] = 1 - _one_minus_cosines(delta).mean()
        if layer <= network.depth:
            after, slope = tape[2 * layer], derivative(h)
            result["activation"][layer] = _log_mean_square(after)
            result["activation_mean"][layer] = after.mean()
            result["activation_unit_variance"][layer] = after.var(axis=1).mean()
            result["dead_fraction"][layer] = np.mean((slope == 0).all(axis=0))
            result["saturated_fraction"][layer] = np.mean(np.abs(slope) < 0.01 * largest_derivative)
    return np.array(list(result.values()))


def run(network, replica, **options):
    """The records of one replica."""
    drawn = draw(network, replica, **options)
    tape = forward(network, drawn)
    return records(network, drawn, tape, backward(network, drawn, tape))
