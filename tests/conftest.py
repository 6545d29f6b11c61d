"""hypothesis: one profile for everyone. Derandomized, so that a run repeats; no deadline, since kernels compile."""

import signal

from hypothesis import settings

settings.register_profile("gradsim", deadline=None, derandomize=True, max_examples=40, print_blob=True)
settings.load_profile("gradsim")

# A shell tells what it runs in the background to ignore Ctrl-C, and the suite would hand that on to the programs it interrupts
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
