"""Pre-norm residual blocks in PyTorch on the CPU: x + W_2 phi(W_1 LayerNorm(x)), batched products, no graph.

As in `torch_dense`: weights are drawn in place and kept for the way back, buffers are allocated once, and besides the plain
program, whose one generator draws serially, there is one with a thread, a generator and a batch for every core. LayerNorm
and its gradient are PyTorch's own kernels, those that nn.LayerNorm and autograd call.
"""

import math
from dataclasses import dataclass

import torch

from ..timing import CORES
from . import ALONE, SATURATION, Variant
from .torch_dense import alone, side_by_side

EPSILON = 1e-5
MAPS = 2  # linear maps in a block
BATCHES = (1, 4, 8)


@dataclass(frozen=True)
class BlockJob:
    """Networks of `depth` blocks on a stream of `width` units, one input each, forward and backward from a Gaussian probe."""

    width: int
    depth: int
    activation: str
    variance: float  # n Var W

    @property
    def bytes(self):
        """Of the weights of one network."""
        return 4 * MAPS * self.depth * self.width**2


class Worker:
    """A batch of networks at a time, in buffers that are allocated once."""

    def __init__(self, job, batch, seed, from_words=False):
        self.job, self.batch, self.generator = job, batch, torch.Generator().manual_seed(seed)
        column = (batch, job.width, 1)
        self.weights = torch.empty(job.depth, MAPS, batch, job.width, job.width)
        self.stream, self.stream_gradient = torch.empty(job.depth + 1, *column), torch.empty(job.depth + 1, *column)
        self.normed, self.active = torch.empty(job.depth, *column), torch.empty(job.depth, *column)
        self.h, self.d = torch.empty(job.depth, MAPS, *column), torch.empty(job.depth, MAPS, *column)
        self.normed_gradient, self.slopes = torch.empty_like(self.normed), torch.empty_like(self.active)
        self.active_gradient = torch.empty(column)
        self.one = torch.ones(())

    @torch.inference_mode()
    def run(self):
        """Records of one batch."""
        deviations = self.forward()
        if self.job.activation == "tanh":
            torch.addcmul(self.one, self.active, self.active, value=-1, out=self.slopes)
        else:
            torch.gt(self.h[:, 0], 0.0, out=self.slopes)
        self.stream_gradient[-1].normal_(0.0, 1.0 / math.sqrt(self.job.width), generator=self.generator)
        self.backward(deviations)
        return self.records()

    def forward(self):
        """Fills the stream; gives the mean and 1/S of every norm."""
        tanh, scale, found = self.job.activation == "tanh", math.sqrt(self.job.variance / self.job.width), []
        self.stream[0].normal_(generator=self.generator)
        for block, (first, second) in enumerate(self.weights):
            x, (h, added) = self.stream[block], self.h[block]
            self.weights[block].normal_(0.0, scale, generator=self.generator)
            y, mean, inverse = torch.native_layer_norm(x.view(self.batch, -1), (self.job.width,), None, None, EPSILON)
            self.normed[block] = y.view_as(x)
            torch.bmm(first, self.normed[block], out=h)
            torch.tanh(h, out=self.active[block]) if tanh else torch.clamp_min(h, 0.0, out=self.active[block])
            torch.bmm(second, self.active[block], out=added)
            torch.add(x, added, out=self.stream[block + 1])
            found.append((mean, inverse))
        return found

    def backward(self, deviations):
        shape, mask = (self.batch, self.job.width), (True, False, False)
        for block in range(self.job.depth - 1, -1, -1):
            (first, second), (d, d_added) = self.weights[block], self.d[block]
            d_added.copy_(self.stream_gradient[block + 1])
            torch.bmm(second.mT, d_added, out=self.active_gradient)
            torch.mul(self.slopes[block], self.active_gradient, out=d)
            torch.bmm(first.mT, d, out=self.normed_gradient[block])
            x, g = self.stream[block].view(shape), self.normed_gradient[block].view(shape)
            below, _, _ = torch.ops.aten.native_layer_norm_backward(g, x, shape[1:], *deviations[block], None, None, mask)
            torch.add(d_added, below.view_as(d_added), out=self.stream_gradient[block])

    def records(self):
        """Of shape (batch, columns), in the order of gradsim's."""

        def by_network(values):  # (places, batch) to (batch, places)
            return values.reshape(-1, self.batch).T

        def log_mean_square(v):
            return by_network(v.squeeze(-1).square().mean(-1).log())

        def log_largest(v):
            return by_network(v.squeeze(-1).abs().amax(-1).square().log())

        variance, mean = torch.var_mean(self.active.squeeze(-1), -1, correction=0)
        x, g, slopes = self.stream, self.stream_gradient, self.slopes.squeeze(-1)
        gradient = log_mean_square(self.d)
        sources = log_mean_square(torch.stack((self.normed, self.active), 1))
        loss = (g[-1] * x[-1]).sum((1, 2)).square().log()[:, None]
        rows = {
            "preactivation": log_mean_square(self.h),
            "activation": torch.cat((log_mean_square(x[0]), log_mean_square(self.active)), 1),
            "gradient": gradient,
            "weight_gradient": gradient + sources,
            "bias_gradient": gradient,
            "input_gradient": log_mean_square(g[0]),
            "loss": loss,
            "loss_gradient": log_mean_square(g[-1]),
            "preactivation_max": torch.cat((log_largest(x[0]), log_largest(self.h)), 1),
            "gradient_max": log_largest(self.d),
            "stream": log_mean_square(x),
            "stream_gradient": log_mean_square(g),
            "stream_max": log_largest(x),
            "stream_gradient_max": log_largest(g),
            "norm_gain_gradient": log_mean_square(self.normed_gradient * self.normed),
            "norm_shift_gradient": log_mean_square(self.normed_gradient),
            "activation_mean": by_network(mean),
            "activation_unit_variance": by_network(variance),
            "dead_fraction": by_network((slopes == 0.0).float().mean(-1)),
            "saturated_fraction": by_network((slopes.abs() < SATURATION).float().mean(-1)),
        }
        return torch.cat([rows[name] for name, *_ in ALONE], 1)


def variants(job, batches=BATCHES):
    for batch in batches:
        yield Variant(f"one generator, batch {batch}", batch, alone(job, batch, False, Worker), plain=True)
        shared = side_by_side(job, batch, False, Worker)
        yield Variant(f"{CORES} generators, batch {batch} each", CORES * batch, shared, plain=False)
