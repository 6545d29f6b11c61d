"""Every step that the kernels took of a network, against the reference's from the same vectors and cotangents."""

import numpy as np

from gradsim import reference
from gradsim.model.parts import RMSNorm
from gradsim.program.columns import columns
from gradsim.program.graph import LINEAR, graph

CLOSE = 4e-6  # float32 rounding in sums of up to 300 terms, relative to the largest entry's magnitude sum
AT_THE_END = ("input_gradient",)  # written when the input's cotangent is there, behind the last step


def close(found, expected, magnitude):
    magnitude = np.maximum(abs(expected), magnitude)
    assert np.all(abs(found - expected) <= CLOSE * magnitude.max(axis=1, keepdims=True) + 1e-300)


def norm_sizes(node, x):
    """(size of y, what x is divided by, along which axis): y is off by roundings of x, before its mean is taken off."""
    axis = 1 if node.kind == "norm" else 0
    square = np.mean(x**2, axis=axis, keepdims=True)
    left = square if isinstance(node.part, RMSNorm) else x.var(axis=axis, keepdims=True)
    root = np.sqrt(left + node.part.epsilon)
    return (abs(x) + np.sqrt(square)) / root, root, axis


def sizes_forward(node, drawn, *vectors):
    """What a step adds up, in absolute values."""
    if node.kind == LINEAR:
        return abs(vectors[0]) @ abs(drawn.weights[node.number - 1]).T + abs(drawn.biases[node.number - 1])
    if node.kind == "add":
        return abs(vectors[0]) + abs(node.part.scale * vectors[1])
    if node.kind in ("norm", "batch_norm"):
        return norm_sizes(node, vectors[0])[0]
    return 0.0


def sizes_backward(node, drawn, d, *vectors):
    """The same of a step's way back, for each of its sources."""
    if node.kind == LINEAR:
        return (abs(d) @ abs(drawn.weights[node.number - 1]),)
    if node.kind in ("norm", "batch_norm"):
        y, root, axis = norm_sizes(node, vectors[0])
        return ((abs(d) + y * np.mean(abs(d) * y, axis=axis, keepdims=True)) / root,)
    return tuple(abs(g) for g in reference.STEPS[node.kind].backward(node, drawn, d, *vectors))


def check_forward(nodes, drawn, tape):
    for k, node in enumerate(nodes[:-1]):
        if node.sources:
            vectors = [tape[source] for source in node.sources]
            close(tape[k], reference.STEPS[node.kind].forward(node, drawn, *vectors), sizes_forward(node, drawn, *vectors))


def check_backward(nodes, drawn, tape, deltas):
    """The cotangent of each vector is the sum of what its readers give from their own."""
    expected, sizes = {}, {}
    for k in reversed(range(1, len(nodes) - 1)):
        node, vectors = nodes[k], [tape[source] for source in nodes[k].sources]
        found = reference.STEPS[node.kind].backward(node, drawn, deltas[k], *vectors)
        for source, g, size in zip(node.sources, found, sizes_backward(node, drawn, deltas[k], *vectors), strict=True):
            expected[source] = expected.get(source, 0.0) + g
            sizes[source] = sizes.get(source, 0.0) + size
    for k, g in expected.items():
        close(deltas[k], g, sizes[k])


def check_steps(network, drawn, tape, deltas, record, given_inputs=False):
    """Vectors and cotangents by number of node, and the record, from the kernels."""
    nodes = graph(network)
    close(tape[0], drawn.inputs, abs(drawn.inputs) + 0.1 * (not given_inputs))  # sine near its zero
    end = reference.loss_gradient(drawn, tape[-1])
    close(deltas[-1], end, abs(end) + {"probe": 0.1, "mse": abs(tape[-1]).max() / end.size}.get(drawn.loss, 0.0))
    check_forward(nodes, drawn, tape)
    check_backward(nodes, drawn, tape, deltas)
    check_record(network, drawn, tape, deltas, record)


def check_record(network, drawn, tape, deltas, record):
    """Sums that are rounding of what is added (a bias in front of BatchNorm has no gradient) need only be as small."""
    nodes = graph(network)
    placed = columns(nodes, len(tape[0])).placed
    with np.errstate(divide="ignore", invalid="ignore"):  # gradients that are zero have no cosine
        expected = reference.record_row(network, drawn, tape, deltas)
        least = reference.unresolved_sums(network, drawn, tape, deltas)
    later = [placed[quantity].columns.start for quantity in AT_THE_END]
    if nodes[0].stream == 0:
        later += [placed[name].columns.start for name in placed if name.startswith("stream_gradient")]
    seen = np.delete(np.arange(record.size), later)
    found, expected = (np.where(row < least, least, row) for row in (record, expected))
    np.testing.assert_allclose(found[seen], expected[seen], rtol=1e-4, atol=2e-5)
