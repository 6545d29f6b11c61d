"""Mean-field theory: the curves of an infinitely wide network, in logarithms.

Poole et al. 2016 (arXiv:1606.05340) for variances and correlations, Schoenholz et al. 2017 (arXiv:1611.01232) for gradients,
which are independent of the forward pass (a probe is; Yang 2020, arXiv:2006.14548, for readouts).
"""

import math
from dataclasses import dataclass, field

import numpy as np

from ..errors import finite_number
from ..model.request import checked
from .layers import Layer, times
from .pair_map import PairMap, same
from .prediction import Prediction, linear_layers, place

LOG_CHI_SQUARE = -math.log(2) - np.euler_gamma  # E log of the square of a standard normal


@dataclass(frozen=True)
class MeanField(Prediction):
    """Prediction for infinite width, where all networks are alike; at width n and depth L it is off by O(L/n).

    It describes no network where those of one width part, as they do about a fixed point of the variance that repels.

    Arrays over layers, NaN where undefined: `q` the mean square of preactivations (inf or 0 beyond float64; its log is
    `preactivation_log_mean`), `correlation` between two inputs and the log of one minus it, `chi_perp` = sigma_w^2 E phi'^2
    and `chi_par` = dq'/dq with the layer's own sigma_w^2 = fan_in Var W. `log_slope_square` is log E phi'^2.
    """

    q: np.ndarray = field(default=None, repr=False)
    correlation: np.ndarray = field(default=None, repr=False)
    log_one_minus_correlation: np.ndarray = field(default=None, repr=False)
    chi_perp: np.ndarray = field(default=None, repr=False)
    chi_par: np.ndarray = field(default=None, repr=False)
    log_slope_square: np.ndarray = field(default=None, repr=False)
    layer_kinds: tuple = field(default=(), repr=False)  # (layers.Layer, log v) of linear layers


def mean_field(
    network,
    *,
    inputs=1,
    input_correlation=0.0,
    input_square=1.0,
    loss="probe",
    probe="independent",
):
    """The MeanField of a Network: any activation, widths and biases, any initializer with mean zero.

    `inputs`, `input_correlation`, `loss` and `probe` as in `gradsim.simulate`; inputs have mean square `input_square`.
    `input_correlation=None` leaves out what depends on it. Gradients are those of a probe; with another loss they depend
    on the network's output and are left out. Raises RequestError for weights with a mean, fixed or sparse ones.
    """
    layers = linear_layers(network, "mean-field theory")
    checked(inputs=inputs, input_correlation=input_correlation or 0.0, loss=loss, probe=probe)
    square = finite_number("input_square", input_square, 0.0)
    forward = _Forward(network, layers, square, input_correlation)
    variables = forward.variables(inputs)
    if loss == "probe":
        variables |= _backward(network, layers, forward, inputs, probe == "shared")
    steepness = [log(layer.weights.variance * layer.fan_in) for layer in layers[: network.depth]]
    with np.errstate(over="ignore"):
        chi_perp = np.exp(np.array(steepness) + forward.log_slope_square)
        chi_par = np.exp(steepness) * np.array(forward.parallel)
        q = np.exp(variables["preactivation_log_mean"])
    arrays = (place("activation_mean", values, network) for values in (chi_perp, chi_par, forward.log_slope_square))
    correlations = forward.correlation(), place("correlation", forward.log_gaps(), network)
    return MeanField(network, variables, q, *correlations, *arrays, tuple(forward.kinds))


def log(value):
    """Natural log, -inf at 0 and below."""
    return math.log(value) if value > 0 else -math.inf


class _Forward:
    """The forward pass: lists over layers, of logs of mean squares and of half the mean squared difference of two inputs."""

    def __init__(self, network, layers, square, correlation):
        self.network, self.memory = network, _Memory()
        self.pairs = correlation is not None
        self.log_x, self.log_half = [log(square)], [log(square * (1 - (correlation or 0.0)))]
        self.kinds = []
        self.log_q, self.log_apart = [], []  # apart: q times one minus the correlation
        self.mean, self.log_slope_square, self.parallel, self.product = [], [], [], []
        for number, layer in enumerate(layers, start=1):
            self._step(layer, len(layers) - number, number <= network.depth)

    def _step(self, layer, left, activated):
        bias = _fixed_bias(layer.biases)
        normal = layer.biases.variance if layer.biases.kind == "normal" else 0.0
        weight = log(layer.weights.variance * layer.fan_in)
        log_v = float(np.logaddexp(weight + self.log_x[-1], log(normal)))
        apart = weight + self.log_half[-1]
        low, high = bias
        self.log_q.append(float(np.logaddexp(log_v, log((low * low + low * high + high * high) / 3))))
        self.log_apart.append(apart)
        kind = Layer(self.network.activation, bias)
        self.kinds.append((kind, log_v))
        if not activated:
            return
        single = self.memory.single(kind, log_v)
        log_gap = min(apart - log_v, math.log(2)) if log_v > -math.inf else -math.inf
        ratio, product = self.memory.pair(kind, log_v, log_gap, left) if self.pairs else (math.nan, math.nan)
        self.log_x.append(single.log_square)
        self.log_half.append(log_v + log_gap + log(ratio) if self.pairs and log_gap > -math.inf else -math.inf)
        self.mean.append(single.mean)
        self.log_slope_square.append(single.log_slope_square)
        self.parallel.append(single.parallel)
        self.product.append(product)

    def activation_correlation(self, layer):
        """Cosine between the activations of two inputs; layer 0 is the input."""
        return _one_minus(self.log_half[layer] - self.log_x[layer]) if self.log_x[layer] > -math.inf else 1.0

    def variables(self, inputs):
        network, result = self.network, {}
        for name, logs in (("preactivation", self.log_q), ("activation", self.log_x)):
            result |= _certain(name, logs, network)
        mean = np.array(self.mean)
        with np.errstate(over="ignore", invalid="ignore"):
            variance = np.maximum(np.exp(self.log_x[1:]) - mean * mean, 0.0)
        result["activation_mean_mean"] = place("activation_mean", mean, network)
        result["activation_unit_variance_mean"] = place("activation_unit_variance", variance, network)
        if self.pairs and inputs > 1:
            result["log_one_minus_correlation_mean"] = place("log_one_minus_correlation", self.log_gaps(), network)
            result["correlation_mean"] = self.correlation()
        return result

    def log_gaps(self):
        """Logs of one minus the cosine between the preactivations of two inputs; NaN where these are zero."""
        return np.array([a - q if q > -math.inf else math.nan for a, q in zip(self.log_apart, self.log_q, strict=True)])

    def correlation(self):
        """That cosine, over layers."""
        cosines = [_one_minus(gap) if self.pairs and gap == gap else math.nan for gap in self.log_gaps()]
        return place("correlation", cosines, self.network)


