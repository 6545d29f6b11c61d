"""Theory beside measurement: predictions stored with the curves, z-scores of their disagreement, exits from float types."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtr, ndtri

from ..errors import RequestError
from ..model.activations import check_given
from ..program.graph import graph
from ..statistics.quantities import PREDICTED, QUANTITIES, THEORIES, VARIABLES
from .exact_laws import finite_width
from .exact_streams import exact_stream
from .float_ranges import precision
from .infinite_width import mean_field
from .prediction import is_chain

COMPARED = (  # (quantity, statistic, which of its layers)
    ("activation", "log_mean", "last"),
    ("gradient", "log_mean", "first"),
    ("stream", "log_mean", "last"),
    ("stream_gradient", "log_mean", "first"),
    ("input_gradient", "log_mean", "first"),
    ("correlation", "mean", "last"),
    ("gradient_correlation", "mean", "first"),
    ("stream_correlation", "mean", "last"),
    ("stream_gradient_correlation", "mean", "first"),
)
ROUNDING = 1e-6  # of a log, by float32 numbers: it is added to the standard error in z
SEEN = 0.01  # expected number of zero networks from which their share is compared, or where there is one


def prediction(theory, network, run):
    """The Prediction of one of THEORIES for a run as in `Curves.run`. Raises RequestError where there is none."""
    return mean_field(network, **_options(run)) if theory == "mean_field" else _exact(network, run)


def silence(theory, curves):
    """Why the theory says nothing of these Curves.with_theory(); None where it says something."""
    if any(name in PREDICTED and name.startswith(f"{theory}_") for name in curves.variables):
        return None
    try:
        prediction(theory, curves.network, _with_square(curves))
    except RequestError as error:
        return str(error)
    return None


def silences(curves):
    """{quantity: why} of what mean field leaves out of these Curves' network, in words; {} where it says all or nothing."""
    if curves.network.plain:
        return {}
    try:
        return prediction("mean_field", curves.network, _with_square(curves)).silences
    except RequestError:
        return {}


def _options(run):
    """The arguments of `mean_field` that fit a run; from a file nothing is known of the inputs' correlation."""
    names = ("inputs", "loss", "probe", "input_square")
    correlation = None if run.get("input_file") or run["inputs"] == 1 else run.get("input_correlation", 0.0)
    found = {name: run[name] for name in names if name in run}
    return found | {"input_correlation": correlation, "gaussian_input": not run.get("input_file")}


def exact_law(network):
    """The FiniteWidth of a Network, or the ExactStream of one with a stream. Raises RequestError where no law is known."""
    return exact_stream(network) if network.has_stream else finite_width(network)


def _exact(network, run):
    if run["inputs"] > 1:
        raise RequestError("--inputs: exact laws are of one input")
    if run.get("input_file"):
        raise RequestError("--input-file: exact laws are of Gaussian inputs")
    found = exact_law(network)
    if run.get("loss", "probe") == "probe":
        return found
    kept = {n: v for n, v in found.variables.items() if "gradient" not in n and not n.startswith("loss")}
    return replace(found, variables=kept)


def with_theory(curves):
    """The Curves with `<theory>_<name>` for every name that a theory predicts, or as they are if they have it.

    Inputs from a file start from the mean square that they have.
    """
    if PREDICTED & curves.variables.keys():
        return curves
    check_given(curves.network)
    variables, run = dict(curves.variables), _with_square(curves)
    for theory in THEORIES:
        try:
            found = prediction(theory, curves.network, run)
        except RequestError:
            continue
        names = {f"{theory}_{name}": value for name, value in found.variables.items()}
        laid = {
            name: laid_out(curves.network, curves.blocks, VARIABLES[name].quantity.name, value)
            for name, value in names.items()
            if name in PREDICTED
        }
        variables |= laid
    return replace(curves, variables=variables)


def laid_out(network, blocks, quantity, values):
    """Predicted `values` of a quantity as curves have it: theory counts places, but for chains of layers."""
    values = np.asarray(values)
    return values if not values.ndim or is_chain(graph(network)) else blocks.spread(quantity, values)


