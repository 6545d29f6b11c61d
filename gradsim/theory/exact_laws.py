"""Exact laws at finite width: linear, ReLU and leaky ReLU networks with normal or orthogonal weights, no bias, one input.

Layer by layer the squared length is multiplied by independent factors (docs/theory.md): forward by
s^2 R T with R chi-square (normal weights) or beta (orthogonal), T the share that the gates let through; backward by
the same with the fans exchanged, gates being fair coins independent of the weights (Hanin & Nica 2018, arXiv:1812.05994).
"""

import math
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np

from ..errors import RequestError
from ..model.activations import find_activation
from ..model.network import Network
from ..program.graph import ACTIVATION, LINEAR
from ..typed import Floats
from .log_laws import Beta, ChiSquare, Gates, LayerLaw
from .prediction import Prediction, is_chain, linear_layers, nodes_of, over_layers

THEORY = "an exact law"
INPUTS = ("gaussian", "fixed")
WHOLE = ("input_gradient", "loss_gradient", "loss")  # that a network has once
LEAST_SLOPE = 1e-30  # of closed gates, but 0: shares of squares of it are float64s


@dataclass(frozen=True)
class FiniteWidth(Prediction):
    """Prediction that holds at every width: logs are given that the quantity is not zero, as in a simulation.

    Of activation, preactivation, gradient, bias_gradient, weight_gradient, input_gradient, loss and loss_gradient:
    `<quantity>_log_mean`, `_log_variance`, `_log_of_mean` (zeros count), `_log_second_ratio`, the log of E[M^2] / E[M]^2 (zeros
    count), and `_zero_probability`. `forward[l - 1]` and `backward[l - 1]` are the LayerLaws of layer l: of
    log M_l / M_(l-1), and of log of the gradient's mean square at l over that at l + 1 (for the last layer: of itself).
    `input_law` is that from layer 1 to the input.
    """

    forward: tuple[LayerLaw, ...] = field(default=(), repr=False)
    backward: tuple[LayerLaw, ...] = field(default=(), repr=False)
    input_law: LayerLaw | None = field(default=None, repr=False)

    @property
    def death_probability(self) -> Floats:
        """P(the signal is zero) at layers 0 to L (+ 1); a hidden layer's gradient is zero with the last of these."""
        alive = np.cumprod([1.0, *(1 - law.zero_probability for law in self.forward)])
        return 1 - alive


def finite_width(network: Network, *, input: str = "gaussian") -> FiniteWidth:
    """The FiniteWidth of a Network with one input and a probe. Raises RequestError where no exact law is known.

    `input` is "gaussian" (standard normal for each network, as in a simulation) or "fixed", of mean square 1.
    """
    nodes = nodes_of(network)
    layers = linear_layers(network, THEORY)
    if input not in INPUTS:
        raise RequestError(f"input: {input!r} is not gaussian or fixed")
    if not is_chain(nodes):
        raise RequestError("--block: exact laws of every layer are of plain networks; exact_streams has that of pre_norm ones")
    slopes = [_slope(node.part.name) for node in nodes if node.kind == ACTIVATION]
    _check_parts([node.part for node in nodes if node.kind == LINEAR], layers)
    forward, backward = [], []
    layer: Any  # of which there are no fewer than slopes
    for layer, slope in zip_longest(layers, slopes, fillvalue=1.0):
        forward.append(LayerLaw(*_length(layer, layer.fan_in, layer.fan_out), Gates(layer.fan_out, slope)))
    for number, law in enumerate(forward, start=1):
        n = layers[number - 1].fan_out
        if number == len(layers):
            backward.append(LayerLaw(-2 * math.log(n), ChiSquare(n), law.gates))  # a probe over sqrt(n)
        else:
            after = layers[number]
            backward.append(LayerLaw(*_length(after, after.fan_out, after.fan_in), law.gates))
    into_input = LayerLaw(*_length(layers[0], layers[0].fan_out, layers[0].fan_in), Gates(layers[0].fan_in, 1.0))
    start = _start(layers[0].fan_in, input)
    variables = _variables(len(slopes), start, forward, backward, into_input)
    return FiniteWidth(network, variables, tuple(forward), tuple(backward), into_input)


def _slope(activation):
    """The slope of the gates that are closed. Raises RequestError where there is no exact law."""
    entry, _ = find_activation(activation)
    left, right = entry.slope
    if not entry.homogeneous or right != 1.0 or entry.addresses[0]:
        raise RequestError(
            f"--activation: no exact law is known for {activation!r}; there is one for linear, relu, leaky_relu and abs"
        )
    if left and abs(left) < LEAST_SLOPE:
        raise RequestError(f"--activation: {activation!r}: exact laws need a slope of 0 or of {LEAST_SLOPE:g} or more")
    return left


