"""hypothesis: one profile for everyone. Derandomized, so that a run repeats; no deadline, since kernels compile."""

import os
import signal
import sys

import pytest
from hypothesis import settings

settings.register_profile("gradsim", deadline=None, derandomize=True, max_examples=40, print_blob=True)
settings.load_profile("gradsim")

# A shell tells what it runs in the background to ignore Ctrl-C, `nohup` the end of the terminal, and the suite would hand that
# on to the programs that it interrupts
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, usual)

# Where Python is told to keep no bytecode, each of the several hundred processes would compile all of gradsim's modules anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Longest first, so that no worker is left alone with one of them at the end (with --no-loadscope-reorder)
LONGEST = (
    "tests/hostile/test_hostile.py",
    "tests/test_laws.py",
    "tests/verification/test_planted.py",
    "tests/verification/test_verification.py",
    "tests/cli/test_output.py",
    "tests/theory/test_given_activations.py",
    "tests/test_planted_errors.py",
    "tests/theory/test_averages.py",
    "tests/store/test_damage.py",
    "tests/test_memory.py",
    "tests/test_documentation.py",
    "tests/store/test_places.py",
)


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(LONGEST)))


@pytest.fixture(scope="session", autouse=True)
def base_of_temporary_folders(tmp_path_factory):
    """Made before threads ask for folders in it at once, and each make one."""
    return tmp_path_factory.getbasetemp()
