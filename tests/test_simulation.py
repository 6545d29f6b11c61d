import numpy as np
import pytest

from gradsim.errors import RequestError
from gradsim.model.network import mlp
from gradsim.program.program import lower
from gradsim.simulation.chunks import record_chunks
from gradsim.simulation.footprint import (
    CHUNK_BYTES,
    CHUNK_NANOSECONDS,
    LARGEST_CHUNK,
    SUM_NANOSECONDS,
    SUM_SHARE,
    chunk_size,
)
from gradsim.simulation.simulate import simulate

NETWORK = mlp(width=5, depth=3)


def records(**options):
    return np.concatenate(list(record_chunks(NETWORK, **options)))


def test_more_replicas_extend_and_seeds_and_streams_differ():
    few, more = records(replicas=300), records(replicas=600)
    assert few.tobytes() == more[:300].tobytes()
    assert records(replicas=300, seed=1)[:, 0].tolist() != few[:, 0].tolist()
    assert records(replicas=300, stream="shared")[:, 0].tolist() != few[:, 0].tolist()


def test_no_two_replicas_are_alike():
    assert len(set(records(replicas=600)[:, 0])) == 600


@pytest.mark.parametrize(
    "network, inputs",
    [
        (mlp(width=1, depth=1), 1),
        (mlp(width=8, depth=10_000), 1),
        (mlp(width=1, depth=100_000), 1),
        (mlp(width=4096, depth=9), 3),
        (mlp(width=512, depth=9, init="he_uniform"), 1),
    ],
)
def test_a_chunk_stays_within_its_bytes_and_its_work(network, inputs):
    program = lower(network, inputs)
    size = chunk_size(program.columns, program.linear_nanoseconds)
    assert 1 <= size <= LARGEST_CHUNK
    assert size == 1 or size * program.layers * 17 * 8 <= CHUNK_BYTES
    assert size == 1 or size * program.linear_nanoseconds <= max(
        CHUNK_NANOSECONDS, SUM_NANOSECONDS / SUM_SHARE * program.layers
    )


@pytest.mark.parametrize("engine", ["dense", "matrix_free"])
@pytest.mark.parametrize("init", ["normal(0.1,0.6)", "orthogonal"])
def test_bits_do_not_depend_on_threads(init, engine):
    network = mlp(width=40, depth=30, activation="gelu", init=init, bias_std=0.1)
    curves = [simulate(network, 700, inputs=2, engine=engine, threads=n) for n in (1, None)]
    for name in curves[0].variables:
        assert curves[0][name].tobytes() == curves[1][name].tobytes()


@pytest.mark.parametrize("options", [{"replicas": 0}, {"replicas": 5, "inputs": 0}, {"replicas": 5, "seed": -1}])
def test_bad_numbers_are_refused(options):
    with pytest.raises(RequestError):
        records(**options)
