"""gradsim run: one network."""

import click

from ..telling import compilation_notice, counted, progress
from .command import Command
from .options import kept_options, network_options, output_options, preset_option, preset_or_mlp, run_options, threads_option
from .output import deliver, sources
from .progress import compile_first
from .verdicts import fail_on_option, judged


@click.command("run", cls=Command)
@preset_option
@network_options
@run_options
@threads_option
@kept_options
@output_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead: request, verdict, exits and curves.")
@fail_on_option
@click.pass_obj
def command(files, preset, out, plot, theory, overwrite, as_json, fail_on, keep_samples, histograms, threads, **options):
    """Simulate one network and judge its gradient.

    Draws --replicas networks, runs each forward and backward, and prints what becomes of the gradient.
    """
    from ..curves import CurveSet
    from ..model.request import checked
    from ..simulation.fit import network_and_run
    from ..simulation.simulate import simulate

    make, given = preset_or_mlp(preset, options)
    network, run = network_and_run(given, make)
    checked(threads=threads)
    if out is not None:
        files.ask_results("--out", out, overwrite, sources(options))
    if plot is not None:
        files.ask_picture("--plot", plot, overwrite, sources(options))
    compile_first(run["arithmetic"])
    with compilation_notice(), progress(run["replicas"], "networks") as update:
        run |= {"threads": threads, "keep_samples": keep_samples, "histograms": histograms}
        curves = simulate(network, **run, progress=counted(update, run["replicas"]))
    curve_set = CurveSet([curves])
    deliver(files, curve_set, out, plot, theory, as_json)
    return judged(curve_set, fail_on)
