"""gradsim: how signals and gradients scale in deep networks at initialization.

    curves = gradsim.simulate(gradsim.mlp(width=128, depth=100, activation="tanh", init="xavier_normal"))
    curves.verdict, curves["gradient_log_mean"], curves.to_xarray(), curves.save("tanh.h5"), curves.plot("tanh.png")

Names are imported when they are first used: `import gradsim` alone loads neither Numba nor HDF5.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .steps import BLOCK_STEPS
from .version import __version__ as __version__

if TYPE_CHECKING:  # what `__getattr__` finds, for those who read and do not run
    import os
    from typing import Any

    from . import sweep as sweep
    from . import theory as theory
    from . import torch as torch
    from .advice.advise import advise as advise
    from .advice.recommendation import recommend as recommend
    from .curves import Curves as Curves
    from .curves import CurveSet as CurveSet
    from .errors import RequestError as RequestError
    from .frameworks import code_for as code_for
    from .model.activations import activation as activation
    from .model.network import Network as Network
    from .model.network import mlp as mlp
    from .model.network import network as network
    from .model.parts import Activation as Activation
    from .model.parts import Linear as Linear
    from .model.parts import Repeat as Repeat
    from .model.presets import preset as preset
    from .model.presets import presets as presets
    from .model.steps.add import Residual as Residual
    from .model.steps.batch_norm import BatchNorm as BatchNorm
    from .model.steps.dropout import Dropout as Dropout
    from .model.steps.norm import LayerNorm as LayerNorm
    from .model.steps.norm import RMSNorm as RMSNorm
    from .results.verdict import Verdict as Verdict
    from .simulation.simulate import simulate as simulate
    from .training.curves import TrainingCurves as TrainingCurves
    from .training.train import train as train

_HOMES = {
    "mlp": "model.network",
    "network": "model.network",
    "Network": "model.network",
    "Linear": "model.parts",
    "Activation": "model.parts",
    "Repeat": "model.parts",
    **{part: f"model.steps.{step}" for step, parts in BLOCK_STEPS.items() for part in parts},
    "activation": "model.activations",
    "preset": "model.presets",
    "presets": "model.presets",
    "code_for": "frameworks",
    "simulate": "simulation.simulate",
    "train": "training.train",
    "recommend": "advice.recommendation",
    "advise": "advice.advise",
    "Curves": "curves",
    "CurveSet": "curves",
    "TrainingCurves": "training.curves",
    "Verdict": "results.verdict",
    "RequestError": "errors",
    "sweep": None,  # subpackages: gradsim.sweep.run("classic")
    "theory": None,  # gradsim.theory.mean_field(network)
    "torch": None,  # gradsim.torch.observe(make_model, inputs)
}
__all__ = [*_HOMES, "open"]


def open(path: "str | os.PathLike[str]") -> "CurveSet":
    """The CurveSet in an HDF5 file that gradsim wrote, or in the folder `OUT.work` of a sweep that is not finished.

    Raises RequestError if there is none.
    """
    if _is_work(path):
        from .sweep.durable import open_unfinished

        return open_unfinished(path)
    from .curves import open_file

    return open_file(path)


def _is_work(path: object) -> bool:
    from os import PathLike, fspath
    from os.path import isdir

    name = fspath(path) if isinstance(path, str | PathLike) else ""
    return isinstance(name, str) and name.rstrip("/").endswith(".work") and "\0" not in name and isdir(name)


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module 'gradsim' has no attribute {name!r}")
    home = _HOMES[name]
    found = import_module(f".{name}", __name__) if home is None else getattr(import_module(f".{home}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
