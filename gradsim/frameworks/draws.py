"""What a linear map is drawn from as formulas in fan_in and fan_out, which every framework writes down in its own words."""

from dataclasses import dataclass

from ..model.initializers import bias_law, find_initializer, weight_law
from ..model.laws import TRUNCATED_STD, UNIT_LAWS
from ..model.schemes import parse, shortest

FAN = {"fan_in": "fan_in", "fan_out": "fan_out", "fan_avg": "((fan_in + fan_out) / 2)"}
ANY = 8  # a fan, where a law has none


@dataclass(frozen=True)
class Draw:
    """A law by its `kind`, with the formulas of its numbers.

    "normal" has (mean, std), "truncated_normal" the same of the normal that is cut at two deviations, "uniform" (low, high),
    "cut_normal" (mean, std, low, high) of the normal that is cut at these, "constant" (value,), "rademacher" (c,), "sparse"
    (k, std) of k weights a unit, "sparse_columns" of k an input, "identity" and "orthogonal" (gain,).
    """

    kind: str
    numbers: tuple


def weights(linear):
    """The Draw of the weights of a Linear."""
    entry, arguments = find_initializer(linear.init)
    if not linear.gain:
        return Draw("constant", ("0.0",))
    if entry.name == "sparse":
        k, std = arguments
        return Draw("sparse", (str(int(k)), number(abs(linear.gain * std))))
    if entry.name == "sparse_columns":
        sparsity, std = arguments
        return Draw("sparse_columns", (f"fan_out - math.ceil({number(sparsity)} * fan_out)", number(abs(linear.gain * std))))
    if entry.name == "trunc_normal":
        mean, std, *ends = arguments
        low, high = sorted(linear.gain * end for end in ends)
        return Draw("cut_normal", tuple(map(number, (linear.gain * mean, abs(linear.gain) * std, low, high))))
    if entry.name in ("identity", "orthogonal"):
        return Draw(entry.name, (number(linear.gain * arguments[0]),))
    law = weight_law(linear.init, ANY, ANY, linear.gain)
    variance = _variance(entry.name, arguments)
    if variance is None:
        return _plain(law)
    factor, fan = variance
    sign = "" if abs(linear.gain) == 1 else f"{number(abs(linear.gain))} * "
    if law.kind == "uniform":
        bound = f"{sign}math.sqrt({number(factor / UNIT_LAWS['uniform'][0])} / {fan})"
        return Draw("uniform", (f"-{bound}", bound))
    widened = f" / {TRUNCATED_STD!r}" if law.kind == "truncated_normal" else ""
    return Draw(law.kind, ("0.0", f"{sign}math.sqrt({number(factor)} / {fan}){widened}"))


def biases(linear):
    """The Draw of the biases of a Linear."""
    if parse("--bias", linear.bias)[0] == "fan_in_uniform":
        return Draw("uniform", ("-math.sqrt(1 / fan_in)", "math.sqrt(1 / fan_in)"))
    return _plain(bias_law(linear.bias, ANY))


def number(value):
    """A float as Python reads it back."""
    return shortest(float(value))


def _plain(law):
    """Of a law that no fan enters."""
    scale = abs(law.scale)
    if law.kind == "uniform":
        return Draw("uniform", (number(law.mean - scale), number(law.mean + scale)))
    numbers = {"constant": (law.mean,), "rademacher": (scale,)}.get(law.kind, (law.mean, scale))
    return Draw(law.kind, tuple(map(number, numbers)))


def _variance(name, arguments):
    """(factor, fan) of Var W = factor / fan; None of a scheme that no fan enters."""
    if name == "variance_scaling":
        scale, mode, _ = arguments
        return scale, FAN[mode]
    family = name.partition("_")[0]
    if family == "he":
        fan, slope = arguments
        return 2 / (1 + slope * slope), FAN[fan]
    if name in ("fan_in_uniform", "torch_default"):
        return 1 / 3, FAN["fan_in"]
    return {"xavier": (2, "(fan_in + fan_out)"), "keras": (2, "(fan_in + fan_out)"), "lecun": (1, "fan_in")}.get(family)


def needs_math(draws):
    """Whether a formula has a root in it."""
    return any("math." in number for draw in draws for number in draw.numbers)
