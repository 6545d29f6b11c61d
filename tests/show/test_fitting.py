"""Tables and words on narrow terminals: all figures are there, and no line is longer than the terminal is wide."""

import io
from itertools import pairwise

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradsim import CurveSet, mlp, simulate
from gradsim.advice import summary_report
from gradsim.advice.summary import summary
from gradsim.show import comparison, layer_table, table
from gradsim.show.fitting import lay, pieces

SIZES = ["stream", "gradient", "activation", "stream_gradient", "preactivation"]
STREAM = {"block": "pre_norm", "block_depth": 2}


@pytest.fixture
def narrow(monkeypatch):
    """narrow(columns): a file to which is printed as to a terminal so wide."""

    def made(columns):
        file = io.StringIO()

        def wide(file):
            return Console(file=file, width=columns, highlight=False, soft_wrap=True)

        for room in (table, layer_table, comparison, summary_report):
            monkeypatch.setattr(room, "wide", wide)
        return file

    return made


def curves(**options):
    return simulate(mlp(**{"width": 8, "depth": 6, "activation": "tanh", "init": "he_normal"} | options), 6)


PRINTED = {
    "verdicts": lambda file: table.show(CurveSet([curves(weight_gain=gain) for gain in (1.0, 1 / 3)]), file),
    "layers": lambda file: layer_table.show(
        CurveSet([curves(**STREAM)]), ["stream", "gradient", "activation"] * 2, "rms", file
    ),
    "theory beside them": lambda file: comparison.show(CurveSet([curves(bias_std=b) for b in (0, 1)]).with_theory(), file),
    "exits": lambda file: comparison.show(CurveSet([curves()]).with_theory(), file),
    "theory": lambda file: summary_report.show(summary(mlp(width=8, depth=6)), file),
    "theory of blocks": lambda file: summary_report.show(summary(mlp(width=8, depth=6, **STREAM), seconds=0), file),
}


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("columns", [80, 60])
def test_nothing_is_cut(name, columns, narrow):
    PRINTED[name](file := narrow(columns))
    text = file.getvalue()
    assert text and "…" not in text and "..." not in text
    assert max(map(len, text.splitlines())) <= columns


@pytest.mark.parametrize("name", ["theory", "layers"])
def test_every_figure_of_a_wide_terminal_is_there(name, narrow):
    texts = []
    for columns in (80, 200):
        PRINTED[name](file := narrow(columns))
        texts.append(set(file.getvalue().split()))
    assert texts[1] <= texts[0] and len(texts[0]) > 50


def printed(part, columns, **more):
    console = Console(file=io.StringIO(), width=columns)
    lay(console, part, **more)
    return console.file.getvalue()


def test_pieces_repeat_the_keys_and_keep_a_spread_with_its_number():
    one = Table(title="Four", box=None, pad_edge=False)
    for head in ("layer", "size", "±", "largest", "±"):
        one.add_column(head)
    one.add_row("1", "2.00000", "3", "4.00000", "5")
    console = Console(file=io.StringIO(), width=27)  # room for all but the last
    found = pieces(console, one)
    assert [[str(column.header) for column in part.columns] for part in found] == [
        ["layer", "size", "±"],
        ["layer", "largest", "±"],
    ]
    assert [part.title for part in found] == ["Four", None] and len(one.columns) == 5 and one.title == "Four"
    cells = [cell for part in found for column in part.columns for cell in column.cells]
    assert cells == ["1", "2.00000", "3", "1", "4.00000", "5"]
    assert pieces(Console(width=60), one) == [one] and len(pieces(console, one, keys=5)) == 1


def test_words_end_their_lines_between_words():
    note = Text("one two three\nfour five", "dim")
    assert printed(note, 200) == "one two three\nfour five\n"
    lines = printed(Text("\n") + note, 12).splitlines()
    assert lines[0] == "" and [line.rstrip() for line in lines[1:]] == ["one two", "three four", "five"]
    assert all(len(a) <= 12 for a, _ in pairwise(lines))
    assert printed("[1] is no markup", 30) == "[1] is no markup\n"
