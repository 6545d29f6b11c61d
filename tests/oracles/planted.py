"""Errors planted in a copy of the project, and who finds them: `scripts/planted.py` runs them all.

Errors of arithmetic are here: `gradsim verify` must find them. Those that change the law of networks are in `faults.laws`:
samples must find them. Those of everything else are in `faults`: tests must find them. A fault is found if every check
disagrees, or every test fails, that is named for it; without it they agree and pass.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .faults import FAULTS as BY_TESTS
from .faults import Fault, steps

ROOT = Path(__file__).parents[2]
HALF_WRITTEN = "*.pyc.*"  # which is renamed when it is whole
BESIDE = ("tests", "docs", "scripts", "pyproject.toml", "README.md")  # of the package: what tests look at

GAUSSIAN, HAAR = "kernels/steps/linear_gaussian.py", "kernels/steps/linear_haar.py"
LINEAR, LOSS, ACTIVATION, INPUTS = (f"kernels/steps/{name}.py" for name in ("linear", "loss", "activation", "input"))
VECTORS, FRAMES, WEIGHTS, SAMPLING = (f"kernels/{name}.py" for name in ("vectors", "frames", "weights", "sampling"))
ELEMENTARY, PLAIN, PHILOX, FOLD = (f"kernels/{name}.py" for name in ("elementary", "plain", "philox", "fold"))
GATED, SATURATING, PIECEWISE = (f"kernels/activations/{name}.py" for name in ("gated", "saturating", "piecewise"))
EXACT = "model/activations/exact.py"

# Found only in kernels that are compiled again: about a minute each
COMPILED = {
    "no projection backward, one input": Fault(
        GAUSSIAN,
        "(along - length * overlap / norm)",
        "(along - 0.0 * overlap / norm)",
        ("replica: Gaussian", "layers: relu, he_normal, matrix_free"),
    ),
    "no projection backward, several inputs": Fault(
        GAUSSIAN,
        "scratch.first[k, b] -= scratch.second[k, b]",
        "scratch.first[k, b] -= 0.0",
        ("replica: Gaussian", "two engines: Gaussian, probe", "two engines: Gaussian, mse"),
    ),
    "a fresh matrix backward, several inputs": Fault(
        GAUSSIAN,
        "add_mix(scratch.first, rank, q, g.n, b, row(g.values, b))",
        "pass",
        ("replica: Gaussian", "two engines: Gaussian, probe"),
    ),
    "a fresh matrix backward, one input": Fault(
        GAUSSIAN,
        "lift = p[SCALE] * (along - length * overlap / norm) / norm",
        "lift = 0.0",
        ("replica: Gaussian",),
    ),
    "a wrong sign in R": Fault(
        FRAMES,
        "coefficients[rank, pivot] = 1.0 / inverse",
        "coefficients[rank, pivot] = -1.0 / inverse",
        ("replica: Gaussian", "replica: orthogonal", "two engines: Gaussian, probe"),
    ),
    "four directions read as three": Fault(
        FRAMES,
        "c_3 = np.float32(coefficients[k_3, b]) if k + 3 < rank else zero",
        "c_3 = zero",
        ("replica: Gaussian", "replica: orthogonal"),
    ),
    "orthogonal: no projection of the fresh frame, one input": Fault(
        HAAR,
        "subtract(dot(before, fresh, x.n) / x_square, before, x.n, fresh)",
        "pass",
        ("replica: orthogonal", "layers: relu, orthogonal(1.4), matrix_free"),
    ),
    "orthogonal: the fresh frame not across the inputs": Fault(
        HAAR,
        "squares[k] = subtract(dot(direction, row(residuals, k), g.n), direction, g.n, row(residuals, k))",
        "pass",
        ("replica: orthogonal", "two engines: orthogonal, probe"),
    ),
    "orthogonal: reflections without their sign": Fault(
        WEIGHTS,
        "return (-1.0 if head >= 0.0 else 1.0), 1.0",
        "return 1.0, 1.0",
        ("replica: initializers", "weights: whole laws"),
    ),
    "a row of four used twice on the way back": Fault(
        WEIGHTS,
        "d_3 * np.float32(numbers[k, i + THREE * step])",
        "d_3 * np.float32(numbers[k, i + TWO * step])",
        ("replica: activations", "replica: initializers"),
    ),
    "sparse: one weight too many": Fault(
        WEIGHTS,
        ">> np.uint64(32) < wanted:",
        ">> np.uint64(32) <= wanted:",
        ("replica: initializers", "weights: moments"),
    ),
    "sparse columns: rows instead": Fault(
        WEIGHTS,
        "transposed_entries_times(LAW_SPARSE, shape, draws, x, n_out, n_in,",
        "entries_times(LAW_SPARSE, shape, draws, x, n_in, n_out,",
        ("replica: initializers",),
    ),
    "a cut normal upside down": Fault(
        SAMPLING, "rest * first + u * last", "u * first + rest * last", ("replica: initializers", "weights: whole laws")
    ),
    "a cut normal as wide as the whole": Fault(
        "model/cut_normal.py",
        "return middle + shift, second, fourth",
        "return middle + shift, 1.0, fourth",
        ("second moments",),
    ),
    "sparse columns: the share rounded down": Fault(
        "model/initializers.py", "math.ceil(sparsity * fan_out)", "math.floor(sparsity * fan_out)", ("weights: moments",)
    ),
    "uniform numbers without their half": Fault(
        SAMPLING,
        "* TWO_TO_MINUS_31 + TWO_TO_MINUS_32",
        "* TWO_TO_MINUS_31 * TWO_TO_MINUS_31 + TWO_TO_MINUS_31",
        ("replica: initializers", "weights: whole laws"),
    ),
    "normals 1 % too wide": Fault(
        SAMPLING, "MINUS_TWO = np.float32(-2.0)", "MINUS_TWO = np.float32(-2.04)", ("replica: activations", "weights: moments")
    ),
    "a truncated normal 1 % too wide": Fault(
        ELEMENTARY,
        "return v * polynomial(-log(ONE - y * y), TRUNCATED)",
        "return np.float32(1.01) * v * polynomial(-log(ONE - y * y), TRUNCATED)",
        ("replica: initializers", "weights: moments", "mean: He, leaky"),
    ),
    "nine rounds of Philox": Fault(PHILOX, "ROUNDS = 10", "ROUNDS = 9", ("random numbers",)),
    "tanh' off by 0.2 %": Fault(
        SATURATING,
        "return f32.tanh_derivative(h)",
        "return np.float32(1.002) * f32.tanh_derivative(h)",
        ("activations: carried", "replica: activations"),
    ),
    "the log of tanh' off by 0.2 %": Fault(
        SATURATING, "math.log(4.0) - 2.0", "0.002 + math.log(4.0) - 2.0", ("activations: carried", "activations: float32")
    ),
    "a wrong silu'": Fault(
        GATED,
        "(ONE + held * f32.sigmoid(-held))",
        "(ONE + held * f32.sigmoid(held))",
        ("activations: carried", "replica: activations"),
    ),
    "silu' is not zero far to the left": Fault(GATED, "held = max(h, LEFT_CUT)", "held = h", ("activations: carried",)),
    "gelu_tanh with 0.0447": Fault(GATED, "* 0.044715", "* 0.0447", ("activations: carried", "activations: table")),
    "selu with 1.67": Fault(GATED, "1.6732632423543772", "1.67", ("activations: carried", "activations: table")),
    "hard_sigmoid' of one fifth": Fault(
        PIECEWISE,
        "return SIXTH if abs(h) < THREE else ZERO",
        "return np.float32(0.2) if abs(h) < THREE else ZERO",
        ("activations: carried", "replica: activations"),
    ),
    "theory's gelu' without a square root": Fault(
        EXACT,
        "np.exp(-h * h / 2) / math.sqrt(2 * math.pi)",
        "np.exp(-h * h / 2) / math.sqrt(2.1 * math.pi)",
        ("activations: table",),
    ),
    "slopes at zero exchanged": Fault(
        ACTIVATION, "slope = right if v[i] > 0.0 else left", "slope = left if v[i] > 0.0 else right", ("activations: carried",)
    ),
    "an asymptote without its slope": Fault(
        ACTIVATION,
        "            return sign * math.copysign(1.0, slope), log_of(slope) + log_h\n        intercept",
        "            return sign * math.copysign(1.0, slope), log_h\n        intercept",
        ("activations: carried",),
    ),
    "a dead fraction off by one": Fault(
        ACTIVATION,
        "variance / rows, dead / n, saturated",
        "variance / rows, (dead + 1) / n, saturated",
        ("replica: activations",),
    ),
    "dead on one input, not on all": Fault(
        ACTIVATION,
        "alive[i] += abs(slopes[b, i])",
        "alive[i] = abs(slopes[b, i])",
        ("replica: activations",),
    ),
    "saturated below 2 %": Fault(ACTIVATION, "SATURATION = 0.01", "SATURATION = 0.05", ("replica: activations",)),
    "the unit variance of a tangent not squared": Fault(
        ACTIVATION, "p[SLOPE_ZERO_RIGHT] ** 2", "p[SLOPE_ZERO_RIGHT]", ("replica: scales",)
    ),
    "a wrong sign in cross-entropy": Fault(
        LOSS, "scratch.signs[i] = -1.0 if i == label else 1.0", "scratch.signs[i] = 1.0", ("losses: carried", "replica: losses")
    ),
    "cross-entropy uphill": Fault(
        LOSS,
        "scratch.signs[i] = -1.0 if i == label else 1.0",
        "scratch.signs[i] = 1.0 if i == label else -1.0",
        ("losses: carried",),
    ),
    "mse at half its gradient": Fault(
        LOSS, "np.float32(2.0 / (n * rows))", "np.float32(1.0 / (n * rows))", ("losses: carried", "replica: losses")
    ),
    "cross-entropy summed, not averaged": Fault(
        LOSS, "return loss - math.log(rows)", "return loss", ("losses: carried", "replica: losses")
    ),
    "a shared probe that is not": Fault(
        LOSS, "of, after = 0 if shared else b,", "of, after = b,", ("replica: losses", "drawn: losses")
    ),
    "weight gradients with cross terms once": Fault(
        LINEAR, "power_of_two(shift + (b != c))", "power_of_two(shift)", ("replica: activations", "replica: Gaussian")
    ),
    "a bias gradient that is the gradient of one input": Fault(
        LINEAR, "total[i] += factor * d[b, i]", "total[i] = factor * d[b, i]", ("replica: activations",)
    ),
    "biases without their scale": Fault(
        LINEAR, "bias[i] = scale * bias[i] + mean", "bias[i] = bias[i] + mean", ("replica: initializers", "weights: whole laws")
    ),
    "pairs counted as squares": Fault(
        VECTORS,
        "pairs, distance = rows * (rows - 1) // 2, 0.0",
        "pairs, distance = rows * rows // 2, 0.0",
        ("replica: losses",),
    ),
    "the largest entry without its exponent": Fault(
        VECTORS,
        "2.0 * (math.log(top) + LN2 * exponent)",
        "2.0 * math.log(top)",
        ("replica: scales",),
    ),
    "inputs correlated by the square root": Fault(
        INPUTS,
        "own, common = math.sqrt(1.0 - correlation)",
        "own, common = math.sqrt(1.0 - correlation * correlation)",
        ("replica: losses", "drawn: inputs"),
    ),
    "a sample taken twice": Fault(INPUTS, "chosen = newest\n", "chosen = chosen\n", ("replica: losses", "drawn: inputs")),
    "plain arithmetic: biases without their exponent": Fault(
        PLAIN,
        "h[b, i] += math.ldexp(np.float64(bias[i]), int(p[BIAS_EXPONENT]))",
        "h[b, i] += np.float64(bias[i])",
        ("replica: float32", "replica: float64"),
    ),
    "plain arithmetic: a dead fraction off by one": Fault(
        PLAIN,
        "put(record, DEAD_FRACTION, place, dead / n)",
        "put(record, DEAD_FRACTION, place, (dead + 1) / n)",
        ("replica: float32", "replica: float64"),
    ),
    "squared deviations that forget the mean": Fault(FOLD, "gap = v[i] - mean[i] if", "gap = v[i] if", ("statistics",)),
}
# Found without compiling anything
PYTHON = {
    "He with 1 instead of 2": Fault(
        "model/initializers.py",
        "return 2 / (1 + slope * slope)",
        "return 1 / (1 + slope * slope)",
        ("weights: moments", "weights: whole laws"),
    ),
    "fan_out for fan_in": Fault(
        "model/initializers.py",
        '(fan_in if fan == "fan_in" else fan_out)',
        '(fan_out if fan == "fan_in" else fan_in)',
        ("weights: moments",),
    ),
    "the std of uniform weights for their bound": Fault(
        "model/laws.py", '"uniform": (1 / 3, -1.2)', '"uniform": (1.0, -1.2)', ("weights: whole laws",)
    ),
    "a gain that leaves the mean": Fault(
        "model/initializers.py", "mean=gain * law.mean", "mean=law.mean", ("weights: whole laws", "weights: moments")
    ),
    "keras_default with 3 instead of 6": Fault(
        "model/initializers.py", "math.sqrt(6 / (i + o))", "math.sqrt(3 / (i + o))", ("weights: whole laws",)
    ),
    "orthogonal gain squared": Fault(
        "model/initializers.py",
        "WeightLaw(kind, 0.0, gain, 1 / max(fan_in, fan_out))",
        "WeightLaw(kind, 0.0, gain * gain, 1 / max(fan_in, fan_out))",
        ("weights: moments", "weights: whole laws"),
    ),
    "the scale of weights without its exponent": Fault(
        "program/program.py",
        "math.ldexp(law.scale, -exponent), exponent]",
        "math.ldexp(law.scale, -exponent), 0]",
        ("replica: initializers", "replica: Gaussian", "weights: moments"),
    ),
    "weights and biases without their mean": Fault(
        "program/program.py",
        "math.ldexp(law.mean, -exponent), math",
        "0.0, math",
        ("replica: initializers", "replica: Gaussian", "weights: whole laws"),
    ),
    "samples without their power of two": Fault(
        "model/data/__init__.py",
        "np.ldexp(self.values, -exponents[:, None].astype(np.int32))",
        "self.values",
        ("replica: losses",),
    ),
    "the variance between chunks forgotten": Fault(
        "statistics/moments.py",
        "self.squared_deviations + other.squared_deviations + between",
        "self.squared_deviations + other.squared_deviations",
        ("statistics",),
    ),
    "a quantile's place counted from one": Fault(
        "statistics/quantiles.py",
        "last = sum(map(len, self.chunks)) - 1",
        "last = sum(map(len, self.chunks)) - 3",
        ("statistics",),
    ),
    "an effective size without its square": Fault(
        "statistics/moments.py", "self.total**2 / np.where", "self.total / np.where", ("statistics",)
    ),
}
COMPILED |= steps.COMPILED
PYTHON |= steps.PYTHON
BY_CHECKS = COMPILED | PYTHON
FAULTS = BY_CHECKS | BY_TESTS


def copied(folder, fault=None, source=ROOT, share_kernels=False, beside=()):
    """A copy of the package in `folder`, with the fault; `share_kernels`: with the kernels of the source; and of what is
    `beside` it. Bytecode is copied with its sources, which it belongs to by their times."""
    shared = ("kernels",) if share_kernels else ()
    shutil.copytree(source / "gradsim", folder / "gradsim", ignore=shutil.ignore_patterns(HALF_WRITTEN, *shared))
    for name in shared:
        (folder / "gradsim" / name).symlink_to(source / "gradsim" / name, target_is_directory=True)
    for name in beside:
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns(HALF_WRITTEN))
        else:
            shutil.copy(source / name, folder)
    if fault is not None and fault.text:
        plant(folder, f"gradsim/{fault.path}", fault.text, fault.instead)


def copied_with_tests(folder, fault=None, source=ROOT):
    """The same of the whole project, its kernels those of the source: nothing is compiled again."""
    copied(folder, fault, source, share_kernels=True, beside=BESIDE)


def plant(folder, path, text, instead):
    """An error in a file of the copy in `folder`."""
    source = (folder / path).read_text(encoding="utf-8")
    assert source.count(text) == 1, f"{text!r} is not in {path}, or more than once"
    (folder / path).write_text(source.replace(text, instead), encoding="utf-8")


def disagreeing(folder, checks=(), **environment):
    """(exit code, names of the checks that disagree, output) of `gradsim verify` there."""
    environment = os.environ | {"PYTHONPATH": str(folder)} | environment
    command = [sys.executable, "-m", "gradsim", "verify", *checks]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("DISAGREES")]
    names = {line.removeprefix("DISAGREES").split("  p = ")[0].strip() for line in lines}
    return done.returncode, names, done.stdout + done.stderr


def missed(fault, names):
    """The checks that should have found it and did not."""
    return [check for check in fault.checks if check not in names]


def differing(folder, fault):
    """(exit code, output) of the comparison that shows a fault of `laws`: 1 where samples differ. Kernels are plain Python
    there: to compile them again takes more than few networks do."""
    command = [sys.executable, "-m", f"tests.oracles.{fault.module}", str(fault.replicas), fault.engines, *fault.cells]
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def failing(folder, tests):
    """(exit code of pytest, those of `tests` of which one or more fail, output) there."""
    asked = Path(folder, "asked.txt")  # two hundred names: files say with which command line they were made
    asked.write_text("\n".join(tests), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"@{asked}"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    failed = tuple(test for test in tests if any(f"{word} {test}" in done.stdout for word in ("FAILED", "ERROR")))
    return done.returncode, failed, done.stdout + done.stderr
