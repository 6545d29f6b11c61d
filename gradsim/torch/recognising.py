"""What modules of PyTorch are in gradsim's words: activations by their values, initializers by the law of what they drew."""

import math

import numpy as np
import torch
from scipy.stats import kstest, norm, truncnorm, uniform

from ..errors import RequestError
from ..model.activations import ACTIVATIONS, canonical_activation
from ..model.activations.exact import exact
from ..model.initializers import bias_law, weight_law

REACH, POINTS = 8.0, 321  # where functions are compared
ROUNDING = 1e-5  # of float32 numbers up to REACH
FALSE_ALARM = 1e-6  # how often weights of a law are taken for none of it
GAINS = (1.0, 5 / 3, math.sqrt(2))  # PyTorch's for tanh and relu
SCHEMES = (
    "torch_default",
    "xavier_uniform",
    "xavier_normal",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "he_normal(fan_out,0)",
    "he_uniform(fan_out,0)",
    "lecun_truncated_normal",
    "he_truncated_normal",
    "normal(0,0.02)",
    "normal(0,0.01)",
    "orthogonal",
    "zeros",
    "identity",
)
SCALED = ("xavier_uniform", "xavier_normal", "orthogonal")  # what PyTorch's own have a gain of
LAWS = {"normal": norm(), "uniform": uniform(-1, 2), "truncated_normal": truncnorm(-2, 2)}
ENDS = {"uniform": 1.0, "truncated_normal": 2.0}
DIGITS = 6  # of a likelihood: laws that are one for a matrix have the same


def activation_of(function):
    """The name of the activation that a function of tensors is, entry by entry; None where it is none of the table."""
    grid = torch.linspace(-REACH, REACH, POINTS).requires_grad_()
    try:
        with torch.enable_grad():
            values = function(grid.clone())
        found, differentiable = values.detach().double().numpy(), values.requires_grad
    except Exception:  # whatever it takes, it is no function of one number
        return None
    points = grid.detach().double().numpy()
    if found.shape != points.shape or not differentiable:
        return None
    return next((name for name in _names(points, found) if np.all(abs(exact(name).phi(points) - found) < ROUNDING)), None)


def _names(points, values):
    """Activations that a function may be; of those with a parameter the one that has its value far below zero."""
    yield from (entry.name for entry in ACTIVATIONS if entry.parameter is None)
    ends = {"leaky_relu": points[0], "elu": np.expm1(points[0])}
    for name, end in ends.items():
        yield canonical_activation(f"{name}({float(f'{values[0] / end:.5g}')!r})")


def candidates(weights):
    """{(initializer, gain): log-likelihood} of the laws that a matrix (fan-out, fan-in) of weights may come from, the usual
    ones first; inf where nothing else gives such a matrix."""
    values = weights.detach().double().cpu().numpy()
    names = [(name, gain) for name in SCHEMES for gain in (GAINS if name in SCALED else (1.0,))]
    found = {(name, gain): _likelihood(values, weight_law(name, *values.shape[::-1], gain)) for name, gain in names}
    return {name: value for name, value in found.items() if value is not None}


def bias_of(biases, fan_in):
    """The law of biases: "zeros", "fan_in_uniform", or None where it is neither; `biases` may be None."""
    if biases is None or not biases.detach().any():
        return "zeros"
    values = biases.detach().double().cpu().numpy()
    return None if _likelihood(values, bias_law("fan_in_uniform", fan_in)) is None else "fan_in_uniform"


def _likelihood(values, law):
    """The logarithm of the density of numbers under a WeightLaw; None where they are none of its, in all likelihood."""
    if law.kind in FIXED:
        return math.inf if FIXED[law.kind](values, law) else None
    units = (values.ravel() - law.mean) / law.scale
    end = ENDS.get(law.kind, math.inf)
    units = np.where(abs(units) < end * (1 + ROUNDING), np.clip(units, -end, end), units)  # float32, at an end
    with np.errstate(divide="ignore"):
        density = LAWS[law.kind].logpdf(units).sum() - units.size * math.log(law.scale)
    fits = math.isfinite(density) and kstest(units, LAWS[law.kind].cdf).pvalue > FALSE_ALARM
    return round(float(density), DIGITS) if fits else None


def _is_orthogonal(values, law):
    square = values @ values.T if values.shape[0] <= values.shape[1] else values.T @ values
    return values.size > 1 and np.allclose(square / law.scale**2, np.eye(len(square)), atol=ROUNDING)


FIXED = {
    "constant": lambda values, law: bool(np.all(values == law.mean)),
    "identity": lambda values, law: np.array_equal(values, np.float32(law.scale) * np.eye(*values.shape)),
    "orthogonal": _is_orthogonal,
}


def is_plain(module):
    """Whether the gains of a norm are 1 and its shifts 0, or it has none."""
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    return (weight is None or bool((weight == 1).all())) and (bias is None or not bool(bias.any()))


def laws_of(linears, init, gain, bias):
    """{path: (init, gain, bias)} of {path: torch.nn.Linear}: as stated, or where None is, as the drawn numbers tell.

    One initializer for all where one fits all. Raises RequestError for the first that none fits.
    """
    stated = None if init is None else {(init, gain): 0.0}
    fitting = {path: stated or candidates(module.weight) for path, module in linears.items()}
    common = _likeliest(*fitting.values())
    laws = {}
    for path, module in linears.items():
        own = bias if bias is not None and module.bias is not None else bias_of(module.bias, module.in_features)
        if not fitting[path] or own is None:
            what, how = ("biases", "bias='normal(0.1)'") if fitting[path] else ("weights", "init='he_normal'")
            shape = f"{path} ({module.out_features} x {module.in_features})"
            raise RequestError(f"translate: the {what} of {shape} follow no law that is known here; state it: {how}")
        laws[path] = (*(common or _likeliest(fitting[path])), own)
    return laws


def _likeliest(*several):
    """The law of the largest likelihood over some {law: likelihood} that have it all, the first of equal ones; None of none."""
    sums = {law: sum(found[law] for found in several) for law in several[0] if all(law in found for found in several)}
    return max(sums, key=sums.get, default=None)
