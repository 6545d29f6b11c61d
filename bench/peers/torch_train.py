"""The same training in PyTorch: plain tanh networks with Xavier's weights by stochastic gradient descent, float32.

Every network has batches of its own. `by_vmap` trains many at once, `by_loop` one after another.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

RATE = 0.05


def network(width, depth, inputs, outputs):
    sizes = [inputs, *[width] * depth]
    layers = [layer for n_in, n in pairwise(sizes) for layer in (nn.Linear(n_in, n), nn.Tanh())]
    made = nn.Sequential(*layers, nn.Linear(width, outputs))
    for layer in made[::2]:
        nn.init.xavier_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
    return made


def batches(samples, labels, generator, shape):
    """(inputs, labels) of different rows for each network: shape (networks, batch)."""
    rows = np.stack([generator.choice(len(samples), shape[1], replace=False) for _ in range(shape[0])])
    rows = torch.from_numpy(rows)
    return samples[rows], labels[rows]


def by_loop(width, depth, samples, labels, count, batch, steps, seed=0):
    """Mean loss of the last step over `count` networks."""
    generator, losses = np.random.default_rng(seed), []
    torch.manual_seed(seed)
    for _ in range(count):
        made = network(width, depth, samples.shape[1], int(labels.max()) + 1)
        update = torch.optim.SGD(made.parameters(), lr=RATE)
        for _ in range(steps):
            x, y = batches(samples, labels, generator, (1, batch))
            loss = nn.functional.cross_entropy(made(x[0]), y[0])
            update.zero_grad()
            loss.backward()
            update.step()
        losses.append(loss.item())
    return losses


def by_vmap(width, depth, samples, labels, count, batch, steps, seed=0):
    """The same, all networks side by side."""
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    made = [network(width, depth, samples.shape[1], int(labels.max()) + 1) for _ in range(count)]
    parameters, _ = torch.func.stack_module_state(made)
    parameters = {name: value.detach() for name, value in parameters.items()}
    base = made[0].to("meta")

    def loss_of(own, x, y):
        return nn.functional.cross_entropy(torch.func.functional_call(base, own, (x,)), y)

    step = torch.func.vmap(torch.func.grad_and_value(loss_of))
    for _ in range(steps):
        gradients, losses = step(parameters, *batches(samples, labels, generator, (count, batch)))
        for name, gradient in gradients.items():
            parameters[name].sub_(gradient, alpha=RATE)
    return losses.tolist()
