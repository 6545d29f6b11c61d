"""Everything random in one network, drawn as the kernels draw it."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from ..kernels.sampling import ROLE_PROBE, ROLE_TARGET
from ..model.initializers import bias_law, weight_law
from ..model.streams import stream_key
from ..program.graph import LINEAR, graph
from .random import bias_of, gaussian_inputs, labels_of, matrix_of, sample_rows, unit_numbers
from .steps import STEPS


@dataclass(frozen=True)
class Draw:
    """Inputs (B, n_0), a weight matrix and a bias a linear map, by their `number` - 1, and what the `loss` needs: probes or
    targets (B, n_last), or labels (B,). `own` has what other steps draw, a list a kind: masks (B, n) of dropout."""

    inputs: np.ndarray
    weights: tuple
    biases: tuple
    loss: str
    against: np.ndarray
    own: dict = field(default_factory=dict)


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
    nodes = graph(network)
    weights, biases = _linear_maps(nodes, key, replica)
    own = defaultdict(list)
    for node in nodes:
        if hasattr(STEPS[node.kind], "draw"):
            own[node.kind].append(STEPS[node.kind].draw(node, key, replica, inputs))
    if input_file is None:
        rows = range(inputs)
        x_0 = gaussian_inputs(key, replica, inputs, network.input_width, input_correlation)
    else:
        rows = sample_rows(key, replica, inputs, len(input_file.values))
        x_0 = input_file.values[rows]
    targets = None if target_file is None else target_file.values[rows]
    against = _against(loss, probe, targets, key, replica, inputs, nodes[-1].width)
    return Draw(x_0, weights, biases, loss, against, dict(own))


def _linear_maps(nodes, key, replica):
    """(weights, biases), a tuple each in the order of the maps' numbers."""
    weights, biases = [], []
    for node in nodes:
        if node.kind == LINEAR:
            part, fan_in = node.part, nodes[node.sources[0]].width
            law = weight_law(part.init, fan_in, node.width, part.gain)
            weights.append(matrix_of(law, key, node.number, replica, node.width, fan_in))
            biases.append(bias_of(bias_law(part.bias, fan_in), key, node.number, replica, node.width))
    return tuple(weights), tuple(biases)


def _against(loss, probe, targets, key, replica, inputs, width):
    """What the loss compares the output with; `targets` (B, width or 1) where they are given."""
    if loss == "probe":
        probes = unit_numbers("normal", key, 0, replica, ROLE_PROBE, 1 if probe == "shared" else inputs, width)
        return np.broadcast_to(probes, (inputs, width))
    if loss == "cross_entropy":
        labels = labels_of(key, replica, inputs, width) if targets is None else targets
        return labels[:, 0].astype(int)
    return unit_numbers("normal", key, 0, replica, ROLE_TARGET, inputs, width) if targets is None else targets
