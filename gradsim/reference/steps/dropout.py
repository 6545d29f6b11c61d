"""Dropout: units are zero with probability p, and divided by 1 - p otherwise (Srivastava et al. 2014, JMLR 15)."""

from ..random import dropout_mask
from .activation import of_output


def draw(node, key, replica, inputs):
    """The mask, (B, n)."""
    return dropout_mask(node.part.p, key, node.number, replica, inputs, node.width)


def forward(node, drawn, x):
    return x * drawn.own["dropout"][node.number - 1]


def backward(node, drawn, cotangent, x):
    return (cotangent * drawn.own["dropout"][node.number - 1],)


def recorded(nodes, k, drawn, tape, cotangents):
    """Behind an activation, what the next part reads is recorded in its place."""
    return of_output(tape[k]) if nodes[k].place >= 0 else {}
