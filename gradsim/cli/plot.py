"""gradsim plot: a picture of a file."""

from pathlib import Path

import click


@click.command("plot")
@click.argument("file")
@click.option("--out", "-o", metavar="PATH", help="The picture: .png, .pdf or .svg.  [default: FILE with .png]")
@click.option("--quantity", help="What to draw, e.g. activation.  [default: gradient, a stream's stream_gradient]")
@click.option("--theory", is_flag=True, help="Draw what theory says over the curves, and print the z-scores.")
@click.option("--activation", multiple=True, help="A user's function that FILE names, module:function; --theory needs it.")
@click.option("--overwrite", is_flag=True, help="Replace an existing picture.")
@click.pass_obj
def command(files, file, out, quantity, theory, activation, overwrite):
    """Draw the curves of FILE: a panel an activation, a line a network with its 5-95 % band."""
    import gradsim

    from ..model.activations import typed_activation
    from .output import picture

    curve_set = gradsim.open(file)
    out = out or Path(file).with_suffix(".png")
    files.ask_picture("--out", out, overwrite, [file])
    for name in activation:
        typed_activation(name)
    if theory:
        from ..show.comparison import show, silent_on

        curve_set = curve_set.with_theory()
        with files.trying():
            drawn = quantity or curve_set[0].gradient
            if silent_on(curve_set, drawn):
                click.echo(f"theory says nothing about {drawn}")
            show(curve_set)
    files.write(out, lambda: picture(curve_set, out, quantity, theory))
    files.tell_written()
