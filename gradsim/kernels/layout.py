"""The columns of a program's steps, and the operations: steps are numbered as the vectors that they write.

A step names the vectors that it reads, `source` and `other` (-1: none). Step 0 writes the input, the last one is the loss.
Cotangents live in slots: that of vector k in the slot of step k, from the last step that uses the vector to the step
that made it. `fresh` says that a step is the first, going back, to write to the cotangent of its source, and
`other_fresh` the same of the other; what is not fresh is added.
"""

from ..steps import BLOCK_STEPS

STEP_COLUMNS = (
    "operation",
    "layer",  # the number of the step among its kind: which random numbers it draws
    "width",
    "offset",  # of its vector on the tape
    "variant",  # of the operation: a law, an activation, a loss
    "source",
    "other",
    "kept",  # offset of what it keeps on the tape for the way back
    "slot",
    "fresh",
    "other_fresh",
    "place",  # of what it records
    "stream",  # l where its vector is the stream x_l, -1 elsewhere
)
OPERATION, LAYER, WIDTH, OFFSET, VARIANT, SOURCE, OTHER, KEPT, SLOT, FRESH, OTHER_FRESH, PLACE, STREAM = range(13)
INPUT, LINEAR_DENSE, LINEAR_GAUSSIAN, LINEAR_HAAR, ACTIVATE, LOSS = range(6)  # operations
BLOCK_OPERATIONS = {name: operation for operation, name in enumerate(BLOCK_STEPS, LOSS + 1)}
PARAMETERS = 12  # columns of a program's parameters
