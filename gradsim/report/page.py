"""The page of a set of curves: one file, with all that it shows and the library that draws it."""

import base64
import hashlib
import html
import json
import re
from importlib.resources import files

from ..errors import RequestError, shown
from ..results.along import OF_STREAMS, USUAL
from ..results.columns import Columns
from ..results.verdict import BAND
from ..show.style import COLOURS
from ..store.files import Kind, check_output, file_name, write_whole
from ..version import __version__
from .contents import Said, axes, common, limits, menu, start
from .lines import Lines, drawn
from .spreads import Spreads

START = b'<!DOCTYPE html>\n<html lang="en" data-made-by="gradsim"'
PAGE = Kind("a page of gradsim", lambda content: content[: len(START)] == START)
SCRIPTS = ("histograms.js", "page.js")
PARTS = ("page.html", "page.css", *SCRIPTS)
SUFFIXES = (".html", ".htm")
LARGEST = 9_900_000  # bytes of a page
MOST_CELLS = 5000  # networks: a table of more would be slow to scroll


def check_page(option, path, overwrite=False):
    """Like `check_output`, for a page: also that the library is there, and the name one that a browser opens."""
    _library()
    path = file_name(option, path)
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{option}: {str(path)!r} should end in .html")
    return check_output(option, path, overwrite, PAGE)


def save(curve_set, path, overwrite=False, title=None, **view):
    """Write the page whole or not at all; `view` as `page` has it."""
    path = check_page("path", path, overwrite)
    if not isinstance(title, str | None):
        raise RequestError(f"--title: {shown(title)} is no text")
    write_whole("path", path, page(curve_set, title or path.stem, **view), overwrite, PAGE)


def page(curve_set, title, quantity=None, theory=True, option="report", told=None):
    """The bytes of the page of a CurveSet.

    `quantity` is a name or several, or None for all that lie along the layers; `theory`: whether it has what theory says, which
    is computed where curves lack it. told(networks) is called after each one. Raises RequestError about `option`.
    """
    found = contents(curve_set, title, quantity, theory, option, told)
    scripts = [_library(), "".join(map(_part, SCRIPTS))]
    parts = {
        "title": html.escape(title),
        "policy": _policy(scripts),
        "style": _part("page.css"),
        "data": _json(found),
        "library": scripts[0],
        "script": scripts[1],
    }
    text = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _part("page.html"))
    return text.encode("utf-8", "replace")


def contents(curve_set, title, quantity=None, theory=True, option="report", told=None):
    """All that a page shows, as a dict that JSON holds; the arguments are those of `page`."""
    names, count = drawn("--quantity", quantity), len(curve_set)
    if count > MOST_CELLS:
        raise RequestError(f"{option}: {count:,} networks are more than the {MOST_CELLS:,} of a page; choose with --select")
    lacking = {*BAND, 0.5} - set(curve_set[0].quantiles.tolist())
    if lacking:
        raise RequestError(f"{option}: the quantiles {sorted(lacking)} were not kept")
    columns, said, layers = Columns.of(curve_set), Said(), []
    lines, spreads = Lines(count, names, theory), Spreads(names)
    for number, curves in enumerate(curve_set, 1):
        curves = _with_theory(curves.whole(option)) if theory else curves.whole(option)
        lines.add(curves)
        spreads.add(curves)
        said.add(curves, theory)
        layers.append(len(curves.layers))
        if told:
            told(number)
    words = {
        "title": title,
        "version": __version__,
        "axes": axes(columns),
        "common": common(columns),
        "limits": limits(),
        "colours": COLOURS,
        "theory": theory,
        "layers": layers,
        **said.found(),
    }
    room = LARGEST - len(_library()) - len(_json(words | {"menu": menu(names, True)})) - sum(len(_part(name)) for name in PARTS)
    words["spreads"] = spreads.packed(room // 3)
    room -= len(_json(words["spreads"]))
    packed = lines.packed(option, room, USUAL + OF_STREAMS if quantity is None else ())
    if not packed["quantities"]:
        raise RequestError(f"--quantity: none of these networks has {' or '.join(names)}")
    entries = menu([quantity["name"] for quantity in packed["quantities"]], said.mixed)
    return words | {"menu": entries, "start": start(entries), "lines": packed}


def _json(found):
    """JSON in an element of HTML, which < could end: it stands in texts alone."""
    return json.dumps(found, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _with_theory(curves):
    """The curves with theory where it says something: a function that this process does not know has none."""
    try:
        return curves.with_theory()
    except RequestError:
        return curves


def _library():
    """The JavaScript that draws. Raises RequestError where it is not installed."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise RequestError("report needs plotly: pip install 'gradsim[report]'") from None
    return get_plotlyjs().replace("\r\n", "\n").replace("\r", "\n")  # as browsers read it before they hash it


def _part(name):
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(scripts):
    """What a browser lets the page do: run these scripts and no others, and load nothing from anywhere."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"
