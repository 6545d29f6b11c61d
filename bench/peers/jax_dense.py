"""JAX on the CPU: jit of vmap of a scan over the layers, every weight matrix drawn from a key of its own.

The weights are kept for the way back, or drawn again from the same keys. XLA uses all cores by itself.
`jax_threefry_partitionable` False is the older layout of Threefry, which spends half as many rounds a number.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax, random

from . import RECORDED, SATURATION, Variant

# name: (generator, partitionable, keep the weights, batch, batches that lax.map takes one after the other)
WAYS = {
    "threefry, kept, batch 4": ("threefry2x32", False, True, 4, 1),
    "threefry, kept, batch 16": ("threefry2x32", False, True, 16, 1),
    "threefry, kept, 4 batches of 4": ("threefry2x32", False, True, 4, 4),
    "threefry, redrawn, batch 4": ("threefry2x32", False, False, 4, 1),
    "threefry, redrawn, batch 16": ("threefry2x32", False, False, 16, 1),
    "partitionable threefry, kept, batch 4": ("threefry2x32", True, True, 4, 1),
    "rbg, kept, batch 4": ("rbg", True, True, 4, 1),
    "unsafe_rbg, kept, batch 4": ("unsafe_rbg", True, True, 4, 1),
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


def program(job, generator, partitionable, keep, batch, batches):
    """A function of a number of calls, each with keys that were not used before."""
    one = partial(network, job, keep)
    if batches > 1:
        many = jax.jit(lambda keys: lax.map(one, keys, batch_size=batch))
    else:
        many = jax.jit(jax.vmap(one))
    calls = iter(range(2**32))

    def run(count):
        with jax.threefry_partitionable(partitionable):
            seed = random.key(0, impl=generator)
            made = [many(random.split(random.fold_in(seed, next(calls)), batch * batches)) for _ in range(count)]
            return jax.numpy.concatenate(made).__array__()

    return run


def variants(job):
    for name, way in WAYS.items():
        yield Variant(name, way[-2] * way[-1], program(job, *way))
