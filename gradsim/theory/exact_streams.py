"""The exact law of the stream of pre_norm residual networks at any width: one input, any activation.

x_(l+1) = x_l + a W_2 phi(W_1 norm(x_l)) with Gaussian weights and no biases. A normalised vector has a fixed length, so that
W_1 norm(x_l) are m independent Gaussians of variance s_1 = n Var W_1 whatever x_l is, and the branches are independent of the
stream and of each other: given T = sum_l a^2 s_2 S_l, with s_2 = m Var W_2 and S_l the mean of phi^2 over the m units, x_L is
x_0 + sqrt(T) g, g standard normal. (No epsilon: it would let the length depend on x_l.)
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import polygamma, psi

from ..errors import RequestError, finite_number
from ..model.network import Network
from ..model.parts import Activation, LayerNorm, Linear, Residual, RMSNorm
from ..typed import Floats, Number
from .averages import averages, preactivations
from .layers import continuous
from .prediction import Prediction, linear_law, nodes_of

THEORY = "the exact law of a stream"
INPUTS = ("gaussian", "fixed")
BRANCH = ((LayerNorm, RMSNorm), (Linear,), (Activation,), (Linear,))
STEP = 0.1  # of log t: the trapezoid rule converges like e^(-pi^2 / STEP), since all is analytic for |Im log t| < pi/2
BELOW, ABOVE = 40.0, 7.0  # of log t about the scale of what is averaged: e^-40 is left out, and exp(-e^7)


class Block(NamedTuple):
    """`scale` is a^2 s_2, the branch's mean square over that of phi."""

    activation: str
    variance: float  # s_1, of what goes into phi
    units: int  # m
    scale: float


@dataclass(frozen=True)
class ExactStream(Prediction):
    """Of M_l, the mean square of x_l, as arrays over l = 0 to L: `stream_log_of_mean`, `stream_log_second_ratio` (the log of
    E M^2 over the square of E M), and where x_0 is Gaussian `stream_log_mean` and `stream_log_variance`.

    `mean` and `variance` are those of M_l.
    """

    mean: Floats = field(repr=False)
    variance: Floats = field(repr=False)


def exact_stream(network: Network, *, input: str = "gaussian", input_square: Number = 1.0) -> ExactStream:
    """The ExactStream of a Network. Raises RequestError for other networks than the above.

    `input` is "gaussian" (standard normal for each network, as in a simulation, times the root of `input_square`) or "fixed",
    of that mean square. It is the stream, or goes into it through a linear map.
    """
    if input not in INPUTS:
        raise RequestError(f"input: {input!r} is not gaussian or fixed")
    square, n = finite_number("input_square", input_square, 0.0), network_width(network)
    stem, gaussian = _stem(network), input == "gaussian"
    start, known = square * (1.0 if stem is None else stem.weights.variance * stem.fan_in), gaussian or stem is not None
    degrees = _degrees(network, stem, gaussian)
    blocks = [block for repeat in network.blocks for block in [_block(repeat.parts, n)] * repeat.times]
    mean, second = _moments(start, _second(start, n, degrees, known), blocks, n)
    variables = {"stream_log_of_mean": np.log(mean), "stream_log_second_ratio": np.log(second / mean**2)}
    if known:
        log_mean, log_variance = _logs(start, degrees, blocks)
        variables["stream_log_mean"] = log_mean + psi(n / 2) - math.log(n / 2)
        variables["stream_log_variance"] = log_variance + polygamma(1, n / 2)
    return ExactStream(network, variables, mean, second - mean**2)


def network_width(network):
    """The width of the stream. Raises RequestError unless all parts that make the stream are those of a pre_norm block."""
    nodes = nodes_of(network)
    widths = {node.width for node in nodes if node.stream >= 0}
    if len(widths) != 1:
        raise RequestError(f"--block: {THEORY} needs a stream of one width, as pre_norm blocks have it")
    return widths.pop()


def _stem(network):
    """The `prediction.Linear` through which inputs become the stream, or None."""
    if not network.stem:
        return None
    if len(network.stem) != 1 or not isinstance(network.stem[0], Linear):
        raise RequestError(f"--block: {THEORY} needs inputs that are the stream, or one linear map before it")
    return _gaussian(network.stem[0], network.input_width, network.stem[0].width)


def _gaussian(part, fan_in, fan_out):
    layer = linear_law(part, fan_in, fan_out or fan_in, THEORY)
    if layer.weights.kind != "normal" and layer.weights.variance:
        raise RequestError(f"--init: {part.init!r} is not normal; {THEORY} needs normal weights")
    if layer.biases.mean or layer.biases.scale:
        raise RequestError(f"--bias: {THEORY} needs none ({part.bias})")
    return layer


