"""The network of gradsim that a PyTorch model is, where it is one."""

from typing import TYPE_CHECKING

from ..errors import RequestError, shown
from ..model.network import Network, network
from ..model.parts import Linear, Residual
from ..typed import Number
from .library import needed

if TYPE_CHECKING:
    import torch


def translate(model: "torch.nn.Module", init: str | None = None, gain: Number = 1.0, bias: str | None = None) -> Network:
    """The Network with the layers of a PyTorch model: of Linear, activations, LayerNorm, RMSNorm, BatchNorm1d, Dropout and
    residual sums, whose graph torch.fx traces. Of norms the gains are 1 and the shifts 0.

    `init` and `gain` are the initializer of all its weights and `bias` the law of all its biases. Where they are None the
    numbers that the model has drawn tell, if they follow a law that gradsim has: the likeliest of those that fit them, and one
    for all matrices where one fits all.

    Raises RequestError, one line, that names what gradsim has no part for, and where PyTorch is not installed.
    """
    needed("gradsim.torch.translate")
    import torch

    from .tracing import Reader

    if not isinstance(model, torch.nn.Module):
        raise RequestError(f"translate: {shown(model)} is not a torch.nn.Module")
    if init is None and gain != 1.0:
        raise RequestError("translate: gain goes with init, which is not given")
    read = Reader(model, init, gain, bias)
    readout = _readout(read.parts)
    return network(read.parts[: -len(readout)], read.width, readout) if readout else network(read.parts, read.width)


def _readout(parts):
    """What stands behind the last block, a residual with what follows all of them; () where `network` knows by itself."""
    places = [k for k, part in enumerate(parts) if isinstance(part, Residual)]
    if len(places) < 2:
        return ()
    tail = parts[places[-2] + 1 : places[-1]]
    behind = parts[places[-1] + 1 :]
    if behind[: len(tail)] != tail or not any(isinstance(part, Linear) for part in behind[len(tail) :]):
        return ()
    return behind[len(tail) :]
