"""What a program takes of a device, and what is done where that is more than it has."""

import numpy as np
import pytest

import gradsim
from gradsim.cuda.size import SHARE, THREADS, launch_bytes, numbers_of, team_bytes, team_size, teams_and_threads
from gradsim.errors import RequestError
from gradsim.model.request import checked
from gradsim.simulation.chunks import Replicas
from gradsim.simulation.footprint import Footprint

GIB = 2**30


def test_teams_are_powers_of_two_within_a_warp():
    sizes = [team_size(width) for width in (1, 8, 9, 64, 256, 257, 65_536)]
    assert sizes == [1, 1, 2, 8, 32, 32, 32]


@pytest.mark.parametrize("team", [1, 8, 32])
@pytest.mark.parametrize("one", [2**10, 2**20, 5 * 2**28, 3 * GIB])
def test_teams_fit_the_memory_and_fill_their_blocks(team, one):
    teams, threads = teams_and_threads(team, one, 8 * GIB, 132)
    assert teams >= 1 and teams * one <= SHARE * 8 * GIB
    assert threads <= max(THREADS, team) and threads % team == 0
    assert teams % (threads // team) == 0  # no team that a launch has lacks its memory


def test_what_does_not_fit_is_one_line():
    with pytest.raises(RequestError, match=r"depth: a network would take 9 GiB of the GPU's memory, of which 8 are free"):
        teams_and_threads(32, 9 * GIB, 8 * GIB, 132)


def test_the_memory_of_a_team_is_that_of_its_numbers():
    program = Replicas(gradsim.mlp(width=64, depth=10), checked(replicas=1)).program
    room = [np.zeros(count, kind) for count, kind in numbers_of(program, 8).values()]
    assert team_bytes(program, 8) == sum(array.nbytes for array in room)


def test_records_of_a_launch_are_reckoned_with():
    network, run = gradsim.mlp(width=4, depth=5), checked(replicas=1000)
    columns = Replicas(network, run).program.columns.size
    more = Footprint.of(network, run | {"engine": "cuda"}).program - Footprint.of(network, run).program
    assert more == launch_bytes(columns, 1000) == 8000 * columns
    assert launch_bytes(columns, 10**7) == 2**28
