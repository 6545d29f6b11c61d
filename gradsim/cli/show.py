"""gradsim show: the verdicts of a file, or its layers, as text or for other programs."""

import click

from ..errors import RequestError
from .command import Command, FileName, Named, Text, quantities
from .options import select_option
from .verdicts import fail_on_option, judged

UNITS = ("rms", "decades")


@click.command("show", cls=Command)
@click.argument("file", type=FileName())
@click.option("--layers", is_flag=True, help="Say how large signals and gradients are, layer by layer.")
@click.option(
    "--quantity",
    multiple=True,
    type=Text(quantities),
    metavar="NAME",
    help="With --layers: only this one, e.g. stream; may be given again.",
)
@click.option(
    "--as", "unit", type=Named(UNITS, option="--as"), help="With --layers: plain numbers, or their log10.  [default: rms]"
)
@select_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV: a row a network, or with --layers a row a layer of each.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: cells, and with --layers their layers.")
@fail_on_option
@click.pass_obj
def command(files, file, layers, quantity, unit, select, as_csv, as_json, fail_on):
    """Print the verdicts of FILE, or with --layers the sizes along its networks.

    Sizes are root mean squares of the median network, with the spread between networks. See docs/format.md for the columns
    of CSV and JSON.
    """
    import gradsim

    from ..results.along import sizes
    from ..results.select import parsed
    from ..results.select import select as chosen

    if as_csv and as_json:
        raise RequestError("--json: goes without --csv: one of them is printed")
    for option, given in (("--quantity", quantity), ("--as", unit)):
        if given and not layers:
            raise RequestError(f"{option}: goes with --layers")
    curve_set = chosen(gradsim.open(file), parsed(select), "--select")
    shown = (sizes(curve_set, quantity), unit or UNITS[0]) if layers else None
    with files.trying():
        if as_csv or as_json:
            for text in _texts(curve_set, shown, as_json):
                click.echo(text, nl=False)
        elif layers:
            from ..show.layer_table import show

            show(curve_set, *shown)
        else:
            from ..show.table import show

            show(curve_set)
    return judged(curve_set, fail_on)


def _texts(curve_set, shown, as_json):
    """Pieces of JSON or CSV; `shown` is (quantities, unit) of the layers, or None."""
    from ..export.formats import csv_texts, json_texts
    from ..export.printed import layer_blocks, verdict_blocks

    layers = {} if shown is None else {"layers": layer_blocks(curve_set, *shown)}
    if as_json:
        return json_texts(curve_set, cells=verdict_blocks(curve_set), **layers)
    return csv_texts(layers.get("layers") or verdict_blocks(curve_set))
