"""Dropout: units are zero with probability p, and divided by 1 - p otherwise (Srivastava et al. 2014, JMLR 15)."""

from .activation import of_output


def forward(node, drawn, x):
    return x * drawn.masks[node.number - 1]


def backward(node, drawn, cotangent, x):
    return (cotangent * drawn.masks[node.number - 1],)


def recorded(nodes, k, drawn, tape, cotangents):
    """Behind an activation, what the next part reads is recorded in its place."""
    return of_output(tape[k]) if nodes[k].place >= 0 else {}
