"""Slower proof, and the figures that depend on a quiet machine: prints asked against measured, exits 1 on a failure.

Run with the Python that has gradsim installed: .venv/bin/python scripts/verify.py [TEXT ...], those whose names have a TEXT.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np

import gradsim

CLI = [sys.executable, "-m", "gradsim"]
PEAK = """
import resource, sys, gradsim
gradsim.simulate(gradsim.mlp(width=4, depth=200), int(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def seconds(*arguments, **environment):
    start = time.perf_counter()
    done = subprocess.run([*CLI, *arguments], capture_output=True, text=True, env=os.environ | environment, check=True)
    return time.perf_counter() - start, done


def help_time():
    taken = median(seconds("--help")[0] for _ in range(9))
    return "gradsim --help", "under 0.3 s", f"{taken:.2f} s", taken < 0.3


def small_run_time():
    arguments = ("run", "--width", "32", "--depth", "20", "--replicas", "100")
    seconds(*arguments)
    taken = median(seconds(*arguments)[0] for _ in range(9))
    return "small gradsim run, warm cache", "under 1.5 s", f"{taken:.2f} s", taken < 1.5


def first_compilation():
    """The first run with an empty folder for what is compiled; `gradsim warmup` then compiles what only some networks need."""
    with tempfile.TemporaryDirectory() as folder:
        taken, done = seconds("run", "--width", "1", "--depth", "1", "--replicas", "1", NUMBA_CACHE_DIR=folder)
        more, _ = seconds("warmup", NUMBA_CACHE_DIR=folder)
    announced = "compiling" in done.stderr
    return "first compilation, announced", "under 45 s", f"{taken:.0f} s; {more:.0f} s for the rest", taken < 45 and announced


def theory_time(words, limit, runs, call):
    """Against the clock; the suite has the same limits at the machine's pace."""
    taken = median(_seconds_of(call) for _ in range(runs))
    return words, f"under {limit:g} s", f"{taken:.3f} s", taken < limit


def _seconds_of(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def theory_times():
    """(what it is, limit in seconds, runs, what is called) of theory."""
    import math

    from gradsim.theory import critical_point, finite_width, phase_diagram
    from gradsim.theory.lengths import LengthMap

    def diagram():
        LengthMap("gelu")
        phase_diagram("gelu", weight_std=np.linspace(0.1, 4, 100), bias_std=np.linspace(0, 2, 100))

    def bell():
        gradsim.activation("bell", lambda h: math.exp(-h * h), lambda h: -2 * h * math.exp(-h * h))
        phase_diagram("bell", weight_std=np.linspace(0, 3, 100), bias_std=np.linspace(0, 3, 100))

    for name in ("tanh", "gelu", "selu", "mish", "relu"):
        critical_point(name, bias_std=0.2)  # has its length map kept
        yield f"critical point of {name}", 0.05, 5, partial(critical_point, name, bias_std=0.3)
    yield "phase diagram, 100 x 100", 5, 3, diagram
    yield "phase diagram of a length map that falls", 5, 3, bell
    yield "length map of mish", 1, 3, partial(LengthMap, "mish")
    yield "exact laws, width 256, depth 1,000", 1, 5, lambda: finite_width(gradsim.mlp(width=256, depth=1000))


def peak_memory():
    """Beyond the samples' byte budget (128 MiB: 10 logs, 201 layers, 8,347 networks) the peak stands still."""
    peaks = [
        float(subprocess.run([sys.executable, "-c", PEAK, str(n)], capture_output=True, text=True, check=True).stdout)
        for n in (10_000, 100_000)
    ]
    text = ", ".join(f"{p:.0f}" for p in peaks) + " MiB for 10,000, 100,000 networks"
    return "peak memory", "independent of replicas", text, peaks[1] < 1.05 * peaks[0]


def increments(init, gain, engine):
    """Depth 10,000, width 32, relu: log increments against digamma and trigamma sums (docs/theory.md)."""
    from scipy.special import digamma, polygamma
    from scipy.stats import binom

    width, depth, replicas = 32, 10_000, 40
    network = gradsim.mlp(width=width, depth=depth, init=init, weight_gain=gain)
    curves = gradsim.simulate(network, replicas, engine=engine, keep_samples=True)
    std = 3.0 if init == "normal(0,3)" else gain * np.sqrt(2 / width)
    k = np.arange(1, width + 1)
    p = binom.pmf(k, width, 0.5) / (1 - 0.5**width)
    means = digamma(k / 2) + np.log(2 * std**2)
    mean = p @ means
    variance = p @ (polygamma(1, k / 2) + (means - mean) ** 2)
    scores, finite = [], True
    for name, sign in (("activation", 1), ("gradient", -1)):
        logs = curves[f"{name}_log"][:, 1:]
        finite &= bool(np.isfinite(logs).all())
        steps = sign * np.diff(logs, axis=1)
        scores.append((steps.mean() - mean) / np.sqrt(variance / steps.size))
    finite &= all(
        np.isfinite(values[1:]).all()
        for name, values in curves.variables.items()
        if name.endswith("log_mean") and values.ndim == 1
    )
    text = f"z = {scores[0]:+.2f} forward, {scores[1]:+.2f} backward; all finite: {finite}"
    return (
        f"depth 10,000: relu {init} gain {gain:g}, {engine}",
        "exact law, |z| < 5",
        text,
        finite and max(map(abs, scores)) < 5,
    )


def finite_width_law(activation, init, widths):
    """200,000 networks of depth 100: every layer's log increment, of mean and variance, against the exact law.

    Layers have the `widths` in turn. Forward a layer counts the networks that live that long, backward those that live at
    all. Where a law is one point (square orthogonal matrices) there is no z.
    """
    from gradsim.theory import finite_width
    from gradsim.verification.check import mean_score, variance_score
    from gradsim.verification.overall import overall

    network = gradsim.mlp(width=[widths[k % len(widths)] for k in range(100)], activation=activation, init=init)
    law, scores, ends = finite_width(network), [], []
    for name, each in (("activation", law.forward), ("gradient", law.backward)):
        curves = gradsim.simulate(network, 200_000, stream=f"{activation} {init} {widths} {name}", keep_samples=True)
        logs = curves[f"{name}_log"]
        for layer, one in enumerate(each, start=1):
            first, second = (layer - 1, layer) if name == "activation" else (layer + 1, layer)
            before = logs[:, first] if first <= 100 else np.zeros(len(logs))
            alive = np.isfinite(logs[:, second])
            steps = logs[alive, second] - before[alive]
            half = steps.size // 2
            if one.log_variance:
                variance = variance_score(steps[half:], one.log_variance, one.log_fourth)
                scores += [mean_score(steps[:half], one.log_mean), variance]
        end = 100 if name == "activation" else 1
        count = len(logs) - curves[f"{name}_zero_count"][end]
        gap = curves[f"{name}_log_mean"][end] - law[f"{name}_log_mean"][end]
        ends.append(gap / np.sqrt(law[f"{name}_log_variance"][end] / count))
    o = overall(np.array(scores))
    p = min(o.mean_p, o.variance_p, o.law_p)
    text = f"{o.z.size} z: mean {o.z.mean():+.3f}, variance {o.z.var():.3f}, p {p:.2g}; ends {ends[0]:+.2f}, {ends[1]:+.2f}"
    good = o.passed and max(map(abs, ends)) < 5
    shape = ", ".join(map(str, widths))
    return f"exact law, 200,000 networks: {activation}, {init}, width {shape}", "z standard normal", text, good


def laws(kind):
    """Both engines against networks with explicit matrices, 20,000 of each: plain ones (tests/oracles/two_sample.py), or blocks
    with residuals, norms and dropout (tests/oracles/block_samples.py)."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.oracles import block_samples, two_sample

    cells, limit = (block_samples if kind == "blocks" else two_sample).grid(), two_sample.FALSE_ALARMS
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        corrected, what, count = two_sample.compare(cells, 20_000, each=partial(pool.map, chunksize=5))
    text = f"smallest of {count:,} p-values times their number: {corrected:.2g} ({what})"
    return f"laws of both engines, {kind}, 20,000 networks a cell", f"above {limit:g}", text, corrected > limit


def planted():
    """Errors planted in copies of the project, which `gradsim verify`, samples or tests must find (scripts/planted.py)."""
    from planted import run  # beside this file

    found, count, agrees = run(each=lambda line: None)
    text = f"{found} of {count}; without an error {'all agree and pass' if agrees else 'not all agree and pass'}"
    return "planted errors found by gradsim verify, samples or tests", "all", text, agrees and found == count


def killed_sweeps():
    """Sweeps killed at 50 moments, also while they pack, and gone on with (tests/sweep/test_killed.py)."""
    test = Path(__file__).parents[1] / "tests" / "sweep" / "test_killed.py"
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-k", "killed", str(test)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"GRADSIM_KILLS": "50"})
    seed = next((line for line in done.stdout.splitlines() if "GRADSIM_KILL_SEED" in line), "")
    text = f"{done.stdout.strip().splitlines()[-1]}; {seed}"
    return "sweeps killed 50 times and gone on with", "equal to the bit", text, done.returncode == 0


def same_bits():
    network = gradsim.mlp(width=64, depth=50, activation="gelu", bias_std=0.1)
    one, two = (gradsim.simulate(network, 600, inputs=2, threads=n) for n in (1, os.cpu_count()))
    equal = all(one[name].tobytes() == two[name].tobytes() for name in one.variables)
    return f"bits for 1 and {os.cpu_count()} threads", "equal", "equal" if equal else "different", equal


COMPILED = """
import hashlib, sys, gradsim
runs = {
    "plain": ({"activation": "tanh"}, {"arithmetic": "float32"}),
    "haar": ({"activation": "gelu", "init": "orthogonal"}, {"inputs": 2}),
    "blocks": ({"block": "pre_norm"}, {"inputs": 3}),
    "doubts": ({"activation": "tanh", "init": "rademacher(20)"}, {"inputs": 2}),
    "carried": ({"activation": "tanh"}, {"inputs": 3}),
}
for name in sys.argv[1:]:
    network, run = runs[name]
    curves = gradsim.simulate(gradsim.mlp(width=6, depth=5, **network), 64, **run)
    digest = hashlib.sha256(b"".join(curves[key].tobytes() for key in sorted(curves.variables))).hexdigest()
    print(name, digest)
"""


def compiled_in_any_order():
    """Kernels compiled one behind the other in one process, and each behind others or in a process of its own."""
    found = []
    for processes in (
        (("carried", "haar", "blocks", "doubts", "plain"),),
        (("plain", "haar"), ("blocks",), ("doubts", "carried")),
    ):
        with tempfile.TemporaryDirectory() as folder:
            lines = []
            for names in processes:
                command = [sys.executable, "-c", COMPILED, *names]
                environment = os.environ | {"NUMBA_CACHE_DIR": folder}
                done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
                lines += done.stdout.splitlines()
            found.append(sorted(lines))
    equal = found[0] == found[1] and len(found[0]) == 5
    return "bits of kernels compiled in two orders", "equal", "equal" if equal else f"different: {found}", equal


def advise(depth, width):
    """What is recommended in place of he_normal for every activation, in 500 networks that it was not found with.

    Where it is said to hold, the median gradient strays a decade at most, or three standard errors more. Where it is not, the
    best of the same blocks is no better than it was said to be: networks lie more than 1.8 decades apart, or the median strays.
    """
    from gradsim.model.activations import ACTIVATIONS

    worst, held, altered, wrong = 0.0, 0, [], []
    for name in (entry.name for entry in ACTIVATIONS):
        advice = gradsim.advise(gradsim.mlp(activation=name, depth=depth, width=width))
        strayed, error, _ = _anew(advice.recommended.network)
        worst, held = max(worst, strayed), held + advice.recommended.holds
        if strayed > 1 + 3 * error or not (advice.recommended.holds or advice.unfixed):
            wrong.append(f"{name}: {strayed:.2f}")
        if advice.recommended.alters:
            altered.append(name)
            best = next(scheme for scheme in advice.schemes if not scheme.alters)
            strayed, error, spread = _anew(best.network)
            if strayed < 1 - 3 * error and spread < 1.8:
                wrong.append(f"{name}: {best.name} holds")
    text = (
        f"{held} hold, {worst:.2f} decades at most; other blocks for {', '.join(altered) or 'none'}; wrong: {wrong or 'none'}"
    )
    return f"advice, every activation, {depth} layers, width {width}", "within a decade", text, not wrong


def _anew(network, replicas=500):
    """(decades that the median gradient strays, standard error of that, decades between networks), of another seed."""
    curves = gradsim.simulate(network, replicas, seed=271828)
    layers = slice(1, network.depth + 1)
    low, middle, high = (
        curves.blocks.last(curves.gradient, curves.decades(curves.gradient, q))[layers] for q in (0.05, 0.5, 0.95)
    )
    error = np.sqrt(np.pi / 2 * (1 / replicas + 1 / 100)) * (high - low).max() / 3.29
    return np.ptp(middle), error, high[0] - low[0]


def main():
    """Those whose names contain an argument, or all."""
    checks = (
        help_time,
        small_run_time,
        first_compilation,
        *(partial(theory_time, *each) for each in theory_times()),
        peak_memory,
        same_bits,
        compiled_in_any_order,
        killed_sweeps,
        *(
            partial(increments, init, gain, engine)
            for engine in ("matrix_free", "dense")
            for init, gain in (("normal(0,3)", 1.0), ("he_normal", 0.1))
        ),
        *(
            partial(finite_width_law, activation, "he_normal", (width,))
            for activation in ("linear", "relu", "leaky_relu(0.2)")
            for width in (4, 16, 100)
        ),
        *(partial(finite_width_law, "relu", "orthogonal(1.4)", (width,)) for width in (4, 16, 100)),
        *(
            partial(finite_width_law, activation, "orthogonal(1.4)", widths)
            for activation in ("linear", "relu")
            for widths in ((4, 7), (16, 25), (100, 64))
        ),
        *(partial(advise, depth, width) for depth in (20, 100, 1000) for width in (64, 512)),
        partial(laws, "plain networks"),
        partial(laws, "blocks"),
        planted,
    )
    good, asked = True, sys.argv[1:]
    for check in checks:
        name = getattr(check, "func", check).__name__
        if asked and not any(text in name for text in asked):
            continue
        words, wanted, measured, passed = check()
        good &= passed
        print(f"{'ok  ' if passed else 'FAIL'} {words:<42} {wanted:<24} {measured}", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
