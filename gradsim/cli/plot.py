"""gradsim plot: a picture of a file."""

from pathlib import Path

import click

from .command import Command, FileName, Text, quantities
from .options import select_option


@click.command("plot", cls=Command)
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=FileName())
@click.option(
    "--out", "-o", type=FileName(), metavar="PATH", help="The picture: .png, .pdf or .svg.  [default: the first FILE with .png]"
)
@click.option(
    "--quantity",
    type=Text(quantities),
    metavar="NAME",
    help="What to draw, see gradsim list quantities.  [default: gradient, a stream's stream_gradient]",
)
@click.option("--x", metavar="COLUMN", help="Draw one number a network against it, e.g. weight_gain.  [default: layer]")
@click.option("--y", metavar="COLUMN", help="Draw a map of these numbers against --x and this column, e.g. bias_std.")
@click.option("--at", metavar="rate|LAYER", help="Which number: decades per 100 layers, or at a layer; -1 is the last.")
@click.option("--panels", metavar="COLUMN[,COLUMN]", help="A panel for each value of these.  [default: activation]")
@click.option("--colour", "--color", "colour", metavar="COLUMN", help="What the colours of lines stand for, on a scale.")
@click.option("--histograms", is_flag=True, help="Draw how units are spread, layer by layer; see run --histograms.")
@click.option("--samples", metavar="INTEGER", help="Single networks of each line, thin, where --keep-samples kept them.")
@click.option(
    "--shared-scales/--own-scales", "share", default=True, help="Panels against the layer share their scales (default), or not."
)
@select_option
@click.option("--theory", is_flag=True, help="Draw what theory says over the curves, and print the z-scores.")
@click.option(
    "--activation",
    multiple=True,
    type=Text(),
    help="A user's function that FILE names, module:function; --theory needs it.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing picture.")
@click.pass_obj
def command(files, paths, out, quantity, theory, activation, overwrite, select, at, samples, **view):
    """Draw the curves of a FILE or several: a panel an activation, a line a network with its band over the networks drawn.

    With --x, one number a network against a column of the table of verdicts instead; with --y too, a map. More than 400
    networks are drawn as a map unless --x is given. Of several files, lines are labelled by the file where nothing else
    tells them apart; it is a column too (--select file=a.h5, --panels file).
    """
    import gradsim

    from ..model.activations import typed_activation
    from ..results.select import parsed
    from ..results.select import select as chosen
    from .output import picture
    from .together import open_together

    curve_set = gradsim.open(paths[0]) if len(paths) == 1 else open_together(paths, "plot")
    out = out or Path(paths[0]).with_suffix(".png")
    files.ask_picture("--out", out, overwrite, paths)
    for name in activation:
        typed_activation(name)
    curve_set = chosen(curve_set, parsed(select), "--select")
    view |= {"at": _number(at), "samples": _number(samples)}
    if theory:
        from ..show.comparison import show, silent_on

        curve_set = curve_set.with_theory()
        with files.trying():
            drawn = quantity or curve_set[0].gradient
            if silent_on(curve_set, drawn):
                click.echo(f"theory says nothing about {drawn}")
            show(curve_set)
    files.write(out, lambda: picture(curve_set, out, quantity, theory, **view))
    files.tell_written()


def _number(text):
    """A whole number where the text is one."""
    try:
        return int(text)
    except (TypeError, ValueError):
        return text
