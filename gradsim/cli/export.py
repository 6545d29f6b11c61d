"""gradsim export: the curves of a file as tables for other programs."""

from pathlib import Path

import click

from ..errors import RequestError, in_place_of
from .command import Command, FileName, Named, Text, quantities
from .options import select_option

FORMATS = ("csv", "parquet", "netcdf", "json")  # those of `export.formats`, which loads NumPy; a test compares


@click.command("export", cls=Command)
@click.argument("file", type=FileName())
@click.option("--to", required=True, type=Named(FORMATS, option="--to"), help="What to write.")
@click.option(
    "--out", "-o", type=FileName(), metavar="PATH", help="The table.  [default: FILE with .csv, .parquet, .nc or .json]"
)
@click.option(
    "--quantity",
    multiple=True,
    type=Text(quantities),
    metavar="NAME",
    help="Only this one, e.g. gradient; may be given again.  [default: all]",
)
@click.option("--histograms", is_flag=True, help="A table of the histograms too, of units that were counted.")
@select_option
@click.option("--overwrite", is_flag=True, help="Replace existing tables.")
def command(file, to, out, quantity, histograms, select, overwrite):
    """Write the curves of FILE as tables: a row a network and layer, and beside it a row a network with its verdict.

    Columns have the names of docs/format.md. CSV and Parquet are two files, PATH and PATH with .cells before its ending, or
    three, with --histograms.
    """
    import gradsim

    from ..export.formats import SUFFIXES, export
    from ..results.select import parsed
    from ..results.select import select as chosen
    from ..store.files import same_file
    from .terminal import printable

    curve_set = gradsim.open(file)
    curve_set = chosen(curve_set, parsed(select), "--select")
    out = out or Path(file).with_suffix(SUFFIXES[to])
    if same_file(out, file):
        raise RequestError(f"--out: {str(out)!r} is a file that is read; give another name")
    with in_place_of("path", "--out"), in_place_of("quantities", "--quantity"), in_place_of("histograms", "--histograms"):
        written = export(curve_set, to, out, quantity or None, overwrite, histograms)
    click.echo(f"written: {', '.join(printable(path) for path in written)}")
