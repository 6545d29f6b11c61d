"""JAX on the CPU: jit of a map over networks of a scan over layers, every weight matrix drawn from a key of its own.

The weights are kept for the way back, or drawn again from the same keys. XLA runs the body of a loop on one core, so
that every core gets a Python thread and a share of the networks; "alone" leaves it to XLA. Threefry that is not
partitionable (the older layout) spends half as many rounds a number.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, random

from ..timing import CORES
from . import RECORDED, SATURATION, Variant

# name: (generator, partitionable, keep the weights, threads, batch of vmap, batches that lax.map takes in turn)
WAYS = {
    "alone, weights kept, 1 x 4": ("threefry2x32", False, True, 1, 4, 1),
    "alone, weights kept, 1 x 16": ("threefry2x32", False, True, 1, 16, 1),
    "alone, weights kept, 4 x 4": ("threefry2x32", False, True, 1, 4, 4),
    "alone, weights redrawn, 1 x 16": ("threefry2x32", False, False, 1, 16, 1),
    "weights kept, 16 x 1": ("threefry2x32", False, True, CORES, 1, 16),
    "weights kept, 8 x 2": ("threefry2x32", False, True, CORES, 2, 8),
    "weights kept, 4 x 4": ("threefry2x32", False, True, CORES, 4, 4),
    "weights redrawn, 8 x 2": ("threefry2x32", False, False, CORES, 2, 8),
    "weights redrawn, 4 x 4": ("threefry2x32", False, False, CORES, 4, 4),
    "partitionable, weights kept, 8 x 2": ("threefry2x32", True, True, CORES, 2, 8),
    "rbg, weights kept, 8 x 2": ("rbg", True, True, CORES, 2, 8),
    "unsafe_rbg, weights kept, 8 x 2": ("unsafe_rbg", True, True, CORES, 2, 8),
}


def network(job, keep, key):
    """Records of one network, of shape (len(RECORDED), depth + 1)."""
    input_key, probe_key, weights_key = random.split(key, 3)
    keys = random.split(weights_key, job.depth)
    n, scale = job.width, job.scale

    def draw(key):
        if job.normal:
            return scale * random.normal(key, (n, n))
        return random.uniform(key, (n, n), minval=-scale, maxval=scale)

    def forward(x, key):
        weights = draw(key)
        h = weights @ x
        after = jnp.tanh(h) if job.activation == "tanh" else jax.nn.relu(h)
        return after, (x, h, weights if keep else key)

    def backward(g, at):
        slope, weights = at
        d = slope * g
        return (weights if keep else draw(weights)).T @ d, d

    x_0 = random.normal(input_key, (n,))
    last, (x, h, weights) = lax.scan(forward, x_0, keys)
    x = jnp.concatenate([x, last[None]])
    slopes = 1.0 - x[1:] ** 2 if job.activation == "tanh" else (h > 0.0).astype(x.dtype)
    probe = random.normal(probe_key, (n,)) / math.sqrt(n)
    g, d = lax.scan(backward, probe, (slopes, weights), reverse=True)
    return records(x, h, d, slopes, g, probe, last)


def records(x, h, d, slopes, input_gradient, probe, last):
    squares_x, squares_d = jnp.mean(x**2, -1), jnp.mean(d**2, -1)
    rows = {
        "preactivation": jnp.log(jnp.mean(h**2, -1)),
        "activation": jnp.log(squares_x),
        "gradient": jnp.log(squares_d),
        "weight_gradient": jnp.log(squares_d) + jnp.log(squares_x[:-1]),
        "bias_gradient": jnp.log(squares_d),
        "input_gradient": jnp.log(jnp.mean(input_gradient**2))[None],
        "loss": jnp.log((probe @ last) ** 2)[None],
        "loss_gradient": jnp.log(jnp.mean(probe**2))[None],
        "preactivation_max": jnp.log(jnp.max(jnp.abs(h), -1) ** 2),
        "gradient_max": jnp.log(jnp.max(jnp.abs(d), -1) ** 2),
        "activation_mean": jnp.mean(x[1:], -1),
        "activation_unit_variance": jnp.var(x[1:], -1),
        "dead_fraction": jnp.mean(slopes == 0.0, -1),
        "saturated_fraction": jnp.mean(jnp.abs(slopes) < SATURATION, -1),
    }
    layers = len(x)

    def place(row):
        first = int(len(row) == layers - 1)
        return jnp.pad(row, (first, layers - first - len(row)), constant_values=jnp.nan)

    return jnp.stack([place(rows[name]) for name in RECORDED])


def program(job, generator, partitionable, keep, threads, batch, batches):
    """A function of a number of calls for each thread; no call gets keys that another had."""
    one = partial(network, job, keep)
    many = jax.jit(jax.vmap(one) if batches == 1 else lambda keys: lax.map(one, keys, batch_size=batch))
    seed, calls, pool = random.key(0, impl=generator), iter(range(2**32)), ThreadPoolExecutor(threads)

    def call(number):
        with jax.threefry_partitionable(partitionable):  # a setting of the thread
            return np.asarray(many(random.split(random.fold_in(seed, number), batch * batches)))

    return lambda count: np.concatenate(list(pool.map(call, [next(calls) for _ in range(count * threads)])))


def variants(job):
    for name, (*way, threads, batch, batches) in WAYS.items():
        yield Variant(name, threads * batch * batches, program(job, *way, threads, batch, batches), plain=threads == 1)
