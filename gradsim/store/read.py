"""Reads a file of curves back."""

import json
from pathlib import Path

import h5py
import numpy as np

from ..curves import Curves, CurveSet
from ..errors import RequestError
from ..network import from_json
from ..quantities import PREDICTED, VARIABLES
from .dataset import SCHEMA_VERSION


def read(path):
    """The CurveSet in the file at `path`. Raises RequestError if it is not a file of gradsim that can be read."""
    path = Path(path)
    if not path.is_file():
        raise RequestError(f"{str(path)!r}: no such file")
    try:
        with _open(path) as file:
            version = file.attrs.get("schema_version")
            if version is None or "gradsim_version" not in file.attrs:
                raise RequestError(f"{str(path)!r} is an HDF5 file, but not one of gradsim")
            if version > SCHEMA_VERSION:
                raise RequestError(f"{str(path)!r} has schema version {version}; this gradsim reads up to {SCHEMA_VERSION}")
            return _curve_set(file)
    except OSError as error:
        raise RequestError(f"{str(path)!r} cannot be read as HDF5: {str(error).splitlines()[0]}") from None


def _open(path):
    """Without a lock, so that reading works on any file system; with one if this process has the file open that way."""
    try:
        return h5py.File(path, "r", locking=False)
    except OSError:
        return h5py.File(path, "r")


def _curve_set(file):
    arrays = {name: file[name][()] for name in VARIABLES if name in file}
    quantiles = file["quantile"][()]
    methods = file["quantile_method"].asstr()[()]
    result = []
    for cell, text in enumerate(file["request"].asstr()[()]):
        request = json.loads(text)
        network = from_json(request["network"])
        result.append(unstacked(arrays, cell, network, request["run"], np.array(quantiles), str(methods[cell])))
    return CurveSet(result, json.loads(file.attrs["request"]))


def unstacked(arrays, cell, network, run, quantiles, method):
    """The Curves of one cell of `stacked` arrays."""
    sizes = {"layer": len(network.linear_widths) + 1, "replica": run["replicas"]}
    variables = {}
    for name, array in arrays.items():
        part = array[cell][tuple(slice(0, sizes.get(dim)) for dim in VARIABLES[name].dims)]
        if run["inputs"] == 1 and VARIABLES[name].quantity.pairs:
            continue
        if not run["keep_samples"] and "replica" in VARIABLES[name].dims:
            continue
        if name in PREDICTED and np.isnan(part).all():
            continue  # said of another cell of the file
        variables[name] = part
    return Curves(network, run, quantiles, method, variables)
