"""Whole networks in float64 from the kernels' random numbers, with their matrices or without.

The slow twins of the matrix-free layers are the formulas of docs/theory.md; all else is `reference`.
"""

from dataclasses import replace

import numpy as np

from .. import reference
from ..kernels.frames import CLEARLY_MORE, RANK_TOLERANCE
from ..kernels.layout import LINEAR_GAUSSIAN, LINEAR_HAAR, OPERATION
from ..kernels.sampling import ROLE_BACKWARD, ROLE_FORWARD
from ..model.initializers import weight_law
from ..model.streams import stream_key
from ..program.columns import columns
from ..program.graph import LINEAR, graph
from ..program.program import lower
from ..reference import unit_numbers
from ..reference.steps import STEPS, linear


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


class LinearMaps:
    """The step of linear maps computed by objects, one a map in the order of their numbers: see `reference.steps`."""

    def __init__(self, maps):
        self.maps, self.recorded = maps, linear.recorded

    def forward(self, node, drawn, x):
        return self.maps[node.number - 1].forward(x) + drawn.biases[node.number - 1]

    def backward(self, node, drawn, cotangent, x):
        return (self.maps[node.number - 1].backward(cotangent),)


class Twin:
    """One replica; `tape` and `cotangents` by number of node, `records()` the row that would be recorded, and what is
    `placed` in its columns.

    Options are those of `reference.draw`, and engine and arithmetic. `shaken` is applied to everything that is drawn.
    """

    def __init__(self, network, replica, engine="auto", arithmetic="carried", shaken=exactly, **options):
        self.network = network
        self.drawn = shaken_draw(reference.draw(network, replica, **options), shaken)
        key = stream_key(options.get("seed", 0), options.get("stream") or network.to_json())
        nodes = graph(network)
        self.placed = columns(nodes, len(self.drawn.inputs)).placed
        program = lower(network, len(self.drawn.inputs), engine=engine, arithmetic=arithmetic)
        kinds, maps = {LINEAR_GAUSSIAN: Gaussian, LINEAR_HAAR: Haar}, []
        for node, step in zip(nodes, program.steps, strict=True):
            if node.kind != LINEAR:
                continue
            kind, fan_in = kinds.get(step[OPERATION]), nodes[node.sources[0]].width
            if kind is None:
                maps.append(Explicit(self.drawn.weights[node.number - 1]))
            else:
                law = weight_law(node.part.init, fan_in, node.width, node.part.gain)
                maps.append(kind(law, key, node.number, replica, fan_in, node.width, shaken))
        steps = {**STEPS, LINEAR: LinearMaps(maps)}
        self.tape = reference.forward(network, self.drawn, steps=steps)
        self.cotangents = reference.backward(network, self.drawn, self.tape, steps)

    def records(self):
        row = reference.record_row(self.network, self.drawn, self.tape, self.cotangents)
        row[self._without_bias_gradient()] = -np.inf
        return row

    def _without_bias_gradient(self):
        """Columns of bias gradients before BatchNorm, through sums and linear maps: zero, which float64 leaves as rounding."""
        nodes, readers = graph(self.network), {}
        for k, node in enumerate(nodes):
            for source in node.sources:
                readers.setdefault(source, []).append(k)

        def centred(k):
            family = nodes[k].family
            return family.balances or (family.keeps_balance and all(map(centred, readers[k])))

        first = self.placed["bias_gradient"].columns.start - 1
        return [first + node.number for k, node in enumerate(nodes) if node.kind == LINEAR and all(map(centred, readers[k]))]

    def unresolved(self):
        """A row of logs below which float32 tells nothing (see `reference.unresolved_sums`)."""
        return reference.unresolved_sums(self.network, self.drawn, self.tape, self.cotangents)


def shaken_draw(drawn, shaken):
    """A Draw with all of its numbers changed; labels stay."""
    against = drawn.against if drawn.loss == "cross_entropy" else shaken(drawn.against)
    weights, biases = (tuple(map(shaken, arrays)) for arrays in (drawn.weights, drawn.biases))
    return replace(drawn, inputs=shaken(drawn.inputs), weights=weights, biases=biases, against=against)
