"""What is measured of a tensor of PyTorch: the numbers of which gradsim's statistics are made."""

import math
from typing import NamedTuple

import torch

from ..statistics.quantities import CORRELATION_FLOOR

SAFE = 1e12  # squares of numbers up to it, and from its inverse on, are far from both ends of float32


class Measures(NamedTuple):
    """The mean `square` of a tensor's entries and the `largest` of their squares. Of two inputs or more, `gap` is the mean over
    all pairs of one minus the cosine between them; NaN where that is not defined."""

    square: float
    largest: float
    gap: float


NOTHING = Measures(0.0, 0.0, math.nan)  # of a gradient that never came


class Spread(NamedTuple):
    """The `mean` of the entries, and the mean over the inputs of their `variance` over the units."""

    mean: float
    variance: float


def measures(tensor, inputs):
    """The Measures of a tensor whose first axis counts `inputs`; the gap only where it does, and there are two."""
    values, largest = _ranged(tensor)
    square = _sum_of_squares(values) / values.numel()
    gap = _gap(values.reshape(inputs, -1)) if inputs > 1 and along_inputs(tensor, inputs) else math.nan
    return Measures(square, largest * largest, gap)


def along_inputs(tensor, inputs):
    """Whether the first axis of a tensor counts the inputs."""
    return tensor.dim() > 0 and tensor.shape[0] == inputs


def mean_square(tensors):
    """Of all entries of some tensors together; 0 of none, as of gradients that never came."""
    total = sum(_sum_of_squares(_ranged(tensor)[0]) for tensor in tensors)
    return total / max(1, sum(tensor.numel() for tensor in tensors))


def spread(tensor, inputs):
    """The Spread of a tensor; units are told apart by what they have beyond the first one, so that equal ones have none."""
    values = _ranged(tensor)[0]
    values = values.reshape(inputs if along_inputs(tensor, inputs) else 1, -1)
    first = values[:, :1]
    beyond = values - first
    means = beyond.mean(dim=1)
    variance = _sum_of_squares(beyond) / beyond.numel() - means.square().mean().item()
    return Spread((means + first[:, 0]).mean().item(), max(variance, 0.0))


def _ranged(tensor):
    """(the tensor in a float type that holds its squares, its largest absolute entry)."""
    tensor = tensor.detach()
    if tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.float()
    low, high = torch.aminmax(tensor)
    largest = max(-low.item(), high.item())
    return (tensor if 1 / SAFE < largest < SAFE else tensor.double()), largest


def _sum_of_squares(values):
    norm = torch.linalg.vector_norm(values).item()
    return norm * norm


def _gap(rows):
    """Half the mean squared distance of the rows at length 1, which does not cancel: it is zero where float32 tells none."""
    units = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    found = _sum_of_squares(units - units.mean(dim=0)) / (len(rows) - 1)
    return 0.0 if found < CORRELATION_FLOOR else found
