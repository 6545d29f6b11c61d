"""Networks out of files: what `Network.to_json` wrote, read back."""

from itertools import groupby

from ..errors import RequestError, shown
from .initializers import normal_std
from .network import FORMAT_VERSION, PLAIN_FORMAT, Network
from .observed import FORMAT as OBSERVED_FORMAT
from .observed import from_fields
from .parts import Activation, Linear, Repeat
from .tables import stored, stored_part

PARTS = ("input_width", "stem", "blocks", "readout")
PLAIN = ("input_width", "widths", "activation", "init", "weight_gain", "bias", "bias_std", "outputs")
DIGEST = "activation_digest"  # since there are functions of users


def from_json(description):
    """The Network of a parsed `Network.to_json()`, or the Observed of its own: with the texts that stand there, since random
    numbers hang on them.

    Functions of users are not looked up, let alone imported. Raises RequestError for what is not a network's description.
    """
    if not isinstance(description, dict):
        raise RequestError(f"the network is {shown(description)}")
    version, fields = description.get("format"), {name: value for name, value in description.items() if name != "format"}
    if version == PLAIN_FORMAT:
        return _from_plain(**_named(fields, PLAIN, {DIGEST: None}))
    if version == FORMAT_VERSION:
        return _from_parts(**_named(fields, PARTS))
    if version == OBSERVED_FORMAT:
        return from_fields(fields)
    known = f"{PLAIN_FORMAT}, {FORMAT_VERSION} and {OBSERVED_FORMAT}"
    raise RequestError(f"the network has format {version!r}; this gradsim reads formats {known}")


def _named(fields, names, others=()):
    """The fields, which have these names, and `others` with their defaults."""
    for name in names:
        if name not in fields:
            raise RequestError(f"there is no {name}")
    for name in fields:
        if name not in names and name not in others:
            raise RequestError(f"there is an unknown {shown(name)}")
    return dict(others) | fields


def _from_plain(input_width, widths, activation, init, weight_gain, bias, bias_std, outputs, activation_digest):
    for name, value in (("activation", activation), ("init", init), ("bias", bias), ("digest", activation_digest or "")):
        if not isinstance(value, str):
            raise RequestError(f"{name} is {shown(value)}")
    if isinstance(weight_gain, bool) or not isinstance(weight_gain, int | float):
        raise RequestError(f"weight_gain is {shown(weight_gain)}")
    if not isinstance(widths, list | tuple) or not widths:
        raise RequestError(f"widths is {shown(widths)}: there are no widths" if not widths else f"widths is {shown(widths)}")
    for width in (input_width, *widths, *(() if outputs is None else (outputs,))):
        _check_width(width)
    if bias_std != normal_std(bias):
        raise RequestError(f"bias_std is {shown(bias_std)}, which is not that of {bias}")
    law, follows = {"init": init, "gain": weight_gain, "bias": bias}, Activation
    behind = stored_part(follows, {"name": activation, "digest": activation_digest})
    groups = ((width, len(list(group))) for width, group in groupby(widths))
    blocks = tuple(Repeat((stored_part(Linear, {"width": width, **law}), behind), times) for width, times in groups)
    readout = () if outputs is None else (stored_part(Linear, {"width": outputs, **law}),)
    return Network(input_width, (), blocks, readout)


def _from_parts(input_width, stem, blocks, readout):
    _check_width(input_width)
    if not isinstance(blocks, list) or not all(isinstance(block, dict) and "parts" in block for block in blocks):
        raise RequestError(f"blocks is {shown(blocks)}")
    repeats = tuple(stored("blocks", [{"part": "Repeat", **block} for block in blocks]))
    return Network(input_width, stored("stem", stem), repeats, stored("readout", readout))


def _check_width(width):
    if isinstance(width, bool) or not isinstance(width, int) or width < 1:
        raise RequestError(f"a width is {shown(width)}")
