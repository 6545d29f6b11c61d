"""What HDF5's filters do to a chunk of numbers: bytes shuffled, deflated, and a checksum behind them.

It is done here, and HDF5 writes the bytes as they are, since its filter leaves zlib no choice of strategy. Of curves, shuffled,
some bytes are runs and most are noise, so that a search for repetitions finds nothing but the runs: zlib's Z_RLE takes 58 % of
the time of level 1 and makes a file 5 % larger (docs/performance.md). Whoever reads the file undoes it as ever.
"""

import zlib
from itertools import product

import numpy as np

FILTERS = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
CHECKSUM = 4  # bytes
MODULUS = 2**16 - 1


def put(dataset, first, values):
    """Writes numbers to a dataset with FILTERS, from its entry `first` on, where one of its chunks begins.

    The checksum of the bytes that HDF5 got, in the order of `kept`.
    """
    shape, fill, checksum = dataset.chunks, dataset.fillvalue, 0
    values = np.ascontiguousarray(values, dataset.dtype)
    for start in _starts(values.shape, shape):
        piece = values[tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))]
        if piece.shape != shape:  # HDF5's chunks reach beyond the end
            whole = np.full(shape, fill, dataset.dtype)
            whole[tuple(map(slice, piece.shape))] = piece
            piece = whole
        content = filtered(piece)
        checksum = zlib.crc32(content, checksum)
        dataset.id.write_direct_chunk((first + start[0], *start[1:]), content)
    return checksum


def kept(dataset, first, count):
    """The checksum of what HDF5 keeps of so many entries of a dataset from `first` on, as `put` gave it."""
    checksum = 0
    for start in _starts((count, *dataset.shape[1:]), dataset.chunks):
        _, content = dataset.id.read_direct_chunk((first + start[0], *start[1:]))
        checksum = zlib.crc32(content, checksum)
    return checksum


def _starts(shape, chunks):
    """Where chunks begin in an array of a shape."""
    return product(*map(range, [0] * len(shape), shape, chunks))


def filtered(values):
    """The bytes of a chunk, as HDF5 keeps them."""
    content = deflated(values)
    return content + fletcher32(content).to_bytes(CHECKSUM, "little")


def deflated(values):
    """The bytes of an array: of all its numbers the first, then of all the second, and so on; deflated."""
    apart = np.ascontiguousarray(values).reshape(-1).view(np.uint8).reshape(-1, values.itemsize).T
    packer = zlib.compressobj(FILTERS["compression_opts"], strategy=zlib.Z_RLE)
    return packer.compress(np.ascontiguousarray(apart)) + packer.flush()


def fletcher32(content):
    """The checksum of bytes as HDF5 has it (H5_checksum_fletcher32): of 16-bit words, the high byte first.

    Fletcher 1982 (doi:10.1109/TCOM.1982.1095369); sums modulo 65,535, of which HDF5 writes 0 as 65,535 unless all words are 0.
    """
    words = np.frombuffer(content + bytes(len(content) % 2), ">u2").astype(np.uint64)
    sums = int(words.sum()), int(words @ np.arange(len(words), 0, -1, dtype=np.uint64))
    first, second = ((total - 1) % MODULUS + 1 if total else 0 for total in sums)
    return second << 16 | first
