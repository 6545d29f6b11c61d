"""A finished cell as a record, and back."""

import json

from ..curves import Curves
from ..model.stored import from_json
from ..statistics.stacked import Stacked
from ..store.provenance import machine_words
from .parts import encoded, encoded_as

QUANTILES = "quantiles"


def record(number, identity, curves):
    """The bytes of the Curves of cell `number`."""
    said = {"cell": number, "network": curves.network.to_json(), "run": curves.run, "method": curves.quantile_method}
    said["machine"] = machine_words()  # which decides last digits
    variables, quantiles = curves.variables, curves.quantiles
    if isinstance(variables, Stacked):
        listed = ((QUANTILES, quantiles.dtype.kind, quantiles.shape), *variables.listed)
        return encoded_as(identity, said, listed, (quantiles, *variables.stacks))
    return encoded(identity, said, {QUANTILES: quantiles, **variables})


def curves_from(said, arrays, network=None):
    """The Curves of a record; its `network` is made anew unless it is given."""
    network = from_json(json.loads(said["network"])) if network is None else network
    return Curves(network, said["run"], arrays[QUANTILES], said["method"], arrays.without(QUANTILES))
