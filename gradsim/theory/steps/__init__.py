"""Mean field, a step a file: what an infinitely wide step does to variances, to two inputs' difference and to gradients.

A step has `forward(node, sources, walk)`, which gives the Units of its vector and what it keeps for the way back;
`backward(node, cotangent, kept, walk)`, which gives a Cotangent for each of its sources; and BLIND, which says that its
way back needs no numbers of the way forward. `sources` are Units, `walk` is an `infinite_width.Walk`.
"""

from ...program.graph import KINDS
from ...steps import files

STEPS = files(__name__, KINDS)
