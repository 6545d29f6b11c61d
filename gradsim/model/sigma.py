"""sigma_w of a network, which theory gives weights by: Var W = sigma_w^2 / fan_in, whatever initializer and gain made them."""

import math
from typing import TYPE_CHECKING

from . import chain
from .initializers import weight_law
from .parts import Linear

if TYPE_CHECKING:
    from .network import Network

DIGITS = 12  # that are kept: matrices of two widths then have one sigma_w where their formulas do


def sigma(fan_in: int, linear: Linear) -> float:
    """The root of fan_in Var W of a linear map; NaN where the weights have a mean, or are fixed and not all zero."""
    law = weight_law(linear.init, fan_in, linear.width, linear.gain)
    if law.mean or law.kind == "identity":
        return math.nan
    return float(f"{math.sqrt(fan_in) * math.sqrt(law.variance):.{DIGITS}g}")


def weight_std(network: "Network") -> float:
    """sigma_w of all linear maps of the blocks from the second one on, of the first where there is but one: to 12 digits.

    NaN where there is none, or these have several. What reads the input, in a stem or in the first block, and the readout may
    have others.
    """
    found: set[float] = set()
    width, seen, first = chain.width_behind(network.stem, network.input_width), set(), True
    for repeat in network.blocks:
        out = chain.width_behind(repeat.parts, width)
        inputs = (width, out)[: repeat.times]
        if first and network.depth > 1:
            inputs, first = inputs[1:], False
        for into in inputs:
            if (id(repeat.parts), into) not in seen:
                seen.add((id(repeat.parts), into))
                found.update(sigma(*linear) for linear in chain.linear_maps(repeat.parts, into))
        width = out
    return found.pop() if len(found) == 1 else math.nan
