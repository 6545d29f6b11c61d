"""Networks that differ in the gain of their weights and the spread of their biases alone, made from one another.

A phase diagram has thousands of them. To make one from its options takes 0.1 ms and more; its kin are made ten times faster.
"""

import math

from ..errors import RequestError
from .initializers import bias_law, weight_law
from .network import Network, mlp
from .parts import Linear, Repeat, Residual, changed

# Of a network, what does not hang on the laws of its linear maps, but on which of them are alike
KEPT = ("depth", "has_stream", "plain", "shape", "linear_widths", "widths", "outputs", "activations", "usual_activation")


class Kin:
    """The networks of `mlp` with the same options but for `weight_gain` and `bias_std`."""

    def __init__(self, options):
        """Of options of `mlp` without these two."""
        self._options, self._first, self._latest = options, {}, (None, None)
        # a last gain may be that of all, and so make the last block like the others; and layers have their own gains
        self._scaled = options.get("last_gain") is None and options.get("layers") is None

    def network(self, weight_gain, bias_std):
        """mlp(..., weight_gain, bias_std), of a finite gain and a bias_std of 0 or more. Raises RequestError as that does."""
        key, made = self._latest
        if key != (weight_gain, bias_std):
            made = self._network(weight_gain, bias_std)
            self._latest = (weight_gain, bias_std), made
        return made

    def _network(self, weight_gain, bias_std):
        if not (self._scaled and weight_gain):
            return self._made(weight_gain, bias_std)
        first = self._first.get(bias_std > 0)
        if first is None:
            made, std = self._made(weight_gain, bias_std), 1.0 if bias_std else 0.0
            self._first[bias_std > 0] = made if (weight_gain, bias_std) == (1.0, std) else self._made(1.0, std)
            return made
        bias = f"normal({bias_std!r})"

        def change(linear):
            gain = weight_gain * linear.gain
            return changed(linear, gain=gain, bias=bias) if bias_std else changed(linear, gain=gain)

        made = _with_laws(first, change)
        return made if _possible(made) else self._made(weight_gain, bias_std)  # which says why not

    def _made(self, weight_gain, bias_std):
        return mlp(**self._options, weight_gain=weight_gain, bias_std=bias_std)


def _possible(network):
    """Whether the laws of its maps exist, and gains did not overflow or vanish on the way."""
    for fan_in, linear in network.distinct_maps:
        if not math.isfinite(linear.gain) or not linear.gain:
            return False
        try:
            weight_law(linear.init, fan_in, linear.width, linear.gain), bias_law(linear.bias, fan_in)
        except RequestError:
            return False
    return True


def _with_laws(network, change):
    """The same network with change(linear) in the place of every Linear, which is trusted to keep widths, and to give equal
    maps for equal ones and different ones for different ones: so nothing is checked, and what is known of this network is
    known of that one."""
    known = {}

    def one(part):
        if id(part) not in known:
            known[id(part)] = _part_with_laws(part, change, one)
        return known[id(part)]

    made = object.__new__(Network)
    parts = {name: tuple(map(one, getattr(network, name))) for name in ("stem", "blocks", "readout")}
    maps = tuple((fan_in, one(linear)) for fan_in, linear in network.distinct_maps)
    kept = {name: getattr(network, name) for name in KEPT}
    vars(made).update(kept, input_width=network.input_width, **parts, distinct_maps=maps)
    return made


def _part_with_laws(part, change, one):
    if isinstance(part, Linear):
        return change(part)
    if isinstance(part, Repeat):
        return changed(part, parts=tuple(map(one, part.parts)))
    if isinstance(part, Residual):
        return changed(part, parts=tuple(map(one, part.parts)), skip=None if part.skip is None else one(part.skip))
    return part
