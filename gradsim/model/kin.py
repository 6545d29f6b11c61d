"""Networks that differ in the gain of their weights and the spread of their biases alone, made from one another.

A phase diagram has thousands of them. To make one from its options takes 0.1 ms and more; its kin are made ten times faster.
"""

import math

from ..errors import RequestError
from .initializers import bias_law, weight_law
from .network import mlp
from .parts import changed


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

        made = first.with_laws(change)
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
