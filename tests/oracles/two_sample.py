"""Do the engines have the law of networks with explicit matrices? Two-sample tests over a grid of small networks.

Null law: both samples are independent draws of the same law; each statistic below then has a Kolmogorov-Smirnov p-value
that is at least uniform (conservative where the statistic has atoms). A grid raises a false alarm with probability at
most FALSE_ALARMS: each p-value is held against that divided by their number (Bonferroni).

From the command line: python -m tests.oracles.two_sample REPLICAS ENGINE,... [TEXT ...]: the cells whose names contain
each TEXT.
"""

import itertools
import sys
from dataclasses import dataclass
from functools import partial
from zlib import crc32

import numpy as np
from scipy.stats import ks_2samp

from gradsim.model.network import mlp
from gradsim.model.streams import stream_key
from gradsim.program.program import lower

from .explicit import PHI, Explicit
from .tapes import Tapes

FALSE_ALARMS = 1e-4
SHAPES = [(n, (n, n, n)) for n in (1, 2, 3, 8, 33)] + [(5, (9, 5, 9)), (9, (5, 9, 5))]
LOSSES = [("probe", "independent"), ("mse", "independent"), ("cross_entropy", "independent"), ("probe", "shared")]
ENGINES = ("matrix_free", "dense")
GRAIN = 1e-4  # statistics are rounded to this part of the median of what they are sums of: what is zero or saturated in exact
# arithmetic is one value then, where float32 and float64 leave different rests


@dataclass(frozen=True)
class Cell:
    network: object
    inputs: int
    loss: str
    probe: str

    def explicit(self, replicas, seed):
        """As many networks with explicit matrices."""
        return Explicit(self.network, replicas, self.inputs, self.loss, self.probe, seed)

    def features(self, found):
        """{statistic: (a number of each network, what it is small or large beside)}."""
        return {name: (values, abs(values)) for name, values in features(found).items()}

    @property
    def name(self):
        n = self.network
        parts = (n.init, n.activation, f"{n.input_width}-{'-'.join(map(str, n.linear_widths))}", f"{self.inputs} inputs")
        return " ".join((*parts, f"bias {n.bias_std:g}", self.loss, self.probe))


def grid():
    """Every shape with every number of inputs and activation; laws, biases and losses take turns."""
    cells = []
    combinations = itertools.product(SHAPES, (1, 2, 3), PHI)
    for k, ((width, widths), inputs, activation) in enumerate(combinations):
        for kind, init in enumerate((f"normal({0.3 * (k % 2)!r},{1.2 / width**0.5!r})", "orthogonal(1.3)")):
            loss, probe = LOSSES[(k + kind) % 4]
            network = mlp(
                width=list(widths),
                input_width=width,
                activation=activation,
                init=init,
                bias_std=0.5 * (k // 2 % 2),
                outputs=3 if loss == "cross_entropy" else None,
            )
            cells.append(Cell(network, inputs, loss, probe))
    return cells


def features(found):
    """Statistics of one network each, on norms, overlaps, products of both ways, and single components."""
    x, d = found.values, found.deltas
    last, middle, h = len(x) - 1, len(x) // 2 // 2 * 2, len(x) // 2 // 2 * 2 + 1

    def square(v):
        return np.sum(v * v, axis=(1, 2))

    result = {
        "forward norm": square(x[last]),
        "gradient norm": square(d[1]),
        "input gradient norm": square(d[0]),
        "forward norm x gradient norm": square(x[last]) * square(d[1]),
        "norm before a layer x gradient norm before it": square(x[middle]) * square(d[middle]),
        "overlap x . delta": np.sum(x[middle] * d[middle], axis=(1, 2)),
        "overlap h . delta": np.sum(x[h] * d[h], axis=(1, 2)),
        "overlap of the input with its gradient": np.sum(x[0] * d[0], axis=(1, 2)),
        "weight gradient norm": np.sum(np.einsum("rbi,rbj->rij", d[h], x[middle]) ** 2, axis=(1, 2)),
        "a component of h": x[h][:, 0, 0],
        "a component of delta": d[middle][:, -1, -1],
        "components both ways": x[h][:, 0, -1] * d[middle][:, 0, 0],
        "two components of h": x[h][:, 0, 0] * x[h][:, 0, -1],
    }
    if x[0].shape[1] > 1:
        result["overlap of inputs"] = np.sum(x[h][:, 0] * x[h][:, 1], axis=1)
        result["overlap of gradients"] = np.sum(d[middle][:, 0] * d[middle][:, 1], axis=1)
        result["overlap of gradients at the input"] = np.sum(d[0][:, 0] * d[0][:, 1], axis=1)
        result["overlap of an input with another's gradient"] = np.sum(x[middle][:, 0] * d[middle][:, 1], axis=1)
    return result


def p_values(cell, replicas, seed=0, engines=ENGINES):
    """{(engine, statistic): p-value} against as many networks with explicit matrices."""
    explicit = cell.features(cell.explicit(replicas, [seed, crc32(cell.name.encode())]))
    result = {}
    for engine in engines:
        program = lower(cell.network, cell.inputs, loss=cell.loss, probe=cell.probe, engine=engine)
        found = cell.features(Tapes(program, stream_key(seed, f"{engine} {cell.name}"), replicas))
        for name, (sample, _) in found.items():
            other, size = explicit[name]
            grain = GRAIN * np.median(size) or 1.0
            result[engine, name] = ks_2samp(*(np.rint(v / grain) for v in (sample, other)), method="asymp").pvalue
    return result


def compare(cells, replicas, seed=0, each=map, engines=ENGINES):
    """(smallest p-value times how many there are, what it is of, how many): below FALSE_ALARMS they differ.

    `each` applies a function to each of the cells, as `map` does.
    """
    results = each(partial(p_values, replicas=replicas, seed=seed, engines=engines), cells)
    found = [
        (p, f"{cell.name}: {' '.join(key)}") for cell, result in zip(cells, results, strict=True) for key, p in result.items()
    ]
    least, what = min(found)
    return least * len(found), what, len(found)


def main(cells):
    """The command line, REPLICAS ENGINE,... TEXT...: exits with 1 if cells with all these texts in their names differ."""
    replicas, engines, *texts = sys.argv[1:]
    chosen = [cell for cell in cells if all(text in cell.name for text in texts)]
    worst, what, count = compare(chosen, int(replicas), engines=engines.split(","))
    print(f"{count} p-values, the smallest times their number {worst:.3g} ({what})")
    sys.exit(int(worst < FALSE_ALARMS))


if __name__ == "__main__":
    main(grid())
