"""Mean-field theory: the curves of an infinitely wide network, in logarithms, composed step by step along its graph.

Poole et al. 2016 (arXiv:1606.05340) for variances and correlations, Schoenholz et al. 2017 (arXiv:1611.01232) for gradients,
which are independent of the forward pass (a probe is; Yang 2020, arXiv:2006.14548, for readouts); `steps` has the rules.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..errors import finite_number
from ..model.network import Network
from ..model.request import checked
from ..program.graph import ACTIVATION, LINEAR, LOSS
from ..typed import Floats, Number, Whole
from .layers import Layer
from .memory import Memory
from .prediction import Prediction, is_chain, nodes_of, over_layers
from .steps import STEPS
from .units import NO_BIAS, NORMAL, Cotangent, added, log, one_minus, unknown

LOG_CHI_SQUARE = -math.log(2) - np.euler_gamma  # E log of the square of a standard normal


class Linear(NamedTuple):
    """A linear map, or a stream, as float ranges see it: its block and units, what is fixed in the biases, log of the Gaussian
    rest's variance, and the activation that reads it, None where another step does."""

    block: int
    width: int
    fixed: tuple[float, float]
    log_normal: float
    reader: Layer | None


@dataclass(frozen=True)
class MeanField(Prediction):
    """Prediction for infinite width, where all networks are alike; at width n and depth L it is off by O(L/n).

    It describes no network where those of one width part, as they do about a fixed point of the variance that repels.

    Arrays over layers, NaN where undefined: `q` the mean square of preactivations (inf or 0 beyond float64; its log is
    `preactivation_log_mean`), `correlation` between two inputs and the log of one minus it, `chi_perp` = sigma_w^2 E phi'^2
    and `chi_par` = dq'/dq with the layer's own sigma_w^2 = fan_in Var W. `log_slope_square` is log E phi'^2.

    Networks with other steps than linear maps and activations, one each a layer, have arrays over the places of a quantity
    instead, in the order of `program.columns`. `silences` has, for a quantity with NaN where theory has no rule, why.
    """

    q: Floats = field(kw_only=True, repr=False)
    correlation: Floats = field(kw_only=True, repr=False)
    log_one_minus_correlation: Floats = field(kw_only=True, repr=False)
    chi_perp: Floats = field(kw_only=True, repr=False)
    chi_par: Floats = field(kw_only=True, repr=False)
    log_slope_square: Floats = field(kw_only=True, repr=False)
    linear: tuple[Linear, ...] = field(default=(), repr=False)  # Linear, in the order of the program
    streams: tuple[Linear, ...] = field(
        default=(), repr=False
    )  # the same of x_0 to x_L; units that have no known law as Gaussian ones
    silences: dict[str, str] = field(default_factory=dict, repr=False)


def mean_field(
    network: Network,
    *,
    inputs: Whole = 1,
    input_correlation: Number | None = 0.0,
    input_square: Number = 1.0,
    gaussian_input: bool = True,
    loss: str = "probe",
    probe: str = "independent",
) -> MeanField:
    """The MeanField of a Network: any parts, widths and biases, any initializer with mean zero.

    `inputs`, `input_correlation`, `loss` and `probe` as in `gradsim.simulate`; inputs have mean square `input_square`, and
    are normal unless `gaussian_input` is False, which matters where a step reads them that is no linear map.
    `input_correlation=None` leaves out what depends on it. Gradients are those of a probe; with another loss they depend
    on the network's output and are left out. Raises RequestError for weights with a mean, fixed or sparse ones.
    """
    nodes = nodes_of(network)
    correlated = input_correlation is not None
    run = checked(inputs=inputs, input_correlation=input_correlation if correlated else 0.0, loss=loss, probe=probe)
    inputs, input_correlation = run["inputs"], run["input_correlation"] if correlated else None
    square = finite_number("input_square", input_square, 0.0)
    walk = Walk(nodes, inputs, square, input_correlation, gaussian_input, probe == "shared")
    curves = Curves(walk)
    if loss == "probe":
        curves.add_gradients()
    seen = {"linear": curves.linear(), "streams": curves.streams(), "silences": curves.silences}
    return MeanField(network, curves.variables, **curves.figures(), **seen)


