"""What commands say is looked at to the letter, so nothing compiles while they run."""

import pytest

from gradsim.simulation.simulate import warm_up


@pytest.fixture(scope="session", autouse=True)
def compiled():
    warm_up()
