"""gradsim report: a page of a file."""

from pathlib import Path

import click

from .command import Command, FileName, Text, quantities
from .options import select_option


@click.command("report", cls=Command)
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=FileName())
@click.option("--out", "-o", type=FileName(), metavar="PATH", help="The page.  [default: the first FILE with .html]")
@click.option(
    "--quantity",
    multiple=True,
    type=Text(quantities),
    metavar="NAME",
    help="Only this one, e.g. gradient; may be given again.  [default: all]",
)
@select_option
@click.option("--title", metavar="TEXT", help="What stands above it.  [default: the names of the files]")
@click.option("--theory/--no-theory", default=True, help="Compute what theory says, or leave it out.  [default: --theory]")
@click.option(
    "--activation",
    multiple=True,
    type=Text(),
    help="A user's function that FILE names, module:function; theory needs it.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing page.")
@click.pass_obj
def command(files, paths, out, quantity, select, title, theory, activation, overwrite):
    """Write a page of a FILE or several to look at in a browser: curves with bands, theory, verdicts, histograms.

    The page is one file that loads nothing: sliders and menus choose among its networks.
    """
    import gradsim

    from ..model.activations import typed_activation
    from ..report.page import page
    from ..results.select import parsed
    from ..results.select import select as chosen
    from ..telling import progress
    from .together import open_together

    curve_set = gradsim.open(paths[0]) if len(paths) == 1 else open_together(paths, "report")
    out = Path(paths[0]).with_suffix(".html") if out is None else out
    files.ask_page("--out", out, overwrite, paths)
    for name in activation:
        typed_activation(name)
    curve_set = chosen(curve_set, parsed(select), "--select")
    title = title or ", ".join(Path(path).name for path in paths)
    with progress(count := len(curve_set), "networks") as update:
        files.write(out, lambda: page(curve_set, title, quantity or None, theory, told=lambda done: update(done / count, done)))
    files.tell_written()
