"""The table at any width, and its words."""

import io
import itertools
import math
from dataclasses import replace

import pytest
from rich.console import Console

import gradsim
from gradsim.cli.terminal import PLAIN
from gradsim.curves import CurveSet
from gradsim.results.cells import describe, varying
from gradsim.show import table as report


@pytest.fixture(scope="module")
def curve_set():
    options = [
        {"activation": "linear", "init": "normal(0,1)"},
        {
            "activation": "leaky_relu(0.05)",
            "init": "corrected_truncated_normal(0,0.125)",
            "weight_gain": 1e-9,
            "bias_std": 0.25,
        },
        {"activation": "tanh", "init": "zeros"},
    ]
    return CurveSet([gradsim.simulate(gradsim.mlp(width=32, depth=120, **o), 20) for o in options])


def printed(curve_set, columns):
    out = io.StringIO()
    console = Console(file=out, width=columns)
    parts = report._tables(curve_set, console)
    for part in parts:
        console.print(part)
    return (len(parts) + 1) // 2, out.getvalue()


@pytest.mark.parametrize("columns, tables", [(60, 2), (80, 2), (report.WIDTH, 2), (200, 1)])
def test_the_table_fits_and_keeps_every_figure(curve_set, columns, tables):
    count, text = printed(curve_set, columns)
    assert count == tables and max(map(len, text.splitlines())) <= columns and "…" not in text
    for curves in curve_set:
        assert curves.verdict.word in text
        for kinds in curves.verdict.exits.values():
            assert all(f"{exit.layer}" in text for exit in kinds.values() if exit is not None)


def test_one_network_takes_few_lines(curve_set):
    for columns, tables, lines in ((80, 2, 3 + 1 + 4), (report.WIDTH, 1, 3)):
        count, text = printed(CurveSet([curve_set[0]]), columns)
        assert count == tables and len(text.splitlines()) == lines


def test_cells_of_the_table():
    exit = gradsim.results.exits.Exit
    for kinds, words in (
        ({}, "?"),
        ({"forward": None}, "–"),
        ({"forward": None, "forward_norm": None}, "–"),
        ({"forward": exit(32, "overflow")}, "↑32"),
        ({"forward": exit(32, "overflow"), "forward_norm": exit(16, "overflow")}, "↑32 (16)"),
        ({"forward": None, "forward_norm": exit(16, "underflow")}, "– (↓16)"),
        ({"forward": exit(0, "overflow"), "forward_norm": exit(0, "overflow")}, "↑0"),
        ({"forward": exit(9, "underflow"), "forward_norm": exit(3, "overflow")}, "↓9 (↑3)"),
    ):
        assert report._exit(kinds, "forward") == words


def test_every_character_has_a_plain_one():
    """In all that is printed: a terminal of any encoding can show what the mapping makes of it."""
    from pathlib import Path

    sources = [Path(report.__file__), *(Path(report.__file__).parent / "theory").glob("*report.py")]
    used = {c for path in sources for c in path.read_text(encoding="utf-8") if not c.isascii()}
    assert used <= PLAIN.keys() and all(plain.isascii() for plain in PLAIN.values())


def test_how_the_pace_of_old_and_new_files_reads(curve_set):
    lines = list(report.sentences(curve_set))
    assert lines[0].startswith("linear, normal(0,1)") and "gradients grow by 5.6x a layer" in lines[0]
    assert "underflow" not in lines[2] and "exactly zero" in lines[2]
    few = replace(
        curve_set[0],
        quantiles=curve_set[0].quantiles[[3]],
        variables={
            name: array[..., [3]] if name.endswith("_log_quantile") else array for name, array in curve_set[0].variables.items()
        },
    )
    assert few.verdict.word == "exploding" and "middle 90 %" not in few.verdict.sentence


def test_the_figures_of_the_table_are_those_of_the_verdict(curve_set):
    """Word, decades per 100 layers and spread, in the row of their network."""
    for curves in curve_set:
        word, rate, spread = report.verdict_entries(curves)
        verdict = curves.verdict
        assert word.plain == verdict.word
        for text, value in ((rate, verdict.decades_per_100_layers), (spread, verdict.spread_decades)):
            if math.isfinite(value):
                assert float(text) == pytest.approx(value, rel=0.06, abs=1e-9)
        assert abs(verdict.decades - verdict.decades_per_100_layers) > 1 or curves.verdict.word == "zero"


def test_remarks(curve_set):
    """The first layer at which any network's inputs merge; engines by how many networks have them."""
    base = gradsim.simulate(gradsim.mlp(width=4, depth=9), 5, inputs=2)

    def merged(layer):
        counts = base["correlation_nonfinite_count"].copy()
        counts[layer:] += 1
        return replace(base, variables={**base.variables, "log_one_minus_correlation_nonfinite_count": counts})

    for layers, first in (((7, 4, 6), 4), ((3,), 3), ((5, 9), 5)):
        (line,) = [line for line in report.remarks(CurveSet([merged(k) for k in layers])) if "correlation" in line]
        assert line.startswith(f"correlation: from layer {first} on")
    assert not [line for line in report.remarks(CurveSet([merged(99)])) if "correlation" in line]


BIASES = (
    {},
    {"bias_std": 0.1},
    {"bias_std": 0.2},
    {"bias": "constant(1)"},
    {"bias": "uniform(-1,1)"},
    {"init": "torch_default"},
)


@pytest.mark.parametrize("chosen", [c for n in (2, 3) for c in itertools.combinations(range(len(BIASES)), n)])
def test_networks_that_differ_are_told_apart(chosen):
    """By the columns of the table, whatever their biases."""
    networks = [gradsim.mlp(width=4, depth=2, **BIASES[k]) for k in chosen]
    base = gradsim.simulate(networks[0], 2)
    curve_set = CurveSet([replace(base, network=network) for network in networks])
    names = varying(curve_set)
    rows = [tuple(describe(curves)[name] for name in names) for curves in curve_set]
    assert names and len(set(rows)) == len(rows)