def _one_minus(log_gap):
    return 1 - math.exp(min(log_gap, math.log(2)))


def _fixed_bias(law):
    """(low, high) of what is constant or uniform in the biases."""
    spread = law.scale if law.kind == "uniform" else 0.0
    return law.mean - spread, law.mean + spread


class _Memory:
    """Averages of layers that are like the one before, which most of a deep network are.

    Layers of which only the scale matters are all alike, at variance 1.
    """

    def __init__(self):
        self.singles, self.pairs = {}, {}

    def single(self, kind, log_v):
        slopes = kind.straight(log_v)
        if slopes is None:
            return self._known(kind, None, log_v)
        unit = self._known(kind, slopes, log_v)
        shift = log_v - self.singles[kind, slopes][0]
        return unit._replace(mean=times(unit.mean, shift / 2), log_square=unit.log_square + shift)

    def _known(self, kind, slopes, log_v):
        """The Single at the variance that is on record: this one, or any where only the scale matters."""
        at, found = self.singles.get((kind, slopes), (math.nan, None))
        if found is None or not (slopes is not None or same(log_v, at)):
            found = kind.single(log_v)
            self.singles[kind, slopes] = log_v, found
        return found

    def pair(self, kind, log_v, log_gap, left):
        slopes = kind.straight(log_v)
        single = self._known(kind, slopes, log_v)
        key, at = (kind, slopes), self.singles[kind, slopes][0]
        if key not in self.pairs:
            self.pairs[key] = PairMap(kind)
        return self.pairs[key](at, log_gap, single, left)


def _backward(network, layers, forward, inputs, shared):
    """Gradient variables of a probe on the output."""
    last = layers[-1].fan_out
    delta, alike = -math.log(last), 1.0 if shared else 0.0
    variables = _certain("loss_gradient", delta, network)
    deltas, correlations = [], []
    for number in range(len(layers), 0, -1):
        if number < len(layers):
            delta += log(layers[number].weights.variance * layers[number].fan_out)
        if number <= network.depth:
            slope = forward.log_slope_square[number - 1]
            delta += slope
            alike *= forward.product[number - 1] / math.exp(slope) if alike and slope > -math.inf else 0.0 if alike else 1.0
        deltas.insert(0, delta)
        correlations.insert(0, alike)
    first = layers[0]
    variables |= _certain("gradient", deltas, network)
    variables |= _certain("input_gradient", delta + log(first.weights.variance * first.fan_out), network)
    if inputs > 1 and shared and not forward.pairs:
        return variables
    if inputs > 1:
        defined = np.array(deltas) > -math.inf
        variables["gradient_correlation_mean"] = place("gradient_correlation", np.where(defined, correlations, np.nan), network)
    return variables | _over_inputs(network, forward, deltas, correlations, inputs, shared)


def _over_inputs(network, forward, deltas, correlations, inputs, shared):
    """What is summed over the inputs: gradients of weights and biases, and the loss."""
    others = inputs - 1
    bias = [d + log(inputs * (1 + others * r)) for d, r in zip(deltas, correlations, strict=True)]
    both = [r * forward.activation_correlation(layer) if r else 0.0 for layer, r in enumerate(correlations)]
    weight = [d + forward.log_x[k] + log(inputs * (1 + others * r)) for k, (d, r) in enumerate(zip(deltas, both, strict=True))]
    output, top = (
        (forward.log_x[-1], forward.activation_correlation(len(forward.log_x) - 1))
        if network.outputs is None
        else (
            forward.log_q[-1],
            _one_minus(forward.log_apart[-1] - forward.log_q[-1]) if forward.log_q[-1] > -math.inf else 1.0,
        )
    )
    loss = output + log(inputs * (1 + (others * top if shared and others else 0.0)))
    return (
        _certain("weight_gradient", weight, network)
        | _certain("bias_gradient", bias, network)
        | {
            "loss_log_mean": loss + LOG_CHI_SQUARE,
            "loss_log_variance": math.pi**2 / 2,
            "loss_log_of_mean": loss,
        }
    )


def _certain(name, logs, network):
    """Variables of a quantity that is the same in every network."""
    values = place(name, logs, network)
    variance = np.where(np.isfinite(values), 0.0, np.nan)[()]
    return {f"{name}_log_mean": values, f"{name}_log_variance": variance, f"{name}_log_of_mean": values}
