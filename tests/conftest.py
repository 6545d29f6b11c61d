"""hypothesis: one profile for everyone. Derandomized, so that a run repeats; no deadline, since kernels compile."""

from hypothesis import settings

settings.register_profile("gradsim", deadline=None, derandomize=True, max_examples=40, print_blob=True)
settings.load_profile("gradsim")
