"""Checks without chance: phi and phi' of every activation of the table over the whole range, in every arithmetic."""

from functools import partial

import numpy as np

from ..model.activations import ACTIVATIONS, find_activation
from ..model.activations.exact import exact
from ..model.data import Samples
from ..model.network import mlp
from .check import Check, from_share
from .formulas import formula
from .tape import Scaled, taped

NAMES = (*(entry.name for entry in ACTIVATIONS), "leaky_relu(-0.4)", "elu(0.3)")
# Magnitudes by octave: tangents at 0 below 2^-27, float32 up to 2^27, asymptotes and logs beyond, and what a float64 holds
OCTAVES = (-1000, -300, -100, -61, -59, -40, *range(-30, 34), 40, 59, 61, 100, 300, 1000)
PARTS, POINTS = 4, 4  # rows an octave, numbers a row: those of a row share an exponent, so they should not be far apart
BATCH = 24  # rows a run
# Of a value, and of what it moves by where h does: a few roundings of float32, which the kernels' polynomials are good to
RELATIVE = {"carried": 1e-6, "float32": 5e-7, "float64": 1e-12}
MOVED = 0.25  # of that: of what the value moves by
FLOAT64 = 4e-15  # of a log
LARGEST_LOG = 1e9  # beyond it a float64 log has no digits left behind the point
ZERO_LOG = -(2.0**50)  # what is smaller is not told apart
RANGES = {"carried": (-1000, 1000), "float32": (-100, 100), "float64": (-300, 300)}  # octaves
# Logs below which a number loses its digits
LEAST = {"carried": -np.inf, "float32": np.log(1.2e-38), "float64": np.log(2.3e-308)}


def grid(arithmetic):
    """Rows of numbers of one sign and of about one size, all of which float32 holds but for a power of two."""
    low, high = RANGES[arithmetic]
    steps = (1 + np.arange(PARTS * POINTS) / (PARTS * POINTS)).reshape(PARTS, POINTS)
    rows = [sign * steps * 2.0**octave for octave in OCTAVES if low <= octave <= high for sign in (1, -1)]
    return np.concatenate(rows)


def kernel_values(name, arithmetic, rows):
    """(x, d) for the rows of h as the kernels have them: x = phi(h), d = phi'(h) g, with the same g for every activation."""
    network = mlp(width=rows.shape[1], depth=1, activation=name, init="identity")
    found = taped(network, stream="grid", arithmetic=arithmetic, inputs=len(rows), input_file=Samples("grid", rows))
    order = np.argsort(found.samples)
    return tuple(Scaled(*(part[order] for part in v)) for v in (found.vectors[2], found.into[1]))


def share(arithmetic, found, sign, log, moved):
    """The largest error over what is allowed, of Scaled numbers that should be sign e^log.

    Those whose logs are beyond what can be resolved are passed over; where a whole row is below what counts, it must be
    zero or held there; entries that float32 loses beside the largest of their row are of no account.
    """
    log = np.where(sign == 0, -np.inf, log)
    with np.errstate(all="ignore"):
        scale = np.log(2.0) * found.exponents
        seen = (np.abs(log) < LARGEST_LOG) & (log > LEAST[arithmetic])
        expected, slack = sign * np.exp(log - scale), MOVED * RELATIVE[arithmetic] * np.exp(moved - scale)
        allowed = (RELATIVE[arithmetic] + FLOAT64 * np.abs(log)) * np.abs(expected) + slack + 1e-38
        ratio = np.where(found.mantissas == expected, 0.0, np.abs(found.mantissas - expected) / allowed)
        size = np.log(np.abs(found.mantissas)) + scale
    gone = np.all(log < ZERO_LOG, axis=1, keepdims=True) & ~(size < 0.999 * ZERO_LOG)
    return np.inf if gone.any() else np.max(np.where(seen, np.nan_to_num(ratio, nan=np.inf), 0.0))


def moved(function, h):
    """Log of |h df/dh|: what a relative change of h does to f."""
    (s, a), (t, b) = (function(h * (1 + step)) for step in (1e-4, -1e-4))
    top = np.maximum(np.maximum(a, b), -1e300)
    with np.errstate(all="ignore"):
        return top + np.log(np.abs(s * np.exp(a - top) - t * np.exp(b - top)) / 2e-4)


