"""The file of a training run: HDF5 in the shape of netCDF-4, as that of curves at initialization (docs/training.md)."""

import io
import json

import numpy as np

from ..errors import RequestError
from ..store.provenance import provenance
from ..version import __version__
from .program import QUANTITIES

SCHEMA = 1
MEANINGS = {
    "weight": "mean square of the weights",
    "weight_change": "|W_t - W_0|^2 / |W_0|^2 of the weight matrix",
    "weight_update": "|dW|^2 / |W|^2 of the weight matrix in this step",
    "gradient": "mean square of the gradient dL/dh",
    "weight_gradient": "mean square of the weight gradient dL/dW",
    "activation": "mean square of the activation x (layer 0: the input)",
    "dead_fraction": "fraction of units whose slope is zero for every sample of the batch",
    "saturated_fraction": "fraction of slopes below 1 % of the largest",
    "loss": "loss of the batch",
    "accuracy": "fraction of the batch that is classified as its labels say; 0 behind a loss that is NaN",
    "held_out_accuracy": "the same of as many samples that are held out",
}
STATISTICS = {
    "log_mean": "mean over networks of the natural log of",
    "log_variance": "variance over networks of the natural log of",
    "log_quantile": "quantiles over networks of the natural log of",
    "log_of_mean": "natural log of the mean over networks of",
    "effective_sample_size": "number of networks that carry the mean of",
    "zero_count": "networks in which it is exactly zero:",
    "nonfinite_count": "networks in which it is NaN or infinite:",
    "mean": "mean over networks of",
    "variance": "variance over networks of",
    "quantile": "quantiles over networks of",
}


def described(name):
    """(axes, long name) of a variable."""
    if name == "nonfinite_step":
        return ("replica",), "step at which the loss is NaN or infinite first; -1: never"
    quantity = max((q for q in MEANINGS if name.startswith(f"{q}_")), key=len)
    statistic = name.removeprefix(f"{quantity}_")
    axes = ("recorded_step", "layer") if quantity in QUANTITIES else ("step",)
    return (*axes, "quantile") if statistic.endswith("quantile") else axes, f"{STATISTICS[statistic]} {MEANINGS[quantity]}"


def coordinates(trained):
    """{axis: (values, long name)}."""
    return {
        "recorded_step": (trained.recorded, "updates that were made, where layers are on record"),
        "layer": (trained.layers, "linear map, or activation, in the order of the network; 0: the input"),
        "step": (np.arange(trained.request["steps"] + 1), "updates that were made"),
        "quantile": (trained.quantiles, "probability"),
        "replica": (np.arange(trained.request["replicas"]), "network"),
    }


def attributes(trained):
    """Of the file: texts and numbers."""
    return {
        "gradsim_version": __version__,
        "training_schema": SCHEMA,
        "network": trained.network.to_json(),
        "request": json.dumps(trained.request, sort_keys=True),
        "quantile_method": trained.quantile_method,
        "verdict_at_initialization": trained.initial.verdict.sentence,
        "sentence": trained.sentence,
    }


def image(trained):
    """The bytes of the file."""
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w", track_order=True) as file:
        file.attrs.update(attributes(trained) | {"provenance": json.dumps(provenance(), sort_keys=True)})
        for axis, (values, meaning) in coordinates(trained).items():
            file.create_dataset(axis, data=values)
            file[axis].make_scale(axis)
            file[axis].attrs["long_name"] = meaning
        for name, values in trained.variables.items():
            _write(file, name, values)
    return stream.getvalue()


def _write(file, name, values):
    axes, meaning = described(name)
    missing = np.int64(-1) if values.dtype.kind == "i" else np.float64(np.nan)
    item = file.create_dataset(name, data=values, compression="gzip", shuffle=True, fletcher32=True, track_order=True)
    item.attrs.update({"long_name": meaning, "units": "1"})
    if name != "nonfinite_step":
        item.attrs["_FillValue"] = missing
    for k, axis in enumerate(axes):
        item.dims[k].attach_scale(file[axis])


def dataset(trained):
    """The same as an xarray.Dataset."""
    try:
        import xarray
    except ImportError:
        raise RequestError("to_xarray needs xarray: pip install 'gradsim[xarray]'") from None
    found = {}
    for name, values in trained.variables.items():
        axes, meaning = described(name)
        found[name] = (axes, values, {"long_name": meaning, "units": "1"})
    axes = {axis: (axis, values, {"long_name": meaning}) for axis, (values, meaning) in coordinates(trained).items()}
    return xarray.Dataset(found, axes, attributes(trained))
