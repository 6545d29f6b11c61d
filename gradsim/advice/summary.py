"""Everything that theory says of one network, for people and as JSON."""

import json
import math
from dataclasses import asdict, dataclass

import numpy as np

from ..errors import RequestError
from ..model.network import Network
from ..model.spelling import told_gain
from ..program.graph import graph
from ..results.verdict import DECADES
from ..statistics.blocks import blocks_of
from ..statistics.quantities import VARIABLES
from ..theory.comparison import exact_law, laid_out
from ..theory.exact_laws import FiniteWidth
from ..theory.exact_streams import ExactStream
from ..theory.fixed_points import CriticalPoint, FixedPoint, critical_point, fixed_point
from ..theory.float_ranges import Precision, precision_of
from ..theory.infinite_width import MeanField, mean_field
from ..theory.prediction import is_chain, linear_layers
from ..theory.roots import root
from .recommendation import SECONDS, Recommendation, idle_gain, recommend

LAYER_FIGURES = ("q", "correlation", "log_one_minus_correlation", "chi_perp", "chi_par")
BALANCE, BALANCE_POINTS = (0.2, 20.0), 16  # sigma_w among which the balanced gain is looked for
DEEPEST_BALANCE = 2000  # layers: the search takes some thirty passes of theory


@dataclass(frozen=True)
class Proposal:
    """What infinite width says of another weight gain, which is a prediction and no advice: see `Summary.recommendation`.

    "edge of chaos" (chi_perp = 1 at infinite depth), or "balanced": the gain that simulation found, or `balanced_gain` where
    nothing was simulated.
    """

    name: str
    gain: float
    mean_field: MeanField
    precision: Precision

    def to_json(self):
        predicted = {"gradient_decades": decades(self.mean_field), "precision": _exits(self.precision)}
        return {"name": self.name, "weight_gain": self.gain, "infinite_width": predicted}


@dataclass(frozen=True)
class Summary:
    """`exact` is a FiniteWidth, of a stream an ExactStream, or the reason why there is none; `proposals` are what infinite
    width says of other gains.

    `recommendation` is what simulation at the network's own width says of this gain and of those. `weight_std` and `bias_std`
    are sigma_w and sigma_b of the hidden layers; `notes` says where they differ, or what was taken for what. Where layers are
    more than a linear map and an activation they are None, and so are `fixed_point` and `critical_point`, which hold of chains
    of such layers only.
    """

    network: Network
    weight_std: float | None
    bias_std: float | None
    fixed_point: FixedPoint | None
    critical_point: CriticalPoint | None
    mean_field: MeanField
    exact: FiniteWidth | ExactStream | str
    precision: Precision
    proposals: tuple
    recommendation: Recommendation
    notes: tuple
    inputs: int = 1

    @property
    def chain(self):
        """Whether layers are a linear map and an activation each."""
        return self.fixed_point is not None

    @property
    def blocks(self):
        return blocks_of(self.network, self.inputs)

    def curve(self, name):
        """A variable of mean field over layers, and over places where a layer has several: the layout of Curves."""
        return laid_out(self.network, self.blocks, VARIABLES[name].quantity.name, self.mean_field[name])

    def to_json(self):
        """JSON text; numbers beyond float64 and undefined ones are "inf", "-inf" or null."""
        exact, wide = None if isinstance(self.exact, str) else dict(self.exact.variables), self.mean_field
        if isinstance(self.exact, FiniteWidth):
            exact["death_probability"] = self.exact.death_probability
        figures = {name: getattr(wide, name) for name in LAYER_FIGURES} if self.chain else {}
        parts = {
            "network": json.loads(self.network.to_json()),
            "weight_std": self.weight_std,
            "bias_std": self.bias_std,
            "notes": list(self.notes),
            "fixed_point": self.fixed_point and asdict(self.fixed_point),
            "critical_point": self.critical_point and asdict(self.critical_point),
            "places": list(self.blocks.places),
            "mean_field": {name: self.curve(name) for name in wide.variables} | figures,
            "not_predicted_because": wide.silences,
            "exact": exact,
            "no_exact_law_because": self.exact if isinstance(self.exact, str) else None,
            "precision": _exits(self.precision),
            "gradient_decades": decades(self.mean_field),
            "proposals": [p.to_json() for p in self.proposals],
            "recommendation": self.recommendation.to_json(),
        }
        return json.dumps(plain_values(parts), indent=1)


