"""Checks without chance: random number generator, chain rule, scaling, threads, quadrature against closed forms."""

import math

import numba
import numpy as np

from ..kernels.philox import fill_words
from ..model.activations.exact import exact
from ..model.network import mlp
from ..reference import philox
from ..simulation.simulate import simulate
from ..theory.averages import pair_averages
from .check import Check, Result, from_gap

# (counter, key, result) of Random123's known-answer test
PHILOX = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)


def known_answers(scale, seed):
    wrong, words = 0, np.zeros((4, 1), np.uint32)
    for counter, key, expected in PHILOX:
        slow = philox(np.array([counter], np.uint64), key)[0]
        first_block, *rest = counter
        fill_words(np.array(key, np.uint32), *rest, first_block, 1, words)
        wrong += slow.tolist() != list(expected) or words[:, 0].tolist() != list(expected)
    return Result(float(wrong == 0), f"{len(PHILOX) - wrong} of {len(PHILOX)} vectors, kernel and reference")


def tenths(scale, seed):
    curves = simulate(mlp(width=1, depth=6, activation="linear", init="constant(0.1)"), 3, seed)
    return from_gap(abs(curves.verdict.decades + 5), 1e-6, "decades")


def scaling(scale, seed):
    """The same random numbers with weights twice as large: a power of two, so that nothing is rounded differently."""
    depth, gap = 200, 0.0
    layers = np.arange(1, depth + 1)
    for engine in ("matrix_free", "dense"):
        one, two = (
            simulate(
                mlp(width=24, depth=depth, activation="linear", init="lecun_normal", weight_gain=g),
                20,
                seed,
                engine=engine,
                stream="scaling",
                keep_samples=True,
            )
            for g in (1.0, 2.0)
        )
        forward = two["activation_log"][:, 1:] - one["activation_log"][:, 1:] - 2 * layers * math.log(2)
        backward = two["gradient_log"][:, 1:] - one["gradient_log"][:, 1:] - 2 * (depth - layers) * math.log(2)
        gap = max(gap, np.abs(forward).max(), np.abs(backward).max())
    return from_gap(gap, 1e-10, f"logs over {depth} layers")


def zeros(scale, seed):
    """Which gradients are exactly zero with zero weights: only the last layer has any, and there phi(0) and phi'(0) decide."""
    wrong = []
    for activation, value, slope in (("sigmoid", True, True), ("tanh", False, True), ("relu", False, False)):
        for outputs in (None, 3):
            network = mlp(width=5, depth=4, activation=activation, init="zeros", outputs=outputs)
            curves = simulate(network, 3, seed)
            last = len(curves.layers) - 1
            passes = slope or outputs is not None
            expected = {"gradient": passes, "bias_gradient": passes, "weight_gradient": passes and value}
            for name, kept in expected.items():
                found = curves[f"{name}_zero_count"][1:] == 0
                if found.tolist() != [False] * (last - 1) + [kept]:
                    wrong.append(f"{activation} {name}")
    return Result(
        float(not wrong), f"wrong: {', '.join(wrong)}" if wrong else "every gradient, 3 activations, with and without readout"
    )


def threads(scale, seed):
    """The same bits with one thread, two and all, and for the networks of a smaller ensemble."""
    network, count = mlp(width=40, depth=30, activation="gelu", bias_std=0.1), numba.config.NUMBA_NUM_THREADS
    tried = sorted({1, min(2, count), count})
    one, *others = (simulate(network, 400, seed, inputs=2, threads=n, keep_samples=True) for n in tried)
    wrong = [
        f"{n} threads"
        for n, curves in zip(tried[1:], others, strict=True)
        if any(curves[name].tobytes() != one[name].tobytes() for name in one.variables)
    ]
    few = simulate(network, 150, seed, inputs=2, keep_samples=True)
    if few["gradient_log"].tobytes() != one["gradient_log"][:150].tobytes():
        wrong.append("150 networks instead of 400")
    if wrong:
        return Result(0.0, f"different bits: {', '.join(wrong)}")
    words = "one thread is all there is" if count == 1 else f"{', '.join(map(str, tried))} threads"
    return Result(1.0, f"equal bits: {words}; 150 of 400 networks")


def kernels(scale, seed):
    """E phi(u1) phi(u2) of ReLU and erf, by quadrature, against their closed forms."""
    gap = 0.0
    for c in (-0.99, -0.3, 0.0, 0.5, 0.9, 0.999999):
        angle = math.acos(c)
        difference, product = pair_averages(exact("relu"), 2.0, 1 - c)
        gap = max(gap, abs(1 - difference - (math.sin(angle) + (math.pi - angle) * c) / math.pi))
        gap = max(gap, abs(product - (math.pi - angle) / (2 * math.pi)))
        difference, _ = pair_averages(exact("erf"), 1.5, 1 - c)
        square, joint = (2 / math.pi * math.asin(3 * k / 4) for k in (1.0, c))
        gap = max(gap, abs(square - difference - joint))
    return from_gap(gap, 1e-10, "averages")


CHECKS = (
    Check("random numbers", "identity", "Philox4x32-10 known answers", "Salmon et al. 2011, Random123", known_answers),
    Check("product of tenths", "identity", "weights 0.1, 6 layers: 10^-5 from layer 6 to layer 1", "chain rule", tenths),
    Check(
        "weights times 2",
        "identity",
        "linear networks: log shifts by 2 l ln 2, gradients by 2 (L - l) ln 2",
        "chain rule",
        scaling,
    ),
    Check(
        "zero weights",
        "identity",
        "only the last layer's gradients are not zero: phi(0) and phi'(0) decide which",
        "chain rule",
        zeros,
    ),
    Check(
        "threads",
        "identity",
        "results do not depend on threads, nor on how many networks there are",
        "docs/performance.md",
        threads,
    ),
    Check("quadrature", "identity", "arc-cosine kernel of ReLU, (2/pi) asin of erf", "Cho & Saul 2009, Williams 1997", kernels),
)