def _check_parts(parts, layers):
    """Raises RequestError where no exact law is known of a linear map."""
    for part, layer in zip(parts, layers, strict=True):
        if layer.weights.kind not in ("normal", "orthogonal"):
            kind = "zero" if layer.weights.kind == "constant" else layer.weights.kind.replace("_", " ")
            raise RequestError(
                f"--init: no exact law is known for the {kind} weights of {part.init!r}; "
                "there is one for normal and orthogonal ones"
            )
        if layer.biases.mean or layer.biases.scale:
            raise RequestError(f"--bias: no exact law is known with biases ({part.bias})")


def _length(layer: Any, before, after) -> tuple[float, Any]:
    """(log of the factor on mean squares, law of the squared length) of a product from `before` units to `after`."""
    law = layer.weights
    if law.kind == "normal":
        return math.log(law.variance) + math.log(before / after), ChiSquare(after)
    return math.log(law.scale**2) + math.log(before / after), Beta(after, max(before, after))


@dataclass(frozen=True)
class _Sum:
    """Sums over independent factors: of means, variances, logs of means and of second-moment ratios; and P(alive)."""

    log_mean: float = 0.0
    log_variance: float = 0.0
    log_of_mean: float = 0.0
    log_second_ratio: float = 0.0
    log_alive: float = 0.0

    def times(self, law):
        """With a factor more, a LayerLaw or another sum."""
        alive = law.log_alive if isinstance(law, _Sum) else math.log1p(-law.zero_probability)
        return _Sum(
            self.log_mean + law.log_mean,
            self.log_variance + law.log_variance,
            self.log_of_mean + law.log_of_mean,
            self.log_second_ratio + law.log_second_ratio,
            self.log_alive + alive,
        )

    def given(self, log_alive):
        """Zero, besides, unless something independent of probability e^log_alive happens."""
        return _Sum(
            self.log_mean,
            self.log_variance,
            self.log_of_mean + log_alive,
            self.log_second_ratio - log_alive,
            self.log_alive + log_alive,
        )


def _start(n, input):
    return _Sum() if input == "fixed" else _Sum().times(LayerLaw(-math.log(n), ChiSquare(n), Gates(n, 1.0)))


def _variables(depth, start, forward, backward, into_input):
    activation, preactivation = [start], []
    for law in forward:
        open_law = LayerLaw(law.log_constant, law.length, Gates(law.gates.n, 1.0))
        preactivation.append(activation[-1].times(open_law))
        activation.append(activation[-1].times(law))
    alive = [sum_.log_alive for sum_ in activation]
    total, gradient, passed = _Sum(), [], alive[-1]
    for number, law in reversed(list(enumerate(backward, start=1))):
        total = total.times(law)
        others = passed - total.log_alive if number <= depth else 0.0  # no gate, so no death, behind a readout
        gradient.insert(0, total.given(others))
    inner = gradient[0].times(into_input)
    weight = [
        g.times(x).given(-x.log_alive if number <= depth else 0.0)  # a hidden gradient counts x's being alive already
        for number, (g, x) in enumerate(zip(gradient, activation[: len(gradient)], strict=True), start=1)
    ]
    probe = ChiSquare(forward[-1].gates.n)
    output = LayerLaw(-2 * math.log(probe.n), probe, Gates(probe.n, 1.0))
    layers = len(forward) + 1
    return (
        _statistics("activation", activation[: depth + 1], layers)
        | _statistics("preactivation", preactivation, layers)
        | _statistics("gradient", gradient, layers)
        | _statistics("bias_gradient", gradient, layers)
        | _statistics("weight_gradient", weight, layers)
        | _statistics("input_gradient", [inner], layers)
        | _statistics("loss_gradient", [_Sum().times(output)], layers)
        | _statistics("loss", [activation[-1].times(LayerLaw(0.0, ChiSquare(1), Gates(1, 1.0)))], layers)
    )


def _statistics(quantity, sums, layers):
    columns = {name: np.array([getattr(s, name) for s in sums]) for name in _Sum.__dataclass_fields__}
    columns["zero_probability"] = 0.0 - np.expm1(columns.pop("log_alive"))
    if quantity in WHOLE:
        return {f"{quantity}_{name}": float(values[0]) for name, values in columns.items()}
    first = 0 if quantity == "activation" else 1
    return {f"{quantity}_{name}": over_layers(values, layers, first) for name, values in columns.items()}
