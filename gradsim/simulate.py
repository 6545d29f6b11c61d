"""From a network to the records of its replicas, in fixed chunks."""

import hashlib
import json

import numpy as np

from .kernels.interpreter import run_chunk
from .kernels.record import RECORDED
from .network import whole_number
from .program import lower

CHUNK_BYTES = 2**25  # of records; with one chunk in memory at a time this is the peak, whatever the number of replicas
LARGEST_CHUNK = 256
MOST_REPLICAS = 2**32  # the replica is one 32-bit word of the counter


def stream_key(seed, stream):
    """The 64-bit random key of (seed, stream) as uint32 of shape (2,): the first bytes of a SHA-256."""
    text = json.dumps({"seed": seed, "stream": stream}, sort_keys=True, separators=(",", ":"))
    return np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], dtype="<u4").astype(np.uint32)


def chunk_size(layers):
    """Replicas in a chunk: a function of the network only, so that asking for more later gives the same bits."""
    return max(1, min(LARGEST_CHUNK, CHUNK_BYTES // (8 * len(RECORDED) * layers)))


def record_chunks(network, *, replicas, seed=0, inputs=1, stream=None):
    """Yield float64 records of shape (chunk, quantities, layers) until `replicas` networks are done, in order.

    `stream` defaults to the network's identity; the same stream gives the same random numbers to every network.
    Raises RequestError for numbers out of range.
    """
    replicas = whole_number("--replicas", replicas, 1, MOST_REPLICAS)
    inputs = whole_number("--inputs", inputs, 1)
    seed = whole_number("--seed", seed, 0)
    program = lower(network, inputs)
    key = stream_key(seed, network.to_json() if stream is None else stream)
    size = chunk_size(program.layers)
    for first in range(0, replicas, size):
        yield run_chunk(
            program.steps, program.parameters, key, first, min(size, replicas - first), inputs,
            program.tape_size, program.widest, program.layers,
        )  # fmt: skip