def summary(network, *, inputs=1, input_correlation=0.0, probe="independent", seconds=SECONDS, prepare=None):
    """The Summary of a Network. Raises RequestError where mean-field theory does not hold.

    `seconds` bounds the simulation that checks its advice (see `recommend`), 0 for none; `prepare()` is called before it.
    """
    options = {"inputs": inputs, "input_correlation": input_correlation, "probe": probe}
    wide = mean_field(network, **options)
    try:
        exact = exact_law(network) if inputs == 1 else "inputs: exact laws are of one input"
    except RequestError as error:
        exact = str(error)
    weight_std, bias_std, notes, fixed, critical, gains = None, None, (), None, None, {}
    if is_chain(graph(network)):
        weight_std, bias_std, notes = scales(network)
        activation = network.usual_activation
        critical = critical_point(activation, bias_std=bias_std)
        fixed = fixed_point(activation, weight_std=weight_std, bias_std=bias_std)
        edge = _critical_gain(network, weight_std, critical)
        gains = {} if edge is None else {"edge of chaos": edge}
    if prepare is not None and seconds:
        prepare()
    advice = recommend(network, gains=gains, seconds=seconds, **options)
    balanced = advice.rows["balanced"].network.usual_gain if "balanced" in advice.rows else None
    if not advice.rows:
        balanced = balanced_gain(network)
    if balanced is not None:
        gains["balanced"] = balanced
    if not network.has_batch_norm:  # which needs it
        options |= {"input_correlation": None}
    proposals = tuple(_proposal(name, network.with_gain(gain), options) for name, gain in gains.items())
    found = precision_of(wide, inputs)
    return Summary(network, weight_std, bias_std, fixed, critical, wide, exact, found, proposals, advice, notes, inputs)


def _proposal(name, network, options):
    wide = mean_field(network, **options)
    return Proposal(name, told_gain(network), wide, precision_of(wide, options["inputs"]))


def balanced_gain(network):
    """The weight gain with which mean-field theory predicts the same gradient at layer 1 as at the last hidden layer.

    A prediction of infinite width: at a finite one it may sit where half of the networks vanish and half explode (`recommend`
    looks for it by simulation). The smallest such gain with sigma_w of the hidden layers in BALANCE; None where there is
    none, where no gain balances anything (`idle_gain`), and for depths of 1 or beyond DEEPEST_BALANCE, where the search would
    take long.
    """
    weight_std = scales(network)[0]
    if idle_gain(network) or not weight_std or not 1 < network.depth <= DEEPEST_BALANCE:
        return None
    sigmas = np.geomspace(*BALANCE, BALANCE_POINTS)

    def change(sigma):
        other = network.with_gain(network.usual_gain * sigma / weight_std)
        try:
            return decades(mean_field(other, input_correlation=None))
        except RequestError:  # a user's activation that cannot be integrated there
            return math.nan

    changes = np.array([change(sigma) for sigma in sigmas])
    flat = np.abs(changes) < 1e-9
    if flat.any():
        return float(network.usual_gain * sigmas[np.argmax(flat)] / weight_std)
    rising = np.flatnonzero((changes[:-1] < 0) & (changes[1:] > 0))
    if not rising.size:
        return None
    sigma = root(change, sigmas[rising[0]], sigmas[rising[0] + 1], xtol=1e-7)
    return float(network.usual_gain * sigma / weight_std)


def decades(prediction):
    """Decades of the root-mean-square gradient from the last hidden layer back to layer 1, of the stream's from the last block
    back to block 1 where there is a stream; NaN where both are zero, or theory does not know one of them."""
    network = prediction.network
    name = "stream_gradient" if network.has_stream else "gradient"
    blocks = blocks_of(network, 1)
    gradient = blocks.last(name, laid_out(network, blocks, name, prediction[f"{name}_log_mean"]))
    first, last = (float(gradient[layer]) for layer in (1, network.depth))
    return math.nan if first == last == -math.inf else (first - last) * DECADES


def scales(network):
    """(sigma_w, sigma_b, notes) of the last hidden layer."""
    layers = linear_layers(network, "mean-field theory")
    layers = layers[: len(layers) - network.readout_maps]
    last, notes = layers[-1], []
    if not network.plain:
        notes.append("the fixed point and the edge of chaos are those of a plain network of its last linear maps")
    weights = {round(layer.weights.variance * layer.fan_in, 12) for layer in layers[1:] or layers}
    if len(weights) > 1:
        notes.append("sigma_w differs between layers, since the fans do; this is that of the last hidden layer")
    if last.biases.kind == "uniform":
        notes.append("uniform biases: the fixed point takes normal ones of the same variance; the curves do not")
    if last.biases.mean:
        notes.append("biases with a mean: the fixed point takes normal ones of the same mean square; the curves do not")
    square = last.biases.variance + last.biases.mean**2
    return math.sqrt(last.weights.variance * last.fan_in), math.sqrt(square), tuple(notes)


def _critical_gain(network, weight_std, critical):
    if not network.plain or not weight_std or not math.isfinite(critical.weight_std):
        return None
    return network.usual_gain * critical.weight_std / weight_std


def _exits(found):
    return {
        "source": found.source,
        "trusted": found.trusted,
        **{way: {name: exit._asdict() for name, exit in getattr(found, way).items()} for way in ("forward", "backward")},
    }


def plain_values(value):
    """What JSON can hold."""
    if isinstance(value, dict):
        return {key: plain_values(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain_values(value.tolist())
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return None if math.isnan(value) else str(float(value))
    return value