class Walk:
    """Along the nodes of a graph: `units[k]` are the Units of vector k, `kept[k]` what step k keeps for the way back."""

    def __init__(self, nodes, inputs=1, square=1.0, correlation=0.0, gaussian=True, shared=False):
        self.nodes, self.inputs, self.shared = nodes, inputs, shared
        self.square, self.correlation, self.gaussian = square, correlation, gaussian
        self.pairs, self.memory = correlation is not None, Memory()
        self.units, self.kept = [], []
        self.left = sum(node.kind == LINEAR for node in nodes)  # linear maps to come
        for node in nodes:
            if node.kind == LINEAR:  # raises what there is to raise before anything is computed
                STEPS[LINEAR].law(node, self)
        for self.at, node in enumerate(nodes):
            self._forward(node)

    def _forward(self, node):
        step, sources = STEPS[node.kind], [self.units[k] for k in node.sources]
        self.left -= node.kind == LINEAR
        why = next((x.why for x in sources if x.why), "")
        if why and not step.BLIND:
            units, kept = unknown(why), None
        else:
            units, kept = step.forward(node, sources, self)
            units = unknown(why, units.since) if why else units
        self.units.append(units)
        self.kept.append(kept)

    def back(self):
        """The Cotangent of every vector."""
        arriving = [[] for _ in self.nodes]
        result = [None] * len(self.nodes)
        for k in range(len(self.nodes) - 1, -1, -1):
            node, step = self.nodes[k], STEPS[self.nodes[k].kind]
            result[k] = None if node.kind == LOSS else added(arriving[k])
            if self.kept[k] is None and not step.BLIND:
                given = [Cotangent(math.nan, math.nan, why=self.units[k].why)]
            else:
                given = step.backward(node, result[k], self.kept[k], self)
                if result[k] is not None and result[k].why:
                    given = [c._replace(log_square=math.nan, why=result[k].why) for c in given]
            for source, cotangent in zip(node.sources, given, strict=True):
                arriving[source].append(cotangent)
        return result

    def where(self, node):
        """A node in words."""
        return f"{node.name} of block {node.block}"


