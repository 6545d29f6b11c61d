import numpy as np
import pytest

from gradsim.errors import RequestError
from gradsim.network import mlp
from gradsim.simulation import CHUNK_BYTES, chunk_size, record_chunks

NETWORK = mlp(width=5, depth=3)


def records(**options):
    return np.concatenate(list(record_chunks(NETWORK, **options)))


def test_more_replicas_extend_and_seeds_and_streams_differ():
    few, more = records(replicas=300), records(replicas=600)
    assert few.tobytes() == more[:300].tobytes()
    assert records(replicas=300, seed=1)[:, 0, 1].tolist() != few[:, 0, 1].tolist()
    assert records(replicas=300, stream="shared")[:, 0, 1].tolist() != few[:, 0, 1].tolist()


def test_no_two_replicas_are_alike():
    assert len(set(records(replicas=600)[:, 0, 1])) == 600


def test_a_chunk_of_records_stays_within_its_bytes():
    for layers in (2, 101, 1001, 10_001, 200_001):
        assert chunk_size(layers) == 1 or chunk_size(layers) * layers * 16 * 8 <= CHUNK_BYTES


@pytest.mark.parametrize("options", [{"replicas": 0}, {"replicas": 5, "inputs": 0}, {"replicas": 5, "seed": -1}])
def test_bad_numbers_are_refused(options):
    with pytest.raises(RequestError):
        records(**options)
