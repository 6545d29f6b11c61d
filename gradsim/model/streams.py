"""Which random numbers a network gets: the key of the counter-based generator."""

import hashlib
import json

import numpy as np


def stream_key(seed, stream):
    """The 64-bit random key of (seed, stream) as uint32 of shape (2,): the first bytes of a SHA-256."""
    text = json.dumps({"seed": seed, "stream": stream}, sort_keys=True, separators=(",", ":"))
    return np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], dtype="<u4").astype(np.uint32)