def _block(parts, n):
    """The Block of one pre_norm residual."""
    residual = parts[0] if len(parts) == 1 and isinstance(parts[0], Residual) else None
    inner = residual.parts if residual and residual.skip is None else ()
    if len(inner) != len(BRANCH) or not all(type(p) in of for p, of in zip(inner, BRANCH, strict=True)):
        raise RequestError(f"--block: {THEORY} is known of pre_norm blocks x + a W phi(W' norm(x)), layer or rms norm")
    norm, first, activation, second = inner
    if norm.epsilon:
        raise RequestError(f"--norm: {THEORY} needs epsilon 0, so that lengths are fixed; this one has {norm.epsilon:g}")
    before = _gaussian(first, n, first.width)
    after = _gaussian(second, before.fan_out, second.width)
    scale = residual.scale**2 * after.weights.variance * before.fan_out
    return Block(activation.name, before.weights.variance * n, before.fan_out, scale)


def _degrees(network, stem, gaussian):
    """Of the chi-square that the variance of x_0 is, given what is before its last Gaussian; None where it is certain."""
    return network.input_width if stem is not None and gaussian else None


def _second(start, n, degrees, known):
    """E M_0^2."""
    spread = (1 + 2 / n) if known else 1.0
    return start**2 * spread * (1 + 2 / degrees if degrees else 1.0)


def _moments(start, second, blocks, n):
    """(E M_l, E M_l^2) over l = 0 to L, in true scale.

    M' = M + 2 a sqrt(M s_2 S / n) g_1 + a^2 s_2 S |g|^2 / n, S and g independent of M; what is odd in g_1 has mean zero.
    """
    means, seconds = [start], [second]
    for block in blocks:
        square, kurtosis = _phi(block.activation, block.variance)
        v, mean = block.scale * square, means[-1]
        grown = v * v * (1 + (kurtosis - 1) / block.units) * (1 + 2 / n)
        means.append(mean + v)
        seconds.append(seconds[-1] + 2 * mean * v + 4 * mean * v / n + grown)
    return np.array(means), np.array(seconds)


@lru_cache(256)
def _phi(activation, variance):
    """(E phi^2, E phi^4 / (E phi^2)^2)."""
    if not variance:
        value = float(continuous(activation).phi(np.zeros(1))[0]) ** 2
        return value, 1.0
    values, probability = _values(activation, variance)
    square = float(averages(continuous(activation), np.array(variance)).square)
    return square, float(probability @ values**2) / square**2


def _values(activation, variance):
    """(phi^2, probability): nodes and weights over a Gaussian of this variance."""
    phi = continuous(activation)
    h, probability, _ = preactivations(phi, np.sqrt(np.array(variance)))
    return phi.phi(h) ** 2, probability


def _logs(start, degrees, blocks):
    """(mean, variance) of log(X_l), X_l the variance of x_l given the branches' S, over l.

    With E exponential and independent, E / X exceeds t with probability E e^(-t X), a product over blocks and units; log X is
    log E less its log. What is left when that of e^(-t EX) is taken off is integrated over log t.
    """
    grown = [block.scale * _phi(block.activation, block.variance)[0] for block in blocks]
    scale = start + np.concatenate([[0.0], np.cumsum(grown)])
    u = np.arange(-math.log(scale[-1]) - BELOW, -math.log(scale[0]) + ABOVE, STEP)
    t = np.exp(u)
    log_survival = -t * start if degrees is None else -degrees / 2 * np.log1p(2 * t * start / degrees)
    means, variances, found = [], [], {}
    for mean, block in zip(scale, (None, *blocks), strict=True):
        if block is not None:
            if block not in found:
                found[block] = _log_laplace(block, t)
            log_survival = log_survival + found[block]
        rest = np.exp(-t * mean) - np.exp(log_survival)
        shift = STEP * float(rest.sum())  # E log X - log EX
        second = -2 * STEP * float(((u + math.log(mean)) * rest).sum())  # of log E/X + log EX, beside that of log E
        means.append(math.log(mean) + shift)
        variances.append(max(second + 2 * -np.euler_gamma * shift - shift * shift, 0.0))
    return np.array(means), np.array(variances)


def _log_laplace(block, t):
    """log E e^(-t a^2 s_2 S)."""
    if not block.scale:
        return np.zeros_like(t)
    if not block.variance:
        return -t * block.scale * _phi(block.activation, 0.0)[0]
    values, probability = _values(block.activation, block.variance)
    return block.units * np.log1p(np.expm1(-np.outer(t * block.scale / block.units, values)) @ probability)
