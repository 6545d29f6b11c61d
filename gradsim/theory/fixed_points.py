"""Fixed points of variance and correlation, and the edge of chaos.

Poole et al. 2016 (arXiv:1606.05340), Schoenholz et al. 2017 (arXiv:1611.01232); critical points with chi_par = 1: Roberts,
Yaida & Hanin 2022 (arXiv:2106.10165), section 5.3.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..errors import RequestError
from ..typed import Floats, Number, Numbers
from .layers import SMALL_GAP, Layer
from .lengths import ROUNDING, SETTLING, TOLERANCE, length_map
from .prediction import deviation
from .roots import root

EDGE = 1e-9  # |chi_perp - 1| below which a network is called critical
PHASES = ("ordered", "critical", "chaotic")


@dataclass(frozen=True)
class FixedPoint:
    """What an infinitely deep and wide network with Var W = weight_std^2 / fan_in and Var b = bias_std^2 settles to.

    `q_star` is the variance of preactivations that inputs of mean square 1 lead to: 0 where signals die, inf where they
    grow without bound (there is no fixed point then), NaN where a user's activation cannot be integrated so far.
    `c_star` is the correlation that two inputs with correlation 0 get, NaN where it is kept as it is. `chi_perp` =
    sigma_w^2 E phi'^2 is what the mean-square gradient is multiplied by in a layer, `chi_par` = dq'/dq, `chi_c_star` is
    sigma_w^2 E phi'(u1) phi'(u2) at c_star.
    `xi_q` and `xi_c` are the depth scales in layers, -1 / ln of chi_par and of the slope of the correlation map at
    c_star. `phase` is one of PHASES. `stable` says that a small change of q does not grow. `others` holds
    further fixed points q that other inputs lead to, or that repel. `note` says in words what is special.
    """

    activation: str
    weight_std: float
    bias_std: float
    q_star: float
    c_star: float
    chi_perp: float
    chi_par: float
    chi_c_star: float
    xi_q: float
    xi_c: float
    phase: str
    stable: bool
    others: tuple[float, ...] = ()
    note: str = ""


def fixed_point(activation: str, *, weight_std: Number, bias_std: Number = 0.0) -> FixedPoint:
    """The FixedPoint of `activation` with Var W = weight_std^2 / fan_in, Var b = bias_std^2. Raises RequestError."""
    sigma_w, sigma_b = deviation("weight_std", weight_std), deviation("bias_std", bias_std)
    w, b = sigma_w**2, sigma_b**2
    lengths = length_map(activation)
    q, others, note = _variance(lengths, w, b)
    chi_perp, chi_par = _chi(lengths, w, q)
    c, chi_c, slope = _correlation(activation, lengths, w, b, q, chi_perp)
    if math.isnan(c) and not note and q == q:
        note = "correlations are kept as they are"
    return FixedPoint(
        activation,
        sigma_w,
        sigma_b,
        q,
        c,
        chi_perp,
        chi_par,
        chi_c,
        depth_scale(chi_par),
        depth_scale(slope),
        phase(chi_perp),
        q < math.inf and _stable(lengths, w, b, q, chi_par),
        others,
        note,
    )


def phase(chi_perp: float) -> str:
    """One of PHASES; "" for NaN."""
    if math.isnan(chi_perp):
        return ""
    return PHASES[1] if abs(chi_perp - 1) < EDGE else PHASES[0] if chi_perp < 1 else PHASES[2]


def depth_scale(chi: float) -> float:
    """-1 / ln |chi|, in layers: infinite at 1, negative where it grows."""
    if math.isnan(chi):
        return math.nan
    size = abs(chi)
    return math.inf if abs(size - 1) < 1e-12 else 0.0 if size == 0 else -1 / math.log(size)


def _variance(lengths, w, b):
    """(q_star, other fixed points, a note)."""
    entry = lengths.entry
    if lengths.homogeneous:
        return _homogeneous_variance(w * lengths.limit(entry.slope), w + b, b)
    roots = lengths.fixed_points(w, b)
    q = _reached(lengths, w, b, roots)
    others = tuple(root for root in roots if root != q)
    if q == math.inf and lengths.everywhere:
        return q, others, "no fixed point is reached: the variance grows without bound"
    if q == math.inf:
        return math.nan, others, f"undecided: the variance grows beyond {lengths.horizon}"
    return q, others, "signals die: the variance goes to 0" if q == 0 else ""


def _reached(lengths, w, b, roots):
    """The fixed point, of all of them, that inputs of mean square 1 lead to; inf if there is none.

    A length map has no cycles: S(q) is q^(-1/2) times something that grows, so log q' falls by half of log q at most. So
    every iteration converges (a continuous map of an interval without cycles of two; Coppel 1955).
    """
    q = w + b
    if not lengths.monotone:
        for _ in range(SETTLING):
            q = float(w * lengths.at(q)[0] + b) if q > 0 else lengths.at_zero(w, b)
            if lengths.escaped(w, q):
                return math.inf
        return min(roots, key=lambda root: abs(math.log((root + 1e-12) / (q + 1e-12))), default=math.inf)
    following = float(w * lengths.at(q)[0] + b) if q > 0 else lengths.at_zero(w, b)
    if following > q:
        return min((root for root in roots if root >= q * (1 - TOLERANCE)), default=math.inf)
    return max((root for root in roots if root <= q * (1 + TOLERANCE)), default=0.0)


def _homogeneous_variance(growth, start, b):
    if abs(growth - 1) < 1e-12:
        if b == 0:
            return start, (), "every variance is a fixed point"
        return math.inf, (), "no fixed point: the variance grows by the biases' in every layer"
    if growth > 1:
        return math.inf, () if b else (0.0,), "no fixed point is reached: the variance grows without bound"
    return b / (1 - growth), (), "" if b else "signals die: the variance goes to 0"


def _chi(lengths, w, q):
    """(chi_perp, chi_par) at q, or in the limits 0 and infinity."""
    entry = lengths.entry
    if math.isnan(q):
        return math.nan, math.nan
    if lengths.homogeneous or q == math.inf or (q == 0 and entry.value_zero == 0):
        both = w * lengths.limit(lengths.slopes_at_zero if q == 0 else entry.slope)
        return both, both
    _, slope_square, parallel = lengths.at(max(q, 1e-12))
    return float(w * slope_square), float(w * parallel)


def _stable(lengths, w, b, q, chi_par):
    """Whether a small change of q does not grow; at chi_par = 1 the second order decides.

    chi_par is -1/2 or more at any fixed point (see `_reached`): nothing grows by changing sides.
    """
    if chi_par > 1 + EDGE:
        return False
    if chi_par < 1 - EDGE or lengths.homogeneous:
        return True
    above, below = max(q, 1e-4) * 1.001, q * 0.999
    grows = float(w * lengths.at(above)[0] + b) > above * (1 + ROUNDING)
    return not grows and (q == 0 or float(w * lengths.at(below)[0] + b) >= below * (1 - ROUNDING))


def _correlation(activation, lengths, w, b, q, chi_perp):
    """(c_star, chi at c_star, slope of the correlation map there)."""
    entry = lengths.entry
    if math.isnan(q):
        return math.nan, math.nan, math.nan
    if q in (0.0, math.inf) or (lengths.homogeneous and b == 0):
        slopes = lengths.slopes_at_zero if q == 0 and not lengths.homogeneous else entry.slope
        if q == 0 and entry.value_zero != 0:
            return 1.0, chi_perp, chi_perp
        if slopes[0] == slopes[1] or math.isnan(slopes[0] + slopes[1]):
            return math.nan, math.nan, math.nan  # a linear network
        return 1.0, chi_perp, 1.0  # as in a ReLU network: at 1 the normalized map has slope 1
    if chi_perp <= 1 + EDGE:
        return 1.0, chi_perp, chi_perp
    pair = Layer(activation).pair

    def excess(log_gap):
        return w * pair(math.log(q), log_gap)[0] - 1

    if excess(0.0) > -1e-14:
        gap = 1.0
    elif excess(math.log(SMALL_GAP)) <= 0:  # so little above 1 that c_star is 1 to ten digits
        return 1.0, chi_perp, chi_perp
    else:
        gap = math.exp(root(excess, math.log(SMALL_GAP), 0.0, xtol=1e-14))
    chi = float(w * pair(math.log(q), math.log(gap))[1])
    return 1 - gap, chi, chi


@dataclass(frozen=True)
class CriticalPoint:
    """Where chi_perp = 1 at a fixed point, for a given bias: the edge of chaos.

    `weight_std` is sigma_w, NaN where there is no such point; `q_star` the variance there, NaN where every variance will do;
    `stable` whether a small change of q does not grow. `branches` holds every such point, this one among them, by
    increasing q; this one is the first stable branch, or the first.
    """

    activation: str
    bias_std: float
    weight_std: float
    q_star: float
    chi_par: float
    stable: bool
    branches: "tuple[CriticalPoint, ...]" = ()
    note: str = ""


def critical_point(activation: str, *, bias_std: Number = 0.0) -> CriticalPoint:
    """The CriticalPoint of `activation` for Var b = bias_std^2. Raises RequestError."""
    sigma_b = deviation("bias_std", bias_std)
    lengths, b = length_map(activation), sigma_b**2

    def point(q, w):
        _, chi_par = _chi(lengths, w, q)
        return CriticalPoint(activation, sigma_b, math.sqrt(w), q, chi_par, _stable(lengths, w, b, q, chi_par))

    none = CriticalPoint(activation, sigma_b, math.nan, math.nan, math.nan, False)
    if lengths.homogeneous:
        growth = lengths.limit(lengths.entry.slope)
        if b:
            where = f"where chi_perp = 1, at sigma_w = {growth**-0.5:.6g},"
            return replace(none, note=f"no critical point: {where} the biases make the variance grow for ever")
        found = replace(none, weight_std=growth**-0.5, chi_par=1.0, stable=True)
        return replace(found, branches=(found,), note="every variance is a fixed point")
    branches = [point(q, 1 / float(lengths.at(q)[1])) for q in lengths.critical(b)]
    at_zero, note = lengths.limit(lengths.slopes_at_zero), ""
    if b == 0 and lengths.entry.value_zero == 0 and at_zero > 0:
        branches.insert(0, point(0.0, 1 / at_zero))
    if b and not branches and lengths.entry.value_zero == 0 and at_zero > 0:
        q = lengths.small_critical(b)
        if q:
            branches.append(point(q, 1 / float(lengths.at(q)[1])))
            note = "the bias is lost in rounding: q* by the power law of the edge at small variances"
    if not branches:
        return replace(none, note=_why_not_critical(lengths))
    best = next((p for p in branches if p.stable), branches[0])
    note = note or ("" if best.stable else "no stable critical point with this bias")
    return replace(best, branches=tuple(branches), note=note)


def _why_not_critical(lengths):
    """In words, of a bias for which none was found."""
    if not lengths.everywhere:
        return f"no critical point with this bias up to a variance of {lengths.horizon}"
    far = lengths.limit(lengths.entry.slope)
    if math.isfinite(far) and far > 0 and lengths.edge()[-1] > 0:
        return (
            f"no critical point with this bias; sigma_w tends to {far**-0.5:.6g} as it grows, too slowly for float64 to follow"
        )
    return "no critical point with this bias"


def edge_of_chaos(activation: str) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """(weight_std, bias_std, stable): where chi_perp = 1, as arrays along the edge by increasing variance.

    It begins where it leaves a bias of zero. For linear, ReLU and its like chi_perp does not depend on the bias: two points,
    at no bias and at an infinite one. Raises RequestError for an activation that is not known.
    """
    lengths = length_map(activation)
    if lengths.homogeneous:
        return np.full(2, lengths.limit(lengths.entry.slope) ** -0.5), np.array([0.0, np.inf]), np.ones(2, bool)
    q = lengths.on_the_edge()
    square, slope_square, parallel = lengths.at(q)
    return slope_square**-0.5, np.sqrt(np.maximum(q - square / slope_square, 0.0)), parallel <= slope_square


@dataclass(frozen=True)
class HalfStablePoint:
    """Where chi_perp = chi_par = 1: variance `q_star`, at weight_std and bias_std. The edge of chaos ends there."""

    activation: str
    q_star: float
    weight_std: float
    bias_std: float


def half_stable_points(activation: str) -> tuple[HalfStablePoint, ...]:
    """A tuple of every HalfStablePoint of `activation`, by increasing q; empty where there is none. Raises RequestError."""
    lengths, result = length_map(activation), []
    for q in [] if lengths.homogeneous else lengths.half_stable():
        square, slope_square, _ = (float(v) for v in lengths.at(q))
        b = q - square / slope_square
        if b >= 0:
            result.append(HalfStablePoint(activation, q, slope_square**-0.5, math.sqrt(b)))
    return tuple(result)


@dataclass(frozen=True)
class PhaseDiagram:
    """On a grid: arrays of shape (bias_std, weight_std). `q_star` and `chi_perp` as in FixedPoint, NaN where undecided.

    `decades_per_100_layers` are powers of ten of the root-mean-square gradient gained on its way back through 100 layers.
    """

    activation: str
    weight_std: Floats
    bias_std: Floats
    q_star: Floats
    chi_perp: Floats

    @property
    def decades_per_100_layers(self) -> Floats:
        """Of shape (bias_std, weight_std); -inf where no gradient comes through, NaN where undecided."""
        with np.errstate(divide="ignore"):
            return np.multiply(50, np.log10(self.chi_perp))


def _deviations(name, values):
    """A one-dimensional float64 array. Raises RequestError."""
    try:
        array = np.atleast_1d(np.asarray(values, float))
    except (TypeError, ValueError):
        raise RequestError(f"{name}: {values!r} is not a sequence of numbers") from None
    if array.ndim != 1 or not array.size:
        raise RequestError(f"{name}: a sequence of numbers is asked, not an array of shape {array.shape}")
    return np.array([deviation(name, float(v)) for v in array])


def phase_diagram(activation: str, *, weight_std: Number | Numbers, bias_std: Number | Numbers) -> PhaseDiagram:
    """The PhaseDiagram on all pairs of the given standard deviations, two sequences. Raises RequestError."""
    stds = _deviations("weight_std", weight_std), _deviations("bias_std", bias_std)
    lengths = length_map(activation)
    w, b = np.meshgrid(*(s**2 for s in stds))
    entry = lengths.entry
    if lengths.homogeneous:
        growth = w * lengths.limit(entry.slope)
        q = np.vectorize(lambda *cell: _homogeneous_variance(*cell)[0], otypes=[float])(growth, w + b, b)
        return PhaseDiagram(activation, *stds, q, growth)
    q = lengths.reached(w, b)
    for k in zip(*np.nonzero(np.isnan(q)), strict=True):
        q[k] = _variance(lengths, float(w[k]), float(b[k]))[0]
    if not lengths.everywhere:
        q[q == np.inf] = np.nan
    inside = (q > 0) & np.isfinite(q)
    chi = np.full(q.shape, np.nan)
    chi[inside] = w[inside] * lengths.at(q[inside])[1]
    for edge, slopes in ((0.0, lengths.slopes_at_zero), (np.inf, entry.slope)):
        chi[q == edge] = w[q == edge] * lengths.limit(slopes)
    return PhaseDiagram(activation, *stds, q, chi)
