"""PyTorch on the CPU: batched products, weights drawn in place and kept for the way back, no graph.

PyTorch draws serially whatever its number of threads, so besides the plain program there is one in which every core
has a Python thread with a generator, a batch and buffers of its own; the calls are long and release the interpreter.
Uniform weights are drawn by `uniform_`, or faster from 64 random bits for every two of them.
"""

import math
from concurrent.futures import ThreadPoolExecutor

import torch

from ..timing import CORES
from . import RECORDED, SATURATION, Variant

BATCHES = (1, 4, 16)


class Worker:
    """A batch of networks at a time, in buffers that are allocated once."""

    def __init__(self, job, batch, seed, from_words=False):
        self.job, self.generator = job, torch.Generator().manual_seed(seed)
        column = (batch, job.width, 1)
        self.weights = torch.empty(job.depth, batch, job.width, job.width)
        self.x = torch.empty(job.depth + 1, *column)
        self.h, self.d = torch.empty(job.depth, *column), torch.empty(job.depth, *column)
        self.slopes, self.probe = torch.empty_like(self.h), torch.empty(column)
        self.gradients = torch.empty(2, *column)
        self.words = torch.empty((self.weights[0].numel() + 1) // 2, dtype=torch.int64) if from_words else None

    def draw(self, weights):
        scale = self.job.scale
        if self.job.normal:
            weights.normal_(0.0, scale, generator=self.generator)
        elif self.words is not None:
            self.words.random_(-(2**63), None, generator=self.generator)
            weights.copy_(self.words.view(torch.int32)[: weights.numel()].view_as(weights)).mul_(scale * 2.0**-31)
        else:
            weights.uniform_(-scale, scale, generator=self.generator)

    @torch.inference_mode()
    def run(self):
        """Records of one batch."""
        x, h, d, tanh = self.x, self.h, self.d, self.job.activation == "tanh"
        x[0].normal_(generator=self.generator)
        for layer, weights in enumerate(self.weights):
            self.draw(weights)
            torch.bmm(weights, x[layer], out=h[layer])
            torch.tanh(h[layer], out=x[layer + 1]) if tanh else torch.clamp_min(h[layer], 0.0, out=x[layer + 1])
        if tanh:
            torch.addcmul(torch.ones(()), x[1:], x[1:], value=-1, out=self.slopes)
        else:
            torch.gt(h, 0.0, out=self.slopes)
        self.probe.normal_(0.0, 1.0 / math.sqrt(self.job.width), generator=self.generator)
        g = self.probe
        for layer in range(self.job.depth - 1, -1, -1):
            torch.mul(self.slopes[layer], g, out=d[layer])
            g = torch.bmm(self.weights[layer].mT, d[layer], out=self.gradients[layer % 2])
        return self.records(g)

    def records(self, input_gradient):
        x, h, d, slopes = (t.squeeze(-1) for t in (self.x, self.h, self.d, self.slopes))
        squares_x, squares_d = x.square().mean(-1), d.square().mean(-1)
        variance, mean = torch.var_mean(x[1:], -1, correction=0)
        rows = {
            "preactivation": h.square().mean(-1).log(),
            "activation": squares_x.log(),
            "gradient": squares_d.log(),
            "weight_gradient": squares_d.log() + squares_x[:-1].log(),
            "bias_gradient": squares_d.log(),
            "input_gradient": input_gradient.square().mean((1, 2)).log()[None],
            "loss": (self.probe[..., 0] * x[-1]).sum(-1).square().log()[None],
            "loss_gradient": self.probe.square().mean((1, 2)).log()[None],
            "preactivation_max": h.abs().amax(-1).square().log(),
            "gradient_max": d.abs().amax(-1).square().log(),
            "activation_mean": mean,
            "activation_unit_variance": variance,
            "dead_fraction": (slopes == 0.0).float().mean(-1),
            "saturated_fraction": (slopes.abs() < SATURATION).float().mean(-1),
        }
        records = torch.full((len(x[0]), len(RECORDED), len(x)), math.nan)
        for row, name in enumerate(RECORDED):
            first = 1 if len(rows[name]) == self.job.depth else 0
            records[:, row, first : first + len(rows[name])] = rows[name].T
        return records


def alone(job, batch, from_words, kind=Worker):
    """One generator; PyTorch's own threads share the products."""
    worker = kind(job, batch, 1, from_words)
    return lambda batches: torch.cat([worker.run() for _ in range(batches)]).numpy()


def side_by_side(job, batch, from_words, kind=Worker):
    """A generator and a share of the batch for every core."""
    workers = [kind(job, batch, seed, from_words) for seed in range(CORES)]
    pool = ThreadPoolExecutor(CORES, initializer=torch.set_num_threads, initargs=(1,))

    def run(batches):
        shares = pool.map(lambda worker: [worker.run() for _ in range(batches)], workers)
        return torch.cat([records for share in shares for records in share]).numpy()

    return run


def variants(job):
    for from_words in (False,) if job.normal else (False, True):
        how = ", from words" if from_words else ""
        for batch in BATCHES:
            yield Variant(f"one generator, batch {batch}{how}", batch, alone(job, batch, from_words), plain=True)
            shared = side_by_side(job, batch, from_words)
            yield Variant(f"{CORES} generators, batch {batch} each{how}", CORES * batch, shared, plain=False)
