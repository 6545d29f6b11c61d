"""How linear layers are computed: with their matrix, or without it where the law allows (docs/theory.md).

A layer without its matrix has exactly the law of the layer with it, at every width. It costs O(inputs) random numbers a
unit and O(inputs^2) operations, where the matrix costs O(width) of both.
"""

from functools import lru_cache
from itertools import groupby

from ..errors import RequestError
from ..kernels.interpreter import LINEAR_DENSE, LINEAR_GAUSSIAN, LINEAR_HAAR
from ..model.initializers import weight_law

# Laws of weights that have a matrix-free step. Constant weights are Gaussian ones without randomness; the identity draws
# nothing and has no matrix in either engine.
MATRIX_FREE = {
    "normal": LINEAR_GAUSSIAN,
    "constant": LINEAR_GAUSSIAN,
    "orthogonal": LINEAR_HAAR,
    "identity": LINEAR_DENSE,
}
WITHOUT_NUMBERS = ("constant", "identity")
WITHOUT_MATRIX = ("matrix_free", "cuda")  # engines


def nanoseconds(operation, kind, inputs, fan_in, fan_out):
    """About how long a linear layer takes on one core, forward and backward, with its activation and records.

    By what bench/matrix_free.py measures at widths from 64 to 1,024 and 1 to 256 inputs. It decides on an engine, on the size
    of a chunk and on what share of a sweep is done.
    """
    units = (fan_in + fan_out) / 2
    if operation == LINEAR_DENSE:
        weights = 0 if kind in WITHOUT_NUMBERS else (5.5 if kind == "orthogonal" else 1.5) * fan_in * fan_out
        products = 0 if kind in WITHOUT_NUMBERS else (0.23 if kind == "orthogonal" else 0.075) * inputs * fan_in * fan_out
        return 500 + weights + products + 2 * inputs * units + 0.3 * inputs * inputs * units
    if inputs == 1:
        return 500 + 3 * units
    pairs = 3.3 if operation == LINEAR_HAAR and inputs < min(fan_in, fan_out) else 1.9
    return 500 + (4 * inputs + pairs * inputs * inputs) * units


class Layers:
    """The linear maps of a network, first to last: the laws of their weights, and how an engine computes them."""

    def __init__(self, network, engine, inputs, arithmetic="carried"):
        """Raises RequestError where no matrix can be avoided that is asked to be."""
        order = [*map(id, network.linear_maps)]  # those of equal blocks are the same objects
        maps = dict(zip(order, network.linear_maps, strict=True))
        laws = {key: weight_law(linear.init, fan_in, linear.width, linear.gain) for key, (fan_in, linear) in maps.items()}
        if engine in WITHOUT_MATRIX:
            self._check(engine, {law.kind for law in laws.values()}, arithmetic)
        self.engine, self.inputs = engine if arithmetic == "carried" else "dense", inputs
        choices = {key: self._choice(laws[key].kind, fan_in, linear.width) for key, (fan_in, linear) in maps.items()}
        self.laws = tuple(map(laws.__getitem__, order))
        self.operations, self._words, costs = zip(*map(choices.__getitem__, order), strict=True)
        self.nanoseconds = sum(costs)

    @staticmethod
    def _check(engine, kinds, arithmetic):
        if arithmetic != "carried":
            raise RequestError(
                f"--engine: {engine} has no weights, and {arithmetic} arithmetic rounds each product with one: "
                "--engine=auto or --engine=dense"
            )
        for kind in sorted(kinds):
            if kind not in MATRIX_FREE:
                raise RequestError(
                    f"--engine: {engine} is exact for normal and orthogonal weights, whose law is the same in every "
                    f"direction; that of {kind} weights is not, so they need their matrix: --engine=auto or --engine=dense"
                )

    def _choice(self, kind, fan_in, fan_out):
        """(operation, words, nanoseconds) of one layer."""

        def cost(operation):
            return nanoseconds(operation, kind, self.inputs, fan_in, fan_out)

        without = MATRIX_FREE.get(kind)
        if without is None or self.engine == "dense":
            return LINEAR_DENSE, "dense", cost(LINEAR_DENSE)
        if self.engine == "auto" and kind not in WITHOUT_NUMBERS and cost(LINEAR_DENSE) < cost(without):
            return LINEAR_DENSE, f"dense, cheaper for {self.inputs} inputs", cost(LINEAR_DENSE)
        return without, "matrix-free on a GPU" if self.engine == "cuda" else "matrix-free", cost(without)

    @property
    def used(self):
        """In words: "matrix-free", "dense", or which layers are which."""
        if len(set(self._words)) == 1:
            return self._words[0]
        parts, first = [], 1
        for words, group in groupby(self._words):
            last = first + len(list(group)) - 1
            parts.append(f"{words} (layer {first})" if first == last else f"{words} (layers {first}-{last})")
            first = last + 1
        return ", ".join(parts)


layers_of = lru_cache(4)(Layers)  # a run asks several times