def over_the_range(arithmetic, scale, seed):
    worst, where, count, rows = 0.0, "", 0, grid(arithmetic)
    for start in range(0, len(rows), BATCH):
        h = rows[start : start + BATCH]
        g = kernel_values("linear", arithmetic, h)[1].numbers
        of_g = np.log(np.abs(g))
        for name in NAMES:
            entry, a = find_activation(name)
            phi, derivative = formula(entry.name, a)
            x, d = kernel_values(name, arithmetic, h)
            sign, log = derivative(h)
            for what, ratio in (
                ("phi", share(arithmetic, x, *phi(h), moved(phi, h))),
                ("phi'", share(arithmetic, d, sign * np.sign(g), log + of_g, moved(derivative, h) + of_g)),
            ):
                count += h.size
                if not ratio <= worst or not where:
                    worst, where = ratio, f"{what} of {name} at |h| from {np.abs(h).min():.2g} to {np.abs(h).max():.2g}"
    return from_share(worst, f"{count:,} values and slopes of {len(NAMES)} activations", where)


def formulas(scale, seed):
    """What theory integrates, what the table says of each activation, and differences, against the formulas."""
    worst, where = 0.0, ""
    h = np.concatenate([np.linspace(-25, 25, 4001) + 1e-4, np.geomspace(26, 1e6, 50), -np.geomspace(26, 1e6, 50)])
    for name in NAMES:
        entry, a = find_activation(name)
        phi, derivative = (lambda h, f=f: np.multiply(f(h)[0], np.exp(f(h)[1])) for f in formula(entry.name, a))
        theory, step = exact(name), 1e-3
        near = h[np.abs(h) < 25]
        steps = [phi(near + k * step) for k in (-2, -1, 1, 2)]
        difference = (8 * (steps[2] - steps[1]) - (steps[3] - steps[0])) / (12 * step)
        smooth = np.all([np.abs(near - kink) > 3 * step for kink in theory.kinks], axis=0) if theory.kinks else True
        largest = np.abs(derivative(np.linspace(-30, 30, 300_001))).max()
        ends = [(entry.slope, -1e6, 1e6), (entry.intercept, -1e6, 1e6)]
        cases = {
            "phi'": np.max(np.abs(np.where(smooth, difference - derivative(near), 0.0))) / 1e-8,
            "theory's phi": _gap(theory.phi(h), phi(h)) / 1e-12,
            "theory's phi'": _gap(theory.derivative(h), derivative(h)) / 1e-12,
            "phi(0)": abs(entry.value_zero - phi(np.zeros(1))[0]) / 1e-15,
            "phi' at 0": max(
                abs(s - derivative(np.array([side]))[0]) for side, s in zip((-1e-9, 1e-9), entry.slope_zero, strict=True)
            )
            / 1e-8,
            "largest phi'": abs(entry.largest_derivative / largest - 1) / 2e-4,
        }
        if not theory.sine:
            (slopes, low, high), (intercepts, *_) = ends
            far = np.array([low, high])
            cases["asymptotes"] = np.max(np.abs(phi(far) - np.array(slopes) * far - np.array(intercepts))) / 2e-6
        for what, ratio in cases.items():
            if not ratio <= worst:
                worst, where = ratio, f"{what} of {name}"
    return from_share(worst, f"theory's functions and the table's constants of {len(NAMES)} activations", where)


def _gap(found, expected):
    return np.max(np.abs(found - expected) / (np.abs(expected) + 1e-3))


def _check(arithmetic, claim):
    return Check(
        f"activations: {arithmetic}",
        "identity",
        f"phi and phi' of every activation, {claim}",
        "formulas in float64",
        partial(over_the_range, arithmetic),
    )


CHECKS = (
    Check(
        "activations: table",
        "identity",
        "theory's phi and phi', values and slopes at 0 and at infinity, the largest slope; phi' is what differences give",
        "formulas in float64",
        formulas,
    ),
    _check("carried", "|h| from 2^-1000 to 2^1000: float32, tangents, asymptotes and logs"),
    _check("float32", "|h| from 2^-100 to 2^100"),
    _check("float64", "|h| from 2^-300 to 2^300"),
)
