"""A finished cell as a record, and back."""

import json

from ..curves import Curves
from ..model.stored import from_json
from ..store.provenance import machine_words
from .parts import encoded

QUANTILES = "quantiles"


def record(number, identity, curves):
    """The bytes of the Curves of cell `number`."""
    said = {"cell": number, "network": curves.network.to_json(), "run": curves.run, "method": curves.quantile_method}
    said["machine"] = machine_words()  # which decides last digits
    return encoded(identity, said, {QUANTILES: curves.quantiles} | curves.variables)


def curves_from(said, arrays, network=None):
    """The Curves of a record; its `network` is made anew unless it is given."""
    network = from_json(json.loads(said["network"])) if network is None else network
    variables = {name: array[()] for name, array in arrays.items() if name != QUANTILES}
    return Curves(network, said["run"], arrays[QUANTILES], said["method"], variables)
