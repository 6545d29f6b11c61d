"""What notebooks show: of networks, curves, verdicts and pictures; and one that is executed."""

import base64
import io
import re
import sys
from html import escape, unescape

import pytest

import gradsim
from gradsim.curves import CurveSet

NETWORK = {"width": 4, "depth": 3, "activation": "tanh", "init": "he_normal"}


@pytest.fixture(scope="module")
def curves():
    return gradsim.simulate(gradsim.mlp(**NETWORK), 8)


def picture(html):
    """The bytes of the one picture of a page."""
    (content,) = re.findall(r'<img alt="gradient against layer" src="data:image/png;base64,([^"]+)">', html)
    return base64.b64decode(content)


@pytest.mark.parametrize("what", [lambda c: c, lambda c: CurveSet([c, c])], ids=["one", "several"])
def test_curves_are_a_table_and_a_picture(curves, what):
    from matplotlib.image import imread

    html = what(curves)._repr_html_()
    assert curves.verdict.word in html and "decades/100 layers" in html and "<script" not in html
    pixels = imread(io.BytesIO(picture(html)))
    assert pixels.shape[0] > 300 and pixels.std() > 0.05  # something is drawn


def test_of_many_networks_the_first_are_told(curves):
    html = CurveSet([curves] * 30)._repr_html_()
    assert unescape(html).count(curves.verdict.sentence) == 20 and "The first 20 of 30 networks" in html


def test_without_matplotlib_the_table_is_there(curves, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradsim.show.drawing", None)
    html = curves._repr_html_()
    assert curves.verdict.word in html and "no picture: plot needs matplotlib" in html


def test_a_verdict_is_its_word_and_sentence(curves):
    assert curves.verdict._repr_html_() == f"<p><b>{curves.verdict.word}</b>: {escape(curves.verdict.sentence)}</p>"


def test_a_network_is_its_parts():
    html = gradsim.mlp(**NETWORK, outputs=2)._repr_html_()
    assert "network of depth 3" in html and "<th>3 ×</th>" in html and "he_normal" in html and "readout" in html
    many = gradsim.mlp(width=list(range(3, 40)), depth=37)._repr_html_()
    assert "and 25 more kinds of blocks" in many and many.count("<tr>") == 14


def test_text_is_what_is_printed(curves):
    assert curves.table() == CurveSet([curves]).table() and curves.verdict.sentence in curves.table()


def test_a_notebook_shows_pictures_and_tables():
    """Executed as Jupyter does it: figures that nobody told to show themselves, curves as the last line of a cell."""
    nbformat, client = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    cells = [
        f"import gradsim\ncurves = gradsim.simulate(gradsim.mlp(**{NETWORK}), 8)\ncurves",
        "curves.plot()",
        "curves.verdict",
        "curves.network",
        "gradsim.CurveSet([curves]).plot(quantity='activation')",
        "curves.table()",
        "from gradsim import telling\ntelling.CALL_SECONDS = 0\ngradsim.simulate(curves.network, 3000).verdict",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    *told, last = book.cells.pop().outputs
    assert {part.name for part in told} == {"stderr"}
    assert "/3,000 networks" in told[-1].text and "text/html" in last.data
    outputs = [[output for output in cell.outputs if output.output_type != "stream"] for cell in book.cells]
    assert [len(found) for found in outputs] == [1] * len(cells[:-1])  # the table is not shown twice
    shown = [cell.outputs[-1].data for cell in book.cells]
    assert ["text/html" in data for data in shown] == [True, False, True, True, False, False]
    assert ["image/png" in data for data in shown] == [False, True, False, False, True, False]
    assert "decades/100 layers" in shown[0]["text/html"] and "gradients" in shown[-1]["text/plain"]
    assert picture(shown[0]["text/html"]).startswith(b"\x89PNG")
