"""gradsim advise: which initialization to use, checked by simulation."""

import click

from .command import Command, FileName, Named
from .options import network_options, some_options

# Those of gradsim.statistics.precision, which take a while to import
PRECISIONS = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float32", "float64")


@click.command("advise", cls=Command)
@network_options
@some_options("inputs", "input_correlation", "probe", "seed")
@click.option(
    "--precision",
    type=Named(PRECISIONS, option="--precision"),
    default="float32",
    show_default=True,
    help="Float type that the network computes in.",
)
@click.option(
    "--seconds",
    type=float,
    default=30.0,
    show_default=True,
    help="Most work, in seconds of one core, for the simulation; what is more is not checked.",
)
@click.option("--out", "-o", type=FileName(), metavar="PATH", help="Draw before and after into this .png, .pdf or .svg.")
@click.option("--overwrite", is_flag=True, help="Replace an existing picture.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def command(files, precision, seconds, out, overwrite, as_json, inputs, input_correlation, probe, seed, **options):
    """Say how to initialize a network: compare what is in use with what could be, and recommend one.

    Named schemes, gains and biases that theory proposes, orthogonal weights, other blocks where nothing else helps: all are
    simulated with the same random numbers, and told with what they are worse in.
    """
    from ..advice.advise import advise
    from ..errors import finite_number
    from ..model.network import mlp
    from ..model.request import checked
    from .progress import compile_first

    checked(inputs=inputs, input_correlation=input_correlation, probe=probe)
    finite_number("--seconds", seconds, 0.0)
    network = mlp(**options)
    if out is not None:
        files.ask_picture("--out", out, overwrite)
    compile_first("carried")
    run = {"inputs": inputs, "input_correlation": input_correlation, "probe": probe, "seed": seed}
    found = advise(network, precision=precision, seconds=seconds, **run)
    with files.trying():
        _print(found, as_json)
    if out is not None:
        files.write(out, lambda: _picture(found, out))
        files.tell_written(as_json)


def _print(found, as_json):
    import json

    from ..advice.advice_report import show
    from ..advice.summary import plain_values

    if as_json:
        click.echo(json.dumps(plain_values(found.to_json()), indent=1))
    else:
        show(found)


def _picture(found, path):
    from ..show.picture import image

    return image(found.plot(), path)
