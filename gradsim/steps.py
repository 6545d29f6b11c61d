"""The list of the steps of blocks, a line a step: its name, and the parts of a network that make it.

All else is in files of that name, one in each room that has steps:

    gradsim/model/steps/        its parts, and what they say of what is recorded of it
    gradsim/kernels/steps/      parameters(part): its variant and parameters; what it costs, kept_numbers(rows, n) in
                                float32 numbers and nanoseconds(rows, n) in time; forward and backward (step, tape, scratch,
                                record), of a `kernels.workspace.Step`
    gradsim/reference/steps/    the same step in NumPy float64
    gradsim/theory/steps/       its mean field
    gradsim/training/kernels/steps/  the step in plain arithmetic, with what is trained of it (see there)

Inputs, linear maps, activations and losses, of which chains are made, have files there too, but the interpreter knows them.
"""

from importlib import import_module

BLOCK_STEPS = {  # in the order of their operations in programs: a new one comes last
    "add": ("Residual",),
    "norm": ("LayerNorm", "RMSNorm"),
    "batch_norm": ("BatchNorm",),
    "dropout": ("Dropout",),
}


def files(package, names=BLOCK_STEPS):
    """{name: the module of that name in a package}."""
    return {name: import_module(f"{package}.{name}") for name in names}
