"""What notebooks show of curves: the table of verdicts as the terminal has it, and a picture."""

import base64
import html
import io

from rich.console import Console

from ..errors import RequestError
from .picture import figure
from .table import WIDTH, printed

# Columns stay below each other, and a narrow page scrolls
LINES = '<pre style="line-height: 1.25; white-space: pre; overflow-x: auto">{code}</pre>'
MOST = 20  # networks in the table


def card(curve_set):
    """HTML, without scripts and without a network: the first MOST networks' verdicts, and the picture of the gradient."""
    # In a notebook rich would show what is printed by itself, and leave nothing to be recorded
    kept = {"file": io.StringIO(), "record": True, "force_jupyter": False}
    console = Console(width=WIDTH, highlight=False, soft_wrap=True, **kept)
    printed(console, curve_set, MOST)
    return f"<div>{console.export_html(inline_styles=True, code_format=LINES)}{_picture(curve_set)}</div>"


def _picture(curve_set):
    try:
        content = figure(curve_set)._repr_png_()
    except RequestError as error:  # no matplotlib, or nothing of it was kept: the table is there
        return f"<p>no picture: {html.escape(str(error))}</p>"
    return f'<img alt="gradient against layer" src="data:image/png;base64,{base64.b64encode(content).decode()}">'
