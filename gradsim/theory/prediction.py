"""What both theories give: curves of one network under the names of a simulation."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import RequestError, finite_number, shown
from ..model.activations import check_given
from ..model.initializers import bias_law, weight_law
from ..model.network import Network
from ..program.graph import ACTIVATION, LINEAR, graph
from ..typed import Ints

SMALLEST, LARGEST = 1e-60, 1e60  # standard deviations of weights and biases, where not 0: products of variances are float64s


@dataclass(frozen=True)
class Prediction:
    """`prediction["gradient_log_mean"]` is an array over layers, NaN where the quantity is not defined, as in Curves.

    A number for quantities of the whole network. What theory does not say is not there: `name in prediction`.
    """

    network: Network
    variables: dict[str, Any] = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        """A float64 array over layers (places), or a number. Raises KeyError, which says what theory knows."""
        if name not in self.variables:
            raise KeyError(f"{type(self).__name__} says nothing about {name!r}; it knows {', '.join(sorted(self.variables))}")
        return self.variables[name]

    def __contains__(self, name: object) -> bool:
        """Whether theory says something under this name."""
        return name in self.variables

    @property
    def layers(self) -> Ints:
        """0, 1, ..., int64 (linear maps + 1,): what arrays are over in a plain network."""
        return np.arange(sum(node.kind == LINEAR for node in graph(self.network)) + 1)


@dataclass(frozen=True)
class Linear:
    """A linear layer as theory sees it: fans, WeightLaw and law of the biases."""

    fan_in: int
    fan_out: int
    weights: object
    biases: object


def nodes_of(network):
    """The graph of a Network. Raises RequestError for what is none, and for activations that are not known here."""
    if isinstance(network, Network):
        check_given(network)
    elif not hasattr(network, "blocks"):
        raise RequestError(f"network: {shown(network)} is not a Network; make one with gradsim.mlp(...)")
    return graph(network)


def is_chain(nodes):
    """Whether layers are all there is: a linear map and an activation each, and a readout."""
    plain = all(node.kind in (LINEAR, ACTIVATION) and node.place == node.block for node in nodes[1:-1])
    return plain and not any(node.stream >= 0 for node in nodes)


def linear_layers(network, theory):
    """The Linear layers of a Network, first to last.

    Raises RequestError unless weights are random with mean zero, or zero, and none is left out.
    """
    nodes = nodes_of(network)
    return [linear_law(node.part, nodes[node.sources[0]].width, node.width, theory) for node in nodes if node.kind == LINEAR]


@lru_cache(4096)
def linear_law(part, fan_in, fan_out, theory):
    """The Linear of a `model.parts.Linear` with these fans; raises RequestError as `linear_layers` does."""
    law = weight_law(part.init, fan_in, fan_out, part.gain)
    if law.mean:
        raise RequestError(f"--init: {part.init!r} gives weights with mean {law.mean:.3g}; {theory} needs mean zero")
    if law.kind == "identity":
        raise RequestError(f"--init: {part.init!r} is not random; {theory} needs random weights")
    if law.kind == "sparse" and law.density < 1:
        raise RequestError(
            f"--init: {part.init!r} gives a unit {round(law.density * fan_in)} weights of {fan_in}; {theory} needs all "
            "of them, since few do not add up to a Gaussian"
        )
    biases = bias_law(part.bias, fan_in)
    deviation(f"--init={part.init}, --weight-gain={part.gain:g}: scale of the weights", abs(law.scale))
    for value in (biases.scale, biases.mean):
        deviation(f"--bias={part.bias}: scale", abs(value))
    return Linear(fan_in, fan_out, law, biases)


def deviation(name, value):
    """A standard deviation as a float. Raises RequestError unless it is 0 or from SMALLEST to LARGEST."""
    value = finite_number(name, value, 0.0)
    if value and not SMALLEST <= value <= LARGEST:
        raise RequestError(f"{name}: theory needs 0 or a number from {SMALLEST:g} to {LARGEST:g}, not {value:g}")
    return value


def over_layers(values, layers, first=1):
    """`values` from layer `first` on, as an array over all `layers`, NaN elsewhere."""
    result = np.full(layers, np.nan)
    result[first : first + len(values)] = values
    return result
