"""The columns of a program's steps, and the operations: steps are numbered as the vectors that they write.

Step 0 writes the input; odd steps are linear, even ones activations, and the last one is the loss.
"""

STEP_COLUMNS = ("operation", "layer", "width", "offset", "variant")
OPERATION, LAYER, WIDTH, OFFSET, VARIANT = range(5)
INPUT, LINEAR_DENSE, LINEAR_GAUSSIAN, LINEAR_HAAR, ACTIVATE, LOSS = range(6)
