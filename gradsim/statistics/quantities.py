"""The table of quantities, and the variables that their statistics become: the same names in Python and in files."""

import math
from dataclasses import dataclass
from functools import cached_property

from ..kernels.frames import RANK_TOLERANCE
from ..kernels.record import LOG_QUANTITIES, RECORDED, TABLE
from .units import HISTOGRAMMED

OVER_PAIRS = "mean over all pairs of inputs of the cosine between their {} (NaN if one of them is zero)"
CORRELATION_FLOOR = RANK_TOLERANCE / 2  # of one minus the correlation of two inputs, which else go on as one direction
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

# How a network leaves a float type, in the order of `kernels.fold.count_leaving`: by its entries or by a layer's sum of squares
LEAVING = {
    "overflow_fraction": "largest entry overflows",
    "underflow_fraction": "root mean square is below the smallest normal number",
    "norm_overflow_fraction": "sum of squares over the layer overflows",
    "norm_underflow_fraction": "sum of squares over the layer is below the smallest normal number",
}
ENTRIES = ("overflow_fraction", "underflow_fraction")


IN_BLOCKS = ("linear", "activation", "norm")  # what a block may hold several of


@dataclass(frozen=True)
class Quantity:
    """`largest`: the quantity that holds its largest squared entry, which tells whether a float type overflows; `leaving`:
    those of LEAVING that are counted. The rest is as it is recorded (see `kernels.record`)."""

    name: str
    meaning: str
    largest: str = ""
    leaving: tuple = ()

    @cached_property
    def at(self):
        """What has it: "linear" maps, "activation"s, "norm"s, the "stream" behind each block, or the "network" once."""
        return TABLE[RECORDED.index(self.name)].at

    @property
    def pairs(self):
        """Whether it needs two inputs or more."""
        return TABLE[RECORDED.index(self.name)].pairs

    @property
    def log(self):
        """Whether it is recorded as the natural log of a square."""
        return self.name in LOG_QUANTITIES


QUANTITIES = {
    q.name: q
    for q in (
        Quantity("preactivation", "mean square of the preactivation h", "preactivation_max", tuple(LEAVING)),
        Quantity("activation", "mean square of the activation x (layer 0: the input)"),
        Quantity("gradient", "mean square of the gradient dL/dh", "gradient_max", tuple(LEAVING)),
        Quantity(
            "weight_gradient",
            "mean square of the weight gradient dL/dW, summed over the inputs",
            leaving=("norm_overflow_fraction",),
        ),
        Quantity("bias_gradient", "mean square of the bias gradient dL/db, summed over the inputs"),
        Quantity("input_gradient", "mean square of the gradient with respect to the input dL/dx_0"),
        Quantity("loss", "square of the loss", "loss", ENTRIES),
        Quantity("loss_gradient", "mean square of the gradient of the loss with respect to the output"),
        Quantity("preactivation_max", "largest squared preactivation"),
        Quantity("gradient_max", "largest squared entry of the gradient dL/dh"),
        Quantity("stream", "mean square of the stream x behind the block", "stream_max", tuple(LEAVING)),
        Quantity("stream_gradient", "mean square of the stream's gradient dL/dx", "stream_gradient_max", tuple(LEAVING)),
        Quantity("stream_max", "largest squared entry of the stream x"),
        Quantity("stream_gradient_max", "largest squared entry of the stream's gradient dL/dx"),
        Quantity("norm_gain_gradient", "mean square of the gradient of a norm's gains, summed over the inputs"),
        Quantity("norm_shift_gradient", "mean square of the gradient of a norm's shifts, summed over the inputs"),
        Quantity("activation_mean", "mean activation over the units"),
        Quantity(
            "activation_unit_variance",
            "variance of the activation between the units (over their number), mean over the inputs",
        ),
        Quantity("dead_fraction", "fraction of units with phi' = 0 on every input"),
        Quantity("saturated_fraction", "fraction of units with |phi'| below 1 % of its maximum"),
        Quantity("correlation", OVER_PAIRS.format("preactivations")),
        Quantity(
            "log_one_minus_correlation",
            "natural log of one minus the correlation; networks below what float32 resolves "
            f"({math.log(CORRELATION_FLOOR):.1f}) are left out, so that its mean seems to level off",
        ),
        Quantity("gradient_correlation", OVER_PAIRS.format("gradients")),
        Quantity("stream_correlation", OVER_PAIRS.format("streams")),
        Quantity("stream_gradient_correlation", OVER_PAIRS.format("streams' gradients")),
    )
}
assert tuple(QUANTITIES) == RECORDED, "the table and the kernels' record must list the same quantities"


