"""The length map q' = sigma_w^2 E phi(sqrt(q) z)^2 + sigma_b^2 of an infinitely wide layer, and where it stands still.

Poole et al. 2016 (arXiv:1606.05340), Schoenholz et al. 2017 (arXiv:1611.01232), Hayou et al. 2019 (arXiv:1902.06853).
"""

import math
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..model.activations import find_activation
from .averages import UNRESOLVED, averages, doubt
from .layers import check_resolved, continuous
from .roots import Hermite, root

LOGS = np.linspace(-18.0, 24.0, 421)  # of q: where fixed points are looked for first
STRIDE = 1e4  # of q, and further for those beyond
NEAREST = 1e-200
ROUNDING = 1e-13  # of q: a smaller q' - q has no sign
DOUBTS = 4.0  # a user's formula may be off by so many times what two rules of integration differ by
NEARBY = 10  # points of the grid over which that is taken for alike
TOUCHING = 3e-8  # q' - q over q below which a fixed point is a double one: what eight published digits leave
AROUND, AWAY = 5, 1e-6  # points of the grid from a double root at which q' - q over q is at least this
FARTHEST = 1e250
BESIDE = 40  # points of the edge of chaos next to a bias of zero
CELLS = 256  # variances averaged at a time
TOLERANCE = 1e-9  # relative, for inputs that are at a fixed point already
SPLINE = 1e-3  # of q: a fixed point of the spline this close to one is a Newton step away from it
SETTLING = 500  # iterations after which the nearest fixed point is taken for the limit


