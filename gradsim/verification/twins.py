"""Whole networks in float64 from the kernels' random numbers, with their matrices or without.

The slow twins of the matrix-free layers are the formulas of docs/theory.md; all else is `reference`.
"""

from dataclasses import replace

import numpy as np

from .. import reference
from ..kernels.frames import CLEARLY_MORE, RANK_TOLERANCE
from ..kernels.interpreter import LINEAR_DENSE, LINEAR_GAUSSIAN, LINEAR_HAAR
from ..kernels.sampling import ROLE_BACKWARD, ROLE_FORWARD
from ..model.initializers import weight_law
from ..model.streams import stream_key
from ..program.engine import Layers
from ..reference import unit_numbers


def exactly(numbers):
    return numbers


def gram_schmidt(rows, tolerance=RANK_TOLERANCE, of=None, most=None):
    """(frame, coefficients) with rows = coefficients.T @ frame up to `tolerance` of the squared length of `of`.

    The next direction is the row of which most is left.
    """
    squares = np.sum((rows if of is None else of) ** 2, axis=1)
    rest, frame, chosen = rows.copy(), [], []
    most = min(*rows.shape, rows.shape[1] if most is None else most)
    while len(frame) < most:
        left = np.sum(rest**2, axis=1) / np.where(squares > 0, squares, np.inf)
        left[chosen] = -1.0
        pivot = 0
        for b in range(1, len(rows)):
            if left[b] > CLEARLY_MORE * left[pivot]:
                pivot = b
        if not left[pivot] > tolerance:
            break
        direction = rest[pivot] / np.linalg.norm(rest[pivot])
        chosen.append(pivot)
        frame.append(direction)
        rest = rest - np.outer(rest @ direction, direction)
    frame = np.array(frame).reshape(-1, rows.shape[1])
    return frame, frame @ rows.T


class Gaussian:
    """W = mean + scale G, known by what it did to the rows of x. `shaken` may change what is drawn."""

    def __init__(self, law, key, layer, replica, n_in, n_out, shaken=exactly):
        self.law, self.place, self.n_in, self.n_out = law, (key, layer, replica), n_in, n_out
        self.shaken = shaken

    def normals(self, role, rows, columns):
        return self.shaken(unit_numbers("normal", *self.place, role, rows, columns))

    def forward(self, x):
        self.q, r = gram_schmidt(x)
        self.z = self.normals(ROLE_FORWARD, len(self.q), self.n_out)
        return self.law.scale * r.T @ self.z + self.law.mean * x.sum(axis=1, keepdims=True)

    def backward(self, d):
        u, s = gram_schmidt(d)
        fresh = s.T @ self.normals(ROLE_BACKWARD, len(u), self.n_in)
        seen = d @ self.z.T @ self.q
        return self.law.scale * (seen + fresh - fresh @ self.q.T @ self.q) + self.law.mean * d.sum(axis=1, keepdims=True)


class Haar(Gaussian):
    """W = scale O, the first n_out rows and n_in columns of an orthogonal matrix in max(n_in, n_out) dimensions."""

    def forward(self, x):
        self.n = max(self.n_in, self.n_out)
        self.q, r = gram_schmidt(x)
        self.v, _ = gram_schmidt(self.normals(ROLE_FORWARD, len(self.q), self.n), 0.0)
        return self.law.scale * r.T @ self.v[:, : self.n_out]

    def backward(self, d):
        q, d = (np.pad(a, ((0, 0), (0, self.n - a.shape[1]))) for a in (self.q, d))
        rest = d - d @ self.v.T @ self.v
        u, s = gram_schmidt(rest, of=d, most=self.n - len(q))
        fresh = self.normals(ROLE_BACKWARD, len(u), self.n)
        frame, _ = gram_schmidt(fresh - fresh @ q.T @ q, 0.0)
        return self.law.scale * (d @ self.v.T @ q + s.T @ frame)[:, : self.n_in]


class Explicit:
    """W as it is."""

    def __init__(self, weights):
        self.weights = weights

    def forward(self, x):
        return x @ self.weights.T

    def backward(self, d):
        return d @ self.weights


class Twin:
    """One replica; `tape` and `cotangents` in the order of the interpreter's tape, `records()` what would be recorded.

    Options are those of `reference.draw`, and engine and arithmetic. `shaken` is applied to everything that is drawn.
    """

    def __init__(self, network, replica, engine="auto", arithmetic="carried", shaken=exactly, **options):
        self.network = network
        drawn = reference.draw(network, replica, **options)
        self.drawn = shaken_draw(drawn, shaken)
        key = stream_key(options.get("seed", 0), options.get("stream") or network.to_json())
        operations = Layers(network, engine, len(drawn.inputs), arithmetic).operations
        kinds, fan_in, self.layers = {LINEAR_GAUSSIAN: Gaussian, LINEAR_HAAR: Haar}, network.input_width, []
        for layer, (operation, fan_out) in enumerate(zip(operations, network.linear_widths, strict=True), start=1):
            law = weight_law(network.init, fan_in, fan_out, network.weight_gain)
            if operation == LINEAR_DENSE:
                self.layers.append(Explicit(self.drawn.weights[layer - 1]))
            else:
                self.layers.append(kinds[operation](law, key, layer, replica, fan_in, fan_out, shaken))
            fan_in = fan_out
        self.tape = [self.drawn.inputs]
        for k in range(1, reference.tape_length(network)):
            self.tape.append(self.forward(k, self.tape[-1]))
        self.cotangents = [reference.loss_gradient(self.drawn, self.tape[-1])]
        for k in range(len(self.tape) - 1, 0, -1):
            self.cotangents.insert(0, self.backward(k, self.tape[k - 1], self.cotangents[0]))

    def forward(self, k, vector):
        """Vector k of the tape from vector k - 1."""
        if k % 2:
            return self.layers[k // 2].forward(vector) + self.drawn.biases[k // 2]
        return reference.step_forward(self.network, self.drawn, k, vector)

    def backward(self, k, vector, cotangent):
        """The cotangent of vector k - 1, which is `vector`."""
        if k % 2:
            return self.layers[k // 2].backward(cotangent)
        return reference.step_backward(self.network, self.drawn, k, vector, cotangent)

    def records(self):
        return reference.records(self.network, self.drawn, self.tape, self.cotangents)


def shaken_draw(drawn, shaken):
    """A Draw with all of its numbers changed; labels stay."""
    against = drawn.against if drawn.loss == "cross_entropy" else shaken(drawn.against)
    weights, biases = (tuple(map(shaken, arrays)) for arrays in (drawn.weights, drawn.biases))
    return replace(drawn, inputs=shaken(drawn.inputs), weights=weights, biases=biases, against=against)
