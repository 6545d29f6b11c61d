"""gradsim compare: what several frameworks do to one network."""

import click

from ..errors import RequestError
from ..model.options import RUN
from ..telling import compilation_notice, counted, progress
from .command import Command, FileName, Text, preset_names
from .options import network_options, preset_or_mlp, some_options, threads_option
from .output import sources
from .progress import compile_first

STREAM = "compare"  # of random numbers, one for all
OPEN = tuple(name for name in RUN if name not in ("keep_samples", "histograms", "threads", "stream"))


@click.command("compare", cls=Command)
@click.argument("names", metavar="PRESET...", nargs=-1, type=Text(preset_names))
@click.option("--preset", "more", multiple=True, type=Text(preset_names), metavar="NAME", help="A preset, as PRESET is.")
@network_options
@some_options(*OPEN)
@threads_option
@click.option("--out", "-o", type=FileName(), metavar="PATH", help="Draw the gradients into this .png, .pdf or .svg.")
@click.option("--overwrite", is_flag=True, help="Replace an existing picture.")
@click.pass_obj
def command(files, names, more, out, overwrite, threads, **options):
    """Put presets of frameworks side by side: each PRESET draws the network of the options.

    All have the same random numbers. gradsim list presets says which there are. What a preset says, as --init, cannot be given.
    """
    from ..model.presets import preset
    from ..model.request import checked

    presets = [preset(name) for name in (*more, *names)]
    if len({found.name for found in presets}) < max(2, len(presets)):
        raise RequestError("compare: give two presets or more, each once; gradsim list presets says which there are")
    made = [_prepared(found.name, options) for found in presets]
    checked(threads=threads)
    if out is not None:
        files.ask_picture("--out", out, overwrite, sources(options))
    compile_first(options["arithmetic"])
    curve_set = _simulated(presets, made, threads)
    from ..show.preset_table import show

    with files.trying():
        show(curve_set, presets)
    if out is not None:
        from .output import picture

        files.write(out, lambda: picture(curve_set, out, label="preset"))
        files.tell_written()


def _prepared(name, options):
    """The (Network, run) that a preset draws, checked."""
    from ..simulation.fit import network_and_run

    make, given = preset_or_mlp(name, options)
    return network_and_run(given | {"stream": STREAM}, make)


def _simulated(presets, made, threads):
    """The CurveSet of the networks and runs `made`, a preset each."""
    from ..curves import CurveSet
    from ..simulation.simulate import simulate

    whole = sum(run["replicas"] for _, run in made)
    with compilation_notice(), progress(whole, "networks") as update:
        tell = counted(update, whole)
        found = [simulate(network, **run | {"threads": threads, "progress": tell}) for network, run in made]
    return CurveSet(found, None, {"preset": [preset.name for preset in presets]})