class LengthMap:
    """S = E phi^2, A = E phi'^2 and P = dS/dq of an activation on a grid of q, and functions that go through them.

    The grid ends where a user's function is no longer integrated well; `everywhere` says that it does not. `rounding` is how
    well S, A and P are known on it, relative: a smaller difference has no sign.
    """

    def __init__(self, activation):
        self.activation = activation
        self.entry, self.phi = find_activation(activation)[0], continuous(activation)
        self.logs, self.rounding = LOGS, np.full(LOGS.size, ROUNDING)
        if self.phi.cuts:
            doubts = np.concatenate([doubt(self.phi, part) for part in np.array_split(np.exp(LOGS), LOGS.size // 8)])
            lost = ~(doubts <= UNRESOLVED)
            self.logs = LOGS[: np.argmax(lost)] if lost.any() else LOGS
            if self.logs.size < 2:
                check_resolved(activation, math.exp(LOGS[1]))
            around = sliding_window_view(np.pad(doubts[: self.logs.size], NEARBY, mode="edge"), 2 * NEARBY + 1)
            self.rounding = np.maximum(ROUNDING, DOUBTS * around.max(axis=1))
        self.everywhere = self.logs.size == LOGS.size
        self.horizon = f"{math.exp(self.logs[-1]):.3g}, where {activation} cannot be integrated (name its kinks, if it has any)"
        self.grid = np.exp(self.logs)
        self.square, self.slope_square, self.parallel = self._averages(self.grid)
        self.spline = Hermite(self.logs, self.square, self.parallel * self.grid)
        self.homogeneous = self.entry.homogeneous or (_constant(self.square / self.grid) and _constant(self.slope_square))

    def at(self, q):
        """(S, A, P) at an array q > 0, by quadrature. Raises RequestError beyond the grid of a user's function that ends."""
        q = np.asarray(q, float)
        if not self.everywhere and q.size and q.max() > self.grid[-1]:
            check_resolved(self.activation, float(q.max()))
        return self._averages(q)

    @np.errstate(over="ignore", invalid="ignore")  # of users' functions far out
    def _averages(self, q):
        if not q.size:
            return q, q, q
        cells = CELLS // 16 if self.phi.cuts else CELLS
        parts = [averages(self.phi, part)[1:] for part in np.array_split(q.ravel(), -(-q.size // cells))]
        return tuple(np.concatenate([p[k] for p in parts]).reshape(q.shape) for k in range(3))

    @property
    def slopes_at_zero(self):
        """(left, right); phi'(0) for a function that is curved there on every scale, as h^2 is."""
        return tuple(float(self.phi.derivative(np.zeros(1))[0]) if math.isnan(s) else s for s in self.entry.slope_zero)

    def limit(self, slopes):
        """lim S/q = lim A where phi is straight on both sides: at 0, or at infinity."""
        return 0.5 * (slopes[0] ** 2 + slopes[1] ** 2)

    def _excess(self, w, b):
        """q' - q on the grid, exactly 0 where only rounding is left."""
        gap = w * self.square + b - self.grid
        return np.where(np.abs(gap) < self.rounding * self.grid, 0.0, gap)

    def _doubts(self, q):
        """What `rounding` adds for a user's function at a q beyond the grid; infinite where it cannot be integrated."""
        doubts = DOUBTS * float(doubt(self.phi, np.array(q))) if self.phi.cuts else 0.0
        return doubts if doubts <= DOUBTS * UNRESOLVED else math.inf

    def fixed_points(self, weight_variance, bias_variance):
        """Every q with q' = q, increasing; touching ones on the grid too."""

        def excess(q):
            return float(weight_variance * self.at(q)[0] + bias_variance - q)

        gap, at_zero = self._excess(weight_variance, bias_variance), self.at_zero(weight_variance, bias_variance)
        ends = _brackets(self.grid, gap)
        if at_zero == 0:
            found = [0.0]
        else:
            found = []
            if gap[0] < 0:
                ends.append((at_zero / 2, self.grid[0]))
        if gap[-1] > 0 and not weight_variance * self.limit(self.entry.slope) >= 1:  # NaN: sin
            ends += self._beyond(excess, STRIDE)
        found += _roots(excess, ends)
        found += [q for q in self._touching(weight_variance, gap) if abs(excess(q)) < TOUCHING * q]
        return _distinct(found)

    def _beyond(self, excess, stride, rounding=0.0):
        """A bracket [(a, b)] of a change of sign beyond an end of the grid; [] where none is seen before rounding hides it."""

        def known(value, q):
            return abs(value) > max(rounding, self._doubts(q)) * q

        near = self.grid[-1 if stride > 1 else 0]
        value = excess(near)
        while NEAREST < near < FARTHEST and known(value, near) and (stride < 1 or self.everywhere):
            far = near * stride
            before, value = value, excess(far)
            if np.sign(before) != np.sign(value) and known(value, far):
                return [tuple(sorted((near, far)))]
            near = far
        return []

    def at_zero(self, weight_variance, bias_variance):
        """q' at q = 0."""
        return weight_variance * self.entry.value_zero**2 + bias_variance

    def _touching(self, weight_variance, gap):
        """Where q' - q is extreme next to zero without a change of sign, and is not next to zero all around."""
        slope = weight_variance * self.parallel - 1
        away = np.abs(gap) > AWAY * self.grid
        for k, (a, b) in _brackets_of(self.grid, slope):
            if abs(gap[k]) < 1e-2 * self.grid[k] and away[max(k - AROUND, 0)] and away[min(k + AROUND, away.size - 1)]:
                yield from _roots(lambda q: float(weight_variance * self.at(q)[2] - 1), [(a, b)])

    def critical(self, bias_variance):
        """Every q > 0 at which the sigma_w with chi_perp = 1 has q for its fixed point: q - S/A = sigma_b^2."""

        def excess(q):
            return self._edge_at(q) - bias_variance

        ends = _brackets(self.grid, self.edge(bias_variance))
        for stride in (1 / STRIDE, STRIDE):
            ends += self._beyond(excess, stride, ROUNDING)
        return _distinct(_roots(excess, ends))

    def small_critical(self, bias_variance):
        """`critical` where q - S/A is lost in rounding: from its power law at the least q that leaves three digits of it."""
        edge = self.edge()
        first = int(np.argmax(np.abs(edge) > 1e3 * self.rounding * self.grid))
        near, far = edge[first], edge[min(first + AROUND, edge.size - 1)]
        if not bias_variance < near < far:
            return None
        power = math.log(far / near) / (self.logs[first + AROUND] - self.logs[first])
        return float(self.grid[first] * (bias_variance / near) ** (1 / power))

    def edge(self, bias_variance=0.0):
        """q - S/A - sigma_b^2 on the grid, exactly 0 where only rounding is left; -inf where the slope is zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = self.grid - self.square / self.slope_square - bias_variance
        return np.where(np.abs(gap) < self.rounding * self.grid, 0.0, gap)

    def on_the_edge(self):
        """Increasing q with q - S/A > 0, and where that is 0, closely beside it: the bias is the root of q - S/A."""
        gap = self.edge()
        places = [self.grid[gap > 0]]
        for ends in _brackets(self.grid, gap):
            inner = np.linspace(0.0, 1.0, BESIDE) ** 2
            for place in _roots(self._edge_at, [ends]):
                far = ends[1] if self._edge_at(ends[1]) > 0 else ends[0]
                places.append(place + (far - place) * inner)
        return np.unique(np.concatenate(places))

    def _edge_at(self, q):
        square, slope_square, _ = (float(value) for value in self.at(q))
        return q - square / slope_square if slope_square else -math.inf

    def half_stable(self):
        """Every q > 0 on the grid with chi_perp = chi_par: A = P."""
        gap = self.slope_square - self.parallel
        gap[np.abs(gap) < np.maximum(self.rounding, 1e-9) * self.slope_square] = 0.0

        def excess(q):
            _, slope_square, parallel = self.at(q)
            return float(slope_square - parallel)

        return _roots(excess, _brackets(self.grid, gap))

    @property
    def monotone(self):
        """Whether q' grows with q, so that the iteration moves one way."""
        return not (self.parallel < -1e-12).any()

    def reached(self, weight_variance, bias_variance):
        """The fixed point that iteration from inputs of mean square 1 reaches, for arrays of one shape: 0, a number or inf.

        NaN where the grid does not tell: the fixed point is beyond its ends, or settled for slowly where q' decreases
        somewhere.
        """
        w, b = (np.ravel(v) for v in np.broadcast_arrays(weight_variance, bias_variance))
        q = self._bracketed(w[:, None], b[:, None]) if self.monotone else self._iterated(w, b)
        return q.reshape(np.broadcast(weight_variance, bias_variance).shape)

    def escaped(self, w, q):
        """Whether the iteration from q on can only grow, as far as it can be followed."""
        return (q > self.grid[-1]) & (w * self.limit(self.entry.slope) > 1) | (q > FARTHEST)

    def _iterated(self, w, b):
        """The iteration itself on the spline, and a Newton step by quadrature."""
        q = w + b
        for _ in range(SETTLING):
            before, inside = q, (q >= self.grid[0]) & (q <= self.grid[-1])
            q = np.where(inside, w * self.spline(np.log(np.where(inside, q, 1.0))) + b, q)
            if np.array_equal(before, q):
                break
        dying = (q < self.grid[0]) & (self.at_zero(w, b) == 0) & (w * self.limit(self.slopes_at_zero) < 1)
        growing = self.escaped(w, q) | (not self.everywhere) & (q > self.grid[-1])
        inside = (q >= self.grid[0]) & (q <= self.grid[-1])
        w, b, settled = w[inside], b[inside], q[inside]
        square, _, parallel = self.at(settled)
        error, slope = w * square + b - settled, 1 - w * parallel
        q = np.where(dying, 0.0, np.where(growing, np.inf, np.nan))
        q[inside] = np.where(np.abs(error) < SPLINE * settled * np.abs(slope), settled + error / slope, np.nan)
        return q

    def _bracketed(self, w, b):
        """The first change of sign of q' - q on the way that q' moves from the start; w and b of shape (n, 1)."""
        start = np.log(w + b + 1e-300)
        gap = self._excess(w, b)
        logs = self.logs
        up = w * self.spline(np.clip(start, logs[0], logs[-1])) + b > np.exp(start)
        last = logs.size - 1
        change = np.diff(gap > 0, axis=1)  # between points k and k + 1
        place = np.clip(np.floor((start - logs[0]) / (logs[1] - logs[0])).astype(int), 0, last - 1)
        k = np.arange(last)
        above = np.where(change & (k >= place), k, last).min(axis=1)
        below = np.where(change & (k <= place), k, -1).max(axis=1)
        bracket = np.where(up[:, 0], above, below)
        q = np.where(bracket == last, np.inf, 0.0)
        inside = (bracket >= 0) & (bracket < last)
        q[inside] = self._between(w[inside, 0], b[inside, 0], bracket[inside])
        ahead = np.where(up, q[:, None] >= (w + b) * (1 - TOLERANCE), q[:, None] <= (w + b) * (1 + TOLERANCE))[:, 0]
        behind = (bracket == place[:, 0]) & ~ahead  # so is the root of the starting cell, at times
        q[behind | (q == 0) & (self.at_zero(w, b)[:, 0] > 0) | (start[:, 0] > logs[-1])] = np.nan
        if not self.everywhere:
            q[start[:, 0] > logs[-1]] = np.inf
        return q

    def _between(self, w, b, bracket):
        """Bisection in log q on the spline, and a Newton step by quadrature."""
        low, high = self.logs[bracket], self.logs[bracket + 1]
        rising = w * self.square[bracket] + b > self.grid[bracket]
        for _ in range(40):
            middle = 0.5 * (low + high)
            same = (w * self.spline(middle) + b > np.exp(middle)) == rising
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        q = np.exp(0.5 * (low + high))
        square, _, parallel = self.at(q)
        step = (w * square + b - q) / (1 - w * parallel)
        return np.where(np.abs(step) < SPLINE * q, q + step, q)


def length_map(activation):
    """The LengthMap of an activation's text. Raises RequestError."""
    return _length_map(activation, find_activation(activation)[0].compiled)


@lru_cache(64)
def _length_map(activation, compiled):
    """`compiled` tells a user's function from an earlier one of the same name."""
    return LengthMap(activation)


def _brackets_of(grid, values):
    """(k, (grid[k], grid[j])) where `values` changes sign between k and the next j with a sign."""
    signed = np.flatnonzero(values)
    change = np.sign(values[signed[:-1]]) != np.sign(values[signed[1:]])
    return [(int(a), (grid[a], grid[b])) for a, b in zip(signed[:-1][change], signed[1:][change], strict=True)]


def _brackets(grid, values):
    return [ends for _, ends in _brackets_of(grid, values)]


def _roots(function, brackets):
    """Of the function in each bracket; not in those whose change of sign was rounding."""
    changing = [(a, b) for a, b in brackets if np.sign(function(a)) * np.sign(function(b)) <= 0]
    return [root(function, a, b, rtol=1e-14) for a, b in changing]


def _constant(values):
    return bool(values.max() - values.min() < ROUNDING * values.max() < math.inf)


def _distinct(values):
    """Increasing, without those that agree to rounding."""
    result = []
    for value in sorted(values):
        if not result or not math.isclose(value, result[-1], rel_tol=1e-9):
            result.append(value)
    return result
