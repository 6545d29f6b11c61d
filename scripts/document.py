"""Writes the generated tables of the documentation: python scripts/document.py (a test checks that they are current)."""

import json
import sys
from dataclasses import MISSING, fields
from pathlib import Path

from gradsim.model import libraries
from gradsim.model.activations import ACTIVATIONS
from gradsim.model.families import FAMILIES
from gradsim.model.initializers import INITIALIZERS
from gradsim.model.parts import PARTS
from gradsim.model.presets import presets
from gradsim.results.cells import DESCRIPTIONS
from gradsim.results.verdict import WORDS
from gradsim.statistics.quantities import VARIABLES
from gradsim.store.layout import DIMENSIONS

sys.path.insert(0, str(Path(__file__).parent))  # where a test loads it from its path
import api  # it lies beside this file

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = DOCS.parent / "bench" / "results"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def variables():
    def kind(v):
        return "int64, missing -1" if v.integer else "float64, missing NaN"

    def dims(v):
        return f"({', '.join(('cell', *v.placed_dims))})".replace(", place", "[, place]")

    rows = [(f"`{n}`", dims(v), kind(v), v.long_name) for n, v in VARIABLES.items()]
    return table(("variable", "dimensions", "type", "meaning"), rows)


def benchmark(name):
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def where(result):
    return f"{result['cores']} cores of {result['cpu']}, {result['rounds']} rounds, {result['date']}"


def contests(parts, form):
    """Rows of (which, program, a network, times gradsim's), slowest first."""
    for which, part in parts.items():
        ours = part["times"]["gradsim"]["median"]
        for program, t in sorted(part["times"].items(), key=lambda item: -item[1]["median"]):
            yield which, program, f"{t['median']:{form}} ms", f"{t['median'] / ours:.{2 if t['median'] < 100 * ours else 0}f}"


def dense():
    result = benchmark("dense")
    what = f"Width {result['width']}, depth {result['depth']}, {result['activation']}, one input; {where(result)}."
    return what + "\n\n" + table(("weights", "program", "a network", "times gradsim's"), contests(result["laws"], ".2f"))


def matrix_free():
    result = benchmark("matrix_free")
    what = f"Depth 100, tanh, one input; {where(result)}."
    return what + "\n\n" + table(("width", "program", "a network", "times gradsim's"), contests(result["peers"], ".4g"))


def bound():
    rows = [
        (name, f"{part['gradsim']['median']:.2f}", f"{part['normals']['median']:.2f}", f"{100 * part['of_bound']:.0f} %")
        for name, part in benchmark("matrix_free")["bound"].items()
    ]
    return table(("activation", "ns a unit, layer and core", "two normals alone", "of the bound"), rows)


def scaling():
    result = benchmark("matrix_free")
    times, exponents = result["scaling"], result["exponents"]
    rows = [
        ("depth, width 128: a network", *_sizes(times["depth"]), f"{exponents['depth']:.3f}"),
        ("width: a layer", *_sizes(times["width"]), f"{exponents['width']:.3f} from 512"),
        ("inputs, width 256: a layer", *_sizes(times["inputs"]), f"{exponents['inputs']:.2f} from 8"),
        ("the same, dense", *_sizes(times["inputs, dense"]), ""),
    ]
    chosen = [size for size, words in times["auto"].items() if words == "matrix-free"]
    return table(("what grows", "sizes", "us on all cores", "exponent"), rows) + (
        f"\n\n`auto` goes without the matrix up to {chosen[-1]} of these inputs at width 256. Haar over Gaussian: "
        + ", ".join(f"{ratio:.2f} at width {width}" for width, ratio in result["haar"].items())
        + f". 10,000 networks of 1,000 layers of width 256: {result['large']['seconds']:.1f} s"
        + f", {result['large']['megabytes']:.0f} MB."
    )


def _sizes(times):
    return ", ".join(times), ", ".join(f"{t / 1e3:.3g}" for t in times.values())


def families():
    rows = [
        (f"`{n}`", ", ".join(f.norms), "yes" if f.scaled else "", str(f.least) if f.least else "no branch", f.summary)
        for n, f in FAMILIES.items()
    ]
    return table(("block", "norms, the first unless given", "residual_scale", "block_depth from", "meaning"), rows)


def parts():
    return table(
        ("part", "meaning"),
        [(f"`{signature(kind)}`", " ".join(kind.__doc__.split("\n\n")[0].split())) for kind in PARTS.values()],
    )


