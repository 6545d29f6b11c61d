"""The slow twins of the matrix-free layers: the formulas of docs/theory.md in float64, from the same random numbers."""

import numpy as np

from gradsim.kernels.frames import CLEARLY_MORE, RANK_TOLERANCE
from gradsim.kernels.sampling import ROLE_BACKWARD, ROLE_FORWARD
from gradsim.reference import unit_numbers


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
    """W = mean + scale G, known by what it did to the rows of x."""

    def __init__(self, law, key, layer, replica, n_in, n_out):
        self.law, self.place, self.n_in, self.n_out = law, (key, layer, replica), n_in, n_out

    def normals(self, role, rows, columns):
        return unit_numbers("normal", *self.place, role, rows, columns)

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
