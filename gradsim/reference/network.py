"""One network in NumPy float64, walked along its graph: forward, and backward by the rule of autograd."""

import numpy as np

from ..kernels.record import RECORDED, TABLE
from ..program.columns import columns
from ..program.graph import LINEAR, graph
from .draw import draw
from .measures import log_largest_square, log_mean_square, one_minus_cosine
from .steps import STEPS
from .steps import loss as loss_step

SUMS = {"weight_gradient", "bias_gradient", "norm_gain_gradient", "norm_shift_gradient"}
UNRESOLVED = 2.0**-18  # of a sum, over that of its terms' magnitudes: a few roundings of float32


def forward(network, drawn, given=None, steps=STEPS):
    """The tape: a list of the vectors (B, width) of all nodes but the loss.

    Vectors {number: value} that are `given` stand for what their nodes would make. `steps` may have others than STEPS.
    """
    given, tape = given or {}, []
    for k, node in enumerate(graph(network)[:-1]):
        sources = [tape[source] for source in node.sources]
        tape.append(given[k] if k in given else steps[node.kind].forward(node, drawn, *sources))
    return tape


def backward(network, drawn, tape, steps=STEPS):
    """Cotangents dL/dv of all vectors of the tape.

    A vector that is read more than once gets the sum of what its readers give, in the order of the nodes from the loss
    back. That is the specification of what the kernels do.
    """
    nodes = graph(network)
    cotangents = {len(nodes) - 1: 1.0}
    for k in reversed(range(1, len(nodes))):
        node = nodes[k]
        found = steps[node.kind].backward(node, drawn, cotangents[k], *(tape[source] for source in node.sources))
        for source, cotangent in zip(node.sources, found, strict=True):
            cotangents[source] = _sum(cotangents.get(source), cotangent)
    return [cotangents[k] for k in range(len(tape))]


def _sum(before, cotangent):
    return cotangent if before is None else before + cotangent


def loss(drawn, tape):
    """The loss of the last vector of the tape, a number."""
    return loss_step.forward(None, drawn, tape[-1])


def loss_gradient(drawn, output):
    """Of shape (B, n_last)."""
    return loss_step.backward(None, drawn, 1.0, output)[0]


def record_row(network, drawn, tape, cotangents):
    """Float64 of shape (columns,), NaN where nothing came to be: what the kernels record, in their order.

    `tape` and `cotangents` as `forward` and `backward` give them, or from elsewhere.
    """
    nodes = graph(network)
    found = columns(nodes, len(drawn.inputs))
    row = np.full(found.size, np.nan)
    for k, node in enumerate(nodes):
        values = STEPS[node.kind].recorded(nodes, k, drawn, tape, cotangents)
        if node.stream >= 0:
            values |= _of_stream(tape[k], cotangents[k])
        for quantity, value in values.items():
            if quantity in found.placed:
                number = RECORDED.index(quantity)
                place = {"network": 0, "stream": node.stream}.get(TABLE[number].at, node.place)
                row[found.starts[number] + place] = value
    return row


def unresolved_sums(network, drawn, tape, cotangents):
    """A row as of `record_row`: the log of what float32 does not tell from zero of gradients of parameters; -inf elsewhere.

    These are sums over the inputs, whose terms may cancel: a bias in front of BatchNorm has no gradient at all. The readout's
    bias gradient of cross-entropy is computed without cancellation (`sum_of_loss_gradients`).
    """
    nodes = graph(network)
    placed = columns(nodes, len(drawn.inputs)).placed
    with np.errstate(invalid="ignore"):  # of rows that are zero
        sizes = record_row(network, drawn, [abs(v) for v in tape], [abs(v) for v in cotangents])
    result = np.full(sizes.size, -np.inf)
    for quantity in SUMS & placed.keys():
        result[placed[quantity].columns] = sizes[placed[quantity].columns] + 2 * np.log(UNRESOLVED)
    if drawn.loss == "cross_entropy" and nodes[-2].kind == LINEAR:
        result[placed["bias_gradient"].columns.stop - 1] = -np.inf
    return result


def _of_stream(x, gradient):
    """What is recorded of a stream (B, n) and its gradient."""
    found = {
        "stream": log_mean_square(x),
        "stream_gradient": log_mean_square(gradient),
        "stream_max": log_largest_square(x),
        "stream_gradient_max": log_largest_square(gradient),
    }
    if len(x) > 1:
        found["stream_correlation"] = 1 - one_minus_cosine(x)
        found["stream_gradient_correlation"] = 1 - one_minus_cosine(gradient)
    return found


def records(network, drawn, tape, cotangents):
    """What is recorded as {quantity: float64 array over its places}, those of `program.columns`."""
    row = record_row(network, drawn, tape, cotangents)
    placed = columns(graph(network), len(drawn.inputs)).placed
    return {quantity: row[at.columns] for quantity, at in placed.items()}


def run(network, replica, **options):
    """The records of one replica."""
    drawn = draw(network, replica, **options)
    tape = forward(network, drawn)
    return records(network, drawn, tape, backward(network, drawn, tape))
