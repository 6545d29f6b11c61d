"""gradsim: how signals and gradients scale in deep networks at initialization.

    curves = gradsim.simulate(gradsim.mlp(width=128, depth=100, activation="tanh", init="xavier_normal"))
    curves.verdict, curves["gradient_log_mean"], curves.to_xarray(), curves.save("tanh.h5"), curves.plot("tanh.png")

Names are imported when they are first used: `import gradsim` alone loads neither Numba nor HDF5.
"""

from importlib import import_module

__version__ = "0.1.0.dev0"

_HOMES = {
    "mlp": "network",
    "Network": "network",
    "activation": "activations",
    "simulate": "simulation",
    "Curves": "curves",
    "CurveSet": "curves",
    "Verdict": "verdict",
    "RequestError": "errors",
    "sweep": None,  # subpackages: gradsim.sweep.run("classic")
    "theory": None,  # gradsim.theory.mean_field(network)
}
__all__ = [*_HOMES, "open"]


def open(path):
    """The CurveSet in an HDF5 file that gradsim wrote. Raises RequestError if there is none."""
    from .store.read import read

    return read(path)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'gradsim' has no attribute {name!r}")
    home = _HOMES[name]
    found = import_module(f".{name}", __name__) if home is None else getattr(import_module(f".{home}", __name__), name)
    globals()[name] = found
    return found


def __dir__():
    return sorted([*__all__, "__version__"])