@dataclass(frozen=True)
class Variable:
    """One variable of a result: `dims` without the leading `cell`; integers are counts.

    `placed_dims` are those where a block of a network holds several linear maps, activations or norms.
    """

    quantity: Quantity
    dims: tuple
    long_name: str
    integer: bool = False
    units: str = "1"

    @property
    def placed_dims(self):
        if "layer" not in self.dims or self.quantity.at not in IN_BLOCKS:
            return self.dims
        after = self.dims.index("layer") + 1
        return (*self.dims[:after], "place", *self.dims[after:])


def _statistics(quantity):
    """Yields (name, dims, long_name[, integer])."""
    layer = () if quantity.at == "network" else ("layer",)
    name, of = quantity.name, quantity.meaning
    if quantity.log:
        yield f"{name}_log_mean", layer, f"mean of the natural log of the {of}"
        yield f"{name}_log_variance", layer, f"variance (over n - 1) of the natural log of the {of}"
        yield f"{name}_log_quantile", (*layer, "quantile"), f"quantiles (NumPy's linear) of the natural log of the {of}"
        yield f"{name}_log_of_mean", layer, f"natural log of the mean of the {of}"
        size = f"networks that carry the mean of the {of}: (sum)^2 / sum of squares"
        yield f"{name}_effective_sample_size", layer, size
        yield f"{name}_zero_count", layer, f"networks that have exactly zero: {of}", True
        yield f"{name}_unresolved_count", layer, f"networks in which float32 does not tell from zero: {of}", True
        yield f"{name}_log", ("replica", *layer), f"natural log of the {of}"
    else:
        yield f"{name}_mean", layer, f"mean over networks of the {of}"
        yield f"{name}_variance", layer, f"variance (over n - 1) over networks of the {of}"
    yield f"{name}_nonfinite_count", layer, f"networks that have infinity or NaN: {of}", True
    for statistic in quantity.leaving:
        share = f"{name}: share of networks whose {LEAVING[statistic]}"
        yield f"{name}_{statistic}", (*layer, "precision"), share + _way(quantity)


def _way(quantity):
    """From where on the way of the numbers a network counts as having left."""
    if quantity.at == "network":
        return ""
    if quantity.at == "stream":
        return f", behind this block or one {'above' if 'gradient' in quantity.name else 'below'}"
    return ", here or in a layer above" if "gradient" in quantity.name else ", here or in a layer below (layer 0: the input)"


# theory: (what it is, what it says of a log quantity as {statistic: meaning}, of a plain one)
EXACT = {
    "log_mean": "mean of the natural log of the",
    "log_variance": "variance of the natural log of the",
    "log_of_mean": "natural log of the mean of the",
    "log_second_ratio": "natural log of mean of the square over square of the mean of the",
    "zero_probability": "probability of exactly zero:",
}
THEORIES = {
    "mean_field": ("mean-field theory (infinite width)", {"log_mean": "natural log of the"}, {"mean": "the"}),
    "exact": ("exact law at this width", EXACT, {}),
}


def _predictions(quantity):
    """The same for what theory says of the quantity; stored where it was asked for."""
    layer = () if quantity.at == "network" else ("layer",)
    if quantity.name.endswith(("_max", "_fraction")):
        return  # no theory says anything of these
    for theory, (words, of_logs, of_plain) in THEORIES.items():
        for statistic, meaning in (of_logs if quantity.log else of_plain).items():
            yield f"{theory}_{quantity.name}_{statistic}", layer, f"{words}: {meaning} {quantity.meaning}"


def _counts(quantity):
    """The same for how many units have which values; stored where it was asked for."""
    if quantity.name in HISTOGRAMMED:
        what, name = quantity.meaning.removeprefix("mean square of the "), f"{quantity.name}_histogram"
        yield name, ("layer", "bin"), f"units in each bin, over inputs and networks: {what}, over 2^exponent", True
        yield f"{name}_exponent", ("layer",), f"exponent of the power of two that bins are multiples of: {what}"


VARIABLES = {
    name: Variable(quantity, *rest)
    for source in (_statistics, _predictions, _counts)
    for quantity in QUANTITIES.values()
    for name, *rest in source(quantity)
}
COUNTED = frozenset(name for quantity in QUANTITIES.values() for name, *_ in _counts(quantity))
PREDICTED = frozenset(name for quantity in QUANTITIES.values() for name, *_ in _predictions(quantity))
