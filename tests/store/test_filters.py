"""Chunks that are made here are what HDF5's own filters make, to whoever reads them."""

import io

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gradsim.store.filters import FILTERS, deflated, fletcher32, put


def created(shape, chunks, dtype="f8", fill=np.nan, **filters):
    file = h5py.File(io.BytesIO(), "w")
    return file, file.create_dataset("x", shape, dtype, chunks=chunks, fillvalue=fill, **filters or FILTERS)


@given(st.binary(min_size=1, max_size=3000))
@example(b"\0" * 9)  # both sums are 0
@example(b"\xff\xff")  # both are 65,535
@example(b"\xff\xfe\0\1")  # the first is
@example(b"\xff" * 2999)
def test_the_checksum_is_that_of_hdf5(content):
    file, dataset = created((len(content),), (len(content),), "u1", 0, fletcher32=True)
    with file:
        dataset[:] = np.frombuffer(content, "u1")
        _, stored = dataset.id.read_direct_chunk((0,))
        assert bytes(stored) == content + fletcher32(content).to_bytes(4, "little")


@pytest.mark.parametrize("dtype, fill", [("f8", np.nan), ("i8", -1)])
@pytest.mark.parametrize(
    "shape, chunks", [((8,), (8,)), ((7,), (2,)), ((9, 5, 3), (4, 2, 3)), ((6, 5), (2, 5)), ((1, 1), (1, 1))]
)
def test_what_is_put_reads_back(shape, chunks, dtype, fill):
    """Of any shape, in one go or in several that begin where chunks do."""
    values = np.random.default_rng(1).normal(0, 1e6, shape).astype(dtype)
    file, dataset = created(shape, chunks, dtype, fill)
    for first in range(0, shape[0], 2 * chunks[0]):
        put(dataset, first, values[first : first + 2 * chunks[0]])
    with file:
        assert np.array_equal(dataset[...], values)


def test_beyond_the_end():
    """What HDF5 would have there, were the variable longer: nothing that could be taken for a number."""
    file, dataset = created((3,), (4,), maxshape=(None,), **FILTERS)
    with file:
        put(dataset, 0, np.array([1.0, 2.0, 3.0]))
        dataset.resize((4,))
        assert np.array_equal(dataset[:3], [1.0, 2.0, 3.0]) and np.isnan(dataset[3])


def test_a_bit_that_flips_is_noticed():
    file, dataset = created((64,), (64,))
    with file:
        put(dataset, 0, np.linspace(0, 1, 64))
        mask, stored = dataset.id.read_direct_chunk((0,))
        wrong = bytearray(stored)
        wrong[len(wrong) // 2] ^= 4
        dataset.id.write_direct_chunk((0,), bytes(wrong), mask)
        with pytest.raises(OSError, match="filter"):
            dataset[...]


def test_runs_are_found():
    """Of curves most bytes are noise, and the rest must not be kept as it is."""
    assert len(deflated(np.full(10_000, 0.1))) < 1000 and len(deflated(np.arange(10_000.0))) < 40_000