def signature(kind):
    def text(field):
        return field.name if field.default is MISSING else f"{field.name}={field.default!r}"

    return f"{kind.__name__}({', '.join(text(field) for field in fields(kind) if field.name != 'digest')})"


def runnable():
    """A row a preset."""

    def runs(p):
        if p.waits_for:
            return f"waits for {p.waits_for}"
        return (
            "feed-forward branches" if p.feed_forward else ", ".join(f"`{name}={value}`" for name, value in p.options.items())
        )

    def epsilons(p):
        return ", ".join(f"{name} {epsilon:g}" for name, epsilon in p.norms.items())

    rows = [
        (f"`{p.name}`", p.source, p.meaning, runs(p), epsilons(p), "" if p.feed_forward else " ".join(p.remarks))
        for p in presets()
    ]
    return table(("preset", "version", "what it is", "runs with", "epsilons of norms", "remarks"), rows)


def laws():
    """A row a law."""
    rows = []
    for p in presets():
        for law in () if p.feed_forward else p.laws:
            fans = "" if law.fan_in == "1" else f"{law.fan_in}, {law.fan_out}"
            sizes = ", ".join(f"{name} {size:g}" for name, size in law.measured.items() if name != "std")
            measured = f"{law.measured['std']:g}" + (f" at {sizes}" if sizes else "") if law.measured else ""
            gain, summed = ("" if text == "1" else text for text in (law.gain, law.summed))
            where = law.source.removeprefix(f"{p.source}, ")
            rows.append((f"`{p.name}`", f"`{law.parameter}`", f"`{law.init}`", fans, summed, gain, law.bias, measured, where))
    return table(("preset", "parameter", "law", "fans counted", "summed", "gain", "biases", "std measured", "source"), rows)


def costs():
    cost = benchmark("dense")["activations"]
    rows = sorted(cost, key=cost.get)
    return table(
        ("activation", "ns a unit", "relative"), [(n, f"{cost[n]:.2f}", f"{cost[n] / cost['tanh']:.2f}") for n in rows]
    )


def blocks():
    result = benchmark("blocks")
    rows = [
        (row["program"], f"{row['networks']:,}", f"{row['blocks']:,}", f"{1e3 * row['median']:.3g} us")
        for row in sorted(result["ms"], key=lambda row: -row["median"])
    ]
    ratios = result["ratios"]
    peers = "; ".join(
        f"{family} {result['extrapolated'][family]:,.0f} s, {ratio:.0f} times as long" for family, ratio in ratios.items()
    )
    return (
        f"Width {result['width']}, {result['activation']}, one input; {where(result)}.\n\n"
        + table(("program", "networks", "blocks", "a network and block"), rows)
        + f"\n\n{result['networks']:,} networks of {result['depth']:,} blocks: {result['seconds']:.1f} s, "
        f"{result['megabytes']:.0f} MB in a process of its own; {peers}."
    )


def steps():
    """A row a step and width; ratios to tanh and to relu by the number of inputs."""
    result = benchmark("steps")
    sizes = {tuple(map(int, size.split(" x "))): found for size, found in result["sizes"].items()}
    widths, inputs = (sorted({size[k] for size in sizes}) for k in (0, 1))
    names = dict.fromkeys(name for found in sizes.values() for name in found)

    def cell(name, width, b):
        found = sizes.get((width, b), {}).get(name)
        if found is None:
            return ""
        ratios = ", ".join(f"{found[f'over {other}']['median']:.2f}" for other in ("tanh", "relu"))
        return f"{found['ns']['median']:.2f} ({found['passes']:.2f}); {ratios}"

    rows = [(name, str(width), *(cell(name, width, b) for b in inputs)) for name in names for width in widths]
    head = ("step", "width", *("1 input" if b == 1 else f"{b} inputs" for b in inputs))
    return f"{where(result)}.\n\n" + table(head, [row for row in rows if any(row[2:])])


def observe():
    result = benchmark("observe")
    rows = [
        (
            name,
            *(f"{found[who]['median']:.1f} ms" for who in ("observe", "hooks", "bare")),
            f"{found['ratio']['median']:.2f} ({found['ratio']['low']:.2f} to {found['ratio']['high']:.2f})",
        )
        for name, found in result["models"].items()
    ]
    head = ("model", "observe", "the same hooks", "no hooks", "observe over the same hooks")
    return f"{where(result)}; CPU time of a model, on one thread.\n\n" + table(head, rows)


