"""Writes the generated tables of the documentation: python scripts/document.py (a test checks that they are current)."""

import json
from pathlib import Path

from gradsim.activations import ACTIVATIONS
from gradsim.cells import DESCRIPTIONS
from gradsim.initializers import INITIALIZERS
from gradsim.quantities import VARIABLES
from gradsim.store.dataset import DIMENSIONS

DOCS = Path(__file__).parents[1] / "docs"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def variables():
    def kind(v):
        return "int64, missing -1" if v.integer else "float64, missing NaN"

    rows = [
        (f"`{n}`", f"({', '.join(('cell', *v.dims))})", kind(v), v.long_name) for n, v in VARIABLES.items()
    ]
    return table(("variable", "dimensions", "type", "meaning"), rows)


def benchmark(name):
    return json.loads((DOCS.parent / "bench" / "results" / f"{name}.json").read_text(encoding="utf-8"))


def dense():
    result = benchmark("dense")
    rows = []
    for law, part in result["laws"].items():
        ours = part["times"]["gradsim"]["median"]
        for program, t in sorted(part["times"].items(), key=lambda item: -item[1]["median"]):
            rows.append((law, program, f"{t['median']:.2f} ms", f"{t['median'] / ours:.2f}"))
    where = f"{result['cores']} cores of {result['cpu']}, {result['rounds']} rounds, {result['date']}"
    what = f"Width {result['width']}, depth {result['depth']}, {result['activation']}, one input; {where}."
    return what + "\n\n" + table(("weights", "program", "a network", "times gradsim's"), rows)


def costs():
    cost = benchmark("dense")["activations"]
    rows = sorted(cost, key=cost.get)
    return table(("activation", "ns a unit", "relative"), [(n, f"{cost[n]:.2f}", f"{cost[n] / cost['tanh']:.2f}") for n in rows])


TABLES = {
    "dense": dense,
    "costs": costs,
    "dimensions": lambda: table(("dimension", "meaning"), [(f"`{n}`", m) for n, m in DIMENSIONS.items()]),
    "cells": lambda: table(
        ("variable", "type", "meaning"), [(f"`{n}`", d.kind.__name__, d.long_name) for n, d in DESCRIPTIONS.items()]
    ),
    "variables": variables,
    "activations": lambda: table(
        ("name", "aliases", "meaning"), [(f"`{a.name}`", ", ".join(a.aliases), a.summary) for a in ACTIVATIONS]
    ),
    "initializers": lambda: table(
        ("name", "aliases", "meaning"),
        [(f"`{i.form}`", ", ".join(i.aliases), i.summary) for i in INITIALIZERS],
    ),
}  # fmt: skip


def documented(text):
    """`text` with everything between `<!-- table NAME -->` and `<!-- end -->` made anew."""
    parts = text.split("<!-- table ")
    for k, part in enumerate(parts[1:], start=1):
        name, rest = part.split(" -->", 1)
        after = rest.split("<!-- end -->", 1)[1]
        parts[k] = f"{name} -->\n{TABLES[name]()}\n<!-- end -->{after}"
    return "<!-- table ".join(parts)


if __name__ == "__main__":
    for path in sorted(DOCS.glob("*.md")):
        path.write_text(documented(path.read_text(encoding="utf-8")), encoding="utf-8")
