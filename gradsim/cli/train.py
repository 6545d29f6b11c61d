"""gradsim train: networks trained for a while, and which of their layers learn."""

import click

from ..errors import RequestError
from ..model.options import TRAINING
from ..telling import compilation_notice, counted, progress
from .command import Command, FileName, Text
from .options import declared, network_options, some_options
from .output import sources


def training_options(function):
    for option in reversed(TRAINING.values()):
        function = declared(option)(function)
    return function


@click.command("train", cls=Command)
@network_options
@click.option("--data", type=Text(lambda: ("digits",)), metavar="digits", help="The handwritten digits of scikit-learn.")
@some_options("input_file", "target_file")
@training_options
@click.option("--out", "-o", type=FileName(), metavar="PATH", help="Write what is on record to this HDF5 file.")
@click.option("--plot", type=FileName(), metavar="PATH", help="Draw layers, loss and accuracy into this .png, .pdf or .svg.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@click.pass_obj
def command(files, data, input_file, target_file, out, plot, overwrite, **options):
    """Train --replicas networks for a few steps and say which of their layers learn.

    On the digits, or on rows of --input-file with labels or targets in --target-file. The network has as many inputs and
    outputs as these unless given.
    """
    from ..model.network import mlp
    from ..training.data import shape_of
    from ..training.settled import settle
    from ..training.train import train

    given = _data(data, input_file, target_file)
    asked = {name: options.pop(name) for name in TRAINING}
    if options["layers"] is None:
        for name, size in zip(("input_width", "outputs"), shape_of(given), strict=True):
            options[name] = size if options[name] is None else options[name]
    network = mlp(**options)
    settle(network, given, asked)
    read = list(sources({"input_file": input_file, "target_file": target_file}))
    if out is not None:
        files.ask_results("--out", out, overwrite, read)
    if plot is not None:
        files.ask_picture("--plot", plot, overwrite, read)
    with compilation_notice(), progress(asked["replicas"], "networks") as update:
        trained = train(network, given, **asked, progress=counted(update, asked["replicas"]))
    _deliver(files, trained, out, plot)


def _data(data, input_file, target_file):
    """What `gradsim.train` takes for data."""
    files = input_file is not None or target_file is not None
    if data is not None and files:
        raise RequestError(f"--data: {data} goes without --input-file and --target-file")
    if data is not None:
        return data
    if input_file is None:
        raise RequestError("--data: there is nothing to learn; give --data digits, or --input-file and --target-file")
    return input_file, target_file


def _deliver(files, trained, out, plot):
    from ..show.picture import image as picture
    from ..training.store import image

    with files.trying():
        click.echo(f"At initialization: {trained.initial.verdict.sentence}")
        click.echo(f"In training: {trained.sentence}")
    if out is not None:
        files.write(out, lambda: image(trained))
    if plot is not None:
        files.write(plot, lambda: picture(trained.plot(), plot))
    files.tell_written()
