"""What holds kernels to the reference accepts the reference in float32, and finds a step that is wrong."""

import numpy as np
import pytest

from gradsim import reference
from gradsim.program.graph import graph
from tests.oracles.stepwise import check_steps
from tests.oracles.trees import TREES


def in_float32(name, kind="mse"):
    """(network, draw, tape, cotangents, record), each vector made from those before it after they were rounded."""
    network = TREES[name]
    drawn = reference.draw(network, 4, 5, stream=name, loss=kind)
    nodes, tape = graph(network), []
    for node in nodes[:-1]:
        made = reference.STEPS[node.kind].forward(node, drawn, *(tape[source] for source in node.sources))
        tape.append(made.astype(np.float32).astype(float))
    cotangents = {len(tape) - 1: reference.loss_gradient(drawn, tape[-1])}
    for k in reversed(range(1, len(tape))):
        cotangents[k] = cotangents[k].astype(np.float32).astype(float)
        given = reference.STEPS[nodes[k].kind].backward(nodes[k], drawn, cotangents[k], *(tape[s] for s in nodes[k].sources))
        for source, g in zip(nodes[k].sources, given, strict=True):
            cotangents[source] = (cotangents.get(source, 0.0) + g).astype(np.float32).astype(float)
    cotangents = [cotangents[k] for k in range(len(tape))]
    return network, drawn, tape, cotangents, reference.record_row(network, drawn, tape, cotangents)


@pytest.mark.parametrize("name", TREES)
def test_float32_is_accepted(name):
    check_steps(*in_float32(name))


@pytest.mark.parametrize("name", TREES)
def test_a_vector_or_a_cotangent_that_is_wrong_is_found(name):
    """By 1e-4 of its largest entry: each step is looked at, either way."""
    network, drawn, tape, cotangents, record = in_float32(name)
    for arrays in (tape, cotangents):
        for k, right in enumerate(arrays):
            arrays[k] = right + 1e-4 * abs(right).max() * np.where(np.arange(right.size).reshape(right.shape) % 2, 1, -1)
            with pytest.raises(AssertionError):
                check_steps(network, drawn, tape, cotangents, record)
            arrays[k] = right


@pytest.mark.parametrize("name", ["residual", "post_norm", "dropout"])
def test_a_record_that_is_wrong_is_found(name):
    """But for what is written behind the last step: the gradients of the input, and of a stream that is the input."""
    network, drawn, tape, cotangents, record = in_float32(name)
    missed = 0
    for column, right in enumerate(record):
        record[column] = right + 0.01
        try:
            check_steps(network, drawn, tape, cotangents, record)
            missed += 1
        except AssertionError:
            pass
        record[column] = right
    assert missed == {"residual": 1 + 3, "post_norm": 1, "dropout": 1}[name]


def test_a_cotangent_that_is_not_added_is_found():
    network, drawn, tape, cotangents, record = in_float32("read three times")
    nodes = graph(network)
    last = max(k for k, node in enumerate(nodes) if node.kind == "add")
    skip = nodes[last].sources[0]
    cotangents[skip] = cotangents[skip] - cotangents[last]
    with pytest.raises(AssertionError):
        check_steps(network, drawn, tape, cotangents, record)