class Curves:
    """What a Walk gives, under the names of a simulation."""

    def __init__(self, walk):
        self.walk, self.variables, self.silences = walk, {}, {}
        nodes = walk.nodes
        self.maps = [k for k, node in enumerate(nodes) if node.kind == LINEAR]
        self.bends = [k for k, node in enumerate(nodes) if node.kind == ACTIVATION]
        self.stream = sorted((k for k, node in enumerate(nodes) if node.stream >= 0), key=lambda k: nodes[k].stream)
        behind = {node.place: k for k, node in enumerate(nodes) if node.family.stands_for == ACTIVATION and node.place >= 0}
        self.read = [behind.get(nodes[k].place, k) for k in self.bends]  # the vector that is on record as activation
        self.layers = nodes[self.maps[-1]].place + 1 if self.maps and is_chain(nodes) else None
        self._forward()

    def placed(self, values, first=1):
        """Values over places; over all layers of a chain, NaN elsewhere."""
        return np.array(values, float) if self.layers is None else over_layers(values, self.layers, first)

    def _certain(self, name, logs, first=1):
        """Variables of a quantity that is the same in every network."""
        values = float(logs) if np.ndim(logs) == 0 else self.placed(logs, first)
        variance = np.where(np.isfinite(values), 0.0, np.nan)[()]
        self.variables |= {f"{name}_log_mean": values, f"{name}_log_variance": variance, f"{name}_log_of_mean": values}

    def _silent(self, name, known):
        """Keep the first reason of several Units or Cotangents."""
        why = next((x.why for x in known if x.why), "")
        if why:
            self.silences[name] = why

    def _forward(self):
        walk, of = self.walk, self.walk.units
        self._certain("preactivation", [of[k].log_square for k in self.maps])
        self._certain("activation", [of[k].log_square for k in (0, *self.read)], 0)
        mean = np.array([self._single(k, "mean") for k in self.bends])
        with np.errstate(over="ignore", invalid="ignore"):
            variance = np.maximum(np.exp([of[k].log_square for k in self.read]) - mean * mean, 0.0)
        self.variables["activation_mean_mean"] = self.placed(mean)
        self.variables["activation_unit_variance_mean"] = self.placed(variance)
        paired = walk.pairs and walk.inputs > 1
        if paired:
            self.variables["log_one_minus_correlation_mean"] = self.placed(self._log_gaps())
            self.variables["correlation_mean"] = self._correlation()
        self._silent("preactivation", (of[k] for k in self.maps))
        self._silent("activation", (of[k] for k in self.read))
        if self.stream:
            self._certain("stream", [of[k].log_square for k in self.stream])
            self._silent("stream", (of[k] for k in self.stream))
            if paired:
                self.variables["stream_correlation_mean"] = self.placed([_cosine(of[k].log_gap) for k in self.stream])

    def _single(self, k, name):
        return getattr(self.walk.kept[k].single, name) if self.walk.kept[k] else math.nan

    def _log_gaps(self):
        """Logs of one minus the cosine between the preactivations of two inputs; NaN where these are zero."""
        return np.array([self.walk.units[k].log_gap for k in self.maps])

    def _correlation(self):
        """That cosine."""
        return self.placed([_cosine(gap) if self.walk.pairs else math.nan for gap in self._log_gaps()])

    def figures(self):
        """The arrays of a MeanField; sigma_w^2 is that of the linear map which an activation reads."""
        walk, kept = self.walk, self.walk.kept
        slopes = np.array([self._single(k, "log_slope_square") for k in self.bends])
        parallel = np.array([self._single(k, "parallel") for k in self.bends])
        before = [walk.nodes[k].sources[0] for k in self.bends]
        steepness = np.array([_steepness(kept[k]) if walk.nodes[k].kind == LINEAR else math.nan for k in before])
        with np.errstate(over="ignore"):
            return {
                "q": np.exp(self.variables["preactivation_log_mean"]),
                "correlation": self._correlation(),
                "log_one_minus_correlation": self.placed(self._log_gaps()),
                "chi_perp": self.placed(np.exp(steepness + slopes)),
                "chi_par": self.placed(np.exp(steepness) * parallel),
                "log_slope_square": self.placed(slopes),
            }

    def linear(self):
        """The Linear of every linear map."""
        nodes, of = self.walk.nodes, self.walk.units
        readers = {node.sources[0]: self.walk.kept[k] for k, node in enumerate(nodes) if node.kind == ACTIVATION}
        kinds = {k: kept.kind for k, kept in readers.items() if kept}
        return tuple(Linear(nodes[k].block, nodes[k].width, of[k].fixed, of[k].log_normal, kinds.get(k)) for k in self.maps)

    def streams(self):
        """The Linear of every x_l."""
        nodes, of = self.walk.nodes, self.walk.units
        known = {
            k: (of[k].fixed, of[k].log_normal) if of[k].law == NORMAL else (NO_BIAS, of[k].log_square) for k in self.stream
        }
        return tuple(Linear(nodes[k].block, nodes[k].width, *known[k], None) for k in self.stream)

    def add_gradients(self):
        """Of a probe on the output."""
        walk = self.walk
        back = walk.back()
        self._certain("loss_gradient", back[walk.nodes[-1].sources[0]].log_square)
        self._certain("gradient", [back[k].log_square for k in self.maps])
        self._certain("input_gradient", back[0].log_square)
        self._silent("gradient", (back[k] for k in self.maps))
        self._silent("input_gradient", (back[0],))
        if self.stream:
            self._certain("stream_gradient", [back[k].log_square for k in self.stream])
            self._silent("stream_gradient", (back[k] for k in self.stream))
        if walk.inputs > 1 and walk.shared and not walk.pairs:
            return
        if walk.inputs > 1:
            self.variables["gradient_correlation_mean"] = self.placed([_alike(back[k]) for k in self.maps])
            if self.stream:
                self.variables["stream_gradient_correlation_mean"] = self.placed([_alike(back[k]) for k in self.stream])
        self._over_inputs(back)

    def _over_inputs(self, back):
        """What is summed over the inputs: gradients of weights and biases, and the loss."""
        walk, of, others = self.walk, self.walk.units, self.walk.inputs - 1
        weight, bias = [], []
        for k in self.maps:
            (d, alike, *_), x = back[k], of[walk.nodes[k].sources[0]]
            both = alike * x.cosine if alike else 0.0
            bias.append(d + log(walk.inputs * _sum(others * alike)))
            weight.append(d + x.log_square + log(walk.inputs * _sum(others * both)))
        self._certain("weight_gradient", weight)
        self._certain("bias_gradient", bias)
        read = [of[walk.nodes[k].sources[0]] for k in self.maps]
        self._silent("weight_gradient", (*(back[k] for k in self.maps), *read))
        self._silent("bias_gradient", (back[k] for k in self.maps))
        output = of[-1]
        loss = output.log_square + log(walk.inputs * (1 + (others * output.cosine if walk.shared and others else 0.0)))
        self._silent("loss", (output,))
        self.variables |= {
            "loss_log_mean": loss + LOG_CHI_SQUARE,
            "loss_log_variance": math.pi**2 / 2,
            "loss_log_of_mean": loss,
        }


def _cosine(gap):
    return one_minus(gap) if gap == gap else math.nan


def _alike(cotangent):
    return cotangent.alike if cotangent.log_square > -math.inf else math.nan


def _sum(others):
    """1 + others: nothing where that is rounding, as it is behind batch norm, whose gradients add up to zero."""
    total = 1 + others
    return total if total > 1e-13 * max(1.0, abs(others)) or not others else 0.0


def _steepness(layer):
    """log sigma_w^2 of a `prediction.Linear`."""
    return log(layer.weights.variance * layer.fan_in)