def before():
    result = benchmark("before")
    rows = [
        (
            name,
            f"{found['before']['median']:.0f} ms",
            f"{found['now']['median']:.0f} ms",
            f"{found['ratio']['median']:.3f} ({found['ratio']['low']:.3f} to {found['ratio']['high']:.3f})",
            "equal" if found["same_bits"] else "differ",
        )
        for name, found in result["cells"].items()
    ]
    first = ", ".join(f"{name} {taken['seconds']['median']:.1f} s" for name, taken in result["compilation"].items())
    return (
        f"{where(result)} in each of {result['restarts']} pairs of processes.\n\n"
        + table(("network", "before", "now", "now / before, quartiles", "bits"), rows)
        + f"\n\nThe first run of all, compilation included: {first}."
    )


def sweep():
    result = benchmark("sweep")
    rows = [
        (words, f"{found['median']:{form}}", f"{found['low']:{form}} to {found['high']:{form}}", f"{sign} {bound:{form}}")
        for name, (words, sign, bound, form) in result["asked"].items()
        for found in [result["figures"][name]]
    ]
    middle = {name: found["median"] for name, found in result["figures"].items()}
    return (
        f"{where(result)}.\n\n"
        + table(("", "median", "quartiles", "asked"), rows)
        + f"\n\n{result['cells']:,} cells in {middle['seconds']:.1f} s, {middle['bare']:.1f} s bare; as many small ones in "
        f"{middle['small_seconds']:.1f} s. In turns, whose pace differs: {middle['ratio_of_turns']:.2f} of one process that "
        f"simulates alone, {middle['ratio_of_turns_at_once']:.2f} of one a core."
    )


def measured(make, name, key):
    """`make`, or which program has yet to be run: its results are not there, or not with this key."""

    def text():
        path = RESULTS / f"{name}.json"
        known = path.exists() and key in benchmark(name)
        return make() if known else f"Not measured since the program changed: `python -m bench.{name}`."

    return text


def train():
    result = benchmark("train")
    what = f"Of one core of {result['cpu']}, {result['rounds']} rounds, {result['date']}."
    ours = result["times"]["gradsim"]["median"]
    rows = [
        (program, f"{t['median']:.0f} µs", f"{t['median'] / ours:.1f}")
        for program, t in sorted(result["times"].items(), key=lambda item: -item[1]["median"])
    ]
    return what + "\n\n" + table(("program", "an update of a network", "times gradsim's"), rows)


TABLES = {
    "api": api.page,
    "blocks": measured(blocks, "blocks", "ratios"),
    "steps": measured(steps, "steps", "sizes"),
    "train": measured(train, "train", "times"),
    "observe": measured(observe, "observe", "models"),
    "sweep": measured(sweep, "sweep", "figures"),
    "before": measured(before, "before", "compilation"),
    "dense": dense,
    "costs": costs,
    "families": families,
    "parts": parts,
    "presets": runnable,
    "laws": laws,
    "matrix_free": matrix_free,
    "bound": bound,
    "scaling": scaling,
    "dimensions": lambda: table(("dimension", "meaning"), [(f"`{n}`", m) for n, m in DIMENSIONS.items()]),
    "cells": lambda: table(
        ("variable", "type", "meaning"), [(f"`{n}`", d.kind.__name__, d.long_name) for n, d in DESCRIPTIONS.items()]
    ),
    "variables": variables,
    "words": lambda: table(("word", "meaning"), [(f"`{n}`", m) for n, m in WORDS.items()]),
    "activations": lambda: table(
        ("name", "aliases", "meaning"), [(f"`{a.name}`", ", ".join(a.aliases), a.summary) for a in ACTIVATIONS]
    ),
    "initializers": lambda: table(
        ("name", "aliases", "meaning"),
        [(f"`{i.form}`", ", ".join(i.aliases), i.summary) for i in INITIALIZERS],
    ),
    "libraries": lambda: table(
        ("name", "the same", "what it is here"),
        [
            (f"`{name}`", ", ".join(others), meaning)
            for names in (libraries.INITIALIZERS, libraries.ACTIVATIONS)
            for name, others, meaning in libraries.rows(names)
        ],
    ),
}


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