@dataclass(frozen=True)
class Disagreement:
    """Of one number: `measured` and `predicted`, the standard error of the first, and z = difference over error.

    Of several linear maps or activations in a layer it is about the last one, `place`, which is "" where there is one.
    `statistic` is "log_mean" (of networks that are not zero), "mean", or "zero_share": the share of networks that are exactly
    zero, whose z is the normal quantile of the binomial law.
    """

    theory: str
    quantity: str
    statistic: str
    layer: int
    measured: float
    predicted: float
    standard_error: float
    z: float
    place: str = ""


def disagreements(curves):
    """The Disagreements of Curves.with_theory(): where signals end and where gradients end."""
    result = []
    for theory in THEORIES:
        for name, statistic, which in COMPARED:
            if f"{theory}_{name}_{statistic}" in curves.variables and f"{name}_{statistic}" in curves.variables:
                defined = np.atleast_1d(curves.blocks.defined(name))
                layers = np.flatnonzero(defined.reshape(len(defined), -1).any(axis=1))
                layer = int(layers[0] if which == "first" else layers[-1])
                rows = _disagreement(curves, theory, name, statistic, layer), _zero_share(curves, theory, name, layer)
                place = _place(curves, name, layer)
                result += [replace(row, place=place) for row in rows if row is not None and not math.isnan(row.z)]
    return result


def _place(curves, name, layer):
    """The name of the place that `_at` looks at."""
    if len(curves.blocks.shape(name)) < 2:
        return ""
    return curves.places[curves.blocks.own[QUANTITIES[name].at][layer]]


def _at(curves, name, layer):
    """A function of a variable of the quantity `name`: its value at the layer, at the last of several places, or for the
    network."""

    def at(variable):
        value = curves[variable]
        return float(value if np.ndim(value) == 0 else curves.blocks.last(name, value)[layer])

    return at


def _zero_share(curves, theory, name, layer):
    """The Disagreement on networks that are exactly zero; None where neither theory nor simulation has any."""
    at, number = _at(curves, name, layer), curves.run["replicas"]
    if f"{name}_zero_count" not in curves.variables or curves.run.get("arithmetic", "carried") != "carried":
        return None  # theory is of real numbers, which do not underflow
    law, probability = f"{theory}_{name}_zero_probability", math.nan
    if law in curves.variables:
        probability = at(law)
    elif at(f"{theory}_{name}_log_mean") == -math.inf:
        probability = 1.0
    count = at(f"{name}_zero_count")
    if math.isnan(probability) or not (count or number * probability >= SEEN):
        return None
    error = math.sqrt(probability * (1 - probability) / number)
    below = 0.5 * ((bdtr(count - 1, number, probability) if count else 0.0) + bdtr(count, number, probability))
    gap = count / number - probability
    z = float(ndtri(below)) if error else 0.0 if gap == 0 else math.copysign(math.inf, gap)
    return Disagreement(theory, name, "zero_share", layer, count / number, probability, error, z)


def _disagreement(curves, theory, name, statistic, layer):
    quantity, at = QUANTITIES[name], _at(curves, name, layer)
    lost = sum(at(f"{name}_{count}_count") for count in ("zero", "nonfinite") if f"{name}_{count}_count" in curves.variables)
    number = curves.run["replicas"] - lost
    variance = at(f"{name}_{'log_variance' if quantity.log else 'variance'}")
    measured, predicted = at(f"{name}_{statistic}"), at(f"{theory}_{name}_{statistic}")
    error = math.sqrt(variance / number) if number > 1 and variance >= 0 else math.nan
    gap = measured - predicted
    z = gap / math.hypot(error, ROUNDING) if math.isfinite(gap) else math.nan
    return Disagreement(theory, name, statistic, layer, measured, predicted, error, z)


def predicted_exits(curves):
    """The `Precision` of the network under the run's options. Raises RequestError where there is none."""
    options = _options(_with_square(curves))
    if not curves.network.has_batch_norm:  # which needs the correlation
        options["input_correlation"] = None
    return precision(curves.network, **options)


def _with_square(curves):
    """The run; inputs from a file with the mean square that was measured."""
    if not curves.run.get("input_file"):
        return curves.run
    of_input = curves.blocks.where("activation", 0, 0)
    return curves.run | {"input_square": math.exp(float(curves["activation_log_of_mean"][of_input]))}
