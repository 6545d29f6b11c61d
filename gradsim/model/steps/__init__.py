"""Parts of networks that a step computes, a step a file with the name that it has in `gradsim.steps`."""

from ...steps import BLOCK_STEPS, files

STEPS = files(__name__)
PARTS = {name: getattr(STEPS[step], name) for step, names in BLOCK_STEPS.items() for name in names}  # of blocks, by name
