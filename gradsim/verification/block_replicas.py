"""Checks without chance of what is no plain network: residuals, norms, dropout and families, against the same in float64.

`replicas` says how. Every step is in them with everything that it records: forward, backward, and where a vector is read
more than once.
"""

from itertools import cycle

from ..model.families import FAMILIES
from ..model.network import mlp, network
from ..model.parts import Activation, BatchNorm, Dropout, LayerNorm, Linear, Repeat, Residual, RMSNorm
from .check import Check
from .replicas import compare

BOTH = ("dense", "matrix_free")
ENGINES = {"normal(0.1,0.5)": BOTH, "orthogonal(1.3)": BOTH[::-1], "xavier_uniform": BOTH[:1]}
SEVERAL = (1, 3)  # inputs side by side; BatchNorm needs two


def linear(width=6, **more):
    return Linear(width, **{"init": "normal(0,0.5)", "bias": "normal(0.3)", **more})


TANH, GELU, LEAKY = (Activation(name) for name in ("tanh", "gelu", "leaky_relu(0.3)"))
BRANCH = (linear(9), GELU, linear())


def built(*block, times=2, input_width=6, before=(), behind=()):
    """A network of this block so many times, with parts before it and a readout of parts behind it."""
    return network([*before, Repeat(block, times)], input_width, behind)


def with_engines(networks, inputs=SEVERAL, engines=BOTH, **options):
    """Cases of `replicas.compare`: every network with each number of inputs, engines in turn."""
    turns = cycle(engines)
    return [(of, {"inputs": count, "engine": next(turns), **options}) for count in inputs for of in networks]


def of_sums():
    """Scales, projections, sums within branches, a vector that three steps read, branches without an activation."""
    networks = (
        built(Residual(BRANCH)),
        built(Residual(BRANCH, -0.3), input_width=4, before=(linear(),), behind=(linear(3),)),
        built(Residual((linear(9), TANH, linear(5)), 0.5, linear(5)), TANH, times=2),
        built(Residual((linear(), Residual((TANH, linear()), 0.6), Residual((linear(), GELU)), linear()))),
        built(Residual((Residual((linear(), TANH), 0.7), linear()), 1.3)),
        built(Residual((Residual((TANH,), 2.0),), 0.25), linear(7), TANH, linear(), behind=(TANH, linear(2))),
        built(Residual((linear(), LEAKY), 1e-9), Residual((linear(), LEAKY), 1e9)),
    )
    return with_engines(networks) + with_engines(networks[:2], (4,), loss="mse", input_correlation=0.4)


def of_norms():
    """Before a branch, behind a sum, before an activation, at both ends; epsilons that count, and none."""
    networks = [
        built(Residual((LayerNorm(), *BRANCH)), behind=(LayerNorm(), linear(3))),
        built(Residual((RMSNorm(), *BRANCH), 0.5), input_width=4, before=(linear(),)),
        built(Residual(BRANCH), LayerNorm()),
        built(Residual((*BRANCH, RMSNorm())), RMSNorm()),
        built(linear(), LayerNorm(), GELU, behind=(RMSNorm(), linear(3))),
        *(built(Residual((kind(epsilon), *BRANCH)), kind(epsilon)) for kind in (LayerNorm, RMSNorm) for epsilon in (0.0, 0.7)),
        built(linear(2), LayerNorm(0.1), TANH, linear(), times=1),
        built(linear(37), LayerNorm(), TANH, linear(), times=1),
    ]
    return with_engines(networks, (1, 4))


def of_batch_norm():
    """Over 3 and 5 inputs, and over two, where epsilon's part is all that is left of the gradient."""
    networks = [
        built(linear(), BatchNorm(), TANH, behind=(linear(3),)),
        built(Residual((linear(9), BatchNorm(), GELU, linear(), BatchNorm()), 0.8)),
        built(Residual((BatchNorm(0.3), *BRANCH)), BatchNorm(0.3), GELU, linear()),
        built(linear(37), BatchNorm(0.01), GELU, linear(), LayerNorm(), TANH, times=1),
    ]
    exact = [built(linear(), BatchNorm(0.0), TANH), built(Residual((BatchNorm(0.0), *BRANCH)))]
    return with_engines([*networks, *exact], (3, 5)) + with_engines([networks[2]], (2,)) + with_engines(networks[:1], (64,))


def of_dropout():
    networks = (
        built(linear(), GELU, Dropout(0.4), behind=(linear(3),)),
        built(Residual((linear(9), TANH, Dropout(0.2), linear(), Dropout(0.3))), Dropout(0.1), before=(Dropout(0.1),)),
        built(Residual((Dropout(0.75), linear(), TANH, Dropout(0.0), linear(37), GELU, Dropout(0.5), linear())), times=1),
    )
    return with_engines(networks, (1, 3, 4))


def of_families():
    """Every family with each of its norms, input and widths that need a projection, branches of one, two and three maps."""
    cases, schemes, shapes = [], cycle(ENGINES), cycle(({"width": [6, 6]}, {"width": [5, 8], "input_width": 4}))
    depths, drops, turns = cycle((1, 2, 3)), cycle((0.0, 0.25)), cycle((0, 1))
    for name, family in FAMILIES.items():
        for norm in family.norms:
            scheme, depth = next(schemes), max(family.least, next(depths))
            options = {"block_depth": depth} if family.least else {}
            of = mlp(
                block=name,
                norm=norm,
                activation="tanh",
                init=scheme,
                dropout=next(drops),
                bias="normal(0.3)",
                outputs=3,
                final_norm=next(turns) == 1,
                **({"residual_scale": "1/sqrt(depth)"} if family.scaled else {}),
                **options,
                **next(shapes),
            )
            engines = ENGINES[scheme]
            cases.append((of, {"inputs": 5 if of.has_batch_norm else 2, "engine": engines[len(cases) % len(engines)]}))
    return cases


def _check(name, claim, cases):
    return Check(
        f"replica: {name}",
        "identity",
        f"everything recorded, {claim}",
        "the same networks in float64",
        lambda scale, seed: compare(cases(), scale, seed),
    )


CHECKS = (
    _check("residual", "scales, projections, sums in sums, vectors read three times, 1 to 4 inputs", of_sums),
    _check("norms", "LayerNorm and RMSNorm before, in and behind branches, epsilon 0 to 0.7", of_norms),
    _check("batch norm", "2 to 64 inputs, before and behind", of_batch_norm),
    _check("dropout", "masks both ways, of activations, streams and inputs", of_dropout),
    _check("families", "every family and recipe, every norm", of_families),
)
